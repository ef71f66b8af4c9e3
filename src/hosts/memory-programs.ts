import { sysctlPath } from '../knowledge/sysctl.ts';
import type { Answer, Argv } from '../model.ts';
import { firewallCmd, ufw } from './memory-firewall.ts';
import { remove } from './memory-files.ts';
import { grubby, updateGrub } from './memory-grub.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';
import { modulePackageAnswer } from './memory-module-packages.ts';
import { modprobe } from './memory-modules.ts';
import { aptGet, dnf, dpkg, hasProgram, nftAnswer, packageAnswer } from './memory-packages.ts';
import { applySettings, dropinPaths } from './memory-settings.ts';
import { swapTable } from './memory-swap.ts';

/** Answers a read-only command; 127 for every other one. */
export const answerOf = (machine: Machine, argv: Argv): Answer => {
  const line = argv.join(' ');
  if (line === 'uname -m') return { status: 0, text: `${machine.arch}\n` };
  if (line === 'stat -fc %T /sys/fs/cgroup') return { status: 0, text: `${machine.cgroup}\n` };
  if (argv[3] === 'ask-module-packages') return modulePackageAnswer(machine, argv.slice(5));
  if (argv[0] === 'sh' && argv[3] === undefined && line.includes('dpkg-query')) return packageAnswer(machine, argv[2] ?? '');
  if (line.includes('systemctl show ')) return serviceAnswer(machine, argv);
  if (argv[3] === 'ask-nft') return { status: 0, text: machine.scripts.get(argv[3]) ?? nftAnswer(machine) };
  if (argv[0] === 'sh' && argv[3]?.startsWith('ask-')) return { status: 0, text: machine.scripts.get(argv[3]) ?? '' };
  return { status: 127, text: '' };
};

/** The question for services starts systemctl only where one of them has a unit file. */
const serviceAnswer = (machine: Machine, argv: Argv): Answer => {
  const units = argv.filter((word) => /^[^-\s]\S*\.(service|timer|socket)$/.test(word));
  const text = units.some((unit) => machine.services.has(unit)) ? units.map((unit) => shown(machine, unit)).join('\n') : '';
  return machine.systemd ? { status: 0, text } : { status: argv[0] === 'sh' ? 0 : 127, text: '' };
};

/** Runs a command that changes the machine. */
export const perform = (machine: Machine, argv: Argv): Ran => {
  const [program, ...words] = argv[0] === 'env' ? argv.slice(argv.findIndex((word, i) => i > 0 && !word.includes('='))) : argv;
  switch (program) {
    case 'modprobe':
      return hasProgram(machine, 'modprobe') ? modprobe(machine, words) : failed(127, 'modprobe: not found');
    case 'sysctl':
      return hasProgram(machine, 'sysctl') ? sysctl(machine, words) : failed(127, 'sysctl: not found');
    case 'apt-get':
      return aptGet(machine, words);
    case 'dpkg':
      return dpkg(machine);
    case 'dnf':
      return dnf(machine, words);
    case 'swapoff':
      machine.files.set('/proc/swaps', swapTable([]));
      return done;
    case 'update-grub':
      return updateGrub(machine);
    case 'grubby':
      return grubby(machine, words);
    case 'systemctl':
      return machine.systemd ? systemctl(machine, words) : failed(127, 'systemctl: not found');
    case 'restorecon':
      return hasProgram(machine, 'restorecon') ? done : failed(127, 'restorecon: not found');
    case 'firewall-cmd':
    case 'firewall-offline-cmd':
      return firewallCmd(machine, words, program === 'firewall-offline-cmd');
    case 'ufw':
      return ufw(machine, words);
    case 'networkctl':
      return machine.files.has('/run/systemd/units/invocation:systemd-networkd.service')
        ? done
        : failed(1, 'systemd-networkd is not running');
    case 'true':
      return done;
    case 'false':
      return failed(1, '');
    default:
      return failed(127, `${program ?? ''}: not found`);
  }
};

/** procps reads sysctl.d and, last of all, /etc/sysctl.conf; it exits with 0 even where a key does not exist. */
const sysctlSystem = (machine: Machine): Ran => {
  applySettings(machine, [...dropinPaths(machine, 'sysctl'), '/etc/sysctl.conf']);
  return done;
};

const sysctl = (machine: Machine, [option, setting = '']: readonly string[]): Ran => {
  if (option !== '-w') return sysctlSystem(machine);
  const path = `/proc/sys/${sysctlPath(setting.split('=')[0] ?? '')}`;
  if (!machine.files.has(path)) return failed(1, `sysctl: cannot stat ${path}: No such file or directory`);
  machine.files.set(path, `${setting.split('=')[1] ?? ''}\n`);
  return done;
};

const systemctl = (machine: Machine, [verb, ...words]: readonly string[]): Ran => {
  const units = words.filter((word) => !word.startsWith('-'));
  for (const unit of units) {
    const service = machine.services.get(unit);
    const path = `/etc/systemd/system/${unit}`;
    if (verb === 'mask') {
      if (machine.files.has(path)) return failed(1, `Failed to mask unit: File '${path}' already exists.`);
      machine.files.set(path, { link: '/dev/null' });
      if (service) machine.services.set(unit, { ...service, enabled: 'masked' });
    }
    if (verb !== 'disable') continue;
    const links = [...machine.files.keys()].filter(
      (p) => new RegExp('^/etc/systemd/system/[^/]+/').test(p) && p.endsWith(`/${unit}`),
    );
    for (const link of links) remove(machine, link);
    if (words.includes('--now')) machine.files.delete(`/run/systemd/units/invocation:${unit}`);
    if (!service && links.length > 0) continue;
    if (!service) return failed(1, `Failed to disable unit: Unit file ${unit} does not exist.`);
    machine.services.set(unit, { enabled: 'disabled', active: words.includes('--now') ? 'inactive' : service.active });
  }
  return done;
};

const shown = ({ services }: Machine, unit: string): string => {
  const service = services.get(unit);
  return [
    `Id=${unit}`,
    `LoadState=${service ? 'loaded' : 'not-found'}`,
    `ActiveState=${service?.active ?? 'inactive'}`,
    `UnitFileState=${service?.enabled ?? ''}`,
    '',
  ].join('\n');
};
