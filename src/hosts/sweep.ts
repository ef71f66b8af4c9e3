import { lstatSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** Removes the temporary files that writes which were cut off have left beside these paths. Gives what it removed. */
export const sweep = (paths: readonly string[]): readonly string[] =>
  [...new Set(paths.flatMap((path) => [path, realOf(path)]))].flatMap(leftoversOf).filter(removed);

/** A link stays one: what is written lies beside the file that it leads to. */
const realOf = (path: string): string => {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
};

const leftoversOf = (path: string): readonly string[] => {
  const [folder, start, end] = [dirname(path), `.${basename(path)}.`, 'node-prep.tmp'];
  return namesIn(folder)
    .filter((name) => name.startsWith(start) && name.endsWith(end) && /^(\d+\.)?$/.test(name.slice(start.length, -end.length)))
    .map((name) => join(folder, name));
};

const namesIn = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

const removed = (path: string): boolean => {
  try {
    if (!lstatSync(path).isFile()) return false;
    rmSync(path);
    return true;
  } catch {
    return false;
  }
};
