import { spawn } from 'node:child_process';
import type { Writable } from 'node:stream';
import { onSignal } from '../interrupt.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Answer, Argv } from '../model.ts';
import { environment } from './environment.ts';
import { startRelay } from './relay.ts';
import type { Descriptor } from './relay.ts';

const MiB = 1024 * 1024;

/**
 * Runs read-only commands one after the other, in one shell: every process that is started from here costs milliseconds. A minute
 * and 16 MiB of output at most for all of them; those that did not end by then have status 124. Never throws.
 * `start`: what runs that shell's text, `sh -c` unless told otherwise.
 */
export const askAll = async (
  argvs: readonly Argv[],
  start: (script: string) => Argv = (script) => ['sh', '-c', script],
): Promise<readonly Answer[]> => {
  // After each command comes a line that no command prints by chance, with its exit status.
  const mark = `end-${process.pid}-${Math.random().toString(36).slice(2)}`;
  const script = argvs.map((argv) => `${inShell(argv)}; printf '\\n%s %s\\n' ${mark} $?`).join('\n');
  const parts = (await outputOf(start(script))).split(new RegExp(`\\n${mark} (\\d+)\\n`));
  return argvs.map((_, i) =>
    parts[2 * i + 1] === undefined ? { status: 124, text: '' } : { status: Number(parts[2 * i + 1]), text: parts[2 * i] ?? '' },
  );
};

/** A script for sh runs in a fork of the shell that is there: another one would have to be started. */
const inShell = (argv: Argv): string => {
  const [program, option, script, , ...args] = argv;
  if (program !== 'sh' || option !== '-c' || script === undefined) return quoteAll(argv);
  return `( set -- ${quoteAll(args)}\n${script}\n)`;
};

/** What a command prints on standard output, under the limits of `askAll`; a second signal ends it as well. Never throws. */
export const outputOf = ([program, ...words]: Argv): Promise<string> =>
  new Promise((resolve) => {
    const child = spawn(program, words, { env: environment(), stdio: ['ignore', 'pipe', 'ignore'], detached: true });
    const chunks: Buffer[] = [];
    let size = 0;
    const end = (): void => {
      clearTimeout(limit);
      forget();
      resolve(Buffer.concat(chunks).toString('utf8'));
    };
    const kill = (): void => {
      end();
      killGroup(child.pid);
    };
    const limit = setTimeout(kill, 60_000);
    const forget = onSignal((_, count) => count > 1 && kill());
    child.stdout.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= 16 * MiB) chunks.push(chunk);
      else kill();
    });
    child.once('error', end);
    child.once('close', end);
  });

/** The whole group: what hangs is not the shell but what it waits for. */
const killGroup = (pid: number | undefined): void => {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // It ended by itself in this very moment.
  }
};

/** What became of a command that changes the host: its exit code (127: no such command) and the last 8 KiB that it printed. */
export type Ran = { readonly exitCode: number; readonly output: string };

/**
 * Runs a command that changes the host, to its end, which it also comes to where this process is killed. `started` is told its process,
 * which leads a group. `kept`: an open file that the command gets as its descriptor 4. Never throws.
 */
export const run = async (argv: Argv, started?: (pid: number) => void, kept?: Descriptor): Promise<Ran> => {
  // Loaded only here: planning never needs it.
  const { execa } = await import('execa');
  const relay = await startRelay();
  const child = execa('/bin/sh', ['-c', gate, 'sh', ...argv], {
    env: environment(),
    extendEnv: false,
    stdio: ['ignore', relay.into, relay.into, 'pipe', ...(kept === undefined ? [] : [kept])],
    // A Ctrl-C at the terminal is ours to answer: half of an installation is worse than a late end.
    detached: true,
    cleanup: false,
    buffer: false,
    reject: false,
  });
  if (child.pid !== undefined) started?.(child.pid);
  open(child.stdio[3] as unknown as Writable);
  const result = await child;
  // Not before: execa would take it for an output that was lost.
  relay.handedOn();
  const said = await relay.said(mostWaited);
  const code = result.exitCode ?? (result.code === 'ENOENT' ? 127 : 1);
  return { exitCode: code, output: said || (result.exitCode === undefined ? (result.shortMessage ?? '') : '') };
};

/**
 * Lets a command begin only when it is written down who does it: should we be killed before that, it never begins. The process is the
 * same before and after.
 */
const gate = 'read -r go <&3 || exit 125; exec 3<&-; exec "$@"';

const open = (way: Writable): void => {
  // A command that is gone already has its exit status to tell.
  way.on('error', () => undefined);
  way.end('go\n');
};

/** In milliseconds: a service that a command left running may hold its output open for ever, and what it prints is nothing of the step's. */
const mostWaited = 5000;

/**
 * Gives an empty file the mode, owner, SELinux label, access lists and other extended attributes of another, as far as this machine
 * can: busybox's cp knows nothing of them. Never throws.
 */
export const copyAttributes = (from: string, to: string): Promise<void> =>
  new Promise((resolve) => {
    const words = ['--attributes-only', '--preserve=all', '--', from, to];
    const child = spawn('cp', words, { env: environment(), stdio: 'ignore', detached: true });
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
