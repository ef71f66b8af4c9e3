import { chmodSync, lstatSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import type { Damage, Journal, Run, RunEnd, RunHeader, RunRecord } from '../journal.ts';
import { lineOf } from '../journal/text.ts';
import type { Step } from '../model.ts';
import { appendTo } from './journal-append.ts';
import { fileNames, fileOf, lookInto, mostKept } from './journal-read.ts';
import type { Names, Which } from './journal-read.ts';
import { processOf } from './process.ts';
import { troubleWords, remedyFor } from '../trouble.ts';
import { makeFolders, syncFolder, writeNew } from './write.ts';

/**
 * The journal of this host. `look`: its runs, from the oldest to the newest, and what in it is no run. `finish`: a run that was cut off
 * gets its end.
 */
export type HostJournal = Journal & {
  look(which?: Which): Promise<{ readonly runs: readonly Run[]; readonly damage: readonly Damage[] }>;
  finish(id: number, end: RunEnd): Promise<void>;
};

/** Where node-prep keeps what it has to know beyond a run. */
const stateFolder = '/var/lib/node-prep';

/** How many characters are kept of what a step has printed: the end tells why it failed. */
const mostSaid = 8192;

/**
 * One file for each run, in `runs` of that folder: the first line is there before anything is changed, each other is added when it comes
 * true. Only root may read it. Reading throws an OperatorError where the reader may not.
 */
export const hostJournal = (folder: string = stateFolder): HostJournal => {
  const runsFolder = join(folder, 'runs');
  return {
    runs: async () => lookInto(runsFolder).runs,
    look: async (which) => lookInto(runsFolder, which),
    begin: async (header) => begin(runsFolder, header),
    finish: async (id, end) => {
      const file = appendTo(join(runsFolder, fileOf(id)));
      try {
        file.append(endLine(end));
      } finally {
        file.close();
      }
    },
  };
};

/**
 * How the host stood afterwards is left out where it is too much to be read again: undo can do without. The last words are always when and
 * how: `endOf` looks for them.
 */
const endLine = ({ after, at, status, ...more }: RunEnd): string => {
  const line = lineOf({ event: 'end', ...more, ...(after && { after }), at, status });
  return Buffer.byteLength(line) <= mostKept.line ? line : lineOf({ event: 'end', ...more, at, status });
};

const begin = (folder: string, header: RunHeader): RunRecord => {
  const process = ownProcess();
  try {
    for (const path of [dirname(folder), folder]) makePrivate(path);
    const names = fileNames(folder);
    const id = 1 + (names.runs.at(-1)?.id ?? 0);
    const text = lineOf({ format: 1, run: id, process, ...header });
    if (id > mostKept.id || Buffer.byteLength(text) > mostKept.line) throw tooMuch(folder, id);
    for (const leftover of names.leftovers) rmSync(join(folder, leftover), { force: true });
    const temporary = join(folder, `.${fileOf(id)}.node-prep.tmp`);
    place(temporary, join(folder, fileOf(id)), text);
    for (const name of surplus(folder, names)) forget(join(folder, name));
    return recordIn(join(folder, fileOf(id)), id);
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `Cannot write the journal in ${folder}: ${troubleWords(error)}. Nothing was touched.`,
      `What a run changes is written down there first, so that it can be put back. ${remedyFor(error)}`,
    );
  }
};

const tooMuch = (folder: string, id: number): OperatorError =>
  id > mostKept.id
    ? new OperatorError(`The numbers of runs are used up by ${folder}/${fileOf(id - 1)}. Nothing was touched.`, 'Move it away.')
    : new OperatorError(
        `The plan and the state of the host make up more than the ${mostKept.line / 1024 / 1024} MiB that the journal keeps of a run. Nothing was touched.`,
        'node-prep plan shows what it would write: which file is that large?',
      );

const ownProcess = () => processOf(process.pid) ?? { pid: process.pid, start: '0' };

/** Makes a folder, or what is there, root's alone: a plan may hold what others must not read. */
const makePrivate = (folder: string): void => {
  makeFolders(dirname(folder));
  if (!statSync(folder, { throwIfNoEntry: false })) {
    mkdirSync(folder, 0o700);
    chmodSync(folder, 0o700);
    syncFolder(dirname(folder));
    return;
  }
  const there = statSync(folder);
  if (there.uid !== process.geteuid?.())
    throw new OperatorError(
      `${folder} belongs to user ${there.uid}: what stands in it may be anybody's word. Nothing was touched.`,
      `Look at it, then move it away, or: chown -R root: ${folder}`,
    );
  if ((there.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
};

/** There is a whole first line, or no file. */
const place = (temporary: string, path: string, text: string): void => {
  try {
    writeNew(temporary, text, 0o600);
    renameSync(temporary, path);
    syncFolder(dirname(path));
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
};

/** The oldest runs, beyond the number and the bytes that can be read again together with the one that begins. */
const surplus = (folder: string, { runs }: Names): string[] => {
  let bytes = 0;
  const names = runs.map(({ name }) => name).toReversed();
  const kept = names.findIndex((name, at) => {
    const stats = lstatSync(join(folder, name), { throwIfNoEntry: false });
    // What is no run takes nothing from those that are: it is not read.
    bytes += stats?.isFile() && stats.size <= mostKept.bytes ? stats.size : 0;
    return at >= mostKept.runs - 1 || (at > 0 && bytes > mostKept.allBytes - mostKept.bytes);
  });
  return kept < 0 ? [] : names.slice(kept);
};

const forget = (path: string): void => {
  try {
    rmSync(path);
  } catch {
    // That an old run stays is no reason not to begin a new one.
  }
};

const endedLine = (step: number, { status, output, exitCode, stopped }: Step): string => {
  const failure = { ...(exitCode !== undefined && { exitCode }), ...(stopped && { stopped: stopped.by }) };
  return lineOf({ event: 'ended', step, status, output: output.slice(-mostSaid), ...failure });
};

const recordIn = (path: string, id: number): RunRecord => {
  const file = appendTo(path);
  return {
    id,
    begun: async (step) => file.append(lineOf({ event: 'begun', step })),
    started: (step, pid) => {
      const command = processOf(pid);
      try {
        // Gone already where there is none: nothing is left to wait for.
        if (command) file.append(lineOf({ event: 'started', step, ...command }));
      } catch {
        // That the step has ended will not be written down either, and that is said.
      }
    },
    ended: async (step, came) => file.append(endedLine(step, came)),
    end: async (end) => {
      try {
        file.append(endLine(end));
      } finally {
        file.close();
      }
    },
  };
};
