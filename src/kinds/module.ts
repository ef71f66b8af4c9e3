import { argumentQueries } from '../knowledge/module-arguments.ts';
import { iptablesQueries } from '../knowledge/iptables.ts';
import { kernelQueries } from '../knowledge/kernel.ts';
import { moduleRuleQueries } from '../knowledge/modprobe.ts';
import { moduleDenialQueries, moduleDenials } from '../knowledge/module-denials.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import { bootEntryQueries, ownModulesLoad } from '../knowledge/modules-load.ts';
import { signatureQueries } from '../knowledge/signatures.ts';
import { settingQueries } from '../knowledge/sysctl-resolve.ts';
import type { Checked, Kind, Query, Requirement } from '../model.ts';
import { actionsFor } from './module-actions.ts';
import { claimsOn } from './module-claims.ts';
import { closing } from './module-closing.ts';
import { judge, nowReading } from './module-judge.ts';
import { withDenied } from './module-denied.ts';
import { hindrance, modprobePaths } from './module-obstacles.ts';
import { modulePackageQueries } from './module-packages.ts';
import { companionsOf, tableChoice, withCompanions } from './module-tables.ts';
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
    needs.length === 0
      ? []
      : [...questions(candidatesFor(needs.flatMap((n) => [n.name, ...companionsOf(n.name)]))), ...modulePackageQueries(needs)],
  adapt: (requirements, host) => withCompanions(withDenied(requirements, moduleDenials(host.answers)), host),
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
  ...moduleDenialQueries,
  ...signatureQueries(names),
  ...bootEntryQueries,
  ...moduleRuleQueries,
  ...settingQueries,
  ...argumentQueries,
  ...iptablesQueries,
  { ask: 'read', path: ownModulesLoad },
  ...modprobePaths.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
];

/** Those that lines may be taken over for: nothing but such lines is in their way. */
const freeable = (requirements: readonly Requirement<ModuleNeed>[], view: ModuleView): Wanted[] =>
  requirements.flatMap((r) => {
    const provider = r.advice ? undefined : providerOf(r.name, view.ahead, tableChoice(r.name, view.host));
    if (!provider || hindrance(provider.by, nowReading(provider, view.kernel), view)) return [];
    return [{ id: `module/${r.name}`, by: provider.by }];
  });
