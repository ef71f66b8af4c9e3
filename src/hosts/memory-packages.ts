import { compareDebian } from '../knowledge/versions.ts';
import type { Answer } from '../model.ts';
import { textOf } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, MemoryFile, Ran } from './memory-machine.ts';

/** The programs that packages bring. */
const broughtPrograms: { readonly [name: string]: readonly string[] } = {
  kmod: ['modprobe'],
  procps: ['sysctl'],
  'procps-ng': ['sysctl'],
};

/** Answers the question for packages: the shell text is not run, but read for the names and minima that it asks about. */
export const packageAnswer = (machine: Machine, script: string): Answer => {
  const part = (start: string): string => script.slice(script.indexOf(start)).split(' ;;\n')[0] ?? '';
  const text =
    machine.manager === 'apt'
      ? debianAnswer(machine, part('have=$(dpkg-query'))
      : machine.manager === 'dnf'
        ? rhelAnswer(machine, part('have=$(rpm'))
        : programAnswer(machine, script);
  return { status: 0, text };
};

/** Whether a program is there. */
export const hasProgram = ({ files }: Machine, name: string): boolean =>
  ['/usr/sbin', '/usr/bin', '/sbin', '/bin'].some((folder) => files.has(`${folder}/${name}`));

/** Lays the programs of a package down. */
export const bringPrograms = ({ files }: Machine, name: string): void => {
  for (const program of broughtPrograms[name] ?? []) files.set(`/usr/sbin/${program}`, 'ELF');
  if (isIptables(name)) bringIptables(files, name.slice('iptables-'.length));
};

const isIptables = (name: string): boolean => /^iptables(-nft|-legacy)?$/.test(name);
const iptablesFile = /^\/(?:usr\/sbin|etc\/alternatives)\/(?:ip6?tables|xtables)/;

/** Programs behind alternatives(8), as Debian's package and RHEL's lay them; a choice that was made before stays. */
const bringIptables = (files: Machine['files'], named: string): void => {
  const variant = named || (/^VERSION_ID="?(9|18\.04|20\.04)"?$/m.test(textOf(files, '/etc/os-release')) ? 'legacy' : 'nft');
  const lay = (path: string, file: MemoryFile) => void (files.has(path) || files.set(path, file));
  for (const program of ['iptables', 'ip6tables']) {
    lay(`/usr/sbin/${program}`, { link: `/etc/alternatives/${program}` });
    lay(`/etc/alternatives/${program}`, { link: `/usr/sbin/${program}-${variant}` });
    lay(`/usr/sbin/${program}-${variant}`, { link: `xtables-${variant}-multi` });
  }
  lay(`/usr/sbin/xtables-${variant}-multi`, 'ELF');
};

/** What the question for nft gets on a host whose package brings it, built with JSON as distributions do. */
export const nftAnswer = ({ installed }: Machine): string => {
  const version = installed.get('nftables')?.replace(/^\d+:/, '');
  return version ? `program /usr/sbin/nft\nnftables v${version.replace(/-.*/, '')} (x)\n  json:\tyes\npackage ${version}\n` : '';
};

/** `dpkg --configure -a`: an end to what was cut off. */
export const dpkg = (machine: Machine): Ran => {
  if (machine.manager !== 'apt') return failed(127, 'dpkg: not found');
  for (const path of updatesOf(machine)) machine.files.delete(path);
  return done;
};

const updatesOf = ({ files }: Machine): string[] => [...files.keys()].filter((path) => path.startsWith('/var/lib/dpkg/updates/'));

/** `apt-get update` and `apt-get install`, which refuses while dpkg is cut off. */
export const aptGet = (machine: Machine, words: readonly string[]): Ran => {
  if (machine.manager !== 'apt') return failed(127, 'apt-get: not found');
  if (updatesOf(machine).length > 0) return failed(100, "E: dpkg was interrupted, you must manually run 'dpkg --configure -a'");
  if (words.includes('update')) {
    machine.listed = true;
    for (const [name, { gone: _gone, ...fresh }] of machine.available) machine.available.set(name, fresh);
    return done;
  }
  return install(machine, words, (name) => failed(100, `E: Unable to locate package ${name}`));
};

/** `dnf install`, which fetches the lists by itself. */
export const dnf = (machine: Machine, words: readonly string[]): Ran => {
  if (machine.manager !== 'dnf') return failed(127, 'dnf: not found');
  machine.listed = true;
  return install(machine, words, (name) => failed(1, `No match for argument: ${name}`));
};

const install = (machine: Machine, words: readonly string[], absent: (name: string) => Ran): Ran => {
  for (const name of words.slice(words.indexOf('install') + 1).filter((word) => !word.startsWith('-'))) {
    const found = machine.listed ? machine.available.get(name) : undefined;
    if (found?.gone) return failed(100, `E: Failed to fetch ${name}_${found.version}.deb  404  Not Found`);
    if (!found && !machine.installed.has(name)) return absent(name);
    if (found) machine.installed.set(name, found.version);
    const laid = Object.entries(found?.files ?? {});
    machine.unlinked.set(name, new Map([...machine.files].filter(([path]) => laid.some(([own]) => own === path))));
    for (const [path, text] of laid) machine.files.set(path, text);
    bringPrograms(machine, name);
  }
  return done;
};

/** `dpkg --remove` and `rpm -e`: their programs go with them. */
export const removePackages = (machine: Machine, words: readonly string[]): Ran => {
  for (const name of words.filter((word) => !word.startsWith('-'))) {
    machine.installed.delete(name);
    for (const program of broughtPrograms[name] ?? []) machine.files.delete(`/usr/sbin/${program}`);
    if (isIptables(name)) for (const path of [...machine.files.keys()]) if (iptablesFile.test(path)) machine.files.delete(path);
    for (const path of Object.keys(machine.available.get(name)?.files ?? {})) machine.files.delete(path);
    for (const [path, file] of machine.unlinked.get(name) ?? []) machine.files.set(path, file);
  }
  return done;
};

type Want = { readonly min: string; readonly names: readonly string[] };

const wordsOf = (line: string): string[] => line.split(' ').map((word) => word.replace(/^'|'$/g, ''));

const wants = (part: string, withMin: boolean): Want[] =>
  part
    .split('\n')
    .filter((line) => line.startsWith('want ') && !line.includes('('))
    .map((line) => wordsOf(line.slice(5)))
    .map((words) => (withMin ? { min: words[0] ?? '', names: words.slice(1) } : { min: '', names: words }));

/** The names that the first line asks the package database for: those of mere advice are no `want`. */
const askedNames = (part: string): string[] =>
  [...new Set(wordsOf(/\\n' (.*) 2>\/dev\/null\)/.exec(part)?.[1] ?? ''))].filter(Boolean).sort();

const debianAnswer = (machine: Machine, part: string): string => {
  const asked = wants(part, true);
  const have = (name: string): string | undefined => machine.installed.get(name);
  const fits = (min: string, name: string): boolean => {
    const version = have(name);
    return version !== undefined && (min === '' || compareDebian(version.replace(/^\d+:/, ''), min) >= 0);
  };
  const open = asked.some(({ min, names }) => !names.some((name) => fits(min, name)));
  const names = askedNames(part);
  const installed = names.flatMap((name) => (have(name) ? [`${name} installed ${have(name) ?? ''}`] : []));
  return [
    ...installed,
    ...(open ? names.flatMap((name) => policy(machine, name)) : []),
    ...(open && machine.listed ? ['sources'] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
};

/** `apt-cache policy` says nothing of names that it never heard. */
export const policy = (machine: Machine, name: string): string[] => {
  const [installed, available] = [machine.installed.get(name), machine.listed ? machine.available.get(name)?.version : undefined];
  if (installed === undefined && available === undefined) return [];
  return [
    `${name}:`,
    `  Installed: ${installed ?? '(none)'}`,
    `  Candidate: ${available ?? installed ?? '(none)'}`,
    '  Version table:',
  ];
};

const rhelAnswer = (machine: Machine, part: string): string => {
  const asked = wants(part, false);
  const names = askedNames(part);
  const lines = (word: string, version: (name: string) => string | undefined): string[] =>
    names.flatMap((name) => (version(name) === undefined ? [] : [`${word} ${name} ${version(name) ?? ''}`]));
  const open = asked.some(({ names: any }) => !any.some((name) => machine.installed.has(name)));
  return [
    ...lines('installed', (name) => machine.installed.get(name)),
    ...(open && machine.listed ? [...lines('candidate', (name) => machine.available.get(name)?.version), 'sources'] : []),
  ]
    .map((line) => `${line}\n`)
    .join('');
};

const programAnswer = (machine: Machine, script: string): string =>
  wordsOf(/for b in (.*); do command/.exec(script)?.[1] ?? '')
    .filter((name) => hasProgram(machine, name))
    .map((name) => `${name}\n`)
    .join('');
