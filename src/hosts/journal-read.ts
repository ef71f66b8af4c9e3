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

/** The runs in a folder, from the oldest to the newest, and what in it is none. */
export const lookInto = (folder: string): { readonly runs: readonly Run[]; readonly damage: readonly Damage[] } => {
  const { runs, foreign } = fileNames(folder);
  const left = { bytes: mostKept.allBytes };
  // The newest first: should there be more than can be read, the oldest are missed least.
  const read = runs
    .slice(-mostKept.runs)
    .toReversed()
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
  const run = typeof bytes === 'string' ? { problem: bytes } : runIn(bytes, id);
  return 'problem' in run ? damaged(path, { id, ...run }) : run;
};

const damaged = (path: string, what: Omit<Damage, 'path' | 'remedy'>): Damage => ({
  path,
  ...what,
  remedy: `look at it; should it mean nothing to you: mv ${quote(path)} /root/`,
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

/** A file's bytes, or why they are not read. A pipe does not block, and a link is not followed. */
const contentOf = (path: string, left: { bytes: number }): Buffer | string => {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (error) {
    return codeOf(error) === 'ELOOP' ? 'it is a link' : `it cannot be read: ${troubleWords(error)}`;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile()) return 'it is no regular file';
    // Whoever may write there could have undo write anything.
    if (stats.uid !== process.geteuid?.()) return `it belongs to user ${stats.uid}`;
    if (stats.size > mostKept.bytes) return `it is larger than ${mostKept.bytes / MiB} MiB`;
    if (stats.size > left.bytes) return `it was not read: the runs after it make up ${mostKept.allBytes / MiB} MiB`;
    left.bytes -= stats.size;
    return readAll(file, stats.size);
  } catch (error) {
    return `it cannot be read: ${troubleWords(error)}`;
  } finally {
    closeSync(file);
  }
};

/** So many bytes and no more, however fast a file grows. */
const readAll = (file: number, size: number): Buffer => {
  const bytes = Buffer.alloc(size);
  let at = 0;
  for (let got = 1; got > 0 && at < size; at += got) got = readSync(file, bytes, at, size - at, at);
  return bytes.subarray(0, at);
};
