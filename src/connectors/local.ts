import { execFile } from 'node:child_process';
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
  // uname(2) itself, without a process: every process that is started costs milliseconds.
  if (argv.join(' ') === 'uname -m') return Promise.resolve({ status: 0, text: `${machine()}\n` });
  const [program, ...words] = argv;
  return new Promise((resolve) => {
    const options = { env: environment(), timeout: 60_000, maxBuffer: 16 * MiB, encoding: 'utf8' as const };
    const child = execFile(program, words, options, (error, stdout) => {
      resolve({ status: error ? statusOf(error.code) : 0, text: stdout });
    });
    child.stdin?.end();
  });
};

const statusOf = (code: string | number | null | undefined): number =>
  typeof code === 'number' ? code : code === 'ENOENT' ? 127 : code === 'EACCES' ? 126 : 124;

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
