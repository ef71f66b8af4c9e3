import type { Action, Step } from './model.ts';

/** Why not all of a plan was done, and what was not: a step that failed is the first of those. */
export type CutShort = { readonly problem: string; readonly notDone: readonly Action[] };

/** Whether a step failed in a way that proves nothing: the verification decides. */
export const isTolerated = ({ action, exitCode, stopped }: Step): boolean =>
  action.do === 'run' && action.judgedBy === 'verify' && exitCode !== undefined && stopped?.begun !== false;

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
