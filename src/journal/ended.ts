import type { Run, RunStep } from '../journal.ts';

/** Which run put a run back, by the number of the one that was: an undo that came to a good end, and was not put back itself. */
export const undoneBy = (runs: readonly Run[]): ReadonlyMap<number, number> => {
  const undone = new Map<number, number>();
  // From the newest: what undid an undo is known before that undo counts.
  for (const { id, undoes, end } of runs.toSorted((a, b) => b.id - a.id)) {
    if (undoes === undefined || undoes >= id || end?.status !== 'applied' || undone.has(id)) continue;
    if (!undone.has(undoes)) undone.set(undoes, id);
  }
  return undone;
};

/** Whether a step stopped its run. That a command failed which the verification judges proves nothing. */
export const isFailed = ({ plan }: Run, step: RunStep, at: number): boolean => {
  const action = plan.actions[at];
  const tolerated = action?.do === 'run' && action.judgedBy === 'verify' && step.exitCode !== undefined;
  return step.status === 'failed' && (!tolerated || step.stopped !== undefined);
};

/** How many steps of a run were done. */
export const doneSteps = (run: Run): number =>
  run.steps.filter((step, at) => step.status !== 'begun' && !isFailed(run, step, at)).length;
