import type { Damage, Run } from '../journal.ts';
import { actionTitle } from './plan-text.ts';
import { safe } from './terminal.ts';

/** A moment of the journal as a person says it, in local time: "2026-11-21 18:25". */
export const localTime = (iso: string): string => {
  const at = new Date(iso);
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())} ${two(at.getHours())}:${two(at.getMinutes())}`;
};

/** "apply", or "undo 6". */
export const commandWords = ({ command, undoes }: Run): string => (undoes === undefined ? command : `${command} ${undoes}`);

/** Where a run was cut off: "in step 3 of 7", "after step 3 of 7", "before its first step". */
export const cutWords = ({ steps, plan: { actions } }: Run): string => {
  if (steps.length === 0) return 'before its first step';
  return `${steps.at(-1)?.status === 'begun' ? 'in' : 'after'} step ${steps.length} of ${actions.length}`;
};

/** What the operator is told of a run that is found cut off. */
export const cutNote = (run: Run): string => {
  const action = run.plan.actions[run.steps.length - 1];
  const pid = run.process ? `, pid ${run.process.pid}` : '';
  return safe(
    `the run of ${localTime(run.since)} (${commandWords(run)}${pid}) was cut off ${cutWords(run)}${action ? ` (${actionTitle(action)})` : ''}: going on from how the host is now.`,
  );
};

/** Something in the journal that cannot be read, in a line. */
export const damageNote = ({ path, line, problem, remedy }: Damage): string =>
  safe(`${path}${line === undefined ? '' : `:${line}`}: ${problem}; ${remedy}`);
