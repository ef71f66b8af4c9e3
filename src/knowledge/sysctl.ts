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

/** One switch under two names: writing either changes both (Documentation/networking/ip-sysctl.rst, ip_forward). */
const twins: readonly (readonly [string, string])[] = [['net/ipv4/ip_forward', 'net/ipv4/conf/all/forwarding']];

/** The other name of a key's switch, if it has one. */
export const twinOf = (path: string): string | undefined => {
  const pair = twins.find((names) => names.includes(path));
  return pair?.find((name) => name !== path);
};

/** Whether one line of a sysctl.d file is read after another: by file name, then by line; /etc/sysctl.conf last of all. */
export const isReadLater = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((from) => {
    const [, path = '', line = '0'] = /^(.*):(\d+)$/.exec(from) ?? [];
    return { last: path === '/etc/sysctl.conf', name: path.slice(path.lastIndexOf('/') + 1), line: Number(line) };
  });
  if (!x || !y) return false;
  if (x.last !== y.last) return x.last;
  return x.name === y.name ? x.line > y.line : x.name > y.name;
};
