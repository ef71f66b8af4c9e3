import { OperatorError } from './errors.ts';
import { claimsOfImage, planImage, queriesForImage } from './image.ts';
import { unlessSignal } from './interrupt.ts';
import { bootIdOf, bootIdQuery, identityQueries } from './knowledge/identity.ts';
import { claimsAbout, has, isConverged, makePlan, queriesFor } from './plan.ts';
import type { Journal, RunHeader, State } from './journal.ts';
import type { Owing } from './owed.ts';
import { recordedSteps, whyUnwritten, withTrouble } from './recorded.ts';
import type { Recording } from './recorded.ts';
import { judge } from './stopped.ts';
import type { Answers, Claim, Desired, Host, Outcome, Plan, Query, Requirement, Step } from './model.ts';

/** Asks a host once and plans it. `owing`: earlier runs are made up for as well. */
export const planHost = async (host: Host, desired: Desired, owing?: Owing): Promise<Plan> =>
  planOwing(host, desired, await host.probe([...questionsTo(host, desired), ...(owing ? [bootIdQuery] : [])]), owing);

/** Everything to ask of a host in order to plan it. */
export const questionsTo = ({ image }: Host, desired: Desired): Query[] =>
  image ? queriesForImage(desired, image) : queriesFor(desired);

/** The plan for a host that answered so. */
export const planFrom = ({ image }: Host, desired: Desired, answers: Answers): Plan =>
  image ? planImage(desired, answers, image) : makePlan(desired, answers);

/** The same, with what earlier runs have left undone. The answers must tell the boot. */
export const planOwing = async (host: Host, desired: Desired, answers: Answers, owing?: Owing): Promise<Plan> => {
  const plan = planFrom(host, desired, answers);
  const owed = owing ? await owing(bootIdOf(answers)) : [];
  // Loaded only here: hardly ever is anything owed.
  return owed.length === 0 ? plan : (await import('./owed.ts')).withOwed(plan, owed, desired);
};

/** All that speaks about a requirement on a host that answered so. */
export const claimsFrom = ({ image }: Host, requirement: Requirement, desired: Desired, answers: Answers): readonly Claim[] =>
  image ? claimsOfImage(requirement, desired, answers, image) : claimsAbout(requirement, desired, answers);

/** How an apply is watched and held back. `confirm`: whether to go on with this plan. */
export type Watch = {
  readonly confirm: (plan: Plan) => Promise<boolean>;
  readonly progress: (plan: Plan, steps: AsyncIterable<Step>) => Promise<readonly Step[]>;
};

/**
 * `partial`: do what can be done although something is blocked. `journal`: where the run is written down, with what `header` says of it.
 * `owing`: what earlier runs have left undone; without it, that journal tells.
 * `agree` throws an OperatorError where the plan, or what it was made from, is not what the operator agreed to before.
 */
export type ApplyOptions = {
  readonly partial: boolean;
  readonly journal?: { readonly to: Journal; readonly header: Omit<RunHeader, 'command' | 'plan' | 'before' | 'bootId'> };
  readonly owing?: Owing;
  readonly agree?: (plan: Plan, answers: Answers) => void;
};

/**
 * Plans, does it and plans again: the second plan is the verification. Refused, with nothing touched, where something is
 * blocked, unless `partial`.
 */
export const applyHost = async (host: Host, desired: Desired, options: ApplyOptions, watch: Watch): Promise<Outcome> => {
  const answers = await host.probe([...questionsTo(host, desired), ...identityQueries]);
  const owing = options.owing ?? (options.journal && owingIn(options.journal.to));
  const plan = await planOwing(host, desired, answers, owing);
  options.agree?.(plan, answers);
  if (has(plan, 'blocked') && !options.partial) {
    await watch.confirm({ ...plan, actions: [] });
    return { host: host.name, status: 'refused', plan, problem: 'something is blocked; nothing was touched' };
  }
  if (!(await watch.confirm(plan))) throw new OperatorError('Not confirmed: nothing was touched.', 'Answer yes, or give --yes.');
  if (plan.actions.length === 0) return { host: host.name, status: 'applied', plan, steps: [] };
  const { journal } = options;
  const run: Recorded = {
    host,
    plan,
    answers,
    verify: async (steps) => judge(host.name, plan, await unlessSignal(2, planHost(host, desired, owing)), steps, stillOpen),
    ...(journal && { journal: { to: journal.to, header: { ...journal.header, command: 'apply', bootId: bootIdOf(answers) } } }),
  };
  return execute(run, watch);
};

/** What the runs of a journal have left undone. */
const owingIn =
  (journal: Journal): Owing =>
  async (bootId) =>
    (await import('./owed.ts')).owedBy(await journal.runs(), bootId);

/** A plan that is agreed to. `verify`: looks at the host again, after these steps. `answers`: those that the plan was made from. `isPartly`: RunEnd's `partly`. */
type Recorded = {
  readonly host: Host;
  readonly plan: Plan;
  readonly answers: Answers;
  readonly verify: (steps: readonly Step[]) => Promise<Outcome>;
  readonly journal?: { readonly to: Journal; readonly header: Omit<RunHeader, 'plan' | 'before'> };
  readonly isPartly?: (outcome: Outcome) => boolean;
};

/** Does a plan's actions and verifies; where there is a journal, each step is in it before the next begins. */
export const execute = async ({ host, plan, answers, verify, journal, isPartly }: Recorded, watch: Watch): Promise<Outcome> => {
  const { actions } = plan;
  if (!journal) return verify(await watch.progress(plan, host.execute(actions)));
  // Loaded only here: planning never needs it.
  const { readState, stateQueries } = await import('./undo.ts');
  const standing = async (): Promise<State> => readState(actions, await host.probe(stateQueries(actions, answers)));
  const before = await standing();
  const now: Recording = { at: 0 };
  // First, as it throws where a file cannot be written at all: then there is no run to write down.
  const steps = host.execute(actions, { started: (pid) => now.record?.started(now.at, pid) });
  const record = (now.record = await journal.to.begin({ ...journal.header, plan, before }));
  const done = await watch.progress(plan, recordedSteps(actions, steps, record, now));
  const outcome: Outcome = { ...(await verify(done)), run: record.id };
  const status = outcome.status === 'applied' ? 'applied' : 'failed';
  // Who wants the verification left out waits for no other look at the host either.
  const after = 'plan' in outcome && outcome.plan ? await unlessSignal(2, standing()) : undefined;
  const more = { ...(after && { after }), ...(isPartly?.(outcome) && { partly: true as const }) };
  const unended = await whyUnwritten(record.end({ at: new Date().toISOString(), status, ...more }));
  return withTrouble(outcome, now.trouble ?? unended);
};

/** What still differs, in words. */
const stillOpen = ({ findings }: Plan): string | undefined => {
  const open = findings.filter((f) => f.verdict === 'change').map((f) => f.id);
  return open.length > 0 ? `done, but the host still differs: ${open.join(', ')}` : undefined;
};

/** The exit code of an applied or refused host: 3 where something is blocked, 0 where it is as wanted, else 1. */
export const appliedCode = (outcome: Outcome): number => {
  if (outcome.status === 'refused') return 3;
  if (outcome.status !== 'applied') return 1;
  return isConverged(outcome.plan) ? 0 : has(outcome.plan, 'blocked') ? 3 : 1;
};
