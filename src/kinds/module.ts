import { fileText } from '../answers.ts';
import { argumentQueries } from '../knowledge/module-arguments.ts';
import { kernelQueries } from '../knowledge/kernel.ts';
import { moduleRuleQueries } from '../knowledge/modprobe.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import { bootEntryQueries, ownModulesLoad } from '../knowledge/modules-load.ts';
import { setsModulesDisabled } from '../knowledge/rights.ts';
import { signatureQueries } from '../knowledge/signatures.ts';
import { settingQueries } from '../knowledge/sysctl-resolve.ts';
import type { Checked, Finding, HostView, Kind, Query, Requirement } from '../model.ts';
import { actionsFor } from './module-actions.ts';
import { claimsOn } from './module-claims.ts';
import { judge, nowReading } from './module-judge.ts';
import { hindrance, modprobePaths } from './module-obstacles.ts';
import { modulePackageQueries } from './module-packages.ts';
import { takeOver } from './module-takeover.ts';
import type { Wanted } from './module-takeover.ts';
import { lookAt } from './module-view.ts';
import type { ModuleNeed, ModuleView } from './module-view.ts';

/** A kernel module: in the kernel now (loaded or built in), and after the next boot. */
export const moduleKind: Kind<ModuleNeed> = {
  name: 'module',
  title: 'Kernel modules',
  id: (need) => `module/${need.name}`,
  want: () => 'loaded',
  merge: (a) => a,
  implies: () => [{ kind: 'package', capability: 'kmod' }],
  queries: (needs) =>
    needs.length === 0 ? [] : [...questions(candidatesFor(needs.map((n) => n.name))), ...modulePackageQueries(needs)],
  check: (requirements, host) => {
    const asIs = lookAt(requirements, host);
    const view = host.allow.takeOver
      ? { ...asIs, cleared: takeOver(freeable(requirements, asIs), host.answers, asIs.ahead) }
      : asIs;
    const judged = requirements.map((r) => judge(r, view));
    const findings = [...judged.map((j) => j.finding), ...(requirements.length > 0 ? closing(host) : [])];
    return { findings, actions: actionsFor(judged, view) } satisfies Checked;
  },
  claims: (need, host) => claimsOn(need, lookAt([{ ...need, because: [] }], host)),
};

const questions = (names: readonly string[]): Query[] => [
  ...kernelQueries(names),
  ...signatureQueries(names),
  ...bootEntryQueries,
  ...moduleRuleQueries,
  ...settingQueries,
  ...argumentQueries,
  { ask: 'read', path: ownModulesLoad },
  ...modprobePaths.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
];

/** Those that lines may be taken over for: nothing but such lines is in their way. */
const freeable = (requirements: readonly Requirement<ModuleNeed>[], view: ModuleView): Wanted[] =>
  requirements.flatMap((r) => {
    const provider = r.advice ? undefined : providerOf(r.name, view.ahead);
    if (!provider || hindrance(provider.by, nowReading(provider, view.kernel), view)) return [];
    return [{ id: `module/${r.name}`, by: provider.by }];
  });

/**
 * A file that closes the kernel to modules at boot. systemd-modules-load has run by then (systemd-sysctl.service is ordered after
 * it), so what is listed is there; what is not can never be loaded.
 */
const closing = ({ answers }: HostView): Finding[] => {
  const from = setsModulesDisabled(answers);
  if (from === undefined) return [];
  const now = fileText(answers, '/proc/sys/kernel/modules_disabled')?.trim() === '1' ? 'closed' : 'open';
  const reason = `${from} sets kernel.modules_disabled at boot, right after the listed modules were loaded: what is not listed, such as an iptables extension that is loaded on first use, cannot be loaded any more`;
  return [
    {
      id: 'module/modules_disabled',
      kind: 'module',
      want: 'open to more modules',
      now: { ok: now === 'open', have: now },
      boot: { ok: false, have: 'closed', from },
      because: [
        { profile: 'this host', why: 'plugins load modules when they first need them', source: 'man systemd-sysctl.service' },
      ],
      verdict: 'advice',
      reason,
      remedy: 'List all that pods and plugins will ever need under modules: in the configuration file, or take that line out.',
    },
  ];
};
