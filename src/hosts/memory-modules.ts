import { textOf } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';
import { dropinPaths } from './memory-settings.ts';

/** Keys that modules bring into /proc/sys, with the kernel's defaults. */
const broughtKeys: { readonly [module: string]: { readonly [path: string]: string } } = {
  br_netfilter: {
    'net/bridge/bridge-nf-call-arptables': '1',
    'net/bridge/bridge-nf-call-ip6tables': '1',
    'net/bridge/bridge-nf-call-iptables': '1',
  },
  nf_conntrack: { 'net/netfilter/nf_conntrack_max': '65536' },
  ip_vs: { 'net/ipv4/vs/conn_reuse_mode': '1' },
};

/** Whether the running kernel has that module, and whether an option of its configuration is built in. */
export const hasModule = (machine: Machine, name: string): boolean =>
  index(machine).has(name) || builtin(machine).has(name) || loaded(machine).has(name);
export const hasOption = (machine: Machine, symbol: string): boolean =>
  textOf(machine.files, `/boot/config-${release(machine)}`)
    .split('\n')
    .includes(`${symbol}=y`);

/** The running kernel's release, and whether its modules are there. */
export const runningRelease = (machine: Machine): { readonly release: string; readonly indexed: boolean } => ({
  release: release(machine),
  indexed: machine.files.has(`/lib/modules/${release(machine)}/modules.dep`),
});

/** `modprobe -a NAMES`, as far as node-prep uses it: it goes on after a name that fails, and then exits with 1. */
export const modprobe = (machine: Machine, words: readonly string[]): Ran => {
  const complaints = words.filter((word) => !word.startsWith('-')).map((name) => modprobeOne(machine, name));
  const said = complaints.filter((complaint) => complaint !== undefined);
  return said.length === 0 ? done : failed(1, said.join('\n'));
};

/** `rmmod NAMES`: it goes on after one that is in use, and then exits with 1. The keys of a module go with it. */
export const rmmod = (machine: Machine, names: readonly string[]): Ran => {
  const complaints = names.flatMap((name) => {
    const lines = moduleLines(machine);
    const found = lines.find((line) => line.name === name);
    if (!found) return [`rmmod: ERROR: Module ${name} is not currently loaded`];
    if (found.by.length + found.others > 0) return [`rmmod: ERROR: Module ${name} is in use by: ${found.by.join(' ')}`];
    writeLines(
      machine,
      lines.filter((line) => line !== found).map((line) => ({ ...line, by: line.by.filter((user) => user !== name) })),
    );
    for (const path of Object.keys(broughtKeys[name] ?? {})) machine.files.delete(`/proc/sys/${path}`);
    return [];
  });
  return complaints.length === 0 ? done : failed(1, complaints.join('\n'));
};

/** A line of /proc/modules. `others`: uses by no module. */
type Line = { readonly name: string; readonly by: readonly string[]; readonly others: number };

const moduleLines = ({ files }: Machine): Line[] =>
  textOf(files, '/proc/modules')
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [name = '', , uses = '0', users = '-'] = line.split(' ');
      const by = users.split(',').filter((user) => /\w/.test(user));
      return { name, by, others: Number(uses) - by.length };
    });

const writeLines = ({ files }: Machine, lines: readonly Line[]): void => {
  const text = ({ name, by, others }: Line): string =>
    `${name} 16384 ${by.length + others} ${by.map((user) => `${user},`).join('') || '-'} Live 0x0000000000000000\n`;
  files.set('/proc/modules', lines.map(text).join(''));
};

/** What systemd-modules-load does with one name: like modprobe, but it skips what is blacklisted. */
export const loadAtBoot = (machine: Machine, name: string): void => {
  const real = realName(machine, underscored(name));
  if (!denied(machine, 'blacklist').has(real)) modprobeOne(machine, name);
};

const modprobeOne = (machine: Machine, name: string): string | undefined => {
  const real = realName(machine, underscored(name));
  if (loaded(machine).has(real) || builtin(machine).has(real)) return undefined;
  if (!index(machine).has(real))
    return `modprobe: WARNING: Module ${name} not found in directory /lib/modules/${release(machine)}`;
  const command = denied(machine, 'install').get(real);
  if (command !== undefined)
    return /\/true\b/.test(command) ? undefined : `modprobe: ERROR: could not insert '${name}': Invalid argument`;
  for (const module of [...(index(machine).get(real) ?? []).toReversed(), real]) {
    if (denied(machine, 'install').has(module) || !insert(machine, module))
      return `modprobe: ERROR: could not insert '${name}': Operation not permitted`;
  }
  return undefined;
};

/** The kernel's part: false where it refuses. */
const insert = (machine: Machine, module: string): boolean => {
  if (loaded(machine).has(module) || builtin(machine).has(module)) return true;
  if (!mayLoad(machine) || refusedByKernel(machine).has(module)) return false;
  const needs = index(machine).get(module) ?? [];
  const others = moduleLines(machine).map((line) => (needs.includes(line.name) ? { ...line, by: [module, ...line.by] } : line));
  writeLines(machine, [{ name: module, by: [], others: 0 }, ...others]);
  for (const [path, value] of Object.entries(broughtKeys[module] ?? {})) {
    if (!machine.files.has(`/proc/sys/${path}`)) machine.files.set(`/proc/sys/${path}`, `${value}\n`);
  }
  return true;
};

/** CAP_SYS_MODULE is bit 16 of the effective set. */
const mayLoad = ({ files }: Machine): boolean => {
  const caps = /CapEff:\s*([0-9a-f]+)/.exec(textOf(files, '/proc/self/status'))?.[1] ?? '0';
  return ((BigInt(`0x${caps}`) >> 16n) & 1n) === 1n && textOf(files, '/proc/sys/kernel/modules_disabled').trim() !== '1';
};

const release = ({ files }: Machine): string => textOf(files, '/proc/sys/kernel/osrelease').trim();

const underscored = (name: string): string => name.split('-').join('_');

const indexLines = (machine: Machine, file: string): string[] =>
  textOf(machine.files, `/lib/modules/${release(machine)}/${file}`)
    .split('\n')
    .filter(Boolean);

const nameOf = (path: string): string => underscored((path.split('/').at(-1) ?? '').split('.ko')[0] ?? '');

const index = (machine: Machine): Map<string, string[]> =>
  new Map(
    indexLines(machine, 'modules.dep').map((line) => {
      const [file = '', deps = ''] = line.split(':');
      return [nameOf(file), deps.split(' ').filter(Boolean).map(nameOf)];
    }),
  );

const builtin = (machine: Machine): Set<string> => new Set(indexLines(machine, 'modules.builtin').map(nameOf));

const loaded = ({ files }: Machine): Set<string> =>
  new Set(
    textOf(files, '/proc/modules')
      .split('\n')
      .map((line) => line.split(' ')[0] ?? ''),
  );

const realName = (machine: Machine, name: string): string => {
  const alias = indexLines(machine, 'modules.alias').find((line) => line.split(' ')[1] === name);
  return index(machine).has(name) ? name : (alias?.split(' ')[2] ?? name);
};

/** Lines `WORD NAME REST` of modprobe.d, by name. */
const denied = ({ files }: Machine, word: string): Map<string, string> => {
  const joined = (path: string): string => textOf(files, path).replaceAll('\\\n', '');
  const lines = dropinPaths({ files }, 'modprobe').flatMap((path) => joined(path).split('\n'));
  const words = lines.map((line) => line.trim().split(/\s+/)).filter(([first]) => first === word);
  const listed = words.map(([, name = '', ...rest]): [string, string] => [underscored(name), rest.join(' ')]);
  const cmdline = word === 'blacklist' ? onCmdline(files, 'modprobe.blacklist').map((name): [string, string] => [name, '']) : [];
  return new Map([...listed, ...cmdline]);
};

const refusedByKernel = ({ files }: Machine): Set<string> => new Set(onCmdline(files, 'module_blacklist'));

const onCmdline = (files: Machine['files'], key: string): string[] =>
  textOf(files, '/proc/cmdline')
    .trim()
    .split(' ')
    .filter((word) => word.startsWith(`${key}=`))
    .flatMap((word) =>
      word
        .slice(key.length + 1)
        .split(',')
        .map(underscored),
    );
