import { accessSync, chmodSync, closeSync, constants, lstatSync, openSync, readFileSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import type { Action } from '../model.ts';
import { here } from './place.ts';
import type { Place } from './place.ts';
import { troubleWords, remedyFor } from '../trouble.ts';
import { isLink, rehearseWrite, targetOf } from './write.ts';
import type { Remove, Write } from './write.ts';

/**
 * Throws an OperatorError where a file cannot be written: better now than with half of the work done. Everything is tried but the
 * rename: the temporary file is filled, synced and thrown away.
 */
export const requireWritable = (actions: readonly Action[], place: Place = here): void => {
  const mounts = mountPoints();
  for (const action of actions) {
    if (action.do === 'run') continue;
    try {
      rehearse(action, place, mounts);
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      throw new OperatorError(`Cannot write ${action.path}: ${troubleWords(error)}. Nothing was touched.`, remedyFor(error));
    }
  }
};

const rehearse = (action: Write | Remove, place: Place, mounts: ReadonlySet<string>): void => {
  // What is wrong on the way to the file is said of where it is.
  existingFolder(dirname(place.at(action.path)), action.path);
  const gone = action.do === 'remove' && isLink(place.at(action.path));
  const path = gone ? place.at(action.path) : targetOf(action.path, place);
  const there = statSync(path, { throwIfNoEntry: false });
  // Opened, not written: an immutable file says so here.
  if (there && !gone) closeSync(openSync(path, 'r+'));
  const folder = existingFolder(dirname(path), action.path);
  requireNoMount(join(realpathSync(folder), basename(path)), action.path, mounts);
  accessSync(folder, constants.W_OK);
  requireNoAppendOnly(folder, action.path);
  if (action.do === 'remove' || folder !== dirname(path)) return;
  rehearseWrite(path, action, there);
};

/** The nearest folder above a path that is there. */
const existingFolder = (folder: string, wanted: string): string => {
  if (folder === dirname(folder)) return folder;
  const above = existingFolder(dirname(folder), wanted);
  if (above !== dirname(folder)) return above;
  const named = lstatSync(folder, { throwIfNoEntry: false });
  if (!named) return above;
  const there = statSync(folder, { throwIfNoEntry: false });
  if (there?.isDirectory()) return folder;
  throw new OperatorError(
    `Cannot write ${wanted}: ${folder} ${there ? 'is a file where a folder should be' : 'is a link that leads nowhere'}. Nothing was touched.`,
    `Look at ${folder}, and move it away.`,
  );
};

/** A file that something is mounted on, as containers have their /etc/hosts, cannot be renamed over or removed: rename(2) says EBUSY. */
const requireNoMount = (path: string, wanted: string, mounts: ReadonlySet<string>): void => {
  if (!mounts.has(path)) return;
  throw new OperatorError(
    `Cannot write ${wanted}: something is mounted on that very file, so it cannot be replaced. Nothing was touched.`,
    `See findmnt ${path}. Umount it, or change the file that is mounted there.`,
  );
};

/** Where something is mounted: the fifth word of each line, in which blanks and \ are octal (proc_pid_mountinfo(5)). */
const mountPoints = (): ReadonlySet<string> => {
  try {
    const lines = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
    return new Set(lines.map((line) => octal(line.split(' ')[4] ?? '')));
  } catch {
    return new Set();
  }
};

const octal = (word: string): string =>
  word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));

/**
 * In a folder that is append-only (chattr +a) files can be made, and then neither renamed nor removed: a temporary file would stay for
 * ever. Its mode cannot be set either, not even to what it is, and that is how it is found out.
 */
const requireNoAppendOnly = (folder: string, wanted: string): void => {
  const { mode, uid } = statSync(folder);
  if (uid !== process.geteuid?.()) return;
  try {
    chmodSync(folder, mode & 0o7777);
  } catch (error) {
    throw new OperatorError(
      `Cannot write ${wanted}: ${folder}: ${troubleWords(error)}. Nothing was touched.`,
      `See lsattr -d ${folder}: chattr -a (or -i) takes that away.`,
    );
  }
};
