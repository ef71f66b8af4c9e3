import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
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
import { codeOf } from './files.ts';

type Write = Extract<Action, { do: 'write' }>;
type Remove = Extract<Action, { do: 'remove' }>;

/**
 * Replaces a file whole or not at all: a temporary file beside it gets content, mode and owner, is synced and renamed over it,
 * and the folder is synced. Its dot-name ends in .tmp, so that nothing that reads *.conf ever sees it. Throws where the file is
 * not what the plan was made from.
 */
export const writeFile = (action: Write): void => {
  const path = targetOf(action.path);
  const there = statSync(path, { throwIfNoEntry: false });
  requireUnchanged(path, action.before);
  mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.node-prep.tmp`);
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
export const removeFile = (action: Remove): void => {
  requireUnchanged(action.path, action.before);
  unlinkSync(action.path);
  syncFolder(dirname(action.path));
};

/** Throws an OperatorError where a file could not be written at all: better now than with half of the work done. */
export const requireWritable = (actions: readonly Action[]): void => {
  for (const action of actions) {
    if (action.do === 'run') continue;
    const folder = existingFolder(dirname(targetOf(action.path)));
    try {
      accessSync(folder, constants.W_OK);
    } catch (error) {
      const why = codeOf(error) === 'EROFS' ? 'its file system is mounted read-only' : codeOf(error);
      throw new OperatorError(
        `Cannot write ${action.path}: ${why}. Nothing was touched.`,
        `Make ${folder} writable, then run node-prep again.`,
      );
    }
  }
};

const fill = (temporary: string, action: Write, there: Stats | undefined): void => {
  const keep = action.mode === 'keep' ? there : undefined;
  const file = openSync(temporary, 'wx', 0o600);
  try {
    if (there) fchownSync(file, there.uid, there.gid);
    fchmodSync(file, keep ? keep.mode & 0o7777 : action.mode === 'keep' ? 0o644 : Number.parseInt(action.mode, 8));
    const content = Buffer.from(action.after, 'utf8');
    for (let at = 0; at < content.length;) at += writeSync(file, content, at);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
};

/** Compares bytes: text that is not UTF-8 never matches, so what could not be read exactly is never written back. */
const requireUnchanged = (path: string, before: string | null): void => {
  const now = contentOf(path);
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

/** Where a path leads: a link stays a link, what it points to is replaced. */
const targetOf = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
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

const syncFolder = (folder: string): void => {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
};
