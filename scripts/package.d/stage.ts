import { chmodSync, copyFileSync, globSync, lutimesSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry } from './contents.ts';

/** Lays entries out in an empty folder as they are to be installed, everything dated with one moment. */
export const stage = (root: string, entries: readonly Entry[], epoch: number): void => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true, mode: 0o755 });
  for (const entry of entries) {
    const path = join(root, entry.path);
    mkdirSync('folder' in entry ? path : dirname(path), { recursive: true, mode: 0o755 });
    if ('from' in entry) copyFileSync(entry.from, path);
    if ('bytes' in entry) writeFileSync(path, entry.bytes);
    chmodSync(path, entry.mode);
  }
  for (const path of ['.', ...globSync('**/*', { cwd: root })]) lutimesSync(join(root, path), epoch, epoch);
};
