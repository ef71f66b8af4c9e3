import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Locked } from './lock.ts';

/** Who holds a lock, as words to put after another node-prep: ": node-prep apply (pid 7, since ...)", or "" where that is not known. */
export const holderOf = async (locked: Locked): Promise<string> => {
  if (!locked.note) return wordsOf(holderInProc(locked.path));
  let noted: Holder | undefined;
  // It is written down a moment after the lock is held; until then there stands who was killed before.
  for (let tries = 0; tries < 20; tries++) {
    noted = holderInNote(locked.path);
    if (noted && isAlive(noted.pid)) return wordsOf(noted);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  return wordsOf(noted);
};

type Holder = { readonly pid: number; readonly command: string; readonly since: string };

const wordsOf = (holder: Holder | undefined): string =>
  holder ? `: ${holder.command} (pid ${holder.pid}, since ${holder.since})` : '';

const holderInNote = (path: string): Holder | undefined => {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(path, 'utf8')) as { [key in keyof Holder]: unknown };
    if (typeof pid !== 'number' || typeof command !== 'string' || typeof since !== 'string') return undefined;
    return { pid, command, since };
  } catch {
    return undefined;
  }
};

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
};

/** The process that has a folder open and locked, as the kernel tells it of each open file (proc_pid_fdinfo(5)). */
const holderInProc = (folder: string): Holder | undefined => {
  const { ino } = statSync(folder);
  const lock = new RegExp(`^lock:.*\\bFLOCK\\b.*:${ino} `, 'm');
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    const infos = namesIn(`/proc/${pid}/fdinfo`).map((file) => textOf(`/proc/${pid}/fdinfo/${file}`));
    if (!infos.some((info) => lock.test(info))) continue;
    const words = textOf(`/proc/${pid}/cmdline`)
      .split('\0')
      .filter((word) => word !== '');
    return { pid: Number(pid), command: words.join(' '), since: sinceOf(pid) };
  }
  return undefined;
};

/** When a process began: field 22 of its stat, in hundredths of a second after the boot that /proc/stat tells (proc_pid_stat(5)). */
const sinceOf = (pid: string): string => {
  const ticks = Number(textOf(`/proc/${pid}/stat`).split(') ').at(-1)?.split(' ')[19]);
  const boot = Number(/^btime (\d+)$/m.exec(textOf('/proc/stat'))?.[1]);
  return Number.isFinite(ticks + boot) ? new Date((boot + ticks / 100) * 1000).toISOString() : 'unknown';
};

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const textOf = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
};
