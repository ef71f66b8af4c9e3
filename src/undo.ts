import { mergeQueries } from './answers.ts';
import { OperatorError } from './errors.ts';
import type { Run, State } from './journal.ts';
import { labelQueries, withLabels } from './knowledge/selinux.ts';
import { systemQueries } from './knowledge/system.ts';
import type { Action, Answers, Query } from './model.ts';
import type { Back } from './undo/part.ts';
import { parts } from './undo/table.ts';

/** Everything to ask of a host in order to see the state that these actions may change. */
export const stateQueries = (actions: readonly Action[], answers: Answers): Query[] =>
  mergeQueries(parts.flatMap((part) => part.queries(actions, answers)));

/** How the host stands, as far as these actions may change it; without the parts about which it did not answer. */
export const readState = (actions: readonly Action[], answers: Answers): State =>
  Object.fromEntries(
    parts.flatMap((part) => {
      const state = part.read(actions, answers);
      return state === undefined ? [] : [[part.name, state] as const];
    }),
  );

/** What a run began with: of the rest nothing was done, and what is there is not the run's. */
const begunOf = ({ plan, steps }: Run): readonly Action[] => plan.actions.slice(0, steps.length);

/**
 * How an undo is meant. `packages`: installed packages go as well. `later`: runs after that one that are in effect. `pending`: steps that an
 * undo of it before did not come to.
 */
export type UndoWish = { readonly packages: boolean; readonly later: readonly Run[]; readonly pending?: readonly Action[] };

/** Everything to ask of a host in order to plan the undo of a run. Throws an OperatorError where what it wrote down is nothing to go by. */
export const undoQueries = (run: Run, { packages }: Pick<UndoWish, 'packages'>): Query[] => {
  requireStates(run);
  const actions = begunOf(run);
  const view = { actions, packages };
  const again = parts.flatMap((part) => part.again?.(run.before[part.name], run.end?.after?.[part.name], view) ?? []);
  return mergeQueries([...systemQueries, ...labelQueries, ...stateQueries(actions, new Map()), ...again]);
};

/** What leads back to how the host stood before a run; its actions are for "run/7". Pure: the same arguments give the same way. */
export const planUndo = (run: Run, answers: Answers, { packages, later, pending = [] }: UndoWish): Back => {
  requireStates(run);
  const actions = begunOf(run);
  const now = readState(actions, answers);
  let way: Required<Back> = { actions: [], last: [], left: [], stops: [] };
  for (const part of parts) {
    const [before, after] = [run.before[part.name], run.end?.after?.[part.name]];
    const view = { run, answers, actions, packages, before: run.before, done: way.actions, pending, later };
    const back = before === undefined ? unknownBefore(part.name, run) : part.back(before, after, now[part.name], view);
    way = {
      actions: [...way.actions, ...back.actions],
      last: [...(back.last ?? []), ...way.last],
      left: [...way.left, ...back.left],
      stops: [...way.stops, ...back.stops],
    };
  }
  const steps = [...way.actions, ...way.last].map((action) => ({ ...action, for: [`run/${run.id}`] }));
  return { actions: withLabels(steps, answers), left: way.left, stops: way.stops };
};

/** A journal that somebody wrote by hand, or another version, must not have anything done to the host. */
const requireStates = ({ id, version, before, end }: Run): void => {
  const odd = parts.find(({ name, holds }) =>
    [before, end?.after].some((state) => state !== undefined && Object.hasOwn(state, name) && !holds(state[name])),
  );
  if (odd)
    throw new OperatorError(
      `Run ${id} cannot be undone: what its file says of ${odd.name} is nothing that this node-prep writes. Nothing was touched.`,
      `Was it done by another version (${version})? Undo it with that one. node-prep history ${id} --verbose shows what it changed.`,
    );
};

/** Another version of node-prep may not have written all of it down. */
const unknownBefore = (part: string, { version }: Run): Back => ({
  actions: [],
  left: [{ what: part, why: `node-prep ${version}, which did this run, did not write down how that was` }],
  stops: [],
});
