/**
 * A key's path below /proc/sys. The first separator tells which one separates: after `.`, a `/` stands for a dot in a name,
 * as in net.ipv4.conf.eth0/100.forwarding (sysctl.d(5)).
 */
export const sysctlPath = (key: string): string =>
  /^[^./]*\//.test(key) ? key : key.replace(/[./]/g, (separator) => (separator === '.' ? '/' : '.'));

/** The dotted way to write a path below /proc/sys. */
export const sysctlKey = (path: string): string => path.replace(/[./]/g, (separator) => (separator === '/' ? '.' : '/'));

/** What a key may look like: no spaces, no control characters, no way out of /proc/sys. */
export const isSysctlKey = (key: string): boolean => {
  const path = sysctlPath(key);
  return (
    /^[A-Za-z0-9_][A-Za-z0-9_.:@-]*(\/[A-Za-z0-9_.:@-]+)+$/.test(path) &&
    !path.split('/').some((part) => part === '..' || part === '.')
  );
};

/** Values as the kernel shows them: several numbers are separated by tabs there and by spaces in files. */
export const sysctlValue = (value: string): string =>
  value
    .split(/[ \t\n]+/)
    .filter((word) => word !== '')
    .join(' ');

/**
 * What the kernel makes of a text that is written to a key that holds one integer, as it shows it afterwards; undefined where
 * it refuses the text. What follows the first word is ignored: "1 # on" is 1 (kernel/sysctl.c, __do_proc_dointvec). A key may
 * have limits of its own on top.
 */
export const kernelInteger = (value: string): string | undefined => {
  const [, minus, digits = ''] = /^[\v\f\r]*(-?)(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9]\d*)(?=[ \t\n]|$)/.exec(value) ?? [];
  if (minus === undefined) return undefined;
  const number = /^0[0-7]/.test(digits) ? Number.parseInt(digits, 8) : Number(digits);
  return String(minus === '-' && number !== 0 ? -number : number);
};

/** Modules that bring keys with them: the keys do not exist before (Linux 3.18 and later for br_netfilter). */
const bringers: readonly (readonly [prefix: string, module: string])[] = [
  ['net/bridge/bridge-nf-', 'br_netfilter'],
  ['net/netfilter/nf_conntrack_', 'nf_conntrack'],
  ['net/ipv4/vs/', 'ip_vs'],
];

/** The module that brings a path below /proc/sys, if it is known to come with one. */
export const bringerOf = (path: string): string | undefined => bringers.find(([prefix]) => path.startsWith(prefix))?.[1];

/**
 * Something whose write sets a key as well, and what it then holds. `always`: every write does. `change`: only one that changes the
 * switch, which is off when the kernel starts.
 */
export type Driver = {
  readonly paths: readonly string[];
  readonly when: 'always' | 'change';
  gives(value: string): string | undefined;
};

const forwarding = ['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding'] as const;

/** Of each pair one holds 0 while the other is in force (Documentation/admin-guide/sysctl/vm.rst). */
const rivals = [
  ['vm/dirty_ratio', 'vm/dirty_bytes'],
  ['vm/dirty_background_ratio', 'vm/dirty_background_bytes'],
  ['vm/overcommit_ratio', 'vm/overcommit_kbytes'],
] as const;

const same = (value: string): string => value;

/**
 * What else sets the key of a path. Seen in network namespaces of Linux 6.1 and 6.18; devinet_sysctl_forward(),
 * inet_forward_change(), addrconf_fixup_forwarding(), addrconf_disable_ipv6(), dirty_bytes_handler().
 */
export const driverOf = (path: string): Driver | undefined => {
  const twin = forwarding.find((other) => other !== path);
  if (forwarding.some((other) => other === path)) return { paths: twin ? [twin] : [], when: 'always', gives: same };
  if (path === 'net/ipv4/conf/all/accept_redirects')
    return { paths: forwarding, when: 'change', gives: (value) => (value === '0' ? '1' : '0') };
  const rival = rivals.find((pair) => pair.some((other) => other === path))?.find((other) => other !== path);
  if (rival) return { paths: [rival], when: 'always', gives: (value) => (value === '0' ? undefined : '0') };
  const [, family, device, key] = /^net\/(ipv[46])\/conf\/([^/]+)\/(forwarding|disable_ipv6)$/.exec(path) ?? [];
  if (family === undefined || device === 'all') return undefined;
  if (family === 'ipv6') return { paths: [`net/ipv6/conf/all/${key}`], when: 'always', gives: same };
  return key === 'forwarding' ? { paths: forwarding, when: 'change', gives: same } : undefined;
};
