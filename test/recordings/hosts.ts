import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { memoryHost } from '../../src/hosts/memory.ts';
import type { MemoryHost, MemorySpec } from '../../src/hosts/memory.ts';
import { debianPackages, rhelPackages, withAvailable } from './packages.ts';

/** What a host is made from. `index`: the kernel's files in kernels/, none where the running kernel has no folder. */
export type Recipe = {
  readonly osRelease: string;
  readonly kernel: string;
  readonly index?: string;
  readonly config?: string;
  readonly loaded?: readonly string[];
  readonly files?: { readonly [path: string]: MemoryFile };
  readonly packages?: MemorySpec['packages'];
} & Omit<MemorySpec, 'files' | 'packages'>;

export const recorded = (name: string): string => readFileSync(join(import.meta.dirname, 'kernels', name), 'utf8');

/** All capabilities, and those that a container has by default (no CAP_SYS_MODULE). */
const status = (caps: string): string => `Name:\tnode\nUid:\t0\t0\t0\t0\nGid:\t0\t0\t0\t0\nCapEff:\t${caps}\n`;
const allCaps = '000001ffffffffff';
const containerCaps = '00000000a80425fb';

const procFiles: { readonly [path: string]: MemoryFile } = {
  '/proc/self/status': status(allCaps),
  '/proc/self/uid_map': '         0          0 4294967295\n',
  '/proc/self/mounts': 'proc /proc proc rw,nosuid,nodev,noexec,relatime 0 0\n',
  '/proc/cmdline': 'BOOT_IMAGE=/vmlinuz root=/dev/vda1 ro quiet\n',
  '/proc/modules': '',
  '/proc/swaps': 'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n',
  '/proc/sys/kernel/modules_disabled': '0\n',
  '/proc/sys/net/ipv4/ip_forward': '0\n',
  '/proc/sys/net/ipv4/tcp_early_demux': '1\n',
  '/proc/sys/net/ipv6/conf/all/forwarding': '0\n',
  '/proc/sys/net/ipv6/conf/default/forwarding': '0\n',
  '/proc/sys/vm/overcommit_memory': '0\n',
  '/proc/sys/vm/panic_on_oom': '0\n',
  '/proc/sys/kernel/panic': '0\n',
  '/proc/sys/kernel/panic_on_oops': '0\n',
  '/proc/sys/kernel/keys/root_maxkeys': '1000000\n',
  '/proc/sys/kernel/keys/root_maxbytes': '25000000\n',
  '/proc/sys/fs/inotify/max_user_instances': '128\n',
  '/proc/sys/fs/inotify/max_user_watches': '65536\n',
  '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory hugetlb pids rdma misc\n',
  '/etc/fstab': 'UUID=1 / ext4 errors=remount-ro 0 1\n',
};

const kernelFiles = ({ kernel, index, config }: Recipe): { [path: string]: MemoryFile } => ({
  ...(index && {
    [`/lib/modules/${kernel}/modules.dep`]: recorded(`${index}.dep`),
    [`/lib/modules/${kernel}/modules.builtin`]: recorded(`${index}.builtin`),
    [`/lib/modules/${kernel}/modules.alias`]: recorded('modules.alias'),
  }),
  [`/boot/config-${kernel}`]: config ?? recorded('config'),
});

/** Builds a host; `files` come last and win. */
export const hostFrom = (recipe: Recipe): MemoryHost => {
  const { osRelease, kernel, index: _index, config: _config, loaded, files, packages, ...rest } = recipe;
  return memoryHost({
    ...rest,
    ...(packages && { packages }),
    files: {
      ...procFiles,
      ...kernelFiles(recipe),
      '/etc/os-release': osRelease,
      '/proc/sys/kernel/osrelease': `${kernel}\n`,
      '/proc/modules': (loaded ?? []).map((name) => `${name} 16384 0 - Live 0x0000000000000000\n`).join(''),
      ...files,
    },
  });
};

const osRelease = (id: string, version: string, pretty: string, like = ''): string =>
  `PRETTY_NAME="${pretty}"\nNAME="${pretty}"\nVERSION_ID="${version}"\nID=${id}\n${like && `ID_LIKE="${like}"\n`}`;

/** A Debian 12 as its installer leaves it, with changes. */
export const debian12: Recipe = {
  osRelease: osRelease('debian', '12', 'Debian GNU/Linux 12 (bookworm)'),
  kernel: '6.1.0-50-amd64',
  index: 'debian-6.1',
  packages: debianPackages('12', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'nftables', 'iputils-ping']),
};

const rocky10Kernel = '6.12.0-211.34.1.el10_2.x86_64';

/** The modules that cloud images of EL 10 lack, and the file that keeps one of them out. */
const modulesExtra = {
  [`kernel-modules-extra-${rocky10Kernel}`]: {
    version: '6.12.0-211.34.1.el10_2',
    files: {
      [`/lib/modules/${rocky10Kernel}/modules.dep`]: recorded('rocky-6.12-extra.dep'),
      '/etc/modprobe.d/sctp-blacklist.conf': '# off by default\nblacklist sctp\n',
    },
  },
} as const;

const rocky10: Recipe = {
  osRelease: osRelease('rocky', '10.1', 'Rocky Linux 10.1 (Red Quartz)', 'rhel centos fedora'),
  kernel: rocky10Kernel,
  index: 'rocky-6.12',
  packages: withAvailable(
    rhelPackages('el10', ['iproute', 'util-linux', 'kmod', 'procps-ng', 'nftables', 'iputils', 'ethtool']),
    modulesExtra,
  ),
};

const firewalld = { 'firewalld.service': { active: 'active', enabled: 'enabled' } } as const;

/** NetworkManager's own program tells that it is installed. */
const networkManager: { readonly [path: string]: MemoryFile } = {
  '/usr/sbin/NetworkManager': 'ELF',
  '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n\n[logging]\n',
};

/** Every host that plans are shown and proved on. */
export const hosts: { readonly [name: string]: Recipe } = {
  'debian-11': {
    osRelease: osRelease('debian', '11', 'Debian GNU/Linux 11 (bullseye)'),
    kernel: '5.10.0-32-amd64',
    index: 'debian-5.10',
    packages: debianPackages('11', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'nftables', 'iputils-ping']),
  },
  'debian-12': debian12,
  'debian-12-swap-and-lists': {
    ...debian12,
    packages: { ...debianPackages('12', ['iproute2', 'util-linux', 'mount', 'procps']), listed: false },
    files: {
      '/etc/fstab': 'UUID=1 / ext4 errors=remount-ro 0 1\nUUID=2\tnone swap sw 0 0\n/data /mnt none bind 0 0\n',
      '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/dev/vda5 partition\t1000444\t0\t-2\n',
      '/etc/modules-load.d/k8s.conf': 'overlay\nbr_netfilter\n',
      '/etc/sysctl.d/k8s.conf': 'net.bridge.bridge-nf-call-iptables  = 1\nnet.ipv4.ip_forward = 1\n',
    },
  },
  'debian-13': {
    osRelease: osRelease('debian', '13', 'Debian GNU/Linux 13 (trixie)'),
    kernel: '6.12.107+deb13-amd64',
    index: 'debian-6.12',
    packages: debianPackages('13', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'iputils-ping']),
  },
  'ubuntu-24.04': {
    osRelease: osRelease('ubuntu', '24.04', 'Ubuntu 24.04.3 LTS', 'debian'),
    kernel: '6.8.0-31-generic',
    index: 'ubuntu-6.8',
    packages: debianPackages('24.04', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'nftables', 'iptables', 'ethtool']),
    files: { '/usr/lib/sysctl.d/50-default.conf': '-net.ipv4.conf.all.rp_filter\nnet.ipv4.conf.*.rp_filter = 2\n' },
  },
  'rocky-9': {
    osRelease: osRelease('rocky', '9.6', 'Rocky Linux 9.6 (Blue Onyx)', 'rhel centos fedora'),
    kernel: '5.14.0-570.12.1.el9_6.x86_64',
    index: 'rocky-5.14',
    packages: rhelPackages('el9', ['iproute', 'util-linux', 'kmod', 'procps-ng', 'nftables', 'iputils', 'ethtool']),
    services: firewalld,
    files: networkManager,
  },
  'rocky-10': { ...rocky10, services: firewalld, files: networkManager },
  'rocky-10-modules-extra': { ...rocky10, index: 'rocky-6.12-extra', files: networkManager },
  'fedora-43': {
    osRelease: osRelease('fedora', '43', 'Fedora Linux 43 (Server Edition)'),
    kernel: '6.17.7-300.fc43.x86_64',
    index: 'fedora-6.17',
    packages: { ...rhelPackages('fc43', ['iproute', 'util-linux', 'kmod', 'procps-ng', 'nftables', 'iputils']), listed: false },
    services: firewalld,
    files: {
      ...networkManager,
      '/usr/lib/systemd/zram-generator.conf': '[zram0]\nzram-size = min(ram, 8192)\n',
      '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/dev/zram0 partition\t8388604\t0\t100\n',
    },
  },
  'unknown-distribution': {
    osRelease: osRelease('alpine', '3.23.0', 'Alpine Linux v3.23'),
    kernel: '6.12.60-0-lts',
    index: 'debian-6.12',
    programs: ['modprobe', 'sysctl', 'ip', 'mount', 'ping'],
    systemd: false,
  },
  container: {
    ...debian12,
    systemd: false,
    index: '',
    loaded: ['overlay', 'br_netfilter', 'nf_conntrack'],
    files: {
      '/proc/self/status': status(containerCaps),
      '/proc/self/mounts': 'proc /proc/sys proc ro,nosuid,nodev,noexec,relatime 0 0\n',
      '/proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
      '/proc/sys/net/bridge/bridge-nf-call-ip6tables': '1\n',
    },
  },
  'kernel-updated-not-rebooted': {
    ...debian12,
    kernel: '6.1.0-49-amd64',
    index: '',
    nextKernel: '6.1.0-50-amd64',
    files: {
      '/lib/modules/6.1.0-50-amd64/modules.dep': recorded('debian-6.1.dep'),
      '/lib/modules/6.1.0-50-amd64/modules.builtin': recorded('debian-6.1.builtin'),
      '/lib/modules/6.1.0-50-amd64/modules.alias': recorded('modules.alias'),
      '/boot/config-6.1.0-50-amd64': recorded('config'),
    },
  },
  'no-modprobe': {
    ...debian12,
    packages: debianPackages('12', ['iproute2', 'util-linux', 'mount', 'iputils-ping']),
  },
  'all-built-in': builtInHost(),
};

/** CONFIG_MODULES=n: neither /proc/modules nor /lib/modules; only the configuration tells what is there. */
function builtInHost(): Recipe {
  return {
    ...debian12,
    kernel: '6.12.5-microvm',
    index: '',
    config: recorded('config').replaceAll('=m', '=y'),
    files: {
      '/proc/modules': { link: '/nowhere' },
      '/proc/sys/net/bridge/bridge-nf-call-iptables': '1\n',
      '/proc/sys/net/bridge/bridge-nf-call-ip6tables': '1\n',
    },
  };
}
