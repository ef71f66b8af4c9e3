import { kernelQueries } from '../knowledge/kernel.ts';
import { moduleRuleQueries } from '../knowledge/modprobe.ts';
import { candidatesFor } from '../knowledge/module-providers.ts';
import { bootEntryQueries } from '../knowledge/modules-load.ts';
import { advertisedDevices, advertisementQueries } from '../knowledge/router-advertisements.ts';
import { bootResolver, ownSysctl, settingQueries } from '../knowledge/sysctl-resolve.ts';
import { bringerOf, sysctlKey, sysctlPath } from '../knowledge/sysctl.ts';
import type { Action, Finding, HostView, Kind, Requirement } from '../model.ts';
import { sysctlClaims } from './sysctl-claims.ts';
import { ahead, clearedFor, decided, fits, planFile, wins } from './sysctl-file.ts';
import type { FilePlan, SysctlNeed } from './sysctl-file.ts';
import { bringersOf, lateModules, look, noKey, notSet, procPath } from './sysctl-look.ts';
import type { Looked } from './sysctl-look.ts';
import { isHindered, obstacleTo } from './sysctl-obstacles.ts';
import type { Cleared } from './take-over.ts';
import { unmet } from './verdicts.ts';

/** A kernel setting: its value now, and what it will be after the next boot. */
export const sysctlKind: Kind<SysctlNeed> = {
  name: 'sysctl',
  title: 'Kernel settings',
  id: (need) => `sysctl/${need.key}`,
  want: (need) => (need.atLeast ? `>= ${need.value}` : need.value),
  merge: (a, b) => {
    if (a.atLeast && b.atLeast) return Number(a.value) >= Number(b.value) ? a : b;
    if (fits(a.value, b)) return b.atLeast ? a : b;
    return fits(b.value, a) ? b : undefined;
  },
  implies: (need) => {
    const module = bringerOf(sysctlPath(need.key));
    return [{ kind: 'package', capability: 'procps' }, ...(module ? [{ kind: 'module' as const, name: module }] : [])];
  },
  queries: (needs) =>
    needs.length === 0
      ? []
      : [
          ...needs.map((need) => ({ ask: 'read' as const, path: procPath(need.key) })),
          ...settingQueries,
          { ask: 'read', path: ownSysctl },
          ...kernelQueries(candidatesFor(bringersOf(needs))),
          ...bootEntryQueries,
          ...moduleRuleQueries,
          ...advertisementQueries,
        ],
  adapt: (requirements, host) => [...advertised(requirements, host), ...requirements],
  check: (requirements, host) => {
    const view = { host, boot: bootResolver(host.answers), late: lateModules(requirements, host) };
    const looked = requirements.map((requirement) => look(requirement, view));
    if (looked.every((l) => isMet(l, host))) return { findings: looked.map(met), actions: [] };
    const plan = planFile(requirements, (need) => isHindered(need, host), host);
    const judged = looked.map((l) => (isMet(l, host) ? met(l) : judge(l, plan, host)));
    // sysctl --system sets every key of every file: one that is right now must not be lost on the way.
    const runs = judged.some((f) => f.verdict === 'change' && !f.now.ok);
    const findings = looked.map((l, i) =>
      runs && isMet(l, host) && isUndone(l, plan) ? judge(l, plan, host) : (judged[i] ?? met(l)),
    );
    return { findings, actions: actionsFor(findings, plan, requirements, host) };
  },
  claims: sysctlClaims,
};

/**
 * Forwarding for IPv6 ends the kernel's listening to routers. It comes first, as settings are written in this order: the default
 * route must not be lost in between.
 */
const advertised = (requirements: readonly Requirement<SysctlNeed>[], { answers }: HostView): Requirement<SysctlNeed>[] => {
  const forwarding = requirements.find((r) => r.key === 'net.ipv6.conf.all.forwarding' && r.value !== '0');
  if (!forwarding) return [];
  const keys = advertisedDevices(answers).map((device) => sysctlKey(`net/ipv6/conf/${device}/accept_ra`));
  return keys
    .filter((key) => !requirements.some((r) => r.key === key))
    .map((key) => ({
      kind: 'sysctl',
      key,
      value: '2',
      because: [
        {
          profile: forwarding.because[0]?.profile ?? '',
          why: "this host's IPv6 default route comes by router advertisement, which forwarding turns off unless accept_ra is 2",
          source: 'torvalds/linux:Documentation/networking/ip-sysctl.rst',
        },
      ],
      ...(forwarding.advice && { advice: true }),
    }));
};

/** Advice is about the value; that no file sets it is as good where the kernel's own value is, which of an image nobody knows. */
const isMet = ({ requirement, base: { now, boot } }: Looked, { image }: HostView): boolean =>
  now.ok && (boot.ok || (requirement.advice === true && boot.have === notSet && !image));

const isUndone = ({ requirement }: Looked, plan: FilePlan): boolean =>
  decided(plan.systemAfter, requirement) !== undefined && !wins(plan.systemAfter, requirement);

const met = ({ base }: Looked): Finding => ({ ...base, verdict: 'ok' });

const judge = ({ requirement, base }: Looked, plan: FilePlan, host: HostView): Finding => {
  const byHand = `To have it set, add "${requirement.key}: ${requirement.value}" to sysctl: in the configuration file.`;
  const module = bringerOf(sysctlPath(requirement.key)) ?? '';
  const verdict = host.verdicts.get(`module/${module}`);
  if ((base.now.have === noKey || base.boot.have === noKey) && (verdict === 'waived' || verdict === 'advice')) {
    const when = base.now.have === noKey ? 'here' : 'at boot';
    return {
      ...base,
      verdict: 'advice',
      reason: `the key comes with ${module}, which is not loaded ${when} (${verdict})`,
      remedy: `See module/${module}.`,
    };
  }
  return { ...base, ...unmet(requirement, obstacleTo(requirement, base, plan, host), byHand) };
};

const actionsFor = (
  findings: readonly Finding[],
  plan: FilePlan,
  requirements: readonly Requirement<SysctlNeed>[],
  host: HostView,
): Action[] => {
  const changes = findings.filter((f) => f.verdict === 'change');
  const needs = requirements.filter((r) => changes.some((f) => f.id === sysctlKind.id(r)));
  // A key that only the one or the other program sets right needs our file as well.
  const unset = needs.filter((r) => !wins(plan.boot, r) || !wins(plan.system, r)).map(sysctlKind.id);
  const unapplied = changes.filter((f) => !f.now.ok).map((f) => f.id);
  const write: Action = {
    do: 'write',
    path: ownSysctl,
    mode: '0644',
    before: plan.before ?? null,
    after: plan.own,
    for: unset,
  };
  const run: Action = {
    do: 'run',
    argv: ['sysctl', '--system'],
    why: 'apply the kernel settings now',
    judgedBy: 'verify',
    for: unapplied,
  };
  return [
    ...takeOver(needs, plan, host),
    ...(unset.length > 0 && plan.own !== plan.before ? [write] : []),
    ...needs.filter((r) => unapplied.includes(sysctlKind.id(r))).flatMap(keepRoute),
    ...(unapplied.length > 0 ? [run] : []),
  ];
};

/** Another file may turn forwarding on before ours is read, and then the default route is gone at once. */
const keepRoute = (need: SysctlNeed): Action[] =>
  /^net\.ipv6\.conf\.(?!all\.|default\.).*\.accept_ra$/.test(need.key)
    ? [
        {
          do: 'run',
          argv: ['sysctl', '-w', `${need.key}=${need.value}`],
          why: 'keep the IPv6 default route, before forwarding is turned on',
          judgedBy: 'verify',
          for: [sysctlKind.id(need)],
        },
      ]
    : [];

const takeOver = (needs: readonly SysctlNeed[], plan: FilePlan, host: HostView): readonly Action[] =>
  host.allow.takeOver
    ? needs.reduce<Cleared>((state, need) => clearedFor(need, plan, state) ?? state, { answers: ahead(host), edits: [] }).edits
    : [];
