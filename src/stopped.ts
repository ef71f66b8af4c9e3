import type { Action, Outcome, Plan, Step } from './model.ts';

/** Why not all of a plan was done, and what was not: a step that failed is the first of those. */
export type CutShort = { readonly problem: string; readonly notDone: readonly Action[] };

/** Whether a step failed in a way that proves nothing: the verification decides. */
export const isTolerated = ({ action, exitCode, stopped }: Step): boolean =>
  isJudgedLater(action, exitCode) && stopped?.begun !== false;

/** Whether the verification decides about a command that ended with this; one that could not be started has no exit code. */
export const isJudgedLater = (action: Action | undefined, exitCode: number | undefined): boolean =>
  action?.do === 'run' && action.judgedBy === 'verify' && exitCode !== undefined;

/**
 * What became of a host after these steps of a plan. `after`: the plan that was made then; undefined where a signal left that out.
 * `problemIn`: what is wrong by that plan, if anything.
 */
export const judge = (
  host: string,
  done: Plan,
  after: Plan | undefined,
  steps: readonly Step[],
  problemIn: (after: Plan) => string | undefined,
): Outcome => {
  const cut = cutShort(done.actions, steps);
  if (!after) {
    const problem = `${cut ? cut.problem : 'all steps done'}; a signal left out the verification`;
    return { host, status: 'failed', steps, problem, notDone: cut?.notDone ?? [] };
  }
  if (cut) return { host, status: 'failed', plan: after, steps, ...cut };
  const problem = problemIn(after);
  return problem === undefined
    ? { host, status: 'applied', plan: after, steps }
    : { host, status: 'failed', plan: after, steps, problem };
};

/** What kept a plan's actions from being done, in words; undefined where all of them were. */
export const cutShort = (actions: readonly Action[], steps: readonly Step[]): CutShort | undefined => {
  const end = steps.findIndex((step) => step.stopped || (step.status === 'failed' && !isTolerated(step)));
  const last = steps[end];
  if (!last) return undefined;
  const by = last.stopped?.by;
  const done = `${end} of ${actions.length} steps done`;
  const interrupted = last.stopped?.begun ? '; the step that ran was interrupted' : '';
  return {
    problem: by ? `stopped by ${by}: ${done}${interrupted}` : 'a step failed; the steps after it were not run',
    notDone: actions.slice(end),
  };
};
