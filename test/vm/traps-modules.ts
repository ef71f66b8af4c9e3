import type { Subject, Trap } from './traps.ts';

/** A module: whether the kernel has it. */
export const moduleNamed = (name: string): Subject => ({
  id: `module/${name}`,
  modules: [name],
  probe: `grep -q '^${name} ' /proc/modules && echo loaded || echo not loaded`,
  predicted: (boot) => (boot.ok ? 'loaded' : 'not loaded'),
});

const load = '/etc/modules-load.d';
const rules = '/etc/modprobe.d';

/** Where names of modules are written down, and what systemd makes of it. */
export const loadTraps: readonly Trap[] = [
  {
    name: 'a module that is loaded now and listed nowhere is gone',
    setup: 'modprobe xt_comment',
    about: moduleNamed('xt_comment'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'a dash for an underscore in modules-load.d does no harm',
    setup: `put ${load}/dash.conf '# ours' xt-length`,
    about: moduleNamed('xt_length'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/dash.conf:2`,
  },
  {
    name: "a name in /etc/modules is loaded through Debian's link in modules-load.d",
    setup: `put /etc/modules '# none' xt_ipcomp`,
    about: moduleNamed('xt_ipcomp'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/modules.conf:2`,
  },
  {
    name: "a package's list is masked by an empty file of its name in /etc",
    setup: `put /usr/lib/modules-load.d/vendor-a.conf xt_owner; : >${load}/vendor-a.conf; modprobe xt_owner`,
    about: moduleNamed('xt_owner'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: "a package's list is masked by a link to /dev/null in /etc",
    setup: `put /usr/lib/modules-load.d/vendor-b.conf xt_string; ln -s /dev/null ${load}/vendor-b.conf; modprobe xt_string`,
    about: moduleNamed('xt_string'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'a list in /run is gone after the boot',
    setup: 'put /run/modules-load.d/run.conf xt_limit; modprobe xt_limit',
    about: moduleNamed('xt_limit'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'a list whose file name does not end in .conf is read by nobody',
    setup: `put ${load}/k8s xt_mac; modprobe xt_mac`,
    about: moduleNamed('xt_mac'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'two names on one line are no name',
    setup: `put ${load}/pair.conf 'xt_pkttype xt_realm'; modprobe -a xt_pkttype xt_realm`,
    about: moduleNamed('xt_pkttype'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'a comment after a name makes it no name',
    setup: `put ${load}/comment.conf 'xt_esp # for IPsec'; modprobe xt_esp`,
    about: moduleNamed('xt_esp'),
    now: 'loaded',
    boot: 'not listed',
  },
  {
    name: 'a list with DOS line ends is read all the same',
    setup: `printf 'xt_hl\\r\\nxt_ecn\\r\\n' >${load}/dos.conf`,
    about: moduleNamed('xt_ecn'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/dos.conf:2`,
  },
  {
    name: 'a module that a listed one needs comes with it',
    setup: `put ${load}/needs.conf ip_set_hash_ip`,
    about: moduleNamed('ip_set'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/needs.conf:1, needed by ip_set_hash_ip`,
  },
];

/** What modprobe.d says about a module, against what is listed. */
export const ruleTraps: readonly Trap[] = [
  {
    name: 'a listed module that is blacklisted is skipped at boot, though modprobe loads it now',
    setup: `put ${load}/black.conf xt_mark; put ${rules}/black.conf '# hardening' 'blacklist xt_mark'; modprobe xt_mark`,
    about: moduleNamed('xt_mark'),
    now: 'loaded',
    boot: 'denied',
    from: `${rules}/black.conf:2`,
  },
  {
    name: 'a listed module with "install ... /bin/true" is never loaded, and nobody complains',
    setup: `put ${load}/true.conf xt_addrtype; put ${rules}/true.conf 'install xt_addrtype /bin/true'; modprobe -i xt_addrtype`,
    about: moduleNamed('xt_addrtype'),
    now: 'loaded',
    boot: 'denied',
    from: `${rules}/true.conf:1`,
  },
  {
    name: 'a listed module with "install ... /bin/false" is never loaded',
    setup: `put ${load}/false.conf xt_multiport; put /usr/lib/modprobe.d/false.conf 'install xt-multiport /bin/false'; modprobe -i xt_multiport`,
    about: moduleNamed('xt_multiport'),
    now: 'loaded',
    boot: 'denied',
    from: '/usr/lib/modprobe.d/false.conf:1',
  },
  {
    name: 'a blacklist in /run is gone after the boot, and the listed module is loaded',
    setup: `put ${load}/runblack.conf xt_policy; put /run/modprobe.d/runblack.conf 'blacklist xt_policy'`,
    about: moduleNamed('xt_policy'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/runblack.conf:1`,
  },
  {
    name: 'an alias in modprobe.d puts another module in the place of the listed one',
    setup: `put ${load}/alias.conf xt_sctp; modprobe xt_sctp; put ${rules}/alias.conf 'alias xt_sctp xt_time'`,
    about: moduleNamed('xt_sctp'),
    now: 'loaded',
    boot: 'denied',
    from: `${rules}/alias.conf:1`,
  },
  {
    name: 'the module that an alias leads to is loaded for the listed one',
    setup: '',
    about: moduleNamed('xt_time'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/alias.conf:1`,
  },
  {
    name: 'a softdep brings a module that is listed nowhere',
    setup: `put ${load}/soft.conf xt_quota; put ${rules}/soft.conf 'softdep xt_quota pre: xt_cpu'`,
    about: moduleNamed('xt_cpu'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/soft.conf:1, softdep of xt_quota`,
  },
  {
    name: 'a blacklisted module is loaded all the same where a listed one needs it',
    setup: `put ${load}/dep.conf nft_limit; put ${rules}/dep.conf 'blacklist nf_tables'`,
    about: moduleNamed('nf_tables'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/dep.conf:1, needed by nft_limit`,
  },
  {
    name: 'a rules file masked by an empty one of its name denies nothing',
    setup: `put ${load}/free.conf xt_hashlimit; put /usr/lib/modprobe.d/free.conf 'install xt_hashlimit /bin/true'; : >${rules}/free.conf`,
    about: moduleNamed('xt_hashlimit'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/free.conf:1`,
  },
];

/** What the kernel command line says, which is there in this boot and the next. */
export const argumentModules: readonly Trap[] = [
  {
    name: 'the kernel itself refuses a listed module that module_blacklist= names',
    setup: `put ${load}/refused.conf xt_statistic`,
    about: moduleNamed('xt_statistic'),
    now: 'not loaded',
    boot: 'denied',
    from: '/proc/cmdline',
  },
  {
    name: 'a listed module that modprobe.blacklist= names is skipped, though modprobe loads it now',
    setup: `put ${load}/skipped.conf xt_iprange; modprobe xt_iprange`,
    about: moduleNamed('xt_iprange'),
    now: 'loaded',
    boot: 'denied',
    from: '/proc/cmdline',
  },
  {
    name: 'a module that modules_load= names is loaded, though no file lists it',
    setup: 'rmmod xt_recent',
    about: moduleNamed('xt_recent'),
    now: 'not loaded',
    boot: 'loaded',
    from: '/proc/cmdline',
  },
  {
    name: 'kernel.modules_disabled=1 in sysctl.d comes after modules-load.d: what is listed is loaded',
    setup: `put ${load}/before-lock.conf xt_dscp; put /etc/sysctl.d/lock.conf kernel.modules_disabled=1`,
    about: moduleNamed('xt_dscp'),
    now: 'not loaded',
    boot: 'loaded',
    from: `${load}/before-lock.conf:1`,
  },
];
