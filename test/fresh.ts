import { existsSync, globSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

const root = resolve(import.meta.dirname, '..');

/** What the bundle in dist/ is made of. */
export const bundleSources = [
  'src/**/*',
  'templates/**/*',
  'scripts/build.ts',
  'scripts/build.d/*',
  'package.json',
  'package-lock.json',
] as const;

/** What an executable is made of. The library in dist/, which is not in it, does not count. */
export const executableSources = [
  ...bundleSources,
  'dist/*.c*',
  'dist/lib/*',
  'scripts/package.ts',
  'scripts/package.d/executable.ts',
] as const;

/** Whether files that were made are all there and none is older than anything they were made of; paths from the repository's root. */
export const isFresh = (made: readonly string[], sources: readonly string[]): boolean => {
  const paths = made.map((path) => join(root, path));
  if (!paths.every((path) => existsSync(path))) return false;
  const oldest = Math.min(...paths.map(changed));
  return globSync([...sources], { cwd: root }).every((path) => changed(join(root, path)) <= oldest);
};

const changed = (path: string): number => statSync(path).mtimeMs;
