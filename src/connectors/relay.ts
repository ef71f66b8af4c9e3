import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { environment } from './environment.ts';

/** How much of the end of what is printed is kept, in bytes. */
const mostKept = 8192;

/** Of an open file. execa takes any number, and its types these. */
export type Descriptor = 3 | 4 | 5 | 6 | 7 | 8 | 9;

/**
 * `into`: what a command prints to, until `handedOn` the relay's alone. `said`: the end of it, once all is there or so many milliseconds
 * are over.
 */
type Relay = {
  readonly into: Writable | Descriptor | 'ignore';
  readonly handedOn: () => void;
  readonly said: (wait: number) => Promise<string>;
};

/**
 * Starts what stands between a command and us and outlives us: of a pipe that nobody reads any more, dpkg or a service would die in the
 * middle of what it does. It takes what is printed as long as somebody prints, whether or not there is still somebody who wants to know.
 */
export const startRelay = async (): Promise<Relay> => {
  const stdio = ['pipe', 'pipe', 'ignore'] as const;
  // Not in the current folder, which may be on what somebody wants to unmount.
  const relay = spawn('/bin/sh', ['-c', drain], { env: environment(), cwd: '/', stdio: [...stdio], detached: true });
  const over = new Promise((resolve) => relay.stdout.once('close', resolve));
  // Where none can be started, its output is closed at once.
  relay.once('error', () => undefined);
  const into = pipeOf(await firstLine(relay.stdout, over));
  // A pipe is the command's as soon as it is open; what comes by this socket goes on into it.
  if (into !== undefined) relay.stdin.destroy();
  const said = tailOf(relay.stdout);
  return {
    into: into ?? (relay.pid === undefined ? 'ignore' : relay.stdin),
    handedOn: () => (into === undefined ? relay.stdin.destroy() : closeSync(into)),
    said: async (wait) => {
      const late = setTimeout(() => relay.stdout.destroy(), wait);
      await over;
      clearTimeout(late);
      relay.unref();
      return said();
    },
  };
};

/**
 * Node's own pipes are sockets, and nothing can open a socket's /dev/stderr, as scripts of packages do. So there is a pipe of the shell's, and
 * cat, which says its number, is who has its other end, as 4: while echo prints, 1 is what it prints to. Of two outputs tee(1) gives up
 * one that is broken, not both, as long as SIGPIPE does not end it.
 */
const drain = `trap '' PIPE; exec 3>&1
{ exec sh -c 'exec 4>&1; echo $$ >&3; exec cat 3>&-'; } | { exec 3>&-; exec tee /dev/null; }`;

/** The first line of a stream that prints no other yet; "" where it ends before. */
const firstLine = async (stream: Readable, over: Promise<unknown>): Promise<string> => {
  let line = '';
  const told = new Promise<void>((resolve) => {
    const take = (chunk: Buffer): void => {
      line += chunk.toString();
      if (!line.endsWith('\n')) return;
      stream.off('data', take);
      resolve();
    };
    stream.on('data', take);
  });
  await Promise.race([told, over]);
  return line.trim();
};

/** That end of the pipe, opened anew for us (proc_pid_fd(5)); undefined where there is no /proc. */
const pipeOf = (pid: string): Descriptor | undefined => {
  try {
    return /^\d+$/.test(pid) ? (openSync(`/proc/${pid}/fd/4`, 'w') as Descriptor) : undefined;
  } catch {
    return undefined;
  }
};

/** Keeps the end of what is printed, however much that is. Bytes that are no text come out as U+FFFD. */
const tailOf = (stream: Readable): (() => string) => {
  let kept = Buffer.alloc(0);
  stream.on('data', (chunk: Buffer) => (kept = Buffer.from(Buffer.concat([kept, chunk]).subarray(-mostKept))));
  // Of a character that was cut, the rest is no text.
  return () => kept.toString('utf8').replace(kept.length === mostKept ? /^\ufffd+/ : /^$/, '');
};
