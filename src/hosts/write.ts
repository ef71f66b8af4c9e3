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
} from 'node:fs';
import type { Stats } from 'node:fs';
import { dirname } from 'node:path';
import { OperatorError } from '../errors.ts';
import type { Action } from '../model.ts';
import { codeOf } from '../trouble.ts';
import { here } from './place.ts';
import type { Place } from './place.ts';
import { clearWay, temporaryFor } from './leftovers.ts';

export type Write = Extract<Action, { do: 'write' }>;
export type Remove = Extract<Action, { do: 'remove' }>;

/**
 * Gives a file that is still empty the extended attributes of another: SELinux label, access lists and what else there is. Node has no
 * call for it. Resolves as well where nothing on this machine can do it.
 */
export type CopyAttributes = (from: string, to: string) => Promise<void>;

/**
 * Replaces a file whole or not at all: a temporary file beside it gets mode, owner, attributes and content, is synced and renamed over
 * it, and the folder is synced. Throws where the file is not what the plan was made from. Gives a word on what the operator may not
 * expect, or "".
 */
export const writeFile = async (action: Write, place: Place = here, attributes?: CopyAttributes): Promise<string> => {
  const path = targetOf(action.path, place);
  const there = statSync(path, { throwIfNoEntry: false });
  requireUnchanged(action, contentOf(path));
  makeFolders(dirname(path));
  const temporary = temporaryFor(path);
  clearWay(temporary);
  const file = openSync(temporary, 'wx', 0o600);
  try {
    try {
      if (there) await attributes?.(path, temporary);
      fill(file, action.after, modeFor(action, there), there);
    } finally {
      closeSync(file);
    }
    // What was written meanwhile, by somebody who knows nothing of our lock, must not be lost.
    requireUnchanged(action, contentOf(path));
    renameSync(temporary, path);
  } catch (error) {
    discard(temporary);
    throw error;
  }
  syncFolder(dirname(path));
  return there && there.nlink > 1 ? otherNames(action.path, there.nlink - 1) : '';
};

const otherNames = (path: string, count: number): string =>
  `${path} had ${count === 1 ? 'another name' : `${count} other names`} (hard link${count === 1 ? '' : 's'}): what is found there is the old text`;

/** Removes a file that still is what the plan was made from. */
export const removeFile = (action: Remove, place: Place = here): void => {
  const path = place.at(action.path);
  // A link has no text of its own: without one in the plan the link itself is meant.
  if (action.before !== '' || !isLink(path)) requireUnchanged(action, contentOf(place.behind(action.path)));
  unlinkSync(path);
  syncFolder(dirname(path));
};

/** Fills the temporary file of a write and throws it away: what will go wrong with it does so here. */
export const rehearseWrite = (path: string, action: Write, there: Stats | undefined): void => {
  const temporary = temporaryFor(path);
  clearWay(temporary);
  try {
    writeNew(temporary, action.after, modeFor(action, there), there);
  } finally {
    discard(temporary);
  }
};

/**
 * Writes a file that must not be there yet, link or not, and syncs it. Its mode is what is asked for, whatever the umask; `owner`: of
 * the file that it will replace.
 */
export const writeNew = (path: string, text: string, mode: number, owner?: Stats): void => {
  const file = openSync(path, 'wx', 0o600);
  try {
    fill(file, text, mode, owner);
  } finally {
    closeSync(file);
  }
};

/** The content comes last, so that it is never there for more to read than the mode says. */
const fill = (file: number, text: string, mode: number, owner?: Stats): void => {
  if (owner) fchownSync(file, owner.uid, owner.gid);
  fchmodSync(file, mode);
  const content = Buffer.from(text, 'utf8');
  for (let at = 0; at < content.length;) at += writeSync(file, content, at);
  fsyncSync(file);
};

const modeFor = ({ mode }: Write, there: Stats | undefined): number =>
  mode !== 'keep' ? Number.parseInt(mode, 8) : there ? there.mode & 0o7777 : 0o644;

/**
 * Makes a folder and those above it that are missing, 0755 whatever the umask, each of them on the disk. One by one: below /proc
 * Node's recursive mkdir never ends.
 */
export const makeFolders = (folder: string): void => {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  if (folder !== dirname(folder)) makeFolders(dirname(folder));
  // In one call: killed before another, it would stay as no one but root may read it.
  const umask = process.umask(0o022);
  try {
    mkdirSync(folder, 0o755);
  } finally {
    process.umask(umask);
  }
  syncFolder(dirname(folder));
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
export const targetOf = (path: string, place: Place): string => {
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

export const isLink = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;

const realTarget = (path: string, place: Place): string | undefined => {
  try {
    return realpathSync(place.behind(path));
  } catch {
    return undefined;
  }
};

/** Should that fail as well, what failed first is what is said; the next run sweeps it up. */
const discard = (path: string): void => {
  try {
    unlinkSync(path);
  } catch {
    // It was renamed, or the disk is gone.
  }
};

/** Has the names in a folder be on the disk. Some file systems (FUSE) know no such thing and say EINVAL: there it is not wanted. */
export const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } catch (error) {
    if (codeOf(error) !== 'EINVAL') throw error;
  } finally {
    closeSync(handle);
  }
};
