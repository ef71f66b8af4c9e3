import type { Suite } from './machine.ts';
import type { Subject, Trap } from './traps.ts';

/**
 * A key and the value that is wanted. `kernels`: the value that the kernel starts with, where the fresh machine has another; what
 * no file sets has that.
 */
export const key = (name: string, value: string, kernels?: string): Subject => ({
  id: `sysctl/${name}`,
  sysctl: { [name]: value },
  probe: `f=/proc/sys/${name.replaceAll('.', '/')}; [ -e $f ] && tr '\\t' ' ' <$f || echo no such key`,
  predicted: (boot, fresh) => (boot.have === 'not set' ? (kernels ?? fresh) : boot.have),
});

const folder = '/etc/sysctl.d';

/**
 * Which files count. `conf`: whether /etc/sysctl.conf is reached at boot through the link 99-sysctl.conf, which Debian 13 no
 * longer has; sysctl --system reads it on all.
 */
export const fileTraps = (conf: 'link' | 'none'): readonly Trap[] => [
  {
    name:
      conf === 'link'
        ? '/etc/sysctl.conf counts at boot through the link 99-sysctl.conf'
        : '/etc/sysctl.conf, which sysctl --system reads, is dead at boot: nothing links to it',
    setup: 'echo vm.overcommit_memory=1 >/etc/sysctl.conf; sysctl -q --system',
    about: key('vm.overcommit_memory', '1'),
    now: '1',
    ...(conf === 'link' ? { boot: '1', from: `${folder}/99-sysctl.conf:1` } : { boot: 'not set' }),
  },
  {
    name: "a file in /etc hides all of the package's file of the same name",
    setup: `put /usr/lib/sysctl.d/50-hidden.conf kernel.panic=10; sysctl -qw kernel.panic=10; put ${folder}/50-hidden.conf '# nothing'`,
    about: key('kernel.panic', '10'),
    now: '10',
    boot: 'not set',
  },
  {
    name: "a link to /dev/null in /etc takes the package's setting away",
    setup: `put /usr/lib/sysctl.d/50-masked.conf net.core.rmem_max=8388608; sysctl -qw net.core.rmem_max=8388608; ln -s /dev/null ${folder}/50-masked.conf`,
    about: key('net.core.rmem_max', '8388608'),
    now: '8388608',
    boot: 'not set',
  },
  {
    name: 'a file in /run is gone after the boot',
    setup: 'put /run/sysctl.d/run.conf kernel.panic_on_oops=1; sysctl -q --system',
    about: key('kernel.panic_on_oops', '1'),
    now: '1',
    boot: 'not set',
  },
  {
    name: 'a file whose name does not end in .conf is read by nobody',
    setup: `put ${folder}/99-k8s net.core.somaxconn=32768; sysctl -qw net.core.somaxconn=32768`,
    about: key('net.core.somaxconn', '32768'),
    now: '32768',
    boot: 'not set',
  },
  {
    name: 'a hidden file counts for sysctl --system, not for systemd',
    setup: `put ${folder}/.k8s.conf net.core.netdev_max_backlog=5000; sysctl -q --system`,
    about: key('net.core.netdev_max_backlog', '5000'),
    now: '5000',
    boot: 'not set',
  },
  // Behind those that run sysctl --system, which would take the value back.
  {
    name: "a package's file that sorts later wins over one in /etc, whatever was set by hand",
    setup: `put ${folder}/10-site.conf fs.inotify.max_user_instances=8192; put /usr/lib/sysctl.d/90-vendor.conf '' fs.inotify.max_user_instances=256; sysctl -qw fs.inotify.max_user_instances=8192`,
    about: key('fs.inotify.max_user_instances', '8192'),
    now: '8192',
    boot: '256',
    from: '/usr/lib/sysctl.d/90-vendor.conf:2',
  },
];

const globNow = { bullseye: '0', bookworm: '2', trixie: '2' } as const;

/** What a line is read as. procps 3 of Debian 11 knows no globs; a file of Debian 13's systemd takes rp_filter of "all" out of them. */
export const lineTraps = (suite: Suite): readonly Trap[] => [
  {
    name: `a glob sets the key of a network interface at boot${suite === 'bullseye' ? ', which sysctl does not know' : ''}`,
    setup: `put ${folder}/50-glob.conf 'net.ipv4.conf.*.rp_filter = 2'; put ${folder}/10-lo.conf 'net.ipv4.conf.lo.rp_filter = 1'; sysctl -q -p ${folder}/10-lo.conf ${folder}/50-glob.conf || :`,
    about: key('net.ipv4.conf.eth0.rp_filter', '2'),
    now: globNow[suite],
    boot: '2',
    from: `${folder}/50-glob.conf:1`,
  },
  suite === 'trixie'
    ? {
        name: "a line in a package's file takes a key out of a glob that is set now",
        setup: '',
        about: key('net.ipv4.conf.all.rp_filter', '2'),
        now: globNow[suite],
        boot: 'not set',
        from: '/usr/lib/sysctl.d/50-default.conf:',
      }
    : {
        name: 'a glob sets a key that no line names',
        setup: '',
        about: key('net.ipv4.conf.all.rp_filter', '2'),
        now: globNow[suite],
        boot: '2',
        from: `${folder}/50-glob.conf:1`,
      },
  {
    name: 'a line that names the key, even an earlier one, wins over a glob',
    setup: '',
    about: key('net.ipv4.conf.lo.rp_filter', '2'),
    now: '1',
    boot: '1',
    from: `${folder}/10-lo.conf:1`,
  },
  {
    name: 'a line "-key" takes the key out of a glob',
    setup: `put ${folder}/60-glob.conf 'net.ipv4.conf.*.arp_ignore = 1' '-net.ipv4.conf.all.arp_ignore'; sysctl -qw net.ipv4.conf.all.arp_ignore=1`,
    about: key('net.ipv4.conf.all.arp_ignore', '1'),
    now: '1',
    boot: 'not set',
    from: `${folder}/60-glob.conf:2`,
  },
  {
    name: 'slashes in a key are as good as dots',
    setup: `put ${folder}/slash.conf 'net/ipv4/conf/all/arp_announce = 2'`,
    about: key('net.ipv4.conf.all.arp_announce', '2'),
    now: '0',
    boot: '2',
    from: `${folder}/slash.conf:1`,
  },
  {
    name: 'conf.all.forwarding=0 in a later file turns ip_forward=1 off: they are one switch',
    setup: `put ${folder}/20-k8s.conf net.ipv4.ip_forward=1; put ${folder}/30-router.conf net.ipv4.conf.all.forwarding=0; sysctl -qw net.ipv4.ip_forward=1`,
    about: key('net.ipv4.ip_forward', '1'),
    now: '1',
    boot: '0',
    from: `${folder}/30-router.conf:1`,
  },
  {
    name: 'what follows a number is no comment, but the kernel reads the number alone',
    setup: `put ${folder}/comment.conf 'vm.panic_on_oom = 1 # on'`,
    about: key('vm.panic_on_oom', '1'),
    now: '0',
    boot: '1',
    from: `${folder}/comment.conf:1`,
  },
  {
    name: 'a value in quotes is refused by the kernel, so nothing is set',
    setup: `put ${folder}/quoted.conf 'net.ipv4.tcp_fin_timeout = "30"'; sysctl -qw net.ipv4.tcp_fin_timeout=30`,
    about: key('net.ipv4.tcp_fin_timeout', '30'),
    now: '30',
    boot: 'not set',
    from: `${folder}/quoted.conf:1`,
  },
  {
    name: 'a line without "=" sets nothing',
    setup: `put ${folder}/bare.conf 'net.ipv4.ip_nonlocal_bind 1'; sysctl -qw net.ipv4.ip_nonlocal_bind=1`,
    about: key('net.ipv4.ip_nonlocal_bind', '1'),
    now: '1',
    boot: 'not set',
  },
  {
    name: 'a file with DOS line ends is read all the same',
    setup: `printf '# Windows\\r\\nnet.ipv4.tcp_keepalive_time = 600\\r\\n' >${folder}/dos.conf`,
    about: key('net.ipv4.tcp_keepalive_time', '600'),
    now: '7200',
    boot: '600',
    from: `${folder}/dos.conf:2`,
  },
];

/** Writing one key changes others; nobody says so in a file. */
export const sideEffects: readonly Trap[] = [
  {
    name: 'ip_forward=1 in a later file takes conf.all.accept_redirects=1 back',
    setup: `put ${folder}/05-redirects.conf net.ipv4.conf.all.accept_redirects=1; put ${folder}/06-forward.conf net.ipv4.ip_forward=1`,
    about: key('net.ipv4.conf.all.accept_redirects', '1'),
    now: '1',
    boot: '0',
  },
  {
    name: 'IPv6 forwarding for "all" turns it on for "default" too, which an earlier file turned off',
    setup: `put ${folder}/05-six.conf net.ipv6.conf.default.forwarding=0; put ${folder}/06-six.conf net.ipv6.conf.all.forwarding=1`,
    about: key('net.ipv6.conf.default.forwarding', '1'),
    now: '0',
    boot: '1',
    from: `${folder}/06-six.conf:1`,
  },
  {
    name: 'vm.dirty_bytes in a later file makes vm.dirty_ratio 0',
    setup: `put ${folder}/05-dirty.conf vm.dirty_ratio=30; put ${folder}/06-dirty.conf vm.dirty_bytes=100000000`,
    about: key('vm.dirty_ratio', '30'),
    now: '20',
    boot: '0',
  },
];

const bridge = 'net.bridge.bridge-nf-call-iptables';
const conntrack = 'net.netfilter.nf_conntrack_max';

/** Keys that come with a module: systemd-sysctl passes over a key that is not there yet. */
export const moduleKeys: { readonly unlisted: readonly Trap[]; readonly listed: readonly Trap[] } = {
  unlisted: [
    {
      name: 'a key of br_netfilter, which is loaded now and listed nowhere, is not there after the boot',
      setup: `modprobe br_netfilter; put ${folder}/bridge.conf ${bridge}=0; sysctl -qw ${bridge}=0`,
      about: key(bridge, '0'),
      now: '0',
      boot: 'no such key',
      from: 'br_netfilter is not loaded at boot',
      lost: { by: 'modprobe br_netfilter', value: '0' },
    },
    {
      name: 'nf_conntrack_max, with nf_conntrack loaded only after the boot, has lost its value',
      setup: `modprobe nf_conntrack; put ${folder}/conntrack.conf ${conntrack}=1000001; sysctl -qw ${conntrack}=1000001`,
      about: key(conntrack, '1000001'),
      now: '1000001',
      boot: 'no such key',
      from: 'nf_conntrack is not loaded at boot',
      lost: { by: 'modprobe nf_conntrack', value: '1000001' },
    },
  ],
  listed: [
    {
      name: 'a key of br_netfilter is set where the module is listed',
      setup: `put /etc/modules-load.d/bridge.conf br_netfilter; put ${folder}/bridge.conf ${bridge}=0`,
      about: key(bridge, '0'),
      now: 'no such key',
      boot: '0',
      from: `${folder}/bridge.conf:1`,
    },
    {
      name: 'nf_conntrack_max is set where nf_conntrack is listed',
      setup: `put /etc/modules-load.d/conntrack.conf nf_conntrack; put ${folder}/conntrack.conf ${conntrack}=1000001`,
      about: key(conntrack, '1000001'),
      now: 'no such key',
      boot: '1000001',
      from: `${folder}/conntrack.conf:1`,
    },
  ],
};
