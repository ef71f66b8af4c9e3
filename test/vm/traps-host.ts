import type { Subject, Trap } from './traps.ts';

const fileSwap = 'fallocate -l 8M "$1"; chmod 600 "$1"; mkswap -q "$1"';
const makeSwap = (path: string): string => `set -- ${path}; ${fileSwap}`;

/** One swap among others, which are one finding: `listed` is its name there, a path or a unit; /proc/swaps has the path. */
const swap = (path: string, listed = path): Subject => ({
  id: 'swap/off',
  probe: `grep -q '^${path} ' /proc/swaps && echo on || echo off`,
  part: ({ have, from }) => {
    const at = have.split(', ').indexOf(listed);
    const place = from?.split(', ')[at];
    return at < 0 ? { ok: true, have: 'off' } : { ok: false, have: listed, ...(place !== undefined && { from: place }) };
  },
  predicted: (boot) => (boot.ok ? 'off' : 'on'),
});

const service = (name: string): Subject => ({
  id: `service/${name}`,
  probe: `systemctl is-active ${name}.service || :`,
  predicted: (boot) => (boot.ok ? 'inactive' : 'active'),
});

const cgroup: Subject = {
  id: 'cgroup/v2',
  probe: 'stat -fc %T /sys/fs/cgroup',
  predicted: (boot) => boot.have,
};

const unit = (name: string): string =>
  `put /etc/systemd/system/${name}.service '[Service]' 'ExecStart=/bin/sleep infinity' '[Install]' 'WantedBy=multi-user.target'`;
const swapUnit = (name: string): string =>
  `${makeSwap(`/${name}`)}; put /etc/systemd/system/${name}.swap '[Swap]' 'What=/${name}' '[Install]' 'WantedBy=swap.target'`;

/** Swap and services. All swaps are one finding: each trap looks for its own name in it. */
export const hostTraps: readonly Trap[] = [
  {
    name: 'swap that was turned off by hand is back: its line is still in fstab',
    setup: `${makeSwap('/swapback')}; echo '/swapback none swap sw 0 0' >>/etc/fstab; swapon /swapback; swapoff /swapback`,
    about: swap('/swapback'),
    now: 'off',
    boot: '/swapback',
    from: '/etc/fstab:2',
  },
  {
    name: 'a swap line with noauto stays off',
    setup: `${makeSwap('/swapnoauto')}; echo '/swapnoauto none swap sw,noauto 0 0' >>/etc/fstab`,
    about: swap('/swapnoauto'),
    now: 'off',
    boot: 'off',
  },
  {
    name: 'a swap unit that is enabled is on after the boot',
    setup: `${swapUnit('swapunit')}; systemctl -q daemon-reload; systemctl -q enable swapunit.swap`,
    about: swap('/swapunit', 'swapunit.swap'),
    now: 'off',
    boot: 'swapunit.swap',
    from: '/etc/systemd/system/swap.target.wants/swapunit.swap',
  },
  {
    name: 'a swap unit of a package that is enabled and masked stays off',
    setup: `${makeSwap('/swapmask')}; put /usr/lib/systemd/system/swapmask.swap '[Swap]' 'What=/swapmask' '[Install]' 'WantedBy=swap.target'; systemctl -q daemon-reload; systemctl -q enable swapmask.swap; systemctl -q mask swapmask.swap`,
    about: swap('/swapmask', 'swapmask.swap'),
    now: 'off',
    boot: 'off',
  },
  {
    name: 'a service that was started by hand and is not enabled is not back',
    setup: `${unit('firewalld')}; systemctl -q daemon-reload; systemctl start firewalld`,
    about: service('firewalld'),
    now: 'active',
    boot: 'disabled',
  },
  {
    name: 'a service that was stopped by hand and is still enabled is back',
    setup: `${unit('nm-cloud-setup')}; systemctl -q daemon-reload; systemctl -q enable nm-cloud-setup`,
    about: service('nm-cloud-setup'),
    now: 'inactive',
    boot: 'enabled',
  },
];

/** What kernel arguments do to the host, and a swap that must be alone. */
export const fragileHost: readonly Trap[] = [
  {
    name: 'the kernel arguments keep the host on cgroup version 1',
    setup: '',
    about: cgroup,
    now: 'tmpfs',
    boot: 'tmpfs',
    from: '/proc/cmdline: systemd.unified_cgroup_hierarchy=0',
  },
  // Not among other swaps: the target that asks for a masked one leaves it to chance which of the others come up.
  {
    name: 'a swap line of fstab whose unit is masked stays off',
    setup: `${makeSwap('/swapfm')}; echo '/swapfm none swap sw 0 0' >>/etc/fstab; systemctl -q mask swapfm.swap`,
    about: swap('/swapfm'),
    now: 'off',
    boot: 'off',
  },
];
