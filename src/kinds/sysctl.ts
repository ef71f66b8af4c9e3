import { fileText } from '../answers.ts';
import { kernelQueries, runningKernel } from '../knowledge/kernel.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import { cannotSet } from '../knowledge/rights.ts';
import {
  bootSettings,
  bringerOf,
  ownSysctl,
  parseSysctl,
  settingQueries,
  sysctlKey,
  sysctlPath,
  sysctlValue,
  systemSettings,
  winner,
} from '../knowledge/sysctl.ts';
import type { Setting, Winner } from '../knowledge/sysctl.ts';
import type { Action, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile } from './own-file.ts';
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
    const boot = bootSettings(host.answers);
    const looked = requirements.map((requirement) => look(requirement, boot, host));
    if (looked.every((l) => isMet(l))) return { findings: looked.map(met), actions: [] };
    const plan = planFile(requirements, host);
    const findings = looked.map((l) => (isMet(l) ? met(l) : judge(l, plan, host)));
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

const look = (requirement: Requirement<SysctlNeed>, boot: readonly Setting[], host: HostView): Looked => ({
  requirement,
  base: {
    id: sysctlKind.id(requirement),
    kind: 'sysctl',
    want: sysctlKind.want(requirement),
    now: nowReading(requirement, host),
    boot: bootReading(winner(boot, sysctlPath(requirement.key)), requirement),
    because: requirement.because,
  },
});

/** Advice is about the value; that no file sets it is as good where the kernel's own value is. */
const isMet = ({ requirement, base: { now, boot } }: Looked): boolean =>
  now.ok && (boot.ok || (requirement.advice === true && boot.have === notSet));

const met = ({ base }: Looked): Finding => ({ ...base, verdict: 'ok' });

/** `own`: what our file is to hold. `system`: what sysctl --system sets as things are. `bootAfter`, `systemAfter`: once `own` is there. */
type FilePlan = {
  readonly own: string;
  readonly before: string | undefined;
  readonly system: readonly Setting[];
  readonly bootAfter: readonly Setting[];
  readonly systemAfter: readonly Setting[];
};

const planFile = (requirements: readonly Requirement<SysctlNeed>[], host: HostView): FilePlan => {
  const before = fileText(host.answers, ownSysctl);
  const [boot, system] = [bootSettings(host.answers, ''), systemSettings(host.answers, '')];
  const elsewhere = (need: SysctlNeed) => [boot, system].every((settings) => wins(settings, need));
  const lines = requirements
    .filter((r) => !r.advice && !elsewhere(r) && !isHindered(r, host))
    .map((r) => ({ path: sysctlPath(r.key), text: `${r.key} = ${r.value}` }));
  const asked = new Set([...lines.map((l) => l.path), ...requirements.map((r) => sysctlPath(r.key))]);
  const kept = parseSysctl(before ?? '', ownSysctl).filter((s) => !asked.has(s.path) && s.value !== undefined);
  const own = ownFile(ownSysctl, host, {
    purpose: 'kernel settings',
    lines: lines.map((l) => l.text),
    kept: kept.map((s) => `${sysctlKey(s.path)} = ${s.value ?? ''}`),
    before,
  });
  return {
    own: own.after,
    before,
    system: systemSettings(host.answers),
    bootAfter: bootSettings(host.answers, own.after),
    systemAfter: systemSettings(host.answers, own.after),
  };
};

const wins = (settings: readonly Setting[], need: SysctlNeed): boolean => {
  const last = winner(settings, sysctlPath(need.key));
  return last !== undefined && fits(last.value, need);
};

const judge = ({ requirement, base }: Looked, plan: FilePlan, host: HostView): Finding => {
  const byHand = `To have it set, add "${requirement.key}: ${requirement.value}" to sysctl: in the configuration file.`;
  return { ...base, ...unmet(requirement, obstacleTo(requirement, base.now, plan, host), byHand) };
};

const notSet = 'not set';

const noKey = 'no such key';

/** A key that nothing in this plan brings, or that cannot be set here: what is blocked is not written down either. */
const isHindered = (need: SysctlNeed, host: HostView): boolean => {
  const { ok, have } = nowReading(need, host);
  return have === noKey ? missingKey(need, host) !== undefined : !ok && cannotSet(host.answers) !== undefined;
};

const nowReading = (need: SysctlNeed, { answers }: HostView): Reading => {
  const answer = answers.get(`read ${procPath(need.key)}`);
  if (answer?.status === 2) return { ok: false, have: 'not readable', from: answer.text };
  if (answer?.status !== 0) return { ok: false, have: noKey };
  const have = sysctlValue(answer.text);
  return { ok: fits(have, need), have };
};

const bootReading = (last: Winner | undefined, need: SysctlNeed): Reading =>
  last ? { ok: fits(last.value, need), have: last.value, from: last.from } : { ok: false, have: notSet };

const obstacleTo = (need: SysctlNeed, now: Reading, plan: FilePlan, host: HostView): Obstacle | undefined => {
  const path = sysctlPath(need.key);
  for (const [settings, when] of [
    [plan.bootAfter, 'at boot'],
    [plan.systemAfter, 'by sysctl --system'],
  ] as const) {
    const last = winner(settings, path);
    if (last && !fits(last.value, need)) {
      return {
        reason: `${last.from} sets it to ${last.value} and is read after ${ownSysctl} ${when}`,
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
  return host.verdicts.get(`module/${module}`) === 'blocked' || !providerOf(module, kernel)
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
