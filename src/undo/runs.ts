import { OperatorError } from '../errors.ts';
import type { Run } from '../journal.ts';
import { isFailed, partlyUndoneBy, undoneBy } from '../journal/ended.ts';
import type { Action } from '../model.ts';
import { namesInWords } from './part.ts';

/** The runs after one that are in effect and no undo of it. */
export const laterRuns = (run: Run, runs: readonly Run[]): Run[] =>
  runs.filter((other) => other.id > run.id && other.undoes !== run.id && hasBegun(other) && !undoneBy(runs).has(other.id));

/**
 * The steps that the last undo of a run did not come to, as it was cut off or failed: what a program was to read again cannot be told from
 * how the host stands.
 */
export const pendingOf = (run: Run, runs: readonly Run[]): Action[] => {
  const tried = runs.findLast((other) => other.undoes === run.id);
  if (!tried || tried.end?.status === 'applied' || undoneBy(runs).has(tried.id)) return [];
  return tried.plan.actions.filter((_, at) => {
    const step = tried.steps[at];
    return step === undefined || step.status === 'begun' || isFailed(tried, step, at);
  });
};

/**
 * The run that an undo is about: the one of that number, else the last apply that did something and is not undone, not even in part: what
 * was changed since would be in its way again. Undefined where there is none to undo. `again`: one that is undone will do, as its packages
 * may still be there. Throws an OperatorError where the number means none, or one that cannot be undone.
 */
export const runToUndo = (word: string | undefined, runs: readonly Run[], again = false): Run | undefined => {
  const undone = undoneBy(runs);
  const isBack = ({ id }: Run): boolean => undone.has(id) || partlyUndoneBy(runs).has(id);
  if (word === undefined) return runs.findLast((run) => run.command === 'apply' && hasBegun(run) && !isBack(run));
  const run = runs.find(({ id }) => String(id) === word);
  if (!run) throw unknownRun(word, runs);
  const by = undone.get(run.id);
  if (by !== undefined && !again)
    throw new OperatorError(`Run ${run.id} is undone already, by run ${by}.`, `To have it back: node-prep undo ${by}`);
  if (!hasBegun(run)) throw new OperatorError(`Run ${run.id} ended before its first step: there is nothing to undo.`);
  return run;
};

/** What to say of runs that an undo without a number passes by, as they are undone in part. `run`: the one that it is about. */
export const passedBy = (run: Run | undefined, runs: readonly Run[]): string[] =>
  [...partlyUndoneBy(runs)]
    .filter(([id]) => id > (run?.id ?? 0) && runs.some((other) => other.id === id && other.command === 'apply'))
    .map(([id, by]) => `run ${id} was undone in part, by run ${by}; for the rest of it: node-prep undo ${id}`);

const hasBegun = (run: Run): boolean => run.steps.length > 0;

const unknownRun = (word: string, runs: readonly Run[]): OperatorError => {
  if (!/^\d+$/.test(word)) return new OperatorError(`"${word}" is no number of a run.`, 'node-prep history lists the runs.');
  const known = runs.map(({ id }) => String(id)).toReversed();
  return new OperatorError(
    `There is no run ${word} in the journal.`,
    known.length === 0 ? 'Nothing was done on this host yet.' : `Known: ${namesInWords(known)}; node-prep history lists them.`,
  );
};
