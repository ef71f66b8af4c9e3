import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { OperatorError } from '../errors.ts';

/** What is locked, and how it is called. `note`: the lock is a file of its own, in which stands who holds it. */
type Locked = { readonly path: string; readonly what: string; readonly note: boolean };

/** Root alone can make files in /run, and a reboot empties it. */
const thisHost: Locked = { path: '/run/node-prep.lock', what: 'this host', note: true };
const CONFLICT = 75;

/** The folder of an image's tree is locked itself: no file for it stays behind, whatever name it is reached by. */
export const treeLock = (root: string): Locked => ({ path: root, what: 'this image', note: false });

/**
 * Holds a lock, the host's unless told otherwise, until `release`. The kernel's own lock (flock(1)) is held by a child that ends when its input does, so
 * it goes with this process however that ends, and never blocks anybody after a crash.
 */
export const holdLock = async (command: string, locked: Locked = thisHost): Promise<{ release(): Promise<void> }> => {
  const holder = spawn(
    'flock',
    ['--nonblock', '--conflict-exit-code', String(CONFLICT), locked.path, 'sh', '-c', 'echo held; exec cat'],
    {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A Ctrl-C at the terminal goes to every process of its group: the lock must outlive the step that still ends.
      detached: true,
    },
  );
  const ended = new Promise<number>((resolve) => {
    holder.once('error', () => resolve(127));
    holder.once('close', (code) => resolve(code ?? 1));
  });
  let complaint = '';
  holder.stderr.on('data', (text: Buffer) => (complaint += text.toString()));
  const held = new Promise<'held'>((resolve) => holder.stdout.once('data', () => resolve('held')));
  const outcome = await Promise.race([held, ended]);
  if (outcome !== 'held') throw refusal(outcome, complaint, locked);
  noteHolder(locked, `${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`);
  return {
    release: async () => {
      noteHolder(locked, '');
      holder.stdin.end();
      await ended;
    },
  };
};

/** Who holds the lock is only said for people: that it could not be written down must not matter. */
const noteHolder = ({ path, note }: Locked, words: string): void => {
  if (!note) return;
  try {
    writeFileSync(path, words);
  } catch {
    // A full /run, say.
  }
};

const refusal = (code: number, complaint: string, { path, what, note }: Locked): OperatorError => {
  if (code === 127) return new OperatorError('There is no flock command here.', 'Install util-linux, which brings it.');
  if (code !== CONFLICT)
    return new OperatorError(
      `Cannot take the lock ${path}: ${complaint.trim()}`,
      note ? 'Is /run writable, and are you root?' : 'May you read that folder?',
    );
  return new OperatorError(
    `Another node-prep is at work on ${what}${note ? holderWords(path) : ''}.`,
    'Wait for it to end, then try again.',
  );
};

const holderWords = (path: string): string => {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; command: string; since: string };
    return `: ${command} (pid ${pid}, since ${since})`;
  } catch {
    return '';
  }
};
