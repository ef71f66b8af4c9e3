import { overlay } from '../answers.ts';
import type { Action, Answers } from '../model.ts';
import { commentedOut } from './foreign-file.ts';

type Write = Omit<Extract<Action, { do: 'write' }>, 'for'>;

/**
 * The writes that take lines of other people's files out of the way, one after the other, until `inTheWay` of the answers names
 * none any more; undefined where a line cannot be commented out. What `inTheWay` names is "/path:line".
 */
export const outOfTheWay = (
  answers: Answers,
  inTheWay: (answers: Answers) => readonly string[],
): readonly Write[] | undefined => {
  const all = new Set<string>();
  // Each round takes at least one line more; no host has this many that hide one another.
  for (let round = 0; round < 20; round++) {
    const writes = commentedOut([...all], answers);
    if (!writes) return undefined;
    const after = overlay(
      answers,
      writes.map((write) => ({ ...write, for: [] })),
    );
    const found = inTheWay(after).filter((from) => !all.has(from));
    if (inTheWay(after).length === 0) return writes;
    if (found.length === 0) return undefined;
    for (const from of found) all.add(from);
  }
  return undefined;
};
