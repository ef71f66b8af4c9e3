import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { resolve } from 'node:path';

const root = resolve(import.meta.dirname, '../..');

/** The executable for this kind of machine, made where it is older than the bundle; whoever comes meanwhile waits for it. */
export const builtExecutable = (): string => {
  const path = resolve(root, 'release/node-prep-linux-x64');
  mkdirSync(resolve(root, '.cache'), { recursive: true });
  const make = `[ "$1" -nt dist/app.cjs ] || "$2" scripts/package.ts x64`;
  execFileSync('flock', ['.cache/executable.lock', 'sh', '-c', make, 'make', path, process.execPath], {
    cwd: root,
    stdio: 'ignore',
  });
  return path;
};
