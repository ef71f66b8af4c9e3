import { readdirSync, readFileSync, statSync } from 'node:fs';
import type { Locked } from './lock.ts';

/** Who holds a lock, as words to put after another node-prep: ": node-prep apply (pid 7, since ...)", or "" where that is not known. */
export const holderOf = async (locked: Locked): Promise<string> => {
  if (!locked.note) return wordsOf(holderInProc(locked.path));
  // It is written down a moment after the lock is held; until then there stands who was killed before.
  for (let tries = 0; tries < 40; tries++) {
    const noted = holderInNote(locked.path);
    if (noted && holdsLock(String(noted.pid), locked.path)) return wordsOf(noted);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  // Not what is noted: with a full /run, that is about one who ended long ago, and whose number may be another's now.
  return wordsOf(holderInProc(locked.path));
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

/** Whether a process has a file or folder open and locked, as the kernel tells it of each open file (proc_pid_fdinfo(5)). */
const holdsLock = (pid: string, path: string): boolean => {
  const lock = new RegExp(`^lock:.*\\bFLOCK\\b.*:${statSync(path, { throwIfNoEntry: false })?.ino} `, 'm');
  return namesIn(`/proc/${pid}/fdinfo`).some((file) => lock.test(textOf(`/proc/${pid}/fdinfo/${file}`)));
};

/** The process that holds a lock. */
const holderInProc = (path: string): Holder | undefined => {
  for (const pid of namesIn('/proc').filter((name) => /^\d+$/.test(name) && name !== String(process.pid))) {
    if (!holdsLock(pid, path)) continue;
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
