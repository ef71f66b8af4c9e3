import { spawn } from 'node:child_process';
import { closeSync, constants, fchmodSync, fstatSync, ftruncateSync, openSync, statSync, writeSync } from 'node:fs';
import { OperatorError } from '../errors.ts';
import { troubleWords } from '../trouble.ts';
import { stoppedBy, unlessSignal } from '../interrupt.ts';
import type { Host } from '../model.ts';
import { environment } from './environment.ts';
import { holderOf } from './lock-holder.ts';

type Patience = NonNullable<Parameters<Host['lock']>[0]>;

/** What is locked, and how it is called. `note`: the lock is a file of its own, in which stands who holds it. */
export type Locked = { readonly path: string; readonly what: string; readonly note: boolean };

/** Root alone can make files in /run, and a reboot empties it. */
const thisHost: Locked = { path: '/run/node-prep.lock', what: 'this host', note: true };

/** The folder of an image's tree is locked itself: no file for it stays behind, whatever name it is reached by. */
export const treeLock = (root: string): Locked => ({ path: root, what: 'this image', note: false });

/**
 * Holds a lock, the host's unless told otherwise, until `release`. It is the kernel's own, of a file that this process alone has open
 * (flock(2)): it goes with this process however that ends, and never blocks anybody after a crash.
 */
export const holdLock = async (
  command: string,
  patience: Patience = { timeout: 0, waiting: () => undefined },
  locked: Locked = thisHost,
): Promise<{ release(): Promise<void> }> => {
  const file = await taken(locked, patience);
  mine.set(locked.path, file);
  noteHolder(file, locked, `${JSON.stringify({ pid: process.pid, command, since: new Date().toISOString() })}\n`);
  return {
    release: () => {
      noteHolder(file, locked, '');
      mine.delete(locked.path);
      closeSync(file);
      return Promise.resolve();
    },
  };
};

const mine = new Map<string, number>();

/** The open file of a lock that this process holds: who inherits it holds the lock as well, as long as it lives. */
export const heldLock = ({ path }: Locked): number | undefined => mine.get(path);

/** Asked for again and again, not waited for in the kernel: a child that waits could outlive us, and hold what it got. */
const taken = async (locked: Locked, { timeout, waiting }: Patience): Promise<number> => {
  const until = performance.now() + timeout * 1000;
  for (let tries = 0; ; tries++) {
    const file = await tryOnce(locked);
    if (file !== undefined) return file;
    const holder = timeout > 0 && tries > 0 ? '' : await holderOf(locked);
    if (timeout > 0 && tries === 0)
      waiting(`another node-prep is at work on ${locked.what}${holder}; waiting up to ${timeout} s`);
    if (performance.now() >= until) throw held(locked, holder || (await holderOf(locked)), timeout);
    await unlessSignal(1, new Promise((resolve) => setTimeout(resolve, Math.max(0, Math.min(200, until - performance.now())))));
    const by = stoppedBy();
    if (by) throw new OperatorError(`Stopped by ${by} while another node-prep was waited for. Nothing was touched.`);
  }
};

const held = ({ what }: Locked, holder: string, timeout: number): OperatorError =>
  new OperatorError(
    `Another node-prep is at work on ${what}${holder}.${timeout > 0 ? ` It did not end within ${timeout} s.` : ''} Nothing was touched.`,
    timeout > 0
      ? 'Try again later, or give a longer --lock-timeout.'
      : 'Wait for it to end, or have that done: --lock-timeout 10m.',
  );

/** The locked file, or undefined where somebody else has locked it. */
const tryOnce = async (locked: Locked): Promise<number | undefined> => {
  const file = open(locked);
  try {
    const { code, complaint } = await flock(file);
    if (code === 0 && isStill(file, locked)) return file;
    if (code !== 0 && (code !== 1 || complaint !== '')) throw cannot(locked, code, complaint);
  } catch (error) {
    closeSync(file);
    throw error;
  }
  closeSync(file);
  return undefined;
};

/** Nobody but root may open the file of the host's lock: who can open a file can lock it. */
const open = (locked: Locked): number => {
  const { O_RDWR, O_CREAT, O_NOFOLLOW, O_RDONLY, O_DIRECTORY } = constants;
  try {
    if (!locked.note) return openSync(locked.path, O_RDONLY | O_DIRECTORY);
    const file = openSync(locked.path, O_RDWR | O_CREAT | O_NOFOLLOW, 0o600);
    fchmodSync(file, 0o600);
    return file;
  } catch (error) {
    throw cannot(locked, 1, troubleWords(error));
  }
};

/** A lock belongs to the open file, not to who asked for it: flock(1) ends, and what it has locked for us stays so while we live. */
const flock = (file: number): Promise<{ code: number; complaint: string }> =>
  new Promise((resolve) => {
    const stdio = ['ignore', 'ignore', 'pipe', file] as const;
    const child = spawn('flock', ['-n', '3'], { env: environment(), stdio: [...stdio], detached: true });
    let complaint = '';
    child.stderr?.on('data', (text: Buffer) => (complaint += text.toString()));
    child.once('error', () => resolve({ code: 127, complaint: '' }));
    child.once('close', (code, signal) => resolve({ code: code ?? 2, complaint: complaint.trim() || (signal ?? '') }));
  });

/** A file that somebody removed meanwhile is locked for nobody who comes later. */
const isStill = (file: number, { path }: Locked): boolean => {
  const [own, there] = [fstatSync(file), statSync(path, { throwIfNoEntry: false })];
  return there?.dev === own.dev && there.ino === own.ino;
};

/** Who holds the lock is only said for people: that it could not be written down must not matter. */
const noteHolder = (file: number, { note }: Locked, words: string): void => {
  if (!note) return;
  try {
    ftruncateSync(file);
    if (words !== '') writeSync(file, words, 0);
  } catch {
    // A full /run, say.
  }
};

const cannot = ({ path, note }: Locked, code: number, complaint: string): OperatorError =>
  code === 127
    ? new OperatorError('There is no flock command here.', 'Install util-linux, which brings it.')
    : new OperatorError(
        `Cannot take the lock ${path}: ${complaint || `flock ended with ${code}`}.`,
        note ? 'Is /run writable, and are you root?' : 'May you read that folder?',
      );
