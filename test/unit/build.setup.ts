import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { bundleSources, isFresh } from '../fresh.ts';

const root = resolve(import.meta.dirname, '../..');

/** Builds the bundle where it is older than a source of it, so that tests of the command line see what is in src. */
export const setup = (): void => {
  if (isFresh(['dist/app.cjs', 'dist/node-prep.cjs', 'dist/app.cache'], bundleSources)) return;
  const built = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
};
