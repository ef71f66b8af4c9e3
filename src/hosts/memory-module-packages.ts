import type { Answer } from '../model.ts';
import { expand } from './memory-files.ts';
import type { Machine } from './memory-machine.ts';
import { hasModule, hasOption, runningRelease } from './memory-modules.ts';
import { policy } from './memory-packages.ts';

/** Answers the question for packages with modules: nothing where every set of names is served, else what the manager knows of them. */
export const modulePackageAnswer = (machine: Machine, sets: readonly string[]): Answer => {
  const { release, indexed } = runningRelease(machine);
  const silent: Answer = { status: 0, text: '' };
  const container = ['/run/systemd/container', '/.dockerenv', '/run/.containerenv'].some((path) => machine.files.has(path));
  if (container || (indexed && sets.every((set) => isServed(machine, set)))) return silent;
  if (!indexed && (expand(machine.files, '/lib/modules/*/modules.dep').length > 0 || !machine.files.has('/proc/modules')))
    return silent;
  const names = [...machine.installed.keys(), ...machine.available.keys()].filter((name) => name.endsWith(`-${release}`));
  const lines = machine.manager === 'apt' ? aptLines(machine, names) : machine.manager === 'dnf' ? dnfLines(machine, names) : [];
  return { status: 0, text: ['asked', ...lines].map((line) => `${line}\n`).join('') };
};

const isServed = (machine: Machine, set: string): boolean =>
  set
    .split('|')
    .some((way) =>
      way.split('+').every((word) => (word.startsWith('CONFIG_') ? hasOption(machine, word) : hasModule(machine, word))),
    );

const aptLines = (machine: Machine, names: readonly string[]): string[] => [
  ...names.flatMap((name) => (machine.installed.has(name) ? [`${name} installed ${machine.installed.get(name) ?? ''}`] : [])),
  ...names.flatMap((name) => policy(machine, name)),
  ...(machine.listed ? ['sources'] : []),
];

const dnfLines = (machine: Machine, names: readonly string[]): string[] => [
  ...names.flatMap((name) => (machine.installed.has(name) ? [`installed ${name} 0`] : [])),
  ...(machine.listed
    ? ['kernel-core-newest', ...names.filter((name) => machine.available.has(name))].map((n) => `candidate ${n} 0`)
    : []),
];
