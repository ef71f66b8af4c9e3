import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { isUtf8 } from 'node:buffer';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { codeOf, troubleWords } from '../trouble.ts';
import { syncFolder, writeNew } from './write.ts';

const mostRead = 16 * 1024 * 1024;
const unwaited = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;

/** A saved plan's text. Throws an OperatorError where it cannot be one: a pipe is not waited for, and 16 MiB are the most. */
export const readPlanFile = (path: string): string => {
  const wrong = (why: string): OperatorError =>
    new OperatorError(`Cannot read the saved plan ${path}: ${why}.`, 'Name a file that node-prep plan --out FILE wrote.');
  let file: number;
  try {
    file = openSync(path, unwaited);
  } catch (error) {
    throw wrong(codeOf(error) === 'ENOENT' ? 'there is no such file' : troubleWords(error));
  }
  try {
    const stats = fstatSync(file);
    if (stats.isDirectory()) throw wrong('it is a folder');
    if (!stats.isFile()) throw wrong('it is no regular file');
    if (stats.size > mostRead) throw wrong('it is larger than 16 MiB');
    // One byte more than is allowed at most, however large the file has become since.
    const content = bytesOf(file, mostRead + 1);
    if (content.length > mostRead) throw wrong('it is larger than 16 MiB');
    if (!isUtf8(content)) throw wrong('it is no text in UTF-8');
    return content.toString('utf8');
  } catch (error) {
    throw error instanceof OperatorError ? error : wrong(troubleWords(error));
  } finally {
    closeSync(file);
  }
};

/** The first bytes of a file, `most` of them. */
const bytesOf = (file: number, most: number): Buffer => {
  const chunks: Buffer[] = [];
  for (let size = 0; size < most;) {
    const chunk = Buffer.alloc(Math.min(64 * 1024, most - size));
    const read = readSync(file, chunk);
    if (read === 0) break;
    chunks.push(chunk.subarray(0, read));
    size += read;
  }
  return Buffer.concat(chunks);
};

/**
 * Writes a saved plan, whole or not at all, for its owner alone: it holds files' contents. It takes the place of nothing but another one, as
 * `isPlan` knows it by its text. Gives whether there was one. Throws an OperatorError where it cannot be written.
 */
export const writePlanFile = (path: string, text: string, isPlan: (text: string) => boolean): boolean => {
  const replaces = mayReplace(path, isPlan);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    writeNew(temporary, text, 0o600);
    renameSync(temporary, path);
    syncFolder(dirname(path));
    return replaces;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') rmSync(temporary, { force: true });
    throw unwritable(path, codeOf(error) === 'EEXIST' ? `${temporary} is in the way` : troubleWords(error));
  }
};

/** Throws an OperatorError where something is in that place that must stay. */
const mayReplace = (path: string, isPlan: (text: string) => boolean): boolean => {
  const there = lookAt(path);
  if (there === undefined) return false;
  if (there.isDirectory()) throw unwritable(path, 'it is a folder');
  if (there.isSymbolicLink()) throw unwritable(path, 'it is a link');
  if (!there.isFile()) throw unwritable(path, 'it is no regular file');
  if (!isPlan(startOf(path))) throw unwritable(path, 'it is there already and is no saved plan, so it is left alone');
  return true;
};

const lookAt = (path: string) => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch (error) {
    throw unwritable(path, troubleWords(error));
  }
};

const startOf = (path: string): string => {
  try {
    const file = openSync(path, unwaited);
    try {
      return bytesOf(file, 200).toString('utf8');
    } finally {
      closeSync(file);
    }
  } catch {
    return '';
  }
};

const unwritable = (path: string, why: string): OperatorError =>
  why === 'ENOENT'
    ? new OperatorError(`Cannot save the plan as ${path}: its folder is not there.`, `Make it: mkdir -p ${dirname(path)}`)
    : new OperatorError(`Cannot save the plan as ${path}: ${why}.`, 'Name another file after --out.');
