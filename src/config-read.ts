import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { OperatorError } from './errors.ts';

/** A configuration file as it was read, once: what is parsed and what is remembered of it are the same bytes. */
export type ConfigBytes = { readonly path: string; readonly bytes: Buffer };

const mostBytes = 64 * 1024;

/**
 * Reads a configuration file of 64 KiB at most. `again`: it must come out the same when it is read again, so that only a regular file will
 * do, and nothing is waited for. Throws an OperatorError.
 */
export const configBytes = (path: string, again = false): ConfigBytes => {
  const bytes = contentOf(path, again);
  if (bytes.length > mostBytes)
    throw new OperatorError(`${path} is larger than 64 KiB.`, 'No configuration is: give another file.');
  return { path, bytes };
};

const contentOf = (path: string, again: boolean): Buffer => {
  try {
    const file = openSync(path, again ? constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY : constants.O_RDONLY);
    try {
      if (again && !fstatSync(file).isFile()) throw passing(path);
      return atMost(mostBytes + 1, file);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof OperatorError) throw error;
    throw new OperatorError(
      `Cannot read ${path}: ${error instanceof Error && 'code' in error ? error.code : error}.`,
      'Give an existing YAML file after --config.',
    );
  }
};

const passing = (path: string): OperatorError =>
  new OperatorError(
    `${path} is no regular file: a saved plan could not be held against it later.`,
    'Write the configuration into a file, and give that after --config.',
  );

/** Not by its size: it may be a pipe. */
const atMost = (most: number, file: number): Buffer => {
  const bytes = Buffer.alloc(most);
  let length = 0;
  for (let read = -1; read !== 0 && length < most; length += read) read = readSync(file, bytes, length, most - length, null);
  return bytes.subarray(0, length);
};
