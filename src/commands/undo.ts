import { OperatorError } from '../errors.ts';
import type { Damage, Run } from '../journal.ts';
import type { Host } from '../model.ts';
import { isPartly, undoHost, undoneCode } from '../undo-host.ts';
import type { UndoOutcome, UndoPlan } from '../undo-host.ts';
import { laterRuns, passedBy, pendingOf, runToUndo } from '../undo/runs.ts';
import { problemText } from '../views/problem-text.ts';
import { showSteps } from '../views/progress.ts';
import { undoneLine, undoText } from '../views/undo-text.ts';
import { ask, isFancy } from './apply.ts';
import { journalOf, sayRun } from './journal.ts';
import { patienceFrom, requireUnstopped, underLock } from './lock.ts';
import { lockOptions, on, outputOptions } from './options.ts';
import type { Args, Command } from './options.ts';
import { watchStreams } from './output.ts';
import { isJson, note, print, printJson, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Puts back what a run changed. */
export const undo: Command = {
  name: 'undo',
  words: { '[run]': 'the number of a run, as history lists it (default: the last apply that is not undone)' },
  about: 'put back what the last apply changed, or the run of that number; an undo can be undone as well',
  options: {
    ...lockOptions,
    format: outputOptions.format,
    color: outputOptions.color,
    quiet: outputOptions.quiet,
    yes: { about: 'do not ask', type: 'boolean', short: 'y' },
    partial: { about: 'put back the rest although something was changed since (then exits with 3)', type: 'boolean' },
    packages: { about: 'remove the packages that came with the run as well, where nothing else needs them', type: 'boolean' },
  },
  run: async (args) => {
    watchStreams();
    const host = await hostFrom(args);
    const shown: Shown = {};
    try {
      return await underLock(host, args, () => undoOn(host, args, shown));
    } catch (error) {
      if (!isJson(args) || !(error instanceof OperatorError)) throw error;
      await printJson('undo', [shown.way ?? { host: host.name, status: 'failed', problem: error.message }]);
      throw error;
    }
  },
};

/** The way back that would have been shown to a person, for programs that did not say --yes. */
type Shown = { way?: UndoOutcome };

const undoOn = async (host: Host, args: Args, shown: Shown): Promise<number> => {
  const journal = await journalOf(host, patienceFrom(args), 'all');
  const runs = journal?.runs ?? [];
  const run = runToUndo(args.words[0], runs, on(args, 'packages'));
  if (args.words[0] === undefined) sayChoice(run, runs, journal?.damage ?? []);
  if (!journal || !run) return nothingToUndo(args);
  const outcome = await undoHost(host, run, {
    packages: on(args, 'packages'),
    partial: on(args, 'partial'),
    later: laterRuns(run, runs),
    pending: pendingOf(run, runs),
    journal,
    confirm: async (way) => {
      if (isJson(args) && isAsked(way, args)) shown.way = { host: host.name, status: 'planned', undoes: run.id, ...way };
      const agreed = await confirm(host, run, way, args);
      requireUnstopped();
      return agreed;
    },
    progress: (plan, steps) => showSteps(plan.actions, steps, isFancy() && !isJson(args)),
  });
  await report(outcome, run, args);
  return undoneCode(outcome);
};

/** Without a number, the operator is told what is passed by. */
const sayChoice = (run: Run | undefined, runs: readonly Run[], damage: readonly Damage[]): void => {
  requireReadable(damage, run);
  for (const word of passedBy(run, runs)) note(`${word}.`);
};

/** Which run was the last is not known where one that came later cannot be read. */
const requireReadable = (damage: readonly Damage[], run: Run | undefined): void => {
  const later = damage.find(({ id = 0 }) => id > (run?.id ?? 0));
  if (later)
    throw new OperatorError(
      `Run ${later.id} cannot be read, so which run was the last is not known (${later.path}: ${later.problem}). Nothing was touched.`,
      `Name the run that is to be undone: node-prep history, then node-prep undo NUMBER. Or ${later.remedy}.`,
    );
};

/** That there is nothing to put back is as it should be: a script that makes sure of it must not fail. */
const nothingToUndo = async (args: Args): Promise<number> => {
  if (isJson(args)) await printJson('undo', []);
  else print('Nothing to undo: no apply that changed this host is in effect. node-prep history lists the runs.');
  return 0;
};

/** Where there is nothing to do, nobody needs to agree. */
const isAsked = ({ plan }: UndoPlan, args: Args): boolean => plan.actions.length > 0 && !on(args, 'yes');

/** The way back is always shown before anything is done; with --format json it is part of nothing but the result. */
const confirm = async (host: Host, run: Run, way: UndoPlan, args: Args): Promise<boolean> => {
  const asks = isAsked(way, args);
  if ((asks || !on(args, 'quiet')) && !isJson(args)) print(await undoText(host.name, run, way, styleFrom(args)));
  if (!asks) return true;
  if (process.stdin.isTTY !== true || isJson(args)) {
    throw new OperatorError(
      'Nobody can be asked whether to go on; nothing was touched.',
      `Look at the steps, then run it with --yes: node-prep undo ${run.id} --yes`,
    );
  }
  return ask(`Do these ${way.plan.actions.length} steps on this host? [y/N] `);
};

const report = async (outcome: UndoOutcome, run: Run, args: Args): Promise<void> => {
  if (isJson(args)) return printJson('undo', [outcome]);
  if (outcome.status === 'refused') note(`refused: ${outcome.problem}. --partial puts back the rest.`);
  else if ('problem' in outcome) note(`${problemText(outcome)}.`);
  print(undoneLine(outcome.host, run.id, { ...outcome, partly: isPartly(outcome) }));
  if (isPartly(outcome))
    note(`undo without a number goes on to the run before it now; for the rest of run ${run.id}: node-prep undo ${run.id}.`);
  if (!on(args, 'quiet')) await sayRun(outcome);
};
