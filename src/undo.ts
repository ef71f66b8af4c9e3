import { mergeQueries } from './answers.ts';
import { OperatorError } from './errors.ts';
import type { Run, State } from './journal.ts';
import { bootIdOf, bootIdQuery } from './knowledge/identity.ts';
import { labelQueries, withLabels } from './knowledge/selinux.ts';
import { systemQueries } from './knowledge/system.ts';
import type { Action, Answers, Query, RunAction } from './model.ts';
import { namesInWords } from './undo/part.ts';
import type { Back, Part } from './undo/part.ts';
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

/** What a boot does as well, once the files are written: the program that would, and the part that it shows in. */
const bootDoes: { readonly [program: string]: string } = { sysctl: 'sysctl', modprobe: 'modules', swapoff: 'swap' };

/** Where a run was cut off between a file and the command that puts it into force, the next boot has done what the command was to do. */
const doneByBoot = (run: Run): readonly (Action & RunAction)[] => {
  const written = new Set(begunOf(run).flatMap((action) => (action.do === 'run' ? [] : action.for)));
  return run.plan.actions
    .slice(run.steps.length)
    .flatMap((action) => (action.do === 'run' && Object.hasOwn(bootDoes, action.argv[0]) ? [action] : []))
    .filter((action) => action.for.some((id) => written.has(id)));
};

/** The same, where the host has booted since. */
const bootSince = (run: Run, answers: Answers): readonly (Action & RunAction)[] => {
  const boot = bootIdOf(answers);
  return [boot, run.bootId].includes('') || boot === run.bootId ? [] : doneByBoot(run);
};

/**
 * How an undo is meant. `packages`: installed packages go as well. `later`: runs after that one that are in effect. `pending`: steps that an
 * undo of it before did not come to.
 */
export type UndoWish = { readonly packages: boolean; readonly later: readonly Run[]; readonly pending?: readonly Action[] };

/** Everything to ask of a host in order to plan the undo of a run. Throws an OperatorError where what it wrote down is nothing to go by. */
export const undoQueries = (run: Run, { packages }: Pick<UndoWish, 'packages'>): Query[] => {
  requireStates(run);
  const actions = [...begunOf(run), ...doneByBoot(run)];
  const view = { actions, packages };
  const again = parts.flatMap((part) => part.again?.(run.before[part.name], run.end?.after?.[part.name], view) ?? []);
  return mergeQueries([bootIdQuery, ...systemQueries, ...labelQueries, ...stateQueries(actions, new Map()), ...again]);
};

/**
 * What leads back to how the host stood before a run; its actions are for "run/7". Pure: the same arguments give the same way. Throws an
 * OperatorError where the host did not say how it stands now.
 */
export const planUndo = (run: Run, answers: Answers, { packages, later, pending = [] }: UndoWish): Back => {
  requireStates(run);
  const booted = bootSince(run, answers);
  const actions = [...begunOf(run), ...booted];
  // How the run left these parts is not how they were when that boot had done its work.
  const moved = booted.map(({ argv: [program] }) => bootDoes[program]);
  const now = readState(actions, answers);
  requireLooks(run, now);
  let way: Required<Back> = { actions: [], last: [], left: [], stops: [] };
  for (const part of parts) {
    const before = run.before[part.name];
    const after = moved.includes(part.name) ? undefined : run.end?.after?.[part.name];
    const view = { run, answers, actions, packages, before: run.before, done: way.actions, pending, later };
    const back = before === undefined ? unknownBefore(part, run, actions) : part.back(before, after, now[part.name], view);
    way = withPart(way, back);
  }
  const steps = [...way.actions, ...way.last].map((action) => ({ ...action, for: [`run/${run.id}`] }));
  return { actions: withLabels(steps, answers), left: way.left, stops: way.stops };
};

const withPart = (way: Required<Back>, back: Back): Required<Back> => ({
  actions: [...way.actions, ...back.actions],
  last: [...(back.last ?? []), ...way.last],
  left: [...way.left, ...back.left],
  stops: [...way.stops, ...back.stops],
});

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

/** What cannot be seen cannot be compared: taken as unchanged it would be left as it is, and taken as gone it would be made anew. */
const requireLooks = ({ id, before }: Run, now: State): void => {
  const unseen = parts.filter(({ name }) => before[name] !== undefined && now[name] === undefined).map(({ name }) => name);
  if (unseen.length > 0)
    throw new OperatorError(
      `Run ${id} cannot be undone now: how this host stands (${namesInWords(unseen)}) could not be looked at; nothing was touched.`,
      `It did not answer within a minute, or a program for it is missing: see that ${namesInWords(askers(unseen))} works, then undo again: node-prep undo ${id}`,
    );
};

/** What a person may try, to see why a part did not answer. */
const askers = (names: readonly string[]): string[] => names.map((name) => askedBy[name] ?? `what tells about ${name}`);

const askedBy: { readonly [part: string]: string } = {
  packages: 'dpkg-query or rpm',
  files: 'stat',
  units: 'systemctl show',
  ufw: 'ufw status',
  firewalld: 'firewall-cmd --state',
};

/** Another version of node-prep may not have written all of it down, and the host may not have answered. */
const unknownBefore = (part: Part, { id, version }: Run, actions: readonly Action[]): Back => ({
  actions: [],
  left:
    part.queries(actions, new Map()).length === 0
      ? []
      : [
          {
            what: part.name,
            why: `how that was is not written down: the host did not answer then, or node-prep ${version}, which did this run, did not ask; node-prep history ${id} --verbose shows what the run did`,
          },
        ],
  stops: [],
});
