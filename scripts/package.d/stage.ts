import { chmodSync, copyFileSync, globSync, lutimesSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Entry } from './contents.ts';

/** Lays entries out in an empty folder as they are to be installed, everything dated with one moment. */
export const stage = (root: string, entries: readonly Entry[], epoch: number): void => {
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  for (const entry of entries) {
    const path = join(root, entry.path);
    mkdirSync(dirname(path), { recursive: true });
    if ('from' in entry) copyFileSync(entry.from, path);
    if ('bytes' in entry) writeFileSync(path, entry.bytes);
    chmodSync(path, entry.mode);
  }
  for (const name of ['.', ...globSync('**/*', { cwd: root })]) {
    const path = join(root, name);
    // Whatever the umask made of folders.
    if (statSync(path).isDirectory()) chmodSync(path, 0o755);
    lutimesSync(path, epoch, epoch);
  }
};
