import { startFirewalls } from './memory-firewall.ts';
import { expand, linkOf, textOf } from './memory-files.ts';
import type { Machine } from './memory-machine.ts';
import { loadAtBoot } from './memory-modules.ts';
import { applySettings, dropinPaths } from './memory-settings.ts';

/** A reboot: memory is empty, settings have their defaults, then systemd reads modules-load.d, sysctl.d, fstab and units. */
export const bootUp = (machine: Machine, kernel: string | undefined): void => {
  forget(machine);
  if (kernel !== undefined) machine.files.set('/proc/sys/kernel/osrelease', `${kernel}\n`);
  for (const name of namesToLoad(machine)) loadAtBoot(machine, name);
  applySettings(machine, dropinPaths(machine, 'sysctl'));
  startServices(machine);
  startWanted(machine);
  startFirewalls(machine);
  swapOn(machine);
};

const forget = ({ files, defaults }: Machine): void => {
  for (const path of [...files.keys()]) if (path.startsWith('/run/') || path.startsWith('/proc/sys/')) files.delete(path);
  for (const [path, value] of defaults) files.set(path, value);
  if (files.has('/proc/modules')) files.set('/proc/modules', '');
};

const namesToLoad = (machine: Machine): string[] => {
  const cmdline = textOf(machine.files, '/proc/cmdline').split(/\s+/);
  const asked = cmdline.filter((word) => word.startsWith('modules_load=')).flatMap((word) => word.slice(13).split(','));
  const lines = dropinPaths(machine, 'modules-load').flatMap((path) => textOf(machine.files, path).split('\n'));
  return [...asked, ...lines.map((line) => line.trim()).filter((line) => line !== '' && !/^[#;]/.test(line))];
};

const startServices = ({ services }: Machine): void => {
  for (const [unit, { enabled }] of services) {
    services.set(unit, { enabled, active: enabled === 'enabled' ? 'active' : 'inactive' });
  }
};

/** systemd keeps a link for each unit that it has started. */
const startWanted = ({ files }: Machine): void => {
  for (const path of expand(files, '/etc/systemd/system/*.wants/*.service')) {
    const unit = path.split('/').at(-1) ?? '';
    if (linkOf(files, `/etc/systemd/system/${unit}`) === '/dev/null') continue;
    files.set(`/run/systemd/units/invocation:${unit}`, { link: '0123456789abcdef0123456789abcdef' });
  }
};

const swapOn = (machine: Machine): void => {
  const fstab = textOf(machine.files, '/etc/fstab')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([device = '#', , type, options = '']) => !device.startsWith('#') && type === 'swap' && !/\bnoauto\b/.test(options))
    .map(([device = '']) => device);
  const units = expand(machine.files, '/etc/systemd/system/*.wants/*.swap')
    .map((path) => path.split('/').at(-1) ?? '')
    .filter((unit) => linkOf(machine.files, `/etc/systemd/system/${unit}`) !== '/dev/null');
  const active = [
    ...fstab,
    ...units.map(
      (unit) =>
        `/${unit
          .replace(/\.swap$/, '')
          .split('-')
          .join('/')}`,
    ),
  ];
  machine.files.set('/proc/swaps', swapTable(active));
};

/** The text of /proc/swaps. */
export const swapTable = (devices: readonly string[]): string =>
  ['Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority', ...devices.map((d) => `${d}  partition\t1048572\t\t0\t\t-2`)]
    .map((line) => `${line}\n`)
    .join('');
