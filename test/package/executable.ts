import { execFile } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

const root = resolve(import.meta.dirname, '../..');

/**
 * The executable for that processor, made where it is older than what it is made of, once however many tests ask, and its path.
 * The bundle itself is made by the tests' global setup.
 */
export const builtExecutable = async (arch: 'x64' | 'arm64' = 'x64'): Promise<string> => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const words = ['.cache/executable.lock', process.execPath, 'test/package/make-executable.ts', arch];
  await promisify(execFile)('flock', words, { cwd: root });
  return join(root, `release/node-prep-linux-${arch}`);
};
