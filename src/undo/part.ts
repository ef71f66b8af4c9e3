import type { Run, State } from '../journal.ts';
import type { Check } from '../journal/checks.ts';
import type { Action, Answer, Answers, Query } from '../model.ts';

/** Something that undo leaves as it is, or that stands in its way. */
export type Left = { readonly what: string; readonly why: string };

/**
 * The way back of one part. `last`: what comes after the steps of all parts, those of the last part first: what everything else may still
 * need goes then. `left`: what stays changed, and why. `stops`: what somebody else changed since: nothing may be undone before a person
 * has looked.
 */
export type Back = {
  readonly actions: readonly Action[];
  readonly last?: readonly Action[];
  readonly left: readonly Left[];
  readonly stops: readonly Left[];
};

/** Nothing to do, and nothing to say. */
export const nothing: Back = { actions: [], left: [], stops: [] };

/**
 * What else a part may look at. `actions`: those of the run that were begun, `run.steps` what became of each, in the same order; after
 * them may come commands that a boot since made up for. `packages`: the operator wants installed packages removed as well. `answers`: of
 * now. `before`: of all parts, and of all that the run was to do. `done`: the steps of the parts before. `pending`: the steps that an undo
 * of this run did not come to, as it was cut off or failed. `later`: the runs after this one that are in effect.
 */
export type BackView = {
  readonly run: Pick<Run, 'id' | 'plan' | 'steps'>;
  readonly answers: Answers;
  readonly actions: readonly Action[];
  readonly packages: boolean;
  readonly before: State;
  readonly done: readonly Action[];
  readonly pending: readonly Action[];
  readonly later: readonly Run[];
};

/**
 * One part of a host's state that runs change: files, kernel settings, modules, units, swap, packages. Pure. `S` is plain JSON: it is kept
 * in the journal. A part is asked only about what the actions of one run may change.
 */
export type Part<S = unknown> = {
  readonly name: string;
  /** Whether a value can be such a state. */
  readonly holds: Check;
  /** What to ask in order to `read`; `answers`: those that the plan was made from, or none. */
  queries(actions: readonly Action[], answers: Answers): readonly Query[];
  /** What to ask besides, in order to find the way back from `after` to `before`. */
  again?(before: S | undefined, after: S | undefined, view: Pick<BackView, 'actions' | 'packages'>): readonly Query[];
  /** How that part of the host stands; undefined where the host did not answer. */
  read(actions: readonly Action[], answers: Answers): S | undefined;
  /**
   * What leads from `after` back to `before`, for all that the begun actions are about and that is now as it was after the run. `after` is
   * undefined where the run was cut off, or the host did not answer then: what the actions meant to do is all there is to go by.
   */
  back(before: S, after: S | undefined, now: S, view: BackView): Back;
};

/** A command of undo. `judgedBy: 'verify'` where its exit status proves nothing. */
export const command = (
  argv: readonly [string, ...string[]],
  why: string,
  more: { readonly judgedBy?: 'verify' } = {},
): Action => ({
  do: 'run',
  argv,
  why,
  ...more,
  for: [],
});

/** Whether a program was started and came to its end: its status is one of these, not 124 or that of a signal. */
export const isAnswered = ({ status }: Answer, statuses: readonly number[] = [0]): boolean => statuses.includes(status);

/** Whether a file is there and could not be read. */
export const isUnread = (path: string, answers: Answers): boolean => answers.get(`read ${path}`)?.status === 2;

/** What of a state belongs to these names. */
export const only = <T>(state: { readonly [name: string]: T }, names: readonly string[]): (readonly [string, T])[] =>
  Object.entries(state).filter(([name]) => names.includes(name));

/** The commands among these actions. */
export const argvsOf = (actions: readonly Action[]): (readonly string[])[] =>
  actions.flatMap((action) => (action.do === 'run' ? [action.argv] : []));

/** Names in a sentence: "a, b and c"; of many only the first. */
export const namesInWords = (names: readonly string[], most = 12): string => {
  if (names.length > most) return `${names.slice(0, most).join(', ')} and ${names.length - most} more`;
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1) ?? ''}`;
};
