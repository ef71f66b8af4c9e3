import type { Run, RunStep } from '../journal.ts';
import { isJudgedLater } from '../stopped.ts';

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

/** Which run put a run back in part, by the number of the one that was: its last undo left nothing to do but what was changed since. */
export const partlyUndoneBy = (runs: readonly Run[]): ReadonlyMap<number, number> => {
  const [wholly, seen] = [undoneBy(runs), new Set<number>()];
  const partly = new Map<number, number>();
  for (const { id, undoes, end } of runs.toSorted((a, b) => b.id - a.id)) {
    if (undoes === undefined || undoes >= id || wholly.has(id) || seen.has(undoes)) continue;
    seen.add(undoes);
    if (end?.partly && !wholly.has(undoes)) partly.set(undoes, id);
  }
  return partly;
};

/** Whether a step stopped its run. That a command failed which the verification judges proves nothing. */
export const isFailed = ({ plan }: Run, step: RunStep, at: number): boolean =>
  step.status === 'failed' && (!isJudgedLater(plan.actions[at], step.exitCode) || step.stopped !== undefined);

/** How many steps of a run were done. */
export const doneSteps = (run: Run): number =>
  run.steps.filter((step, at) => step.status !== 'begun' && !isFailed(run, step, at)).length;
