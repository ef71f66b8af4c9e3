import { OperatorError } from '../errors.ts';
import { text } from './options.ts';
import type { Args } from './options.ts';

let gone = false;

/** In a folder that was removed since, libraries fail that only wanted to know where they are: from then on it is `/`. */
export const leaveRemovedFolder = (): void => {
  try {
    process.cwd();
  } catch {
    gone = true;
    process.chdir('/');
  }
};

/**
 * An option that names a file or folder. Throws an OperatorError where it is empty, as a variable of the caller's script may be, or
 * starts from a folder that is not there any more.
 */
export const pathOption = (args: Args, name: string): string | undefined => {
  const path = text(args, name);
  if (path !== undefined) requirePath(`--${name}`, path);
  return path;
};

/** The same for any word that names a file; `what` it is. */
export const requirePath = (what: string, path: string): void => {
  if (path === '') throw new OperatorError(`${what} is empty.`, 'Name a path; an unset variable perhaps?');
  if (gone && !path.startsWith('/'))
    throw new OperatorError(`${what} ${path}: the folder that you are in is not there any more.`, 'Change to another one first.');
};
