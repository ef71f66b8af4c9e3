import type { Action, Answers, Query } from '../model.ts';

/** Something that undo leaves as it is, or that stands in its way. */
export type Left = { readonly what: string; readonly why: string };

/**
 * The way back of one part. `left`: what stays changed, and why. `stops`: what somebody else changed since: nothing may be undone
 * before a person has looked.
 */
export type Back = { readonly actions: readonly Action[]; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/** What else a part may look at. `packages`: the operator wants installed packages removed as well. `answers`: of now. */
export type BackView = { readonly answers: Answers; readonly actions: readonly Action[]; readonly packages: boolean };

/**
 * One part of a host's state that runs change: files, kernel settings, modules, units, swap, packages. Pure. `S` is plain JSON: it is kept
 * in the journal. A part is asked only about what the actions of one run may change.
 */
export type Part<S = unknown> = {
  readonly name: string;
  /** What to ask in order to `read`; `answers`: those that the plan was made from, or none. */
  queries(actions: readonly Action[], answers: Answers): readonly Query[];
  /** How that part of the host stands. */
  read(actions: readonly Action[], answers: Answers): S;
  /**
   * What leads from `after` back to `before`, for all that is now as it was after the run. `after` is undefined where the run was cut off:
   * then what the actions meant to do is all there is to go by.
   */
  back(before: S, after: S | undefined, now: S, view: BackView): Back;
};
