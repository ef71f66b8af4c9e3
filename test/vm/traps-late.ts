import { key } from './traps-sysctl.ts';
import type { Trap } from './traps.ts';

const folder = '/etc/sysctl.d';
const runs = (file: string, setting: string): string =>
  `put ${file} '#!/bin/sh' '/sbin/sysctl -q -w ${setting}'; chmod 755 ${file}`;

/** Who writes a kernel setting after systemd-sysctl has, and who only seems to. */
export const lateTraps: readonly Trap[] = [
  {
    name: 'rc.local has the last word where it may be executed',
    setup: `put ${folder}/swappiness.conf vm.swappiness=10; sysctl -qw vm.swappiness=10; ${runs('/etc/rc.local', 'vm.swappiness=30')}`,
    about: key('vm.swappiness', '10'),
    now: '10',
    boot: '30',
    from: '/etc/rc.local:2',
  },
  {
    name: 'a unit that runs sysctl comes after sysctl.d',
    setup: `put ${folder}/sysrq.conf kernel.sysrq=0; sysctl -qw kernel.sysrq=0; put /etc/systemd/system/sysrq.service '[Service]' Type=oneshot 'ExecStart=/sbin/sysctl -w kernel.sysrq=1' '[Install]' WantedBy=multi-user.target; systemctl -q enable sysrq.service`,
    about: key('kernel.sysrq', '0'),
    now: '0',
    boot: '1',
    from: '/etc/systemd/system/sysrq.service:3',
  },
  {
    name: 'an @reboot line of a crontab does nothing on a host without cron',
    setup: `put ${folder}/cron.conf vm.laptop_mode=1; put /etc/cron.d/site '@reboot root /sbin/sysctl -w vm.laptop_mode=2'`,
    about: key('vm.laptop_mode', '1'),
    now: '0',
    boot: '1',
    from: `${folder}/cron.conf:1`,
  },
  {
    name: 'an "up" line in /etc/network/interfaces comes after sysctl.d',
    setup: `put ${folder}/ifup.conf vm.page-cluster=1; echo '    up /sbin/sysctl -w vm.page-cluster=2' >>/etc/network/interfaces`,
    about: key('vm.page-cluster', '1'),
    now: '3',
    boot: '2',
    from: '/etc/network/interfaces:8',
  },
  {
    name: 'a per-boot script of cloud-init does nothing on a host without cloud-init',
    setup: `put ${folder}/cloud.conf vm.stat_interval=5; ${runs('/var/lib/cloud/scripts/per-boot/site.sh', 'vm.stat_interval=9')}`,
    about: key('vm.stat_interval', '5'),
    now: '1',
    boot: '5',
    from: `${folder}/cloud.conf:1`,
  },
];

/** sysctl.* on the kernel command line, with what a file says against it. */
export const argumentSettings: readonly Trap[] = [
  {
    name: 'sysctl.KEY= on the kernel command line comes before sysctl.d and loses to it',
    setup: `put ${folder}/panic.conf kernel.panic=10`,
    about: key('kernel.panic', '10'),
    now: '7',
    boot: '10',
    from: `${folder}/panic.conf:1`,
  },
  {
    name: 'sysctl.KEY= on the kernel command line sets a key that no file names',
    setup: 'sysctl -qw kernel.panic_on_oops=0',
    about: key('kernel.panic_on_oops', '1'),
    now: '0',
    boot: '1',
    from: '/proc/cmdline',
  },
];
