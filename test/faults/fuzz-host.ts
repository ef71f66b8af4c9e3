import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { queryKey } from '../../src/answers.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { memoryHost } from '../../src/hosts/memory.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Answer, Answers, Desired, Query } from '../../src/model.ts';
import { queriesFor } from '../../src/plan.ts';
import { recorded } from '../recordings/hosts.ts';
import { debianPackages } from '../recordings/packages.ts';

const corpus = join(import.meta.dirname, 'corpus');

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
    entry.isDirectory() ? filesBelow(join(folder, entry.name)).map((name) => `${entry.name}/${name}`) : [entry.name],
  );

/** The texts of a folder of the corpus by their names, as a host answers them: in UTF-8, whatever they are. */
export const textsOf = (folder: string): { readonly [name: string]: string } =>
  Object.fromEntries(filesBelow(join(corpus, folder)).map((name) => [name, readFileSync(join(corpus, folder, name), 'utf8')]));

/** What is there to change a file's text with: lines that mean something to one of the parsers, and those that should not. */
export const nasty: readonly string[] = Object.values(textsOf('nasty'));

const scripts = textsOf('answers');

const started = (unit: string): { readonly [path: string]: MemoryFile } => ({
  [`/usr/lib/systemd/system/${unit}`]: '[Unit]\nDescription=x\n',
  [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `/usr/lib/systemd/system/${unit}` },
  [`/run/systemd/units/invocation:${unit}`]: { link: '0123' },
});

const services = ['NetworkManager', 'systemd-networkd', 'firewalld', 'ufw', 'tuned', 'cron', 'ssh', 'set-forward'];

/** Where everything is installed that node-prep reads files of, so that each of its parsers is reached. */
const everything: { readonly [path: string]: MemoryFile } = {
  ...Object.fromEntries(Object.entries(textsOf('tree')).map(([name, text]) => [`/${name}`, text])),
  ...Object.assign({}, ...services.map((name) => started(`${name}.service`))),
  '/proc/sys/kernel/osrelease': '6.1.0-50-amd64\n',
  '/boot/config-6.1.0-50-amd64': recorded('config'),
  '/etc/systemd/system/multi-user.target.wants/vault.swap': { link: '/etc/systemd/system/vault.swap' },
  '/etc/sysctl.d/99-sysctl.conf': { link: '../sysctl.conf' },
  '/etc/alternatives/iptables': { link: '/usr/sbin/iptables-nft' },
  '/usr/sbin/iptables': { link: '/etc/alternatives/iptables' },
  '/usr/sbin/ip6tables': { link: 'ip6tables-legacy' },
  ...Object.fromEntries(
    [
      '/usr/sbin/NetworkManager',
      '/usr/sbin/ifup',
      '/usr/bin/cloud-init',
      '/usr/sbin/update-grub',
      '/usr/sbin/restorecon',
      '/usr/sbin/modprobe',
      '/usr/lib/systemd/libsystemd-shared-252.so',
      '/usr/lib/systemd/system-generators/systemd-gpt-auto-generator',
    ].map((path) => [path, 'ELF']),
  ),
  ...Object.fromEntries(
    ['net/ipv4/ip_forward', 'net/ipv6/conf/all/forwarding', 'net/ipv6/conf/default/forwarding', 'kernel/modules_disabled'].map(
      (key) => [`/proc/sys/${key}`, '0\n'],
    ),
  ),
};

/** That host, with files changed: undefined takes one away. */
export const hostWith = (changes: { readonly [path: string]: string | undefined } = {}): MemoryHost => {
  const files = Object.fromEntries(Object.entries({ ...everything, ...changes }).filter(([, file]) => file !== undefined));
  return memoryHost({
    files: files as { readonly [path: string]: MemoryFile },
    scripts,
    packages: debianPackages('12', ['iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'nftables']),
    services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } },
  });
};

/** A question to that host, and the answer that can be changed. `of`: the file or script that it comes from. */
export type Asked = { readonly query: Query; readonly key: string; readonly of: string };

/** Another answer than that host's: files, and what the script of that name prints besides. */
export type Otherwise = {
  readonly files?: { readonly [path: string]: string };
  readonly says?: { readonly [name: string]: string };
};

/** All that is asked of that host for a desired state, and what it answers. */
export const askedOf = async (
  desired: Desired,
  { files = {}, says = {} }: Otherwise = {},
): Promise<{ readonly answers: Answers; readonly asked: readonly Asked[] }> => {
  const queries = queriesFor(desired);
  const answers = new Map(await hostWith(files).probe(queries));
  for (const query of queries) {
    const name = query.ask === 'run' ? scriptOf(query) : '';
    const script = query.ask === 'run' && scripts[name] !== undefined ? `${scripts[name]}${says[name] ?? ''}` : undefined;
    if (script !== undefined) answers.set(queryKey(query), { status: 0, text: script });
  }
  const asked = queries.flatMap((query): Asked[] =>
    query.ask !== 'run' && query.lines?.length === 0 ? [] : [{ query, key: queryKey(query), of: nameOf(query) }],
  );
  return { answers, asked };
};

const scriptOf = (query: Extract<Query, { ask: 'run' }>): string => {
  const [, , script = '', name = ''] = query.argv;
  return name.startsWith('ask-') ? name : script.includes('systemctl show') ? 'services' : 'packages';
};

const nameOf = (query: Query): string =>
  query.ask === 'read'
    ? query.path
    : query.ask === 'list'
      ? query.glob
      : query.argv[0] === 'sh'
        ? scriptOf(query)
        : query.argv.join(' ');

/** The answers with one of them changed: of a list its first file, or one that was not there. */
export const changed = (answers: Answers, { query, key }: Asked, text: string, name?: string): Answers => {
  const was = answers.get(key) ?? { status: 0, text: '' };
  const garbled = text.includes('\ufffd') && { garbled: true as const };
  const answer: Answer =
    query.ask !== 'list' ? { ...was, status: 0, text, ...garbled } : { ...was, files: filesWith(query.glob, was, text, name) };
  return new Map([...answers, [key, answer]]);
};

const filesWith = (glob: string, was: Answer, text: string, name?: string): NonNullable<Answer['files']> => {
  const [first, ...rest] = was.files ?? [];
  const path = name === undefined ? (first?.path ?? glob.replaceAll('*', 'x')) : glob.replaceAll('*', () => name);
  const others = name === undefined ? rest : [...(first ? [first] : []), ...rest].filter((file) => file.path !== path);
  return [...others, { path, text }].sort((a, b) => (a.path < b.path ? -1 : 1));
};
