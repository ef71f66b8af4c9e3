import { overlay } from '../answers.ts';
import type { Action, Answers } from '../model.ts';
import { commentedOut } from './foreign-file.ts';

type Write = Extract<Action, { do: 'write' }>;

/** Answers as they will be once lines of other people's files are commented out, and the writes that do it, one for each file. */
export type Cleared = { readonly answers: Answers; readonly edits: readonly Write[] };

/** No host has so many lines against one need: what is not free by then is not freed by commenting lines out. */
const mostRounds = 25;

/**
 * Comments out, one after the other, the lines ("/path:line") that `inTheWay` names, until it names none any more; undefined where
 * one of them cannot be commented out. `id`: the finding that it is done for.
 */
export const cleared = (from: Cleared, id: string, inTheWay: (answers: Answers) => readonly string[]): Cleared | undefined => {
  let state = from;
  for (let round = 0; round < mostRounds; round++) {
    const lines = inTheWay(state.answers);
    if (lines.length === 0) return state;
    const writes = commentedOut(lines, state.answers)?.map((write) => ({ ...write, for: [id] }));
    if (!writes || writes.length === 0) return undefined;
    state = { answers: overlay(state.answers, writes), edits: writes.reduce(withEdit, state.edits) };
  }
  return undefined;
};

/** The writes alone, for a host on which nothing was taken over yet. */
export const outOfTheWay = (
  answers: Answers,
  id: string,
  inTheWay: (answers: Answers) => readonly string[],
): readonly Write[] | undefined => cleared({ answers, edits: [] }, id, inTheWay)?.edits;

/** Two edits of one file are one write, from what is there to what comes of both. */
const withEdit = (edits: readonly Write[], edit: Write): readonly Write[] => {
  const first = edits.find(({ path }) => path === edit.path);
  if (!first) return [...edits, edit];
  const both = { ...first, after: edit.after, for: [...new Set([...first.for, ...edit.for])] };
  return edits.map((one) => (one === first ? both : one));
};
