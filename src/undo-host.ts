import { execute } from './apply.ts';
import { bootIdOf } from './knowledge/identity.ts';
import type { ApplyOptions, Watch } from './apply.ts';
import { OperatorError } from './errors.ts';
import type { Run } from './journal.ts';
import { readSystem } from './knowledge/system.ts';
import type { Answers, Host, Outcome, Plan, Step } from './model.ts';
import { unlessSignal } from './interrupt.ts';
import { cutShort, judge } from './stopped.ts';
import { planUndo, undoQueries } from './undo.ts';
import type { UndoWish } from './undo.ts';
import { namesInWords } from './undo/part.ts';
import type { Back, Left } from './undo/part.ts';

/** The way back from a run on a host: what would be done, as a plan without findings, what stays and what stops it. */
export type UndoPlan = { readonly plan: Plan; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/** What became of an undo. `undoes`: the run that it was about. `left`, `stops`: before it was done where nothing was, else afterwards. */
export type UndoOutcome = Outcome & { readonly undoes: number; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/**
 * `partial`: put back what can be although something was changed since. `journal`: where the undo is written down. `confirm`: whether to go
 * on with this.
 */
type UndoOptions = UndoWish & {
  readonly partial: boolean;
  readonly journal?: NonNullable<ApplyOptions['journal']>;
  readonly confirm: (way: UndoPlan) => Promise<boolean>;
  readonly progress: Watch['progress'];
};

/** Asks a host once and plans the way back. */
export const planUndoOf = async (host: Host, run: Run, wish: UndoWish): Promise<UndoPlan & { readonly answers: Answers }> => {
  const answers = await host.probe(undoQueries(run, wish));
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
  const { to, header } = options.journal ?? {};
  const said = header && { ...header, command: 'undo' as const, undoes: run.id, bootId: bootIdOf(answers) };
  const verify = async (steps: readonly Step[]): Promise<Outcome> => {
    try {
      after = await unlessSignal(2, planUndoOf(host, run, { ...options, pending: [] }));
    } catch (error) {
      return unverified(host, plan, steps, error);
    }
    return judge(host.name, plan, after?.plan, steps, (now) => stillToDo(now, after?.stops ?? []));
  };
  const recorded = {
    host,
    plan,
    answers,
    verify,
    isPartly: (done: Outcome): boolean => isPartly({ ...done, stops: after?.stops ?? [] }),
    ...(to && said && { journal: { to, header: said } }),
  };
  const outcome = await execute(recorded, { confirm: async () => true, progress: options.progress });
  return { ...outcome, undoes: run.id, left: after?.left ?? [], stops: after?.stops ?? [] };
};

/** The steps were done, and are written down: that the host cannot be looked at again must not lose that. */
const unverified = (host: Host, { actions }: Plan, steps: readonly Step[], error: unknown): Outcome => {
  if (!(error instanceof OperatorError)) throw error;
  const cut = cutShort(actions, steps);
  const problem = `${cut?.problem ?? 'all steps done'}; whether all is back could not be looked at: the host did not answer. ${error.hint ?? ''}`;
  return { host: host.name, status: 'failed', steps, problem: problem.trim(), notDone: cut?.notDone ?? [] };
};

/** What is still to do or stands in the way, in words. */
const stillToDo = ({ actions }: Plan, stops: readonly Left[]): string | undefined => {
  const open = actions.map((action) => (action.do === 'run' ? action.why : action.path));
  if (open.length > 0) return `done, but this is still to do: ${namesInWords(open, 5)}`;
  return stops.length > 0 ? changedWords(stops) : undefined;
};

const changedWords = (stops: readonly Left[]): string =>
  `changed since: ${namesInWords(
    stops.map(({ what }) => what),
    5,
  )}`;

/** Whether all was put back but what was changed since. */
export const isPartly = (outcome: Outcome & Pick<UndoOutcome, 'stops'>): boolean =>
  outcome.status === 'failed' &&
  outcome.notDone === undefined &&
  outcome.stops.length > 0 &&
  'plan' in outcome &&
  outcome.plan?.actions.length === 0;

/** The exit code of an undo: 3 where something that was changed since stands in the way, 0 where all is put back, else 1. */
export const undoneCode = ({ status, plan, stops }: UndoOutcome & { readonly plan?: Plan }): number =>
  status === 'applied' ? 0 : status === 'refused' || (stops.length > 0 && plan?.actions.length === 0) ? 3 : 1;
