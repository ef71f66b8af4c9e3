import type { Damage, Run } from '../journal.ts';
import { doneSteps } from '../journal/ended.ts';
import type { Told } from './history-text.ts';
import { jsonText } from './json.ts';

/** The document of `history --format json`: schemas/history.schema.json describes it. `all`: the plan and the steps as well. */
export const historyJson = (told: readonly Told[], damage: readonly Damage[], all: boolean): string => {
  const runs = told.map((one) => ({ ...summary(one), ...(all && { plan: one.run.plan, steps: stepsOf(one.run) }) }));
  return jsonText({ version: 1, command: 'history', runs, damage }, 2);
};

const summary = ({ run, undone, partly, busy }: Told) => ({
  run: run.id,
  command: run.command,
  ...(run.undoes !== undefined && { undoes: run.undoes }),
  words: run.words,
  by: run.by,
  since: run.since,
  ...(run.end && { ended: run.end.at }),
  status: busy ? 'running' : (run.end?.status ?? 'cut'),
  ...(undone !== undefined && { undoneBy: undone }),
  ...(partly !== undefined && { partlyUndoneBy: partly }),
  nodePrep: run.version,
  stepsDone: doneSteps(run),
  stepsPlanned: run.plan.actions.length,
});

const stepsOf = ({ steps }: Run) =>
  steps.map(({ status, output, exitCode, stopped }) => ({
    status,
    ...(output !== undefined && { output }),
    ...(exitCode !== undefined && { exitCode }),
    ...(stopped !== undefined && { stopped }),
  }));
