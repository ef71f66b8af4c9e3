import { OperatorError } from '../errors.ts';
import { heedSignals, onSignal, phase, stoppedBy } from '../interrupt.ts';
import type { Host } from '../model.ts';
import { safe } from '../views/terminal.ts';
import { text } from './options.ts';
import type { Args } from './options.ts';
import { writeError } from './output.ts';
import { note } from './shared.ts';

/**
 * Does what changes a host: under its lock, waited for as --lock-timeout says, and with signals that ask it to come to an end
 * instead of ending the process.
 */
export const underLock = async <T>(host: Host, args: Args, work: () => Promise<T>): Promise<T> => {
  const unheed = heedSignals(sayApart);
  const forget = onSignal((signal, count) => count > 1 && phase() === 'before' && endAtOnce(signal));
  try {
    const lock = await host.lock(patienceFrom(args));
    try {
      return await work();
    } finally {
      await lock.release();
    }
  } finally {
    forget();
    unheed();
  }
};

export type Patience = NonNullable<Parameters<Host['lock']>[0]>;

/** Throws an OperatorError where a signal came before anything was touched. */
export const requireUnstopped = (): void => {
  const by = stoppedBy();
  if (by) throw new OperatorError(`Stopped by ${by}: nothing was touched.`);
};

/** The line of a step that runs is not at its end. */
const sayApart = (word: string): void => {
  if (phase() === 'steps') writeError('\n');
  note(`${word}.`);
};

const endAtOnce = (signal: string): void => {
  note(`Stopped by ${signal}: nothing was touched.`);
  process.exit(1);
};

/** How long the operator wants to wait for others, and how the wait is told. */
export const patienceFrom = (args: Args): Patience => ({
  timeout: secondsOf(text(args, 'lock-timeout') ?? '0'),
  waiting: (holder) => note(`${safe(holder)}.`),
});

/** A day is longer than any apply takes, and short enough for every clock that counts it. */
const longest = 24 * 60 * 60;

/** The seconds that a duration as of --lock-timeout says; throws an OperatorError where it is none. */
export const secondsOf = (duration: string): number => {
  const parts = /^(?:(\d{1,6})h)?(?:(\d{1,6})m)?(?:(\d{1,6})s?)?$/.exec(duration);
  const [hours, minutes, seconds] = [1, 2, 3].map((i) => Number(parts?.[i] ?? 0)) as [number, number, number];
  const sum = hours * 3600 + minutes * 60 + seconds;
  if (duration !== '' && parts && sum <= longest) return sum;
  throw new OperatorError(
    `--lock-timeout ${duration} is no duration${parts && sum > longest ? ' of at most 24h' : ''}.`,
    'Give it as 30s, 5m, 1h or 1h30m; 0 does not wait.',
  );
};
