import { spawn } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { machine } from 'node:os';
import type { Answer, Argv } from '../model.ts';

/** /sbin and /usr/sbin are not in an ordinary user's PATH on Debian, and words must be English to be read. */
const environment = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: `${process.env['PATH'] ?? '/usr/bin:/bin'}:/usr/local/sbin:/usr/sbin:/sbin`,
  LC_ALL: 'C',
});

const MiB = 1024 * 1024;

/** Runs a read-only command: a minute and 16 MiB of output at most. Never throws. */
export const ask = (argv: Argv): Promise<Answer> => {
  const known = withoutProcess(argv);
  if (known !== undefined) return Promise.resolve({ status: 0, text: `${known}\n` });
  const [program, ...words] = argv;
  return new Promise((resolve) => {
    const child = spawn(program, words, { env: environment(), stdio: ['ignore', 'pipe', 'ignore'], timeout: 60_000 });
    const chunks: Buffer[] = [];
    let size = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= 16 * MiB) chunks.push(chunk);
      else child.kill();
    });
    child.once('error', (error) => resolve({ status: 'code' in error && error.code === 'ENOENT' ? 127 : 126, text: '' }));
    // No exit code: killed, because it took too long or said too much.
    child.once('close', (code) => resolve({ status: code ?? 124, text: Buffer.concat(chunks).toString('utf8') }));
  });
};

/** The names that stat(1) prints for file systems (coreutils' src/stat.c), by statfs(2)'s magic number (linux/magic.h). */
const fileSystems: { readonly [magic: number]: string } = { 0x63677270: 'cgroup2fs', 0x1021994: 'tmpfs' };

/** What two commands print, asked of the kernel as they ask it: every process that is started costs milliseconds. */
const withoutProcess = (argv: Argv): string | undefined => {
  const [program, ...words] = argv;
  if (argv.join(' ') === 'uname -m') return machine();
  if (program !== 'stat' || words.length !== 3 || words[0] !== '-fc' || words[1] !== '%T') return undefined;
  try {
    return fileSystems[statfsSync(words[2] ?? '').type];
  } catch {
    return undefined;
  }
};

/** What became of a command that changes the host: its exit code (127: no such command) and the last 8 KiB that it printed. */
export type Ran = { readonly exitCode: number; readonly output: string };

/** Runs a command that changes the host, to its end. Never throws. */
export const run = async (argv: Argv): Promise<Ran> => {
  // Loaded only here: planning never needs it.
  const { execa } = await import('execa');
  const [program, ...words] = argv;
  const result = await execa(program, words, {
    env: environment(),
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    stripFinalNewline: false,
  });
  const output = (result.all ?? '').slice(-8192) || (result.exitCode === undefined ? (result.shortMessage ?? '') : '');
  return { exitCode: result.exitCode ?? (result.code === 'ENOENT' ? 127 : 1), output };
};
