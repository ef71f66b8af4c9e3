import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  statSync,
  unlinkSync,
  writeSync,
  accessSync,
  constants,
} from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import type { Action } from '../model.ts';
import { codeOf, here } from './files.ts';
import type { Place } from './files.ts';

type Write = Extract<Action, { do: 'write' }>;
type Remove = Extract<Action, { do: 'remove' }>;

/**
 * Replaces a file whole or not at all: a temporary file beside it gets content, mode and owner, is synced and renamed over it,
 * and the folder is synced. Its dot-name ends in .tmp, so that nothing that reads *.conf ever sees it. Throws where the file is
 * not what the plan was made from.
 */
export const writeFile = (action: Write, place: Place = here): void => {
  const path = targetOf(action.path, place);
  const there = statSync(path, { throwIfNoEntry: false });
  requireUnchanged(action, contentOf(path));
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = temporaryFor(path);
  try {
    fill(temporary, action, there);
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw error;
  }
  syncFolder(dirname(path));
};

/** Removes a file that still is what the plan was made from. */
export const removeFile = (action: Remove, place: Place = here): void => {
  const path = place.at(action.path);
  // A link has no text of its own: without one in the plan the link itself is meant.
  if (action.before !== '' || !isLink(path)) requireUnchanged(action, contentOf(place.behind(action.path)));
  unlinkSync(path);
  syncFolder(dirname(path));
};

/**
 * Throws an OperatorError where a file cannot be written: better now than with half of the work done. Everything is tried but the
 * rename: the temporary file is filled, synced and thrown away.
 */
export const requireWritable = (actions: readonly Action[], place: Place = here): void => {
  for (const action of actions) {
    if (action.do === 'run') continue;
    try {
      rehearse(action, place);
    } catch (error) {
      if (error instanceof OperatorError) throw error;
      throw new OperatorError(
        `Cannot write ${action.path}: ${inWords(error)}. Nothing was touched.`,
        'Mend that, then run node-prep again.',
      );
    }
  }
};

/** What went wrong with a file, in words. */
export const inWords = (error: unknown): string => {
  const words: { readonly [code: string]: string } = {
    EROFS: 'its file system is mounted read-only',
    ENOSPC: 'no space is left on its file system',
    EDQUOT: 'the disk quota is used up',
    EPERM: 'it may not be changed (immutable? see lsattr)',
    EACCES: 'permission denied',
    EIO: 'the disk gave an input/output error',
    EISDIR: 'a folder is in its place',
    ENOTDIR: 'a file is where a folder should be',
  };
  return words[codeOf(error)] ?? codeOf(error);
};

const rehearse = (action: Write | Remove, place: Place): void => {
  const gone = action.do === 'remove' && isLink(place.at(action.path));
  const path = gone ? place.at(action.path) : targetOf(action.path, place);
  const there = statSync(path, { throwIfNoEntry: false });
  // Opened, not written: an immutable file says so here.
  if (there && !gone) closeSync(openSync(path, 'r+'));
  const folder = existingFolder(dirname(path));
  accessSync(folder, constants.W_OK);
  if (action.do === 'remove' || folder !== dirname(path)) return;
  const temporary = temporaryFor(path);
  try {
    fill(temporary, action, there);
  } finally {
    discard(temporary);
  }
};

const temporaryFor = (path: string): string => join(dirname(path), `.${basename(path)}.${process.pid}.node-prep.tmp`);

const fill = (temporary: string, action: Write, there: Stats | undefined): void => {
  const keep = action.mode === 'keep' ? there : undefined;
  const mode = keep ? keep.mode & 0o7777 : action.mode === 'keep' ? 0o644 : Number.parseInt(action.mode, 8);
  writeNew(temporary, action.after, mode, there);
};

/**
 * Writes a file that must not be there yet, link or not, and syncs it. Its mode is what is asked for, whatever the umask; `owner`: of
 * the file that it will replace.
 */
export const writeNew = (path: string, text: string, mode: number, owner?: Stats): void => {
  const file = openSync(path, 'wx', 0o600);
  try {
    if (owner) fchownSync(file, owner.uid, owner.gid);
    fchmodSync(file, mode);
    const content = Buffer.from(text, 'utf8');
    for (let at = 0; at < content.length;) at += writeSync(file, content, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

/** Compares bytes: text that is not UTF-8 never matches, so what could not be read exactly is never written back. */
const requireUnchanged = ({ path, before }: Write | Remove, now: Buffer | undefined): void => {
  if (before === null ? now === undefined : now?.equals(Buffer.from(before, 'utf8'))) return;
  throw new OperatorError(
    `${path} is not what it was when the plan was made; it was left alone.`,
    'Plan again and look at the new diff.',
  );
};

const contentOf = (path: string): Buffer | undefined => {
  try {
    return readFileSync(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR') return undefined;
    throw error;
  }
};

/**
 * Where a path leads: a link stays a link, what it points to is replaced. Only regular files are: a link to /dev/null is a mask
 * that somebody put there, and the rename would put a file in the place of the device.
 */
const targetOf = (path: string, place: Place): string => {
  const link = isLink(place.at(path));
  const target = link ? realTarget(path, place) : place.at(path);
  const there = target === undefined ? undefined : statSync(target, { throwIfNoEntry: false });
  if (target === undefined || (there && !there.isFile())) {
    throw new OperatorError(
      `${path} ${link ? 'is a link that does not lead to a regular file' : 'is no regular file'}. Nothing was touched.`,
      `Remove ${path}, then plan again.`,
    );
  }
  return target;
};

const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

const realTarget = (path: string, place: Place): string | undefined => {
  try {
    return realpathSync(place.behind(path));
  } catch {
    return undefined;
  }
};

const existingFolder = (folder: string): string =>
  statSync(folder, { throwIfNoEntry: false }) || folder === '/' ? folder : existingFolder(dirname(folder));

const discard = (path: string): void => {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
};

/** Has a folder on the disk as it is now: its names, not what is in its files. */
export const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};
