import { realpathSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { OperatorError } from '../errors.ts';
import { troubleWords } from '../trouble.ts';
import { writeNew } from './write.ts';

/**
 * Replaces a report that others read at any time, whole: they see the old one or the new one. The temporary file beside it has a
 * dot-name that ends in .tmp, which node-exporter, who reads *.prom, leaves alone. Throws an OperatorError where that cannot be.
 */
export const writeReport = (named: string, text: string): void => {
  const path = fileBehind(named);
  const temporary = join(dirname(path), `.${basename(path)}.${process.pid}.tmp`);
  try {
    // Never through a link that lies there: root writes where others may.
    rmSync(temporary, { force: true });
    writeNew(temporary, text, 0o644);
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    throw new OperatorError(
      `Cannot write ${path}: ${missing ? 'its folder is not there' : troubleWords(error)}.`,
      missing ? `Make it: mkdir -p ${dirname(path)}` : undefined,
    );
  }
};

/** Where a link leads, which stays a link. A device or a folder is nothing to put a file in place of. */
const fileBehind = (named: string): string => {
  const there = statSync(named, { throwIfNoEntry: false });
  if (there && !there.isFile())
    throw new OperatorError(`${named} is no regular file.`, 'Name the file that node-exporter reads, such as node_prep.prom.');
  return there ? realpathSync(named) : named;
};
