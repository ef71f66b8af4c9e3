import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { OperatorError } from '../errors.ts';

/** Root alone can make files in /run, and a reboot empties it. */
const path = '/run/node-prep.lock';
const CONFLICT = 75;

/**
 * Holds the host's lock until `release`. The kernel's own lock (flock(1)) is held by a child that ends when its input does, so
 * it goes with this process however that ends, and never blocks anybody after a crash.
 */
export const holdLock = async (command: string): Promise<{ release(): Promise<void> }> => {
  const holder = spawn(
    'flock',
    ['--nonblock', '--conflict-exit-code', String(CONFLICT), path, 'sh', '-c', 'echo held; exec cat'],
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
  if (outcome !== 'held') throw refusal(outcome, complaint);
  noteHolder(`${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`);
  return {
    release: async () => {
      noteHolder('');
      holder.stdin.end();
      await ended;
    },
  };
};

/** Who holds the lock is only said for people: that it could not be written down must not matter. */
const noteHolder = (note: string): void => {
  try {
    writeFileSync(path, note);
  } catch {
    // A full /run, say.
  }
};

const refusal = (code: number, complaint: string): OperatorError => {
  if (code === 127) return new OperatorError('There is no flock command here.', 'Install util-linux, which brings it.');
  if (code !== CONFLICT)
    return new OperatorError(`Cannot take the lock ${path}: ${complaint.trim()}`, 'Is /run writable, and are you root?');
  return new OperatorError(`Another node-prep is at work on this host${holderWords()}.`, 'Wait for it to end, then try again.');
};

const holderWords = (): string => {
  try {
    const { pid, command, since } = JSON.parse(readFileSync(path, 'utf8')) as { pid: number; command: string; since: string };
    return `: ${command} (pid ${pid}, since ${since})`;
  } catch {
    return '';
  }
};
