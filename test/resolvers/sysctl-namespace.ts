/**
 * Runs a program over trees of sysctl.d files in a mount and network namespace of its own: `unshare ... node THIS PROGRAM..`,
 * a JSON array of `Tree` on standard input, one of `Seen` on standard output. Only keys of the network namespace are used.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { queryKey } from '../../src/answers.ts';
import { listAnswer } from '../../src/hosts/files.ts';
import { here } from '../../src/hosts/place.ts';
import { readAnswer } from '../../src/hosts/read.ts';
import { sysctlFileQueries } from '../../src/knowledge/sysctl-resolve.ts';
import type { Answer } from '../../src/model.ts';

/** A file with a text, a symbolic link or a directory. U+FFFD in a text is written as a byte that is no UTF-8. */
export type Entry = { readonly path: string } & ({ readonly text: string } | { readonly link: string } | { readonly dir: true });
export type Tree = readonly Entry[];

/** What the host answers about its files, and what the keys hold after the program has run. */
export type Seen = { readonly answers: readonly (readonly [string, Answer])[]; readonly values: readonly string[] };

export const folders = ['/etc/sysctl.d', '/run/sysctl.d', '/usr/local/lib/sysctl.d', '/usr/lib/sysctl.d'] as const;

/** The keys that are looked at, as paths below /proc/sys; eth0.100 is a network interface whose name has a dot. */
export const keys = [
  ...['all', 'default', 'lo', 'eth0.100'].map((name) => `net/ipv4/conf/${name}/rp_filter`),
  ...['lo', 'eth0.100'].map((name) => `net/ipv4/conf/${name}/arp_ignore`),
  'net/ipv4/ip_forward',
] as const;

/** What every key holds before the program runs. */
export const untouched = '5';

const main = (program: readonly string[], boots: boolean): void => {
  prepare();
  const trees = JSON.parse(readFileSync(0, 'utf8')) as readonly Tree[];
  process.stdout.write(JSON.stringify(trees.map((tree) => see(tree, program, boots))));
};

const prepare = (): void => {
  const run = (...argv: string[]): unknown =>
    execFileSync(argv[0] ?? '', argv.slice(1), { stdio: ['ignore', 'ignore', 'inherit'] });
  run('mount', '-t', 'tmpfs', 'none', '/run');
  run('mount', '-t', 'tmpfs', 'none', '/usr/local/lib');
  run('mount', '-t', 'tmpfs', 'none', '/etc/sysctl.d');
  run('mount', '-t', 'tmpfs', 'none', '/usr/lib/sysctl.d');
  for (const folder of folders) mkdirSync(folder, { recursive: true });
  writeFileSync('/run/sysctl.conf', '');
  run('mount', '--bind', '/run/sysctl.conf', '/etc/sysctl.conf');
  run('ip', 'link', 'set', 'lo', 'up');
  run('ip', 'link', 'add', 'eth0.100', 'type', 'veth', 'peer', 'name', 'veth1');
};

const see = (tree: Tree, [command = '', ...args]: readonly string[], boots: boolean): Seen => {
  for (const folder of folders) empty(folder);
  writeFileSync('/etc/sysctl.conf', '');
  tree.forEach(lay);
  const answers = sysctlFileQueries.map((query): [string, Answer] => [
    queryKey(query),
    query.ask === 'read'
      ? readAnswer(here, query.path)
      : query.ask === 'list'
        ? listAnswer(here, query.glob)
        : { status: 127, text: '' },
  ]);
  if (boots) empty('/run/sysctl.d');
  for (const key of keys) writeFileSync(`/proc/sys/${key}`, untouched);
  const ran = spawnSync(command, args, { stdio: 'ignore', env: { ...process.env, LC_ALL: 'C' } });
  // procps 3 ends with 255 where a file cannot be opened.
  if (ran.status === null || ![0, 1, 255].includes(ran.status)) throw new Error(`${command}: ${String(ran.error ?? ran.status)}`);
  return { answers, values: keys.map((key) => readFileSync(`/proc/sys/${key}`, 'utf8').trim()) };
};

const empty = (folder: string): void => {
  for (const name of readdirSync(folder)) rmSync(`${folder}/${name}`, { recursive: true });
};

const lay = (entry: Entry): void => {
  if ('link' in entry) symlinkSync(entry.link, entry.path);
  else if ('dir' in entry) mkdirSync(entry.path);
  else
    writeFileSync(
      entry.path,
      Buffer.from(entry.text.replaceAll('\uFFFD', '\xff'), entry.text.includes('\uFFFD') ? 'latin1' : 'utf8'),
    );
};

if (process.argv[1] === import.meta.filename) main(process.argv.slice(3), process.argv[2] === 'boot');
