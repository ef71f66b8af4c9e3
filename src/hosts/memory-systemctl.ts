import type { Answer, Argv } from '../model.ts';
import { linkOf, remove } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, MemoryFile, Ran } from './memory-machine.ts';
import { startSwap } from './memory-swap.ts';

const maskOf = (unit: string): string => `/etc/systemd/system/${unit}`;

/** The question for services starts systemctl only where one of them has a unit file. */
export const serviceAnswer = (machine: Machine, argv: Argv): Answer => {
  const units = argv.filter((word) => /^[^-\s]\S*\.(service|timer|socket|swap)$/.test(word));
  const known = argv[0] === 'systemctl' || units.some((unit) => machine.services.has(unit));
  const text = known ? units.map((unit) => shown(machine, unit)).join('\n') : '';
  return machine.systemd ? { status: 0, text } : { status: argv[0] === 'sh' ? 0 : 127, text: '' };
};

/** systemctl, as far as it changes units. */
export const systemctl = (machine: Machine, [verb = '', ...words]: readonly string[]): Ran => {
  const change = changes[verb];
  const complaints = words.filter((word) => !word.startsWith('-')).map((unit) => change?.(machine, unit, words));
  return complaints.find((ran) => ran !== undefined && ran.exitCode !== 0) ?? done;
};

type Change = (machine: Machine, unit: string, words: readonly string[]) => Ran;

const changes: { readonly [verb: string]: Change } = {
  mask: ({ files }, unit) => {
    if (files.has(maskOf(unit))) return failed(1, `Failed to mask unit: File '${maskOf(unit)}' already exists.`);
    files.set(maskOf(unit), { link: '/dev/null' });
    return done;
  },
  unmask: (machine, unit, words) => {
    const path = words.includes('--runtime') ? `/run/systemd/system/${unit}` : maskOf(unit);
    if (linkOf(machine.files, path) === '/dev/null') remove(machine, path);
    return done;
  },
  disable: (machine, unit, words) => {
    const links = [...machine.files].filter(
      ([path]) => /^\/etc\/systemd\/system\/[^/]+\//.test(path) && path.endsWith(`/${unit}`),
    );
    for (const [path] of links) remove(machine, path);
    if (links.length > 0) machine.unlinked.set(unit, new Map<string, MemoryFile>(links));
    if (words.includes('--now')) stopUnit(machine, unit);
    const service = machine.services.get(unit);
    if (service) machine.services.set(unit, { ...service, enabled: 'disabled' });
    return service || links.length > 0 ? done : failed(1, `Failed to disable unit: Unit file ${unit} does not exist.`);
  },
  enable: (machine, unit) => {
    for (const [path, file] of machine.unlinked.get(unit) ?? []) machine.files.set(path, file);
    const service = machine.services.get(unit);
    if (service) machine.services.set(unit, { ...service, enabled: 'enabled' });
    return done;
  },
  start: (machine, unit) => {
    if (linkOf(machine.files, maskOf(unit)) === '/dev/null') return failed(1, `Failed to start ${unit}: Unit ${unit} is masked.`);
    if (unit.endsWith('.swap')) return startSwap(machine, unit);
    const service = machine.services.get(unit);
    if (service) machine.services.set(unit, { ...service, active: 'active' });
    if (machine.unlinked.has(unit))
      machine.files.set(`/run/systemd/units/invocation:${unit}`, { link: '0123456789abcdef0123456789abcdef' });
    return done;
  },
  stop: (machine, unit) => {
    stopUnit(machine, unit);
    return done;
  },
};

const stopUnit = ({ files, services }: Machine, unit: string): void => {
  files.delete(`/run/systemd/units/invocation:${unit}`);
  const service = services.get(unit);
  if (service) services.set(unit, { ...service, active: 'inactive' });
};

const shown = ({ services, files }: Machine, unit: string): string => {
  const service = services.get(unit);
  const masked = linkOf(files, maskOf(unit)) === '/dev/null';
  return [
    `Id=${unit}`,
    `LoadState=${masked ? 'masked' : service ? 'loaded' : 'not-found'}`,
    `ActiveState=${service?.active ?? 'inactive'}`,
    `UnitFileState=${masked ? 'masked' : (service?.enabled ?? '')}`,
    '',
  ].join('\n');
};
