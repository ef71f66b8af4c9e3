import { OperatorError } from '../errors.ts';
import type { Damage, Run } from '../journal.ts';
import type { HostJournal } from './journal.ts';
import { bootId, commandLine, isAlive } from './process.ts';
import { sweep } from './sweep.ts';

/** What was found and mended: runs that were cut off, which have their end now; and what in the journal is no run. */
export type Recovered = { readonly cut: readonly Run[]; readonly damage: readonly Damage[]; readonly trouble: readonly string[] };

/**
 * Ends the runs that were cut off, for the holder of the host's lock. A command of such a run that still is at work holds the host as the
 * lock does: it is waited for, so many seconds, then an OperatorError says what it is. What of it still runs is only known in the same
 * boot.
 */
export const recover = async (journal: HostJournal, seconds: number): Promise<Recovered> => {
  const { runs, damage } = await journal.look();
  const open = runs.filter((run) => !run.end);
  await waitForCommands(open, seconds);
  const trouble: string[] = [];
  for (const run of open) {
    sweep(run.plan.actions.flatMap((action) => (action.do === 'run' ? [] : [action.path])));
    const end = { at: new Date().toISOString(), status: 'cut' } as const;
    await journal
      .finish(run.id, end)
      .catch((error: unknown) => trouble.push(error instanceof Error ? error.message : String(error)));
  }
  return { cut: open, damage, trouble };
};

/** Whether the node-prep that did a run still is at work on it. */
export const isUnderWay = (run: Run): boolean =>
  !run.end && run.process !== undefined && run.bootId === bootId() && isAlive(run.process);

const waitForCommands = async (runs: readonly Run[], seconds: number): Promise<void> => {
  const until = Date.now() + seconds * 1000;
  for (let busy = busyOf(runs); busy !== undefined; busy = busyOf(runs)) {
    if (Date.now() >= until) throw new OperatorError(`This host is still being changed: ${busy}.`, hint);
    await new Promise((resolve) => setTimeout(resolve, 250));
  }
};

const hint = 'Wait for it to end, then try again; --lock-timeout waits for you.';

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
