import { imageNow } from './knowledge/image.ts';
import type { Desired, Finding, Plan, Reading, Verdict } from './model.ts';
import type { Translated } from './image-actions.ts';
import { unjudged } from './plan.ts';
import { idOf } from './requirements.ts';

/** Worst last. */
const order: readonly Verdict['verdict'][] = ['ok', 'waived', 'advice', 'change', 'blocked'];

/** The findings of all kernels as one list, with what will be after apply (`later`: the same plans with its files written). */
export const merged = (
  plans: readonly Plan[],
  later: readonly Plan[],
  kernels: readonly string[],
  held: Translated['held'],
  desired: Desired,
): Finding[] => {
  const ids = [...new Set(plans.flatMap((plan) => plan.findings.map((finding) => finding.id)))];
  return inTheirOrder(ids, plans).map((id) => {
    const finding = withoutKernel(worst(id, plans, kernels), kernels, desired);
    const why = finding.verdict === 'change' ? held.get(id) : undefined;
    if (why) return { ...unjudged(finding), verdict: 'blocked', ...why };
    const after = worst(id, later, kernels).boot;
    const differs = finding.verdict === 'change' && JSON.stringify(after) !== JSON.stringify(finding.boot);
    return differs ? { ...finding, after } : finding;
  });
};

type Judged = { readonly finding: Finding; readonly kernel: string };

const rank = ({ finding }: Judged): number => order.indexOf(finding.verdict);

/** The finding of the kernel that fares worst, which is named where another fares better; the newest counts among equals. */
const worst = (id: string, plans: readonly Plan[], kernels: readonly string[]): Finding => {
  const all = plans.flatMap((plan, i): Judged[] =>
    plan.findings.filter((f) => f.id === id).map((finding) => ({ finding, kernel: kernels[i] ?? '' })),
  );
  const bad = all.reduce((a, b) => (rank(b) > rank(a) ? b : a));
  const { finding, kernel } = bad;
  const names = all.some((other) => rank(other) < rank(bad));
  const { after: _after, ...rest } = finding;
  const boot = named(placed(finding.boot, kernel), names ? kernel : '');
  return 'reason' in rest && names && !rest.reason.includes(kernel)
    ? { ...rest, now: imageNow, boot, reason: `kernel ${kernel}: ${rest.reason}` }
    : { ...rest, now: imageNow, boot };
};

/** What a machine that runs would tell itself comes from the folder of its modules here. */
const placed = (reading: Reading, kernel: string): Reading =>
  reading.from === '/proc/sys/kernel/osrelease' ? { ...reading, from: `/lib/modules/${kernel}` } : reading;

const named = (reading: Reading, kernel: string): Reading =>
  kernel === '' || reading.have.includes(kernel) ? reading : { ...reading, have: `${reading.have} (kernel ${kernel})` };

/** Where no kernel is installed, what is asked of one cannot be known. */
const withoutKernel = (finding: Finding, kernels: readonly string[], { requirements }: Desired): Finding => {
  const { id, kind, verdict } = finding;
  const asks = (kind === 'kernel' || kind === 'kernelconfig' || kind === 'module') && id !== 'module/modules_disabled';
  if (kernels.length > 0 || !asks || verdict === 'waived') return finding;
  const boot: Reading = { ok: false, have: 'no kernel' };
  const advice = requirements.some((r) => idOf(r) === id && r.advice);
  return {
    ...unjudged(finding),
    boot,
    verdict: advice ? 'advice' : 'blocked',
    reason: 'no kernel is installed in this image: /lib/modules has none',
    remedy: 'Install the package of its kernel first, then plan again.',
  };
};

/** As the first plan has them; what only other kernels bring up comes after the last of its kind. */
const inTheirOrder = (ids: readonly string[], plans: readonly Plan[]): readonly string[] => {
  const kinds = [...new Set(plans.flatMap((plan) => plan.findings.map((f) => f.kind)))];
  const kindOf = new Map(plans.flatMap((plan) => plan.findings.map((f) => [f.id, f.kind] as const)));
  return kinds.flatMap((kind) => ids.filter((id) => kindOf.get(id) === kind));
};
