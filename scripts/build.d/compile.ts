import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { wishes, worlds } from './world.ts';

const worldsFile = '.cache/worlds.json';

/** Writes down the made-up hosts on which the bundle runs in order to be compiled. At one stroke: another build may read them. */
export const writeWorlds = async (): Promise<void> => {
  mkdirSync(dirname(worldsFile), { recursive: true });
  const words = ['plan', '--detailed-exitcode', ...wishes.flatMap((wish) => ['-p', wish])];
  const made = `${worldsFile}.${process.pid}`;
  writeFileSync(made, JSON.stringify({ worlds: await worlds(), words }));
  renameSync(made, worldsFile);
};

/**
 * Writes V8's compiled code of the bundle. `node`: Node for the processor that it is for, with the emulator that runs it, if it
 * takes one. The same sources give the same bytes: tables of names are laid out by a seed, which is random where none is given.
 */
export const compile = (node: readonly [string, ...string[]], bundle: string, cache: string): void => {
  if (/[^\0-\x7f]/.test(readFileSync(bundle, 'utf8'))) throw new Error('the loader takes the bundle to be ASCII');
  const [program, ...words] = node;
  execFileSync(program, [...words, '--random-seed=1', 'scripts/build.d/compile.cjs', bundle, worldsFile, cache], {
    env: {},
    stdio: 'inherit',
  });
};
