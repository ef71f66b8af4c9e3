import type { RunRecord } from './journal.ts';
import type { Action, Outcome, Step } from './model.ts';

/** A run that is being written down. `at`: the step that it is in, from 0. `trouble`: what could not be written down. */
export type Recording = { record?: RunRecord; at: number; trouble?: string };

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
      const early = await troubleOf(record.begun(at));
      if (early !== undefined) return yield { action, status: 'failed', output: `nothing of this step was done: ${early}` };
      const next = await iterator.next();
      if (next.done) return;
      const late = await troubleOf(record.ended(at, next.value));
      if (late !== undefined)
        now.trouble = `step ${at + 1} of ${actions.length} was not written down, so none after it was run: ${late}`;
      yield next.value;
      if (late !== undefined || (next.value.status === 'failed' && !isTolerated(next.value))) return;
    }
  } finally {
    await iterator.return?.();
  }
};

/** A failure that proves nothing: the verification decides. */
export const isTolerated = ({ action, exitCode }: Step): boolean =>
  action.do === 'run' && action.judgedBy === 'verify' && exitCode !== undefined;

/** An outcome that says as well what could not be written down, if anything. */
export const withTrouble = (outcome: Outcome, trouble: string | undefined): Outcome => {
  if (trouble === undefined) return outcome;
  const { host, run } = outcome;
  return {
    host,
    ...(run !== undefined && { run }),
    ...('plan' in outcome && outcome.plan && { plan: outcome.plan }),
    ...('steps' in outcome && outcome.steps && { steps: outcome.steps }),
    status: 'failed',
    problem: 'problem' in outcome ? `${outcome.problem}; ${trouble}` : trouble,
  };
};

/** Why something could not be written down, without a full stop. */
export const troubleOf = async (writing: Promise<void>): Promise<string | undefined> =>
  writing.then(
    () => undefined,
    (error: unknown) => (error instanceof Error ? error.message : String(error)).replace(/\.$/, ''),
  );
