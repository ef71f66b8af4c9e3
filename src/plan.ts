import { mergeQueries, overlay } from './answers.ts';
import { withEffects } from './effects.ts';
import { kindNamed, kinds } from './kinds/table.ts';
import { rightsQueries } from './knowledge/rights.ts';
import { labelQueries, withLabels } from './knowledge/selinux.ts';
import { readSystem, systemQueries } from './knowledge/system.ts';
import { unreadIn } from './unread.ts';
import type {
  Action,
  Answers,
  Checked,
  Claim,
  Desired,
  Finding,
  HostView,
  Image,
  Kind,
  Plan,
  Query,
  Requirement,
  Verdict,
} from './model.ts';

/** Everything to ask of a host, at once, in order to plan it. */
export const queriesFor = (desired: Desired): Query[] =>
  mergeQueries([
    ...systemQueries,
    ...rightsQueries,
    ...labelQueries,
    ...kinds.flatMap((kind) => kind.queries(ofKind(desired, kind))),
  ]);

/**
 * Compares what is wanted with what the host answered. Pure: the same arguments give the same plan. `image`: the answers are those of a
 * tree that is not running.
 */
export const makePlan = (desired: Desired, answers: Answers, image?: Image): Plan => {
  const view = viewOf(desired, answers, image);
  const unread = unreadIn(
    answers,
    kinds.map((kind) => ({ name: kind.name, queries: () => kind.queries(ofKind(desired, kind)) })),
  );
  const head = { system: view.system, ...(unread.length > 0 && { unread }) };
  const checked = checkAll(desired, view);
  const actions = withLabels(collapse(checked.actions), answers);
  if (actions.length === 0) return { ...head, findings: checked.findings, actions };
  const after = checkAll(desired, { ...view, answers: overlay(answers, withEffects(answers, actions)), done: actions });
  return { ...head, findings: withAfter(checked.findings, after.findings), actions };
};

/** All that speaks about a requirement on a host, in the order in which it is heard. */
export const claimsAbout = (requirement: Requirement, desired: Desired, answers: Answers, image?: Image): readonly Claim[] =>
  kindNamed(requirement.kind).claims?.(requirement, viewOf(desired, answers, image)) ?? [];

const viewOf = (desired: Desired, answers: Answers, image?: Image): HostView => ({
  answers,
  system: readSystem(answers),
  askedBy: desired.askedBy,
  verdicts: new Map(),
  allow: desired.allow,
  ...(image && { image }),
});

/** Adds what `boot` will be once the plan's files are written, where that differs. */
const withAfter = (findings: readonly Finding[], later: readonly Finding[]): Finding[] => {
  const after = new Map(later.map((f) => [f.id, f.boot]));
  return findings.map((finding) => {
    const boot = after.get(finding.id);
    const differs = finding.verdict === 'change' && boot && JSON.stringify(boot) !== JSON.stringify(finding.boot);
    return differs ? { ...finding, after: boot } : finding;
  });
};

/** What was found, without what was made of it. */
export const unjudged = ({ id, kind, want, now, boot, because }: Finding): Omit<Finding, 'verdict'> => ({
  id,
  kind,
  want,
  now,
  boot,
  because,
});

/** Nothing to change and nothing in the way. Advice and waivers do not count. */
export const isConverged = (plan: Plan): boolean => !has(plan, 'change') && !has(plan, 'blocked');

/** Whether the plan has a finding with that verdict. */
export const has = (plan: Plan, verdict: Verdict['verdict']): boolean => plan.findings.some((f) => f.verdict === verdict);

/** How many findings there are of each verdict. */
export const summarize = (plans: readonly Plan[]): Record<Verdict['verdict'], number> => {
  const counts = { ok: 0, change: 0, blocked: 0, advice: 0, waived: 0 };
  for (const finding of plans.flatMap((p) => p.findings)) counts[finding.verdict] += 1;
  return counts;
};

const checkAll = (desired: Desired, view: HostView): Checked => {
  const verdicts = new Map(view.verdicts);
  const findings: Finding[] = [];
  const actions: Action[] = [];
  for (const kind of kinds) {
    const checked = checkKind(kind, desired, { ...view, verdicts });
    findings.push(...checked.findings);
    actions.push(...checked.actions);
    for (const finding of checked.findings) verdicts.set(finding.id, finding.verdict);
  }
  return { findings, actions };
};

const checkKind = (kind: Kind, desired: Desired, view: HostView): Checked => {
  const wanted = ofKind(desired, kind);
  const { findings, actions } = kind.check(kind.adapt ? waived(kind.adapt(wanted, view), desired, kind) : wanted, view);
  return { findings: findings.map((finding) => withWaiver(finding, desired)), actions };
};

/** A waived requirement is judged as advice: it changes nothing and stops nothing. */
const ofKind = (desired: Desired, kind: Kind): Requirement[] =>
  waived(
    desired.requirements.filter((r) => r.kind === kind.name),
    desired,
    kind,
  );

const waived = (requirements: readonly Requirement[], { waivers }: Desired, kind: Kind): Requirement[] =>
  requirements.map((r) => (waivers.some((w) => w.id === kind.id(r)) ? { ...r, advice: true } : r));

const withWaiver = (finding: Finding, desired: Desired): Finding => {
  const waiver = desired.waivers.find((w) => w.id === finding.id);
  if (finding.verdict === 'ok' || !waiver) return finding;
  return { ...unjudged(finding), verdict: 'waived', reason: waiver.reason, ...(waiver.until && { until: waiver.until }) };
};

/** Equal actions become one that serves all their findings. */
const collapse = (actions: readonly Action[]): Action[] => {
  const byWhat = new Map<string, Action>();
  for (const action of actions) {
    const { for: ids, ...what } = action;
    const key = JSON.stringify(what);
    const seen = byWhat.get(key);
    byWhat.set(key, seen ? { ...seen, for: [...new Set([...seen.for, ...ids])] } : action);
  }
  return [...byWhat.values()];
};
