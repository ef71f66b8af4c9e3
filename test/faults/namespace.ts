/**
 * A host of its own on this machine: mount, network and process namespaces in which /etc, /var and /run can be changed and broken at
 * will. A test gives a program of its own to `runApart`; that program lays the host and does with it what it wants. Of /proc/sys only
 * the keys of the network namespace are the host's own: no other may be set.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { has } from '../needs.ts';

/** A folder, a link or a file of the host that is laid. `also`: another name of the same file. */
export type Entry = { readonly path: string } & (
  | { readonly dir: true }
  | { readonly link: string }
  | { readonly text: string; readonly mode?: number; readonly group?: number; readonly also?: string }
);

const into = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'] as const;

/**
 * Why no such host can be had on this machine, or which of these programs is not here, if so. Throws where NODE_PREP_MUST_FAULT=1 says that
 * there must be such hosts: tests that are skipped would prove nothing, and look well.
 */
export const whyNotApart = (...programs: readonly string[]): string | false => {
  const missing = programs.filter((program) => !has(program));
  if (missing.length > 0) return `there is no ${missing.join(', no ')} here`;
  const why = whyNoNamespaces();
  if (why !== false && process.env['NODE_PREP_MUST_FAULT'] === '1') throw new Error(`hosts must be had here, but: ${why}`);
  return why;
};

const whyNoNamespaces = (): string | false => {
  if (process.geteuid?.() !== 0) return 'only root can make namespaces here';
  const tried = spawnSync(
    'unshare',
    [
      ...into,
      'sh',
      '-c',
      'mount -t tmpfs none /run && mkdir /run/u /run/w && mount -t overlay o -o lowerdir=/etc,upperdir=/run/u,workdir=/run/w /etc && ip link set lo up',
    ],
    { encoding: 'utf8' },
  );
  return tried.status === 0 ? false : `no namespaces here: ${(tried.stderr || String(tried.error)).trim()}`;
};

/** Runs a program of TypeScript on such a host; `question` is what it reads as JSON from standard input, its answer what it prints. */
export const runApart = <Answer>(program: string, question: unknown): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const child = spawn('unshare', [...into, process.execPath, program, 'apart'], { stdio: ['pipe', 'pipe', 'pipe'] });
    let [out, complaint] = ['', ''];
    child.stdout.on('data', (text: Buffer) => (out += text.toString()));
    child.stderr.on('data', (text: Buffer) => (complaint = (complaint + text.toString()).slice(-20_000)));
    child.once('error', reject);
    child.once('close', (code) => {
      if (code === 0) resolve(JSON.parse(out) as Answer);
      else reject(new Error(`${program} ended with ${code}:\n${complaint}`));
    });
    child.stdin.end(JSON.stringify(question));
  });

/** For such a program: whether it is that which runs, and not a test that imports it. */
export const isApart = (filename: string): boolean => process.argv[1] === filename && process.argv[2] === 'apart';

/** What the test asked of it. */
export const question = <Question>(): Question => JSON.parse(readFileSync(0, 'utf8')) as Question;

/** Where what is changed below /etc and /var lies, and whatever a program wants to put away. */
const store = '/mnt/store';
/** Where the machine's own /etc and /var are seen, with nothing of the host's over them. */
const machines = '/mnt/machine';
const layered = ['/etc', '/var'] as const;
const emptied = ['/run', '/usr/lib/sysctl.d', '/usr/local/lib/sysctl.d'] as const;

/** The machine's own files with no sysctl.d in them, and these; nothing is left of what was done before. */
export const layHost = (entries: readonly Entry[]): void => {
  if (!existsSync(store)) {
    mount('-t', 'tmpfs', 'none', '/mnt');
    mkdirSync(store);
    layered.forEach(show);
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
  }
  for (const folder of [...layered, ...emptied]) if (isMounted(folder)) execFileSync('umount', ['-l', folder]);
  rmSync(store, { recursive: true });
  for (const folder of layered) layer(folder);
  for (const folder of emptied) if (existsSync(folder)) mount('-t', 'tmpfs', '-o', 'mode=755', 'none', folder);
  for (const path of ['/etc/sysctl.d', '/etc/sysctl.conf', '/var/lib/node-prep']) rmSync(path, { recursive: true, force: true });
  entries.forEach(lay);
};

/** How something stands at a path, in words that are equal where it stands the same; "" where nothing is there. */
export const standing = (path: string): string => {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (!there) return '';
  const what = there.isSymbolicLink() ? `-> ${readlinkSync(path)}` : there.isFile() ? readFileSync(path, 'latin1') : 'folder';
  return `${there.mode.toString(8)} ${there.uid} ${there.gid} ${what}`;
};

/** Every path below /etc and /var that is not as the machine has it, and all that is in the folders that the host has of its own. */
export const touched = (): string[] =>
  [
    ...layered.flatMap((folder) => below(upper(folder)).map((path) => join(folder, path))),
    ...emptied.flatMap((folder) => (isMounted(folder) ? below(folder).map((path) => join(folder, path)) : [])),
  ].sort();

/** Tells of a host that was just laid how anything below /etc and /var stands then, also what nobody has looked at. */
export const laid = (): ((path: string) => string) => {
  const there = new Set(layered.flatMap((folder) => below(folder).map((path) => join(folder, path))));
  const own = new Map(touched().map((path) => [path, standing(path)]));
  return (path) => own.get(path) ?? (there.has(path) ? standing(join(machines, path)) : '');
};

const mounted = new Set<string>();
const isMounted = (folder: string): boolean => mounted.has(folder);

const mount = (...words: readonly string[]): void => {
  execFileSync('mount', words);
  mounted.add(words.at(-1) ?? '');
};

const show = (folder: string): void => {
  mkdirSync(join(machines, folder), { recursive: true });
  execFileSync('mount', ['--bind', folder, join(machines, folder)]);
  execFileSync('mount', ['-o', 'remount,bind,ro', join(machines, folder)]);
};

const upper = (folder: string): string => join(store, folder, 'upper');

const layer = (folder: string): void => {
  const work = join(store, folder, 'work');
  for (const made of [upper(folder), work]) mkdirSync(made, { recursive: true });
  mount('-t', 'overlay', 'none', '-o', `lowerdir=${folder},upperdir=${upper(folder)},workdir=${work}`, folder);
};

const lay = (entry: Entry): void => {
  mkdirSync(dirname(entry.path), { recursive: true });
  if ('dir' in entry) mkdirSync(entry.path);
  else if ('link' in entry) symlinkSync(entry.link, entry.path);
  else {
    writeFileSync(entry.path, entry.text);
    chmodSync(entry.path, entry.mode ?? 0o644);
    if (entry.group !== undefined) chownSync(entry.path, 0, entry.group);
    if (entry.also !== undefined) linkSync(entry.path, entry.also);
  }
};

const below = (folder: string, inner = ''): string[] =>
  readdirSync(join(folder, inner), { withFileTypes: true }).flatMap((found) => {
    const path = join(inner, found.name);
    return found.isDirectory() ? [path, ...below(folder, path)] : [path];
  });
