import { fileText } from '../answers.ts';
import { kernelQueries, runningKernel } from '../knowledge/kernel.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import { cannotSet } from '../knowledge/rights.ts';
import { parseSysctl } from '../knowledge/sysctl-lines.ts';
import { bootResolver, ownSysctl, settingQueries, systemResolver } from '../knowledge/sysctl-resolve.ts';
import type { Resolver, Winner } from '../knowledge/sysctl-resolve.ts';
import { bringerOf, isReadLater, sysctlKey, sysctlPath, sysctlValue, twinOf } from '../knowledge/sysctl.ts';
import type { Action, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile, unwritable } from './own-file.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type SysctlNeed = NeedOf<'sysctl'>;

/** A kernel setting: its value now, and what the files set it to at boot. */
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
        ],
  check: (requirements, host) => {
    const boot = bootResolver(host.answers);
    const looked = requirements.map((requirement) => look(requirement, boot, host));
    if (looked.every((l) => isMet(l))) return { findings: looked.map(met), actions: [] };
    const plan = planFile(requirements, host);
    const judged = looked.map((l) => (isMet(l) ? met(l) : judge(l, plan, host)));
    // sysctl --system sets every key of every file: one that is right now must not be lost on the way.
    const runs = judged.some((f) => f.verdict === 'change');
    const findings = looked.map((l, i) => (runs && isMet(l) && isUndone(l, plan) ? judge(l, plan, host) : (judged[i] ?? met(l))));
    return { findings, actions: actionsFor(findings, plan, requirements) };
  },
};

const fits = (value: string, need: SysctlNeed): boolean =>
  need.atLeast ? Number(value) >= Number(need.value) : sysctlValue(value) === sysctlValue(need.value);

const procPath = (key: string): string => `/proc/sys/${sysctlPath(key)}`;

const bringersOf = (needs: readonly SysctlNeed[]): string[] => [
  ...new Set(needs.flatMap((n) => bringerOf(sysctlPath(n.key)) ?? [])),
];

/** A requirement and how the host stands, before it is judged. */
type Looked = { readonly requirement: Requirement<SysctlNeed>; readonly base: Omit<Finding, 'verdict'> };

const look = (requirement: Requirement<SysctlNeed>, boot: Resolver, host: HostView): Looked => ({
  requirement,
  base: {
    id: sysctlKind.id(requirement),
    kind: 'sysctl',
    want: sysctlKind.want(requirement),
    now: nowReading(requirement, host),
    boot: bootReading(decided(boot, requirement), requirement),
    because: requirement.because,
  },
});

/** Advice is about the value; that no file sets it is as good where the kernel's own value is. */
const isMet = ({ requirement, base: { now, boot } }: Looked): boolean =>
  now.ok && (boot.ok || (requirement.advice === true && boot.have === notSet));

const isUndone = ({ requirement }: Looked, plan: FilePlan): boolean =>
  decided(plan.systemAfter, requirement) !== undefined && !wins(plan.systemAfter, requirement);

const met = ({ base }: Looked): Finding => ({ ...base, verdict: 'ok' });

/** `own`: what our file is to hold. `system`: what sysctl --system leaves as things are. `bootAfter`, `systemAfter`: once `own` is there. */
type FilePlan = {
  readonly own: string;
  readonly before: string | undefined;
  readonly system: Resolver;
  readonly bootAfter: Resolver;
  readonly systemAfter: Resolver;
};

const planFile = (requirements: readonly Requirement<SysctlNeed>[], host: HostView): FilePlan => {
  const before = fileText(host.answers, ownSysctl);
  const [boot, system] = [bootResolver(host.answers, ''), systemResolver(host.answers, '')];
  const elsewhere = (need: SysctlNeed) => [boot, system].every((resolve) => wins(resolve, need));
  const lines = requirements
    .filter((r) => !r.advice && !elsewhere(r) && !isHindered(r, host))
    .map((r) => ({ path: sysctlPath(r.key), text: `${r.key} = ${r.value}` }));
  // What is waived or blocked stays as an earlier run left it; only what is written anew or set elsewhere goes.
  const settled = new Set([...lines.map((l) => l.path), ...requirements.filter(elsewhere).map((r) => sysctlPath(r.key))]);
  const kept = parseSysctl(before ?? '', ownSysctl).filter((s) => !settled.has(s.path) && s.value !== undefined);
  const own = ownFile(ownSysctl, host, {
    purpose: 'kernel settings',
    lines: lines.map((l) => l.text),
    kept: kept.map((s) => `${sysctlKey(s.path)} = ${s.value ?? ''}`),
    before,
  });
  return {
    own: own.after,
    before,
    system: systemResolver(host.answers),
    bootAfter: bootResolver(host.answers, own.after),
    systemAfter: systemResolver(host.answers, own.after),
  };
};

/** A need of a whole number is about a key that holds one. */
const decided = (resolve: Resolver, need: SysctlNeed): Winner | undefined => {
  const kind = /^-?\d+$/.test(need.value) ? 'integer' : undefined;
  const path = sysctlPath(need.key);
  const twin = twinOf(path);
  const [own, other] = [resolve(path, kind), twin === undefined ? undefined : resolve(twin, kind)];
  return other && (!own || isReadLater(other.from, own.from)) ? other : own;
};

const wins = (resolve: Resolver, need: SysctlNeed): boolean => {
  const last = decided(resolve, need);
  return last?.value !== undefined && fits(last.value, need);
};

const judge = ({ requirement, base }: Looked, plan: FilePlan, host: HostView): Finding => {
  const byHand = `To have it set, add "${requirement.key}: ${requirement.value}" to sysctl: in the configuration file.`;
  const module = bringerOf(sysctlPath(requirement.key)) ?? '';
  const verdict = host.verdicts.get(`module/${module}`);
  if (base.now.have === noKey && (verdict === 'waived' || verdict === 'advice')) {
    return {
      ...base,
      verdict: 'advice',
      reason: `the key comes with ${module}, which is not loaded here (${verdict})`,
      remedy: `See module/${module}.`,
    };
  }
  return { ...base, ...unmet(requirement, obstacleTo(requirement, base, plan, host), byHand) };
};

const notSet = 'not set';

const noKey = 'no such key';

const unreadable = 'not readable';

/** A key that nothing in this plan brings, or that cannot be set here: what is blocked is not written down either. */
const isHindered = (need: SysctlNeed, host: HostView): boolean => {
  const { ok, have } = nowReading(need, host);
  return have === noKey
    ? missingKey(need, host) !== undefined
    : have === unreadable || (!ok && cannotSet(host.answers) !== undefined);
};

const nowReading = (need: SysctlNeed, { answers }: HostView): Reading => {
  const answer = answers.get(`read ${procPath(need.key)}`);
  if (answer?.status === 2) return { ok: false, have: unreadable, from: answer.text };
  if (answer?.status !== 0) return { ok: false, have: noKey };
  const have = sysctlValue(answer.text);
  return { ok: fits(have, need), have };
};

const bootReading = (last: Winner | undefined, need: SysctlNeed): Reading =>
  last?.value === undefined
    ? { ok: false, have: notSet, ...(last && { from: last.from }) }
    : { ok: fits(last.value, need), have: last.value, from: last.from };

const obstacleTo = (need: SysctlNeed, { now, boot }: Looked['base'], plan: FilePlan, host: HostView): Obstacle | undefined => {
  const own = boot.ok ? undefined : unwritable(ownSysctl, host);
  if (own) return own;
  if (now.have === unreadable) {
    return {
      reason: `${need.key} cannot be read: ${now.from}`,
      remedy: 'Write a key, not a folder of keys; some keys are for root alone.',
    };
  }
  for (const [resolve, when] of [
    [plan.bootAfter, 'at boot'],
    [plan.systemAfter, 'by sysctl --system'],
  ] as const) {
    const last = decided(resolve, need);
    if (last && (last.value === undefined || !fits(last.value, need))) {
      const does = last.value === undefined ? 'keeps it from being set' : `sets it to ${last.value}`;
      return {
        reason: `${last.from} ${does} and is read after ${ownSysctl} ${when}`,
        remedy: `Take that line out of ${last.from.replace(/:\d+$/, '')}, then plan again.`,
      };
    }
  }
  if (now.have === noKey) return missingKey(need, host);
  return now.ok ? undefined : cannotSet(host.answers);
};

const missingKey = (need: SysctlNeed, host: HostView): Obstacle | undefined => {
  const module = bringerOf(sysctlPath(need.key));
  if (!module) {
    const ipv6 = sysctlPath(need.key).startsWith('net/ipv6/');
    const remedy = ipv6
      ? 'IPv6 may be off (ipv6.disable=1 on the kernel command line): turn it on and reboot.'
      : 'Check the spelling; a newer kernel may have it.';
    return { reason: `kernel ${host.system.kernel} has no ${need.key}`, remedy };
  }
  const kernel = runningKernel(host.answers, host.system.kernel, candidatesFor([module]));
  return !['ok', 'change'].includes(host.verdicts.get(`module/${module}`) ?? 'ok') || !providerOf(module, kernel)
    ? { reason: `the key comes with ${module}, which cannot be loaded here`, remedy: `See module/${module}.` }
    : undefined;
};

const actionsFor = (findings: readonly Finding[], plan: FilePlan, requirements: readonly Requirement<SysctlNeed>[]): Action[] => {
  const changes = findings.filter((f) => f.verdict === 'change');
  if (changes.length === 0) return [];
  // A key that only the one or the other program sets right needs our file as well.
  const setRight = new Set(requirements.filter((r) => wins(plan.system, r)).map(sysctlKind.id));
  const unset = changes.filter((f) => !f.boot.ok || !setRight.has(f.id));
  const write: Action[] =
    unset.length > 0 && plan.own !== plan.before
      ? [
          {
            do: 'write',
            path: ownSysctl,
            mode: '0644',
            before: plan.before ?? null,
            after: plan.own,
            for: unset.map((f) => f.id),
          },
        ]
      : [];
  return [
    ...write,
    {
      do: 'run',
      argv: ['sysctl', '--system'],
      why: 'apply the kernel settings now',
      judgedBy: 'verify',
      for: changes.map((f) => f.id),
    },
  ];
};
