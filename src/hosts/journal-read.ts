import { isUtf8 } from 'node:buffer';
import { closeSync, constants, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { OperatorError } from '../errors.ts';
import type { Damage, Run } from '../journal.ts';
import { runFrom } from '../journal/text.ts';
import type { Broken } from '../journal/text.ts';
import { quote } from '../knowledge/quote.ts';
import { codeOf, remedyFor, troubleWords } from '../trouble.ts';

const MiB = 1024 * 1024;

/**
 * What the journal takes at most: as one line, of one run, of all together, how many of them, and as a number. A plan has some hundred kB;
 * the oldest run goes when one more begins.
 */
export const mostKept = { runs: 100, line: 8 * MiB, bytes: 32 * MiB, allBytes: 64 * MiB, id: 999_999_999 } as const;

/** The name of a run's file: numbers of six digits at least, so that they are listed in their order. */
export const fileOf = (id: number): string => `${String(id).padStart(6, '0')}.jsonl`;

/** What lies in the folder of runs: files of runs by their number, what a begin that was cut off has left, and what is not ours. */
export type Names = {
  readonly runs: readonly { readonly id: number; readonly name: string }[];
  readonly leftovers: readonly string[];
  readonly foreign: readonly string[];
};

/** Sorts the names in a folder; none where it is not there. */
export const fileNames = (folder: string): Names => {
  const names = namesIn(folder);
  const runs = names.flatMap((name) => {
    const id = /^\d{6,9}\.jsonl$/.test(name) ? Number.parseInt(name, 10) : 0;
    return id > 0 && fileOf(id) === name ? [{ id, name }] : [];
  });
  const leftovers = names.filter((name) => /^\.\d{6,9}\.jsonl\.node-prep\.tmp$/.test(name));
  const ours = new Set([...runs.map(({ name }) => name), ...leftovers]);
  return { runs: runs.sort((a, b) => a.id - b.id), leftovers, foreign: names.filter((name) => !ours.has(name)) };
};

/**
 * Which runs are read: all of them; the newest and those without an end, which is all that an apply has to know; or those that did not end
 * well.
 */
export type Which = 'all' | 'open' | 'unsettled';

/** The runs in a folder, from the oldest to the newest, and what in it is none. */
export const lookInto = (
  folder: string,
  which: Which = 'all',
): { readonly runs: readonly Run[]; readonly damage: readonly Damage[] } => {
  const { runs, foreign } = fileNames(folder);
  const left = { bytes: mostKept.allBytes };
  // The newest first: should there be more than can be read, the oldest are missed least.
  const read = runs
    .slice(-mostKept.runs)
    .toReversed()
    .filter(({ name }, at) => isMeant(which, at, join(folder, name)))
    .map(({ id, name }) => readRun(join(folder, name), id, left));
  return {
    runs: read.flatMap((run) => ('problem' in run ? [] : [run])).reverse(),
    damage: [
      ...read.flatMap((run) => ('problem' in run ? [run] : [])).reverse(),
      ...foreign
        .toSorted()
        .slice(0, mostNamed)
        .map((name) => damaged(join(folder, name), { problem: 'it is no file of the journal' })),
    ],
  };
};

/** The run in a file's bytes, or what is wrong with them. */
export const runIn = (bytes: Buffer, id: number): Run | Broken => {
  // A line that was cut off may end within a character.
  const whole = bytes.subarray(0, bytes.lastIndexOf(0x0a) + 1);
  if (!isUtf8(whole)) return { line: lineOfGarbage(whole), problem: 'it is not UTF-8' };
  return runFrom(id, bytes.length > 0 && whole.length === 0 ? ' ' : whole.toString('utf8'));
};

/** Whoever fills the folder with other files needs not be told of each. */
const mostNamed = 20;

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    if (codeOf(error) === 'EACCES' || codeOf(error) === 'EPERM')
      throw new OperatorError(`Only root may read the journal in ${folder}.`, 'Run it with sudo: sudo node-prep history');
    throw new OperatorError(
      `Cannot read the journal in ${folder}: ${troubleWords(error)}. Nothing was touched.`,
      remedyFor(error),
    );
  }
};

const readRun = (path: string, id: number, left: { bytes: number }): Run | Damage => {
  const bytes = contentOf(path, left);
  const run = Buffer.isBuffer(bytes) ? runIn(bytes, id) : bytes;
  return 'problem' in run ? damaged(path, { id, ...run }) : run;
};

const damaged = (path: string, what: Omit<Damage, 'path' | 'remedy'> & { readonly remedy?: string }): Damage => ({
  path,
  remedy: `look at it; should it mean nothing to you: mv ${quote(path)} /root/`,
  ...what,
});

const lineOfGarbage = (bytes: Buffer): number => {
  let line = 1;
  for (let at = 0; at < bytes.length; line++) {
    const end = bytes.indexOf(0x0a, at);
    if (!isUtf8(bytes.subarray(at, end))) return line;
    at = end + 1;
  }
  return line;
};

/** A file's bytes, or why they are not read. */
const contentOf = (path: string, left: { bytes: number }): Buffer | Unread =>
  fromFile(path, (file, size) => {
    if (size > mostKept.bytes) return { problem: `it is larger than ${mostKept.bytes / MiB} MiB` };
    if (size > left.bytes)
      return {
        problem: `it was not read: the runs after it make up ${mostKept.allBytes / MiB} MiB`,
        remedy: 'it goes when the next run begins',
      };
    left.bytes -= size;
    return readAll(file, 0, size);
  });

type Unread = { readonly problem: string; readonly remedy?: string };

/** `at`: how many are newer. */
const isMeant = (which: Which, at: number, path: string): boolean => {
  if (which === 'all' || (which === 'open' && at === 0)) return true;
  const end = endOf(path);
  return end === undefined || (which === 'unsettled' && end !== 'applied');
};

/** How a run ended, as its file's last bytes say: `endLine` puts that last. What cannot be told is read whole. */
const endOf = (path: string): string | undefined => {
  const tail = fromFile(path, (file, size) => readAll(file, Math.max(0, size - tailSize), Math.min(size, tailSize)));
  return Buffer.isBuffer(tail) ? endOfRun.exec(tail.toString('latin1'))?.[1] : undefined;
};

const tailSize = 256;
const endOfRun = /"at":"[\d:.TZ-]{24}","status":"(applied|failed|cut)"\}\n$/;

/** What is read from a file, or why it is not. A pipe does not block, and a link is not followed. */
const fromFile = (path: string, read: (file: number, size: number) => Buffer | Unread): Buffer | Unread => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return { problem: codeOf(error) === 'ELOOP' ? 'it is a link' : `it cannot be read: ${troubleWords(error)}` };
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return { problem: 'it is no regular file' };
    // Whoever may write there could have undo write anything.
    if (stats.uid !== process.geteuid?.()) return { problem: `it belongs to user ${stats.uid}` };
    return read(file, stats.size);
  } catch (error) {
    return { problem: `it cannot be read: ${troubleWords(error)}` };
  } finally {
    closeSync(file);
  }
};

/** So many bytes and no more, however fast a file grows. */
const readAll = (file: number, from: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (let got = 1; got > 0 && at < size; at += got) got = readSync(file, bytes, at, size - at, from + at);
  return bytes.subarray(0, at);
};
