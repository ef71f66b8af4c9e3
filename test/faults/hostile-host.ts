import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';

const program = resolve(import.meta.dirname, '../../dist/node-prep.cjs');

/** What stands at a path of a hostile host. `name`: in its place, as bytes that are no text. */
export type Entry =
  | string
  | { readonly link: string }
  | { readonly make: 'fifo' | 'zero' | 'socket' | 'folder' }
  | { readonly sparse: number }
  | { readonly runs: string };

/** What a run of node-prep came to. `memory`: the most that it had, in MiB; `cpu`: milliseconds of a processor, NaN where it was ended. */
export type Came = {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
  readonly ms: number;
  readonly cpu: number;
  readonly memory: number;
};

/** A host with such files in /etc, /run and /var/lib/dpkg, and programs before all others in PATH. */
export const hostileHost = (files: { readonly [path: string]: Entry }) => {
  const root = mkdtempSync(join(tmpdir(), 'node-prep-hostile-'));
  chmodSync(root, 0o755);
  for (const folder of [
    'etc/sysctl.d',
    'etc/modules-load.d',
    'run',
    'var/lib/dpkg',
    'usr/lib/sysctl.d',
    'bin',
    'proc',
    'sys',
    'dev',
    'tmp',
  ])
    mkdirSync(join(root, folder), { recursive: true });
  const canary = join(root, 'executed');
  for (const [path, entry] of Object.entries({ '/etc/os-release': osRelease, ...files })) lay(join(root, path), entry, canary);
  writeFileSync(join(root, 'measure.cjs'), measure(join(root, 'used')));
  const come = (argv: readonly string[]): Came => {
    const begin = performance.now();
    rmSync(join(root, 'used'), { force: true });
    const { status, stdout, stderr } = spawnSync(argv[0] ?? '', argv.slice(1), {
      encoding: 'utf8',
      timeout: 60_000,
      maxBuffer: 256 * 1024 * 1024,
      cwd: root,
      env: { ...process.env, PATH: `${join(root, 'bin')}:${process.env['PATH'] ?? ''}`, LC_ALL: 'C.UTF-8', NO_COLOR: '1' },
    });
    const used = existsSync(join(root, 'used')) ? readFileSync(join(root, 'used'), 'utf8').split(' ').map(Number) : [];
    const [memory = Number.NaN, cpu = Number.NaN] = used;
    return { code: status, out: stdout, err: stderr, ms: performance.now() - begin, cpu, memory };
  };
  const node = [process.execPath, '--require', join(root, 'measure.cjs'), program];
  return {
    root,
    canary,
    /** Runs node-prep on it as on the host that it runs on, in namespaces where these folders are the host's. */
    here: (...words: readonly string[]): Came =>
      come(['unshare', '--mount', '--net', 'sh', '-c', `${mounts}\nexec "$@"`, root, ...node, ...words]),
    /** Runs node-prep on it as on the tree of an image. */
    image: (...words: readonly string[]): Came => come([...node, ...words, '--root', root]),
    wasExecuted: (): boolean => existsSync(canary),
    end: (): void => rmSync(root, { recursive: true, force: true }),
  };
};

const osRelease = 'ID=debian\nVERSION_ID=12\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n';

/** Has a process write down what it used, in MiB and milliseconds, when it ends. */
const measure = (path: string): string =>
  `process.on('exit', () => {
    const { maxRSS, userCPUTime, systemCPUTime } = process.resourceUsage();
    require('node:fs').writeFileSync(${JSON.stringify(path)}, maxRSS / 1024 + ' ' + (userCPUTime + systemCPUTime) / 1000);
  });`;

const mounts = `set -e
for folder in etc run var/lib/dpkg usr/lib/sysctl.d; do mount --bind "$0/$folder" "/$folder"; done`;

/** \`%canary\` in a text is a file that only what is executed makes. */
const lay = (path: string, entry: Entry, canary: string): void => {
  mkdirSync(dirname(path), { recursive: true });
  if (typeof entry === 'string') writeFileSync(path, entry.replaceAll('%canary', canary));
  else if ('link' in entry) symlinkSync(entry.link, path);
  else if ('sparse' in entry) {
    writeFileSync(path, '');
    truncateSync(path, entry.sparse);
  } else if ('runs' in entry) writeFileSync(path, `#!/bin/sh\n${entry.runs.replaceAll('%canary', canary)}\n`, { mode: 0o755 });
  else make(path, entry.make);
};

const make = (path: string, what: 'fifo' | 'zero' | 'socket' | 'folder'): void => {
  if (what === 'folder') mkdirSync(path);
  else if (what === 'fifo') execFileSync('mkfifo', [path]);
  else if (what === 'zero') execFileSync('mknod', [path, 'c', '1', '5']);
  else spawnSync(process.execPath, ['-e', listener, path]);
};

/** A socket whose program is gone. */
const listener = `require('node:net').createServer().listen(process.argv[1], () => process.kill(process.pid, 'SIGKILL'))`;
