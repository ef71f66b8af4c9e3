import { readFileSync } from 'node:fs';
import type { Process } from '../journal.ts';

/** A process as it can be found again; undefined where there is none of that number any more. */
export const processOf = (pid: number): Process | undefined => {
  const start = statOf(pid)?.[startField - stateField];
  return start === undefined ? undefined : { pid, start };
};

/** Whether a process still runs. One that only waits to be asked how it ended (zombie) does not. */
export const isAlive = ({ pid, start }: Process): boolean => {
  const stat = statOf(pid);
  return stat?.[startField - stateField] === start && !/^[ZXx]$/.test(stat[0] ?? '');
};

/** The command line of a process as a person would type it, without quotes; "" where it cannot be told. */
export const commandLine = ({ pid }: Process): string => {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').join(' ').trim().slice(0, 200);
  } catch {
    return '';
  }
};

/** This boot (random(4)); "" where the kernel does not tell. */
export const bootId = (): string => {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
};

/** The numbers that proc_pid_stat(5) gives these fields. The name before them is in brackets, and may hold spaces and brackets. */
const [stateField, startField] = [3, 22];

const statOf = (pid: number): readonly string[] | undefined => {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
};
