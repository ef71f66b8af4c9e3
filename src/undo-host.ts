import { execute } from './apply.ts';
import { bootIdOf, bootIdQuery } from './knowledge/identity.ts';
import type { ApplyOptions, Watch } from './apply.ts';
import { OperatorError } from './errors.ts';
import type { Run } from './journal.ts';
import { readSystem } from './knowledge/system.ts';
import type { Answers, Host, Outcome, Plan, Step } from './model.ts';
import { unlessSignal } from './interrupt.ts';
import { cutShort } from './stopped.ts';
import { planUndo, undoQueries } from './undo.ts';
import type { UndoWish } from './undo.ts';
import { inWords } from './undo/part.ts';
import type { Back, Left } from './undo/part.ts';

/** The way back from a run on a host: what would be done, as a plan without findings, what stays and what stops it. */
export type UndoPlan = { readonly plan: Plan; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/** What became of an undo. `undoes`: the run that it was about. `left`, `stops`: before it was done where nothing was, else afterwards. */
export type UndoOutcome = Outcome & { readonly undoes: number; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/**
 * `partial`: put back what can be although something was changed since. `journal`: where the undo is written down. `confirm`: whether to go
 * on with this.
 */
export type UndoOptions = UndoWish & {
  readonly partial: boolean;
  readonly journal?: NonNullable<ApplyOptions['journal']>;
  readonly confirm: (way: UndoPlan) => Promise<boolean>;
  readonly progress: Watch['progress'];
};

/** Asks a host once and plans the way back. */
export const planUndoOf = async (host: Host, run: Run, wish: UndoWish): Promise<UndoPlan & { readonly answers: Answers }> => {
  const answers = await host.probe([...undoQueries(run, wish), bootIdQuery]);
  const { actions, left, stops }: Back = planUndo(run, answers, wish);
  return { plan: { system: readSystem(answers), findings: [], actions }, left, stops, answers };
};

/**
 * Plans the way back, goes it and plans it again: the second plan is the verification. Refused, with nothing touched, where something was
 * changed since, unless `partial`. That there is nothing to do is written down as well: the run is undone then.
 */
export const undoHost = async (host: Host, run: Run, options: UndoOptions): Promise<UndoOutcome> => {
  const { answers, ...way } = await planUndoOf(host, run, options);
  const told = { undoes: run.id, left: way.left, stops: way.stops };
  const { plan } = way;
  if (way.stops.length > 0 && !options.partial) {
    await options.confirm({ ...way, plan: { ...plan, actions: [] } });
    return { host: host.name, status: 'refused', plan, problem: `${changedWords(way.stops)}; nothing was touched`, ...told };
  }
  const agreed = await options.confirm(way);
  if (!agreed) throw new OperatorError('Not confirmed: nothing was touched.', 'Answer yes, or give --yes.');
  return goBack(host, run, options, { answers, plan });
};

const goBack = async (
  host: Host,
  run: Run,
  options: UndoOptions,
  { answers, plan }: { readonly answers: Answers; readonly plan: Plan },
): Promise<UndoOutcome> => {
  let after: UndoPlan | undefined;
  const header = options.journal && {
    ...options.journal.header,
    command: 'undo' as const,
    undoes: run.id,
    bootId: bootIdOf(answers),
  };
  const verify = async (steps: readonly Step[]): Promise<Outcome> => {
    after = await unlessSignal(2, planUndoOf(host, run, options));
    return judge(host.name, plan, after, steps);
  };
  const outcome = await execute(
    { host, plan, answers, verify, ...(options.journal && header && { journal: { to: options.journal.to, header } }) },
    { confirm: async () => true, progress: options.progress },
  );
  return { ...outcome, undoes: run.id, left: after?.left ?? [], stops: after?.stops ?? [] };
};

/** `after`: the way back as it is planned afterwards; undefined where a signal left that out. */
const judge = (host: string, done: Plan, after: UndoPlan | undefined, steps: readonly Step[]): Outcome => {
  const cut = cutShort(done.actions, steps);
  if (!after) {
    const problem = `${cut ? cut.problem : 'all steps done'}; a signal left out the verification`;
    return { host, status: 'failed', steps, problem, notDone: cut?.notDone ?? [] };
  }
  const { plan, stops } = after;
  if (cut) return { host, status: 'failed', plan, steps, ...cut };
  const open = plan.actions.map((action) => (action.do === 'run' ? action.why : action.path));
  if (open.length > 0)
    return { host, status: 'failed', plan, steps, problem: `done, but this is still to do: ${inWords(open, 5)}` };
  if (stops.length > 0) return { host, status: 'failed', plan, steps, problem: changedWords(stops) };
  return { host, status: 'applied', plan, steps };
};

const changedWords = (stops: readonly Left[]): string =>
  `changed since: ${inWords(
    stops.map(({ what }) => what),
    5,
  )}`;

/** The exit code of an undo: 3 where something that was changed since stands in the way, 0 where all is put back, else 1. */
export const undoneCode = ({ status, plan, stops }: UndoOutcome & { readonly plan?: Plan }): number =>
  status === 'applied' ? 0 : status === 'refused' || (stops.length > 0 && plan?.actions.length === 0) ? 3 : 1;
