import { mergeQueries } from './answers.ts';
import type { Run, State } from './journal.ts';
import type { Action, Answers, Query } from './model.ts';
import type { Back } from './undo/part.ts';
import { parts } from './undo/table.ts';

/** Everything to ask of a host in order to see the state that these actions may change. */
export const stateQueries = (actions: readonly Action[], answers: Answers): Query[] =>
  mergeQueries(parts.flatMap((part) => part.queries(actions, answers)));

/** How the host stands, as far as these actions may change it. */
export const readState = (actions: readonly Action[], answers: Answers): State =>
  Object.fromEntries(parts.map((part) => [part.name, part.read(actions, answers)]));

/** What leads back to how the host stood before a run. Pure: the same arguments give the same way. */
export const planUndo = (run: Run, answers: Answers, packages: boolean): Back => {
  const { actions } = run.plan;
  const now = readState(actions, answers);
  const ways = parts.map((part) =>
    part.back(run.before[part.name], run.end?.after?.[part.name], now[part.name], { answers, actions, packages }),
  );
  return {
    actions: ways.flatMap((way) => way.actions),
    left: ways.flatMap((way) => way.left),
    stops: ways.flatMap((way) => way.stops),
  };
};
