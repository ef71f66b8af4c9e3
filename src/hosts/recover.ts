import { OperatorError } from '../errors.ts';
import type { Damage, Run } from '../journal.ts';
import { stoppedBy, unlessSignal } from '../interrupt.ts';
import type { Host } from '../model.ts';
import type { HostJournal } from './journal.ts';
import type { Which } from './journal-read.ts';
import { bootId, commandLine, isAlive } from './process.ts';
import { here } from './place.ts';
import { pathsOf, sweep } from './leftovers.ts';

/**
 * What was found and mended: runs that were cut off, which have their end now, where there was no trouble to write it down; and what in the
 * journal is no run. `runs`: all that were read, with their end.
 */
type Recovered = {
  readonly runs: readonly Run[];
  readonly cut: readonly Run[];
  readonly damage: readonly Damage[];
  readonly trouble: readonly string[];
};

/**
 * Ends the runs that were cut off, for the holder of the host's lock. A command of such a run that still is at work holds the host as the
 * lock does: it is waited for as the lock is, then an OperatorError says what it is. What of it still runs is only known in the same boot.
 */
export const recover = async (journal: HostJournal, patience?: Patience, which: Which = 'open'): Promise<Recovered> => {
  const { runs, damage } = await journal.look(which);
  const open = runs.filter((run) => !run.end);
  await waitForCommands(open, patience);
  if (open.length > 0) sweep(pathsOf(open.flatMap((run) => run.plan.actions)), here);
  const trouble: string[] = [];
  const end = { at: new Date().toISOString(), status: 'cut' } as const;
  for (const run of open) {
    await journal
      .finish(run.id, end)
      .catch((error: unknown) => trouble.push(error instanceof Error ? error.message : String(error)));
  }
  return { runs: runs.map((run) => (run.end ? run : { ...run, end })), cut: open, damage, trouble };
};

/** Whether the node-prep that did a run still is at work on it. */
export const isUnderWay = (run: Run): boolean =>
  !run.end && run.process !== undefined && run.bootId === bootId() && isAlive(run.process);

const waitForCommands = async (runs: readonly Run[], { timeout, waiting }: Patience = atOnce): Promise<void> => {
  const until = performance.now() + timeout * 1000;
  for (let tries = 0; ; tries++) {
    const busy = busyOf(runs);
    if (busy === undefined) return;
    if (performance.now() >= until)
      throw new OperatorError(`This host is still being changed: ${busy}. Nothing was touched.`, hint);
    if (tries === 0) waiting(`this host is still being changed: ${busy}; waiting up to ${timeout} s`);
    await unlessSignal(1, new Promise((resolve) => setTimeout(resolve, Math.min(200, until - performance.now()))));
    const by = stoppedBy();
    if (by) throw new OperatorError(`Stopped by ${by} while a command was waited for. Nothing was touched.`);
  }
};

type Patience = NonNullable<Parameters<Host['lock']>[0]>;
const atOnce: Patience = { timeout: 0, waiting: () => undefined };
const hint = 'Wait for it to end, or have that done: --lock-timeout 10m.';

const busyOf = (runs: readonly Run[]): string | undefined => {
  const boot = bootId();
  for (const run of runs) {
    if (run.bootId !== boot || boot === '') continue;
    if (run.process && run.process.pid !== process.pid && isAlive(run.process))
      return `node-prep ${run.words.join(' ')} (pid ${run.process.pid}, since ${run.since}) has not ended`;
    const command = run.steps.at(-1)?.command;
    if (command && run.steps.at(-1)?.status === 'begun' && isAlive(command))
      return `${commandLine(command)} (pid ${command.pid}) of run ${run.id}, begun ${run.since}, goes on although its node-prep was killed`;
  }
  return undefined;
};
