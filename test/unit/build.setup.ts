import { spawnSync } from 'node:child_process';
import { existsSync, globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** Builds the bundle where it is older than a source of it, so that tests of the command line see what is in src. */
export const setup = (): void => {
  if (isFresh()) return;
  const built = spawnSync(process.execPath, ['scripts/build.ts'], { cwd: root, encoding: 'utf8' });
  if (built.status !== 0) throw new Error(`the build failed:\n${built.stdout}${built.stderr}`);
};

const isFresh = (): boolean => {
  const built = join(root, 'dist/node-prep.cjs');
  if (!existsSync(built) || !existsSync(join(root, 'dist/app.cache'))) return false;
  const sources = globSync(['src/**/*', 'templates/**/*', 'scripts/build.ts', 'scripts/build.d/*', 'package.json'], {
    cwd: root,
  });
  const made = statSync(join(root, 'dist/app.cjs')).mtimeMs;
  return sources.every((path) => statSync(join(root, path)).mtimeMs <= made);
};
