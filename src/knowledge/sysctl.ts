import { fileText, globPattern, numbered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { dropinQueries, dropins } from './dropins.ts';

/** The file that node-prep owns. */
export const ownSysctl = '/etc/sysctl.d/node-prep.conf';

/** A line of a sysctl.d file. `path`: below /proc/sys, may be a glob; `value` is undefined where the line takes a key out of globs. */
export type Setting = { readonly path: string; readonly value: string | undefined; readonly from: string };

/** Who sets a key last, and to what. */
export type Winner = { readonly value: string; readonly from: string };

export const settingQueries: readonly Query[] = [...dropinQueries('sysctl'), { ask: 'read', path: '/etc/sysctl.conf' }];

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
export const sysctlValue = (value: string): string => value.trim().split(/\s+/).join(' ');

/** The lines of a sysctl.d file that set something. `#` and `;` begin comments, a `-` before the key only forgives failure (sysctl.d(5)). */
export const parseSysctl = (text: string, file: string): Setting[] =>
  numbered(text).flatMap(({ line, text: raw }): Setting[] => {
    const stripped = raw.trim();
    if (stripped === '' || /^[#;]/.test(stripped)) return [];
    const equals = stripped.indexOf('=');
    const forgiving = stripped.startsWith('-');
    if (equals < 0 && !forgiving) return [];
    const key = stripped.slice(forgiving ? 1 : 0, equals < 0 ? undefined : equals).trim();
    const value = equals < 0 ? undefined : sysctlValue(stripped.slice(equals + 1));
    return key === '' ? [] : [{ path: sysctlPath(key), value, from: `${file}:${line}` }];
  });

/** What systemd-sysctl(8) sets at boot: sysctl.d alone, /etc/sysctl.conf only through a link. /run does not survive a reboot. */
export const bootSettings = (answers: Answers, own?: string): Setting[] =>
  settingsOf(
    dropins(answers, 'sysctl', own === undefined ? undefined : ownSysctl).filter((f) => !f.path.startsWith('/run/')),
    own,
  );

/** What `sysctl --system` of procps sets: sysctl.d, then /etc/sysctl.conf last of all (sysctl(8)). */
export const systemSettings = (answers: Answers, own?: string): Setting[] => [
  ...settingsOf(dropins(answers, 'sysctl', own === undefined ? undefined : ownSysctl), own),
  ...parseSysctl(fileText(answers, '/etc/sysctl.conf') ?? '', '/etc/sysctl.conf'),
];

/** `own`: the text to judge with in place of the file that node-prep owns. */
const settingsOf = (files: readonly FoundFile[], own: string | undefined): Setting[] => {
  const all = own === undefined ? files : [...files, { path: ownSysctl, text: own }];
  const name = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  return [...all].sort((a, b) => (name(a.path) < name(b.path) ? -1 : 1)).flatMap((f) => parseSysctl(f.text, f.path));
};

/** The setting that decides a path: the last that names it; else, unless it is taken out of globs, the last glob that matches. */
export const winner = (settings: readonly Setting[], path: string): Winner | undefined => {
  const naming = settings.filter((s) => s.path === path);
  const deciding = naming.length > 0 ? naming : settings.filter((s) => s.path.includes('*') && globPattern(s.path).test(path));
  const last = deciding.findLast((s) => s.value !== undefined);
  return last?.value === undefined || (naming.length > 0 && naming.every((s) => s.value === undefined))
    ? undefined
    : { value: last.value, from: last.from };
};

/** Modules that bring keys with them: the keys do not exist before (Linux 3.18 and later for br_netfilter). */
const bringers: readonly (readonly [prefix: string, module: string])[] = [
  ['net/bridge/bridge-nf-', 'br_netfilter'],
  ['net/netfilter/nf_conntrack_', 'nf_conntrack'],
  ['net/ipv4/vs/', 'ip_vs'],
];

/** The module that brings a path below /proc/sys, if it is known to come with one. */
export const bringerOf = (path: string): string | undefined => bringers.find(([prefix]) => path.startsWith(prefix))?.[1];
