import { sysctlPath } from '../knowledge/sysctl.ts';
import type { Answer, Argv } from '../model.ts';
import { firewallCmd, ufw } from './memory-firewall.ts';
import { stateQuestion } from './memory-state.ts';
import { grubby, updateGrub } from './memory-grub.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';
import { modulePackageAnswer } from './memory-module-packages.ts';
import { modprobe, rmmod } from './memory-modules.ts';
import { aptGet, dnf, dpkg, hasProgram, nftAnswer, packageAnswer, removePackages } from './memory-packages.ts';
import { applySettings, dropinPaths } from './memory-settings.ts';
import { swapOff, swapOnNow } from './memory-swap.ts';
import { serviceAnswer, systemctl } from './memory-systemctl.ts';

/** Answers a read-only command; 127 for every other one. */
export const answerOf = (machine: Machine, argv: Argv): Answer => {
  const line = argv.join(' ');
  if (line === 'uname -m') return { status: 0, text: `${machine.arch}\n` };
  if (line === 'stat -fc %T /sys/fs/cgroup') return { status: 0, text: `${machine.cgroup}\n` };
  const state = stateQuestion(machine, argv);
  if (state) return state;
  if (argv[3] === 'ask-module-packages') return modulePackageAnswer(machine, argv.slice(5));
  if (argv[0] === 'sh' && argv[3] === undefined && line.includes('dpkg-query')) return packageAnswer(machine, argv[2] ?? '');
  if (line.includes('systemctl show ')) return serviceAnswer(machine, argv);
  if (argv[3] === 'ask-nft') return { status: 0, text: machine.scripts.get(argv[3]) ?? nftAnswer(machine) };
  if (argv[0] === 'sh' && argv[3]?.startsWith('ask-')) return { status: 0, text: machine.scripts.get(argv[3]) ?? '' };
  return { status: 127, text: '' };
};

/** Runs a command that changes the machine. */
export const perform = (machine: Machine, argv: Argv): Ran => {
  const [program, ...words] = argv[0] === 'env' ? argv.slice(argv.findIndex((word, i) => i > 0 && !word.includes('='))) : argv;
  switch (program) {
    case 'modprobe':
      return hasProgram(machine, 'modprobe') ? modprobe(machine, words) : failed(127, 'modprobe: not found');
    case 'rmmod':
      return hasProgram(machine, 'modprobe') ? rmmod(machine, words) : failed(127, 'rmmod: not found');
    case 'sysctl':
      return hasProgram(machine, 'sysctl') ? sysctl(machine, words) : failed(127, 'sysctl: not found');
    case 'apt-get':
      return aptGet(machine, words);
    case 'dpkg':
      return words.includes('--configure') ? dpkg(machine) : removePackages(machine, words);
    case 'dnf':
      return dnf(machine, words);
    case 'swapoff':
      return swapOff(machine, words);
    case 'swapon':
      return swapOnNow(machine, words);
    case 'rpm':
      return removePackages(machine, words);
    case 'chown':
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

const sysctl = (machine: Machine, words: readonly string[]): Ran => {
  if (!words.includes('-w')) return sysctlSystem(machine);
  const complaints = words.filter((word) => word.includes('=')).flatMap((word) => setOne(machine, word) ?? []);
  return complaints.length === 0 || words.includes('-e') ? done : failed(1, complaints.join('\n'));
};

/** Several numbers stand with tabs between them. */
const setOne = (machine: Machine, setting: string): string | undefined => {
  const path = `/proc/sys/${sysctlPath(setting.slice(0, setting.indexOf('=')))}`;
  if (!machine.files.has(path)) return `sysctl: cannot stat ${path}: No such file or directory`;
  machine.files.set(
    path,
    `${setting
      .slice(setting.indexOf('=') + 1)
      .split(' ')
      .join('\t')}\n`,
  );
  return undefined;
};
