import { stoppedBy } from './interrupt.ts';
import type { RunRecord } from './journal.ts';
import type { Action, Outcome, Step } from './model.ts';
import { isTolerated } from './stopped.ts';

/** A run that is being written down. `at`: the step that it is in, from 0. `trouble`: what could not be written down. */
export type Recording = { record?: RunRecord; at: number; trouble?: string | undefined };

/** The same steps, each written down when it begins and when it has ended. Where that cannot be, no other begins. */
export const recordedSteps = async function* (
  actions: readonly Action[],
  steps: AsyncIterable<Step>,
  record: RunRecord,
  now: Recording,
): AsyncIterable<Step> {
  const iterator = steps[Symbol.asyncIterator]();
  try {
    for (const [at, action] of actions.entries()) {
      now.at = at;
      // Where a signal has come, nothing of this step will be done.
      const begins = stoppedBy() === undefined;
      if (begins) now.trouble ??= await whyUnwritten(record.begun(at));
      if (now.trouble !== undefined) return yield { action, status: 'failed', output: `Nothing of it was done: ${now.trouble}.` };
      const next = await iterator.next();
      if (next.done) return;
      if (begins) now.trouble = await whyUnwritten(record.ended(at, next.value));
      yield next.value;
      if (next.value.status === 'failed' && !isTolerated(next.value)) return;
    }
  } finally {
    await iterator.return?.();
  }
};

/** An outcome that says as well what could not be written down, if anything. */
export const withTrouble = (outcome: Outcome, trouble: string | undefined): Outcome => {
  if (trouble === undefined) return outcome;
  const { host, run } = outcome;
  const words = `not all of the run is in the journal: ${trouble}`;
  return {
    host,
    ...(run !== undefined && { run }),
    ...('plan' in outcome && outcome.plan && { plan: outcome.plan }),
    ...('steps' in outcome && outcome.steps && { steps: outcome.steps }),
    ...('notDone' in outcome && outcome.notDone && { notDone: outcome.notDone }),
    status: 'failed',
    problem: 'problem' in outcome ? `${outcome.problem}; ${words}` : words,
  };
};

/** Why something could not be written down, without a full stop. */
export const whyUnwritten = async (writing: Promise<void>): Promise<string | undefined> =>
  writing.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, ''),
  );
