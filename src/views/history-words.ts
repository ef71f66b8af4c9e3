import type { Damage, Run } from '../journal.ts';
import { isFailed } from '../journal/ended.ts';
import { actionTitle } from './plan-text.ts';
import { safe } from './terminal.ts';

/** A moment of the journal as a person says it, in local time: "2026-11-21 18:25". */
export const localTime = (iso: string): string => {
  const at = new Date(iso);
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
};

/** The seconds of that moment, as they follow its minutes: ":07". */
export const seconds = (iso: string): string => `:${two(new Date(iso).getSeconds())}`;

/** "apply", or "undo 6". */
export const commandWords = ({ command, undoes }: Run): string => (undoes === undefined ? command : `${command} ${undoes}`);

/** How a run ended, in a few words. `undone`, `partly`: the run that put it back, or did so in part. `busy`: its node-prep still is at work. */
export const endWords = (
  run: Run,
  {
    undone,
    partly,
    busy,
  }: { readonly undone?: number | undefined; readonly partly?: number | undefined; readonly busy: boolean },
): string => {
  if (undone !== undefined) return `undone by ${undone}`;
  if (partly !== undefined) return `undone in part by ${partly}`;
  if (busy) return 'under way';
  if (run.end?.status === 'applied') return 'applied';
  if (run.end?.status !== 'failed') return `cut off ${cutPlace(run)}`;
  if (run.end.partly) return 'put back in part';
  const failed = run.steps.findIndex((step, at) => isFailed(run, step, at));
  if (failed >= 0) return `${run.steps[failed]?.stopped ? 'interrupted' : 'failed'} in step ${failed + 1}`;
  return run.steps.length < run.plan.actions.length ? `stopped ${cutPlace(run)}` : 'done, but not as wanted';
};

/** What the operator is told of a run that is found cut off. */
export const cutNote = (run: Run): string => {
  const action = run.plan.actions[run.steps.length - 1];
  const of = run.steps.length > 0 ? ` of ${run.plan.actions.length}` : '';
  const pid = run.process ? `, pid ${run.process.pid}` : '';
  return safe(
    `the run of ${localTime(run.since)} (${commandWords(run)}${pid}) was cut off ${cutPlace(run)}${of}${action ? ` (${actionTitle(action)})` : ''}: going on from how the host is now.`,
  );
};

/** Under which number a run is found again: an undo without one would be about another where this was an undo itself. */
export const runNote = (run: number): string =>
  `this was run ${run}: node-prep history ${run} shows it, node-prep undo ${run} puts it back.`;

/** Something in the journal that cannot be read, in a line. */
export const damageNote = ({ path, line, problem, remedy }: Damage): string =>
  safe(`${path}${line === undefined ? '' : `:${line}`}: ${problem}; ${remedy}`);

const two = (n: number): string => String(n).padStart(2, '0');

const cutPlace = ({ steps }: Run): string =>
  steps.length === 0 ? 'before step 1' : `${steps.at(-1)?.status === 'begun' ? 'in' : 'after'} step ${steps.length}`;
