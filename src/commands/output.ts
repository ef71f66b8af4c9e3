import { fstatSync, writeSync } from 'node:fs';

/** A result, on standard output. */
export const writeOut = (text: string): void => write(1, text);

/** A word to the operator, on standard error. */
export const writeError = (text: string): void => write(2, text);

/** /dev/null: major 1, minor 3 (Documentation/admin-guide/devices.txt). */
const nullDevice = 0x103;

/** Whether standard output is a person's terminal. Node's own answer is asked for only where it may be one: it takes time to load. */
export const isTerminal = (): boolean => {
  try {
    const stats = fstatSync(1);
    return stats.isCharacterDevice() && stats.rdev !== nullDevice && process.stdout.isTTY === true;
  } catch {
    return false;
  }
};

/** Whether nothing went to Node's streams, which may still have something to write. */
export const isWritten = (): boolean => !streams;

let streams = false;

/** Has Node's own streams behave as the functions here do. Whoever writes to them, as a library does, calls it first. */
export const watchStreams = (): void => {
  streams = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => failed(1, error));
  process.stderr.on('error', (error: NodeJS.ErrnoException) => failed(2, error));
};

/** Written here and at once: Node's streams take milliseconds to load. They are handed what a non-blocking pipe does not take. */
const write = (to: 1 | 2, text: string): void => {
  let rest: Uint8Array = Buffer.from(text);
  try {
    while (rest.length > 0 && !late[to]) rest = rest.subarray(writeSync(to, rest));
  } catch (error) {
    if (!isFull(error)) return failed(to, error);
    if (!streams) watchStreams();
    late[to] = to === 1 ? process.stdout : process.stderr;
  }
  if (rest.length > 0) late[to]?.write(rest);
};

/** The streams that are behind: what comes later has to go through them. */
const late: { [to in 1 | 2]?: NodeJS.WriteStream } = {};

const isFull = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'EAGAIN';

/**
 * A reader that goes away (node-prep plan | head) is no error of ours; that a result cannot be written is. Nor is work that has
 * begun given up because nobody can be told how it goes.
 */
const failed = (to: 1 | 2, error: unknown): void => {
  const { code } = error as NodeJS.ErrnoException;
  if (to === 2 || code === 'EPIPE') return;
  process.exitCode = 1;
  writeError(`node-prep: the result could not be written: ${code}\n`);
};
