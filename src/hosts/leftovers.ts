import { lstatSync, readdirSync, realpathSync, unlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { ownFiles } from '../knowledge/own-files.ts';
import type { Action } from '../model.ts';
import type { Place } from './place.ts';

const ending = '.node-prep.tmp';

/** As many bytes as a name may have on the file systems that Linux is installed on (NAME_MAX of limits.h). */
const longestName = 255;

/**
 * The temporary file that takes a file's place: beside it, with a name that tells whose it is, and that nothing which reads *.conf
 * ever takes for its own. The same for every run: who writes holds the host's lock, so what is there was left by one that was killed.
 */
export const temporaryFor = (path: string): string => {
  const name = Buffer.from(basename(path)).subarray(0, longestName - 1 - ending.length);
  // A character that is cut in two would be replaced by one of three bytes.
  return join(dirname(path), `.${name.toString('utf8').replace(/\ufffd+$/, '')}${ending}`);
};

/** Removes what a killed run left at a temporary file's name. Throws an OperatorError where something is there that is not ours. */
export const clearWay = (temporary: string): void => {
  const there = lstatSync(temporary, { throwIfNoEntry: false });
  if (!there) return;
  if (!isOurs(temporary)) {
    throw new OperatorError(
      `${temporary} is in the way, and node-prep did not make it. ${basename(temporary, ending).slice(1)} was left alone.`,
      `Look at what it is, and remove it.`,
    );
  }
  unlinkSync(temporary);
};

/**
 * Removes the temporary files that killed runs left beside these paths and beside node-prep's own files. Only for who holds the
 * host's lock. What cannot be looked at or removed stays: a plan must not fail by it.
 */
export const sweep = (paths: readonly string[], place: Place): void => {
  for (const folder of new Set([...paths, ...ownFiles].flatMap((path) => foldersOf(path, place)))) sweepFolder(folder);
};

/** The paths of the files that actions change. */
export const pathsOf = (actions: readonly Action[]): string[] =>
  actions.flatMap((action) => (action.do === 'run' ? [] : [action.path]));

/** A temporary file lies beside what a link leads to. */
const foldersOf = (path: string, place: Place): string[] => {
  const folders: string[] = [];
  try {
    folders.push(dirname(place.at(path)));
    folders.push(dirname(realpathSync(place.behind(path))));
  } catch {
    // It is not there, or leads nowhere.
  }
  return folders;
};

const sweepFolder = (folder: string): void => {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (name.startsWith('.') && name.endsWith(ending) && isOurs(path)) unlinkSync(path);
    }
  } catch {
    // There is no such folder, say, or its file system is read-only.
  }
};

/** We make regular files, as ourselves, under one name. */
const isOurs = (path: string): boolean => {
  const there = lstatSync(path, { throwIfNoEntry: false });
  return there?.isFile() === true && there.nlink === 1 && there.uid === process.geteuid?.();
};
