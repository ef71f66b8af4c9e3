import { closeSync, constants, fdatasyncSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { OperatorError } from '../errors.ts';
import { inWords, remedyFor } from './trouble.ts';

/** A file of lines that grows. `append` returns when its line is on the disk, and throws an OperatorError where it cannot be. */
type Growing = { append(line: string): void; close(): void };

/** Opens a file of lines. What is left of a line that was cut off goes with the first that is added. */
export const appendTo = (path: string): Growing => {
  const file = inFile(path, () => openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_NOFOLLOW));
  return {
    append: (line) => inFile(path, () => append(file, line)),
    close: () => closeSync(file),
  };
};

const inFile = <T>(path: string, what: () => T): T => {
  try {
    return what();
  } catch (error) {
    throw new OperatorError(`Cannot write to ${path}: ${inWords(error)}.`, remedyFor(error));
  }
};

const append = (file: number, line: string): void => {
  const size = endOfLines(file);
  const bytes = Buffer.from(line, 'utf8');
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at);
    fdatasyncSync(file);
  } catch (error) {
    cutTo(file, size);
    throw error;
  }
};

/** A full disk takes a part of a line. That it cannot be taken away does no harm: it is not ended. */
const cutTo = (file: number, size: number): void => {
  try {
    ftruncateSync(file, size);
  } catch {
    // Whoever reads it passes over it.
  }
};

/** Where the last whole line ends; what comes after it is cut off. */
const endOfLines = (file: number): number => {
  const { size } = fstatSync(file);
  const block = Buffer.alloc(64 * 1024);
  for (let end = size; end > 0;) {
    const start = Math.max(0, end - block.length);
    const got = readSync(file, block, 0, end - start, start);
    const at = block.subarray(0, got).lastIndexOf(0x0a);
    if (at >= 0) {
      if (start + at + 1 < size) ftruncateSync(file, start + at + 1);
      return start + at + 1;
    }
    end = start;
  }
  return 0;
};
