import { OperatorError } from './errors.ts';
import { claimsOfImage, planImage, queriesForImage } from './image.ts';
import { claimsAbout, has, isConverged, makePlan, queriesFor } from './plan.ts';
import type { Answers, Claim, Desired, Host, Outcome, Plan, Query, Requirement, Step } from './model.ts';

/** Asks a host once and plans it. */
export const planHost = async (host: Host, desired: Desired): Promise<Plan> =>
  planFrom(host, desired, await host.probe(questionsTo(host, desired)));

/** Everything to ask of a host in order to plan it. */
export const questionsTo = ({ image }: Host, desired: Desired): Query[] =>
  image ? queriesForImage(desired, image) : queriesFor(desired);

/** The plan for a host that answered so. */
export const planFrom = ({ image }: Host, desired: Desired, answers: Answers): Plan =>
  image ? planImage(desired, answers, image) : makePlan(desired, answers);

/** All that speaks about a requirement on a host that answered so. */
export const claimsFrom = ({ image }: Host, requirement: Requirement, desired: Desired, answers: Answers): readonly Claim[] =>
  image ? claimsOfImage(requirement, desired, answers, image) : claimsAbout(requirement, desired, answers);

/** How an apply is watched and held back. `confirm`: whether to go on with this plan. */
export type Watch = {
  readonly confirm: (plan: Plan) => Promise<boolean>;
  readonly progress: (plan: Plan, steps: AsyncIterable<Step>) => Promise<readonly Step[]>;
};

/**
 * Plans, does it and plans again: the second plan is the verification. Refused, with nothing touched, where something is
 * blocked, unless `partial`.
 */
export const applyHost = async (
  host: Host,
  desired: Desired,
  options: { readonly partial: boolean },
  watch: Watch,
): Promise<Outcome> => {
  const plan = await planHost(host, desired);
  if (has(plan, 'blocked') && !options.partial) {
    await watch.confirm({ ...plan, actions: [] });
    return { host: host.name, status: 'refused', plan, problem: 'something is blocked; nothing was touched' };
  }
  if (!(await watch.confirm(plan))) throw new OperatorError('Not confirmed: nothing was touched.', 'Answer yes, or give --yes.');
  if (plan.actions.length === 0) return { host: host.name, status: 'applied', plan, steps: [] };
  const steps = await watch.progress(plan, host.execute(plan.actions));
  return judge(host.name, await planHost(host, desired), steps);
};

const judge = (host: string, plan: Plan, steps: readonly Step[]): Outcome => {
  const failed = steps.find(
    (s) => s.status === 'failed' && !(s.action.do === 'run' && s.action.judgedBy === 'verify' && s.exitCode !== undefined),
  );
  if (failed) return { host, status: 'failed', plan, steps, problem: 'a step failed; the steps after it were not run' };
  const open = plan.findings.filter((f) => f.verdict === 'change').map((f) => f.id);
  if (open.length > 0)
    return { host, status: 'failed', plan, steps, problem: `done, but the host still differs: ${open.join(', ')}` };
  return { host, status: 'applied', plan, steps };
};

/** The exit code of an applied or refused host: 3 where something is blocked, 0 where it is as wanted, else 1. */
export const appliedCode = (outcome: Outcome): number => {
  if (outcome.status === 'refused') return 3;
  if (outcome.status !== 'applied') return 1;
  return isConverged(outcome.plan) ? 0 : has(outcome.plan, 'blocked') ? 3 : 1;
};
