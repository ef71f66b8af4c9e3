import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { runProgram } from './machine.ts';

const root = resolve(import.meta.dirname, '../..');

/** The mark is set only when the executable is complete; the bundle itself is made by the tests' global setup. */
const build = `cd "$1" && file=release/node-prep-linux-x64 mark=.cache/executable-is-made
if [ -e "$file" ] && [ -z "$(find dist scripts/package.ts scripts/package.d -newer "$mark" 2>&1)" ]; then exit 0; fi
rm -f "$mark" && touch "$mark.new" && "$2" scripts/package.ts x64 >&2 && mv "$mark.new" "$mark"`;

/** Builds the executable of this processor where it is older than the bundle, once however many tests ask, and gives its path. */
export const builtExecutable = async (): Promise<string> => {
  mkdirSync(join(root, '.cache'), { recursive: true });
  const argv = [join(root, '.cache/executable.lock'), 'sh', '-c', build, 'build', root, process.execPath];
  const { status, stderr } = await runProgram('flock', argv);
  if (status !== 0) throw new Error(`the executable cannot be built:\n${stderr}`);
  return join(root, 'release/node-prep-linux-x64');
};
