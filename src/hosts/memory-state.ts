import type { Answer, Argv } from '../model.ts';
import { readFile, realPath } from './memory-files.ts';
import type { Machine } from './memory-machine.ts';

/** Answers what is asked in order to know the state that a run may change: modes of files, installed packages. */
export const stateQuestion = (machine: Machine, argv: Argv): Answer | undefined => {
  if (argv[0] === 'stat' && argv.includes('--')) return modes(machine, argv.slice(argv.indexOf('--') + 1));
  if (argv[3] === 'ask-installed') {
    const lines = machine.manager === 'none' ? [] : [...machine.installed].map(([name, version]) => `${name} ${version}\n`);
    return { status: 0, text: `${lines.join('')}end\n` };
  }
  if (argv[3] !== 'ask-removable') return undefined;
  const words = (start: RegExp): string[] =>
    start
      .exec(argv[2] ?? '')?.[1]
      ?.replaceAll("'", '')
      .split(' ')
      .filter(Boolean) ?? [];
  const named = words(/^named=(.*)$/m);
  const lines = words(/^set -- (.*)$/m).flatMap((name) => (named.includes(name) ? [`own ${name}\n`, `free ${name}\n`] : []));
  return { status: 0, text: `${lines.join('')}end\n` };
};

const modes = (machine: Machine, paths: readonly string[]): Answer => {
  const there = paths.filter((path) => readFile(machine.files, path).status === 0);
  const mode = (path: string): string =>
    Number.parseInt(machine.modes.get(realPath(machine.files, path)) ?? '0644', 8).toString(8);
  const text = there.map((path) => `${mode(path)} 0:0 ${path}\n`).join('');
  return { status: there.length === paths.length ? 0 : 1, text };
};
