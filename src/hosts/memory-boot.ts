import { startFirewalls } from './memory-firewall.ts';
import { expand, linkOf, textOf } from './memory-files.ts';
import { cgroupWith, nextCmdline } from './memory-grub.ts';
import type { Machine } from './memory-machine.ts';
import { loadAtBoot } from './memory-modules.ts';
import { applySettings, dropinPaths } from './memory-settings.ts';
import { swapOn } from './memory-swap.ts';

/** A reboot: memory is empty, settings have their defaults, then systemd reads modules-load.d, sysctl.d, fstab and units. */
export const bootUp = (machine: Machine, kernel: string | undefined): void => {
  const cmdline = nextCmdline(machine);
  forget(machine);
  remount(machine, cmdline);
  machine.files.set('/proc/cmdline', `${cmdline}\n`);
  if (kernel !== undefined) machine.files.set('/proc/sys/kernel/osrelease', `${kernel}\n`);
  for (const name of namesToLoad(machine)) loadAtBoot(machine, name);
  applySettings(machine, dropinPaths(machine, 'sysctl'));
  startServices(machine);
  startWanted(machine);
  startFirewalls(machine);
  swapOn(machine, cmdline);
};

/** What udev knows of devices, it knows again after a boot. */
const isRun = (path: string): boolean => path.startsWith('/run/') && !path.startsWith('/run/udev/');

/** Control groups as the kernel and systemd set them up by the command line. */
const remount = (machine: Machine, cmdline: string): void => {
  const file = '/sys/fs/cgroup/cgroup.controllers';
  const off = [...cmdline.matchAll(/cgroup_disable=(\S+)/g)].flatMap((match) => (match[1] ?? '').split(','));
  const before = textOf(machine.files, '/proc/cmdline');
  machine.cgroup = cgroupWith(cmdline, machine.cgroup);
  if (machine.cgroup !== 'cgroup2fs' || (machine.files.has(file) && !`${before} ${cmdline}`.includes('cgroup_disable='))) return;
  const all = 'cpuset cpu io memory hugetlb pids rdma misc'.split(' ');
  machine.files.set(file, `${all.filter((name) => !off.includes(name)).join(' ')}\n`);
};

const forget = ({ files, defaults }: Machine): void => {
  for (const path of [...files.keys()]) if (isRun(path) || path.startsWith('/proc/sys/')) files.delete(path);
  for (const [path, value] of defaults) files.set(path, value);
  if (files.has('/proc/modules')) files.set('/proc/modules', '');
};

const namesToLoad = (machine: Machine): string[] => {
  const cmdline = textOf(machine.files, '/proc/cmdline').split(/\s+/);
  const asked = cmdline.filter((word) => word.startsWith('modules_load=')).flatMap((word) => word.slice(13).split(','));
  const lines = dropinPaths(machine, 'modules-load').flatMap((path) => textOf(machine.files, path).split('\n'));
  return [...asked, ...lines.map((line) => line.trim()).filter((line) => line !== '' && !/^[#;]/.test(line))];
};

const startServices = ({ files, services }: Machine): void => {
  for (const [unit, { enabled }] of services) {
    const masked = linkOf(files, `/etc/systemd/system/${unit}`) === '/dev/null';
    services.set(unit, { enabled, active: enabled === 'enabled' && !masked ? 'active' : 'inactive' });
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
