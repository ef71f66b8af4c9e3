import { createHash } from 'node:crypto';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Writes SHA256SUMS of all else in a folder, as sha256sum(1) checks it, and gives its path. */
export const writeChecksums = (folder: string): string => {
  const path = join(folder, 'SHA256SUMS');
  const names = globSync('*', { cwd: folder })
    .filter((name) => name !== 'SHA256SUMS')
    .sort();
  writeFileSync(path, names.map((name) => `${sha256(join(folder, name))}  ${name}\n`).join(''));
  return path;
};

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');
