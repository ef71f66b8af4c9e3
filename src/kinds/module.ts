import { fileText, listed } from '../answers.ts';
import { bootModules, denialAtBoot, denialNow } from '../knowledge/boot-modules.ts';
import { bootEntries, bootEntryQueries, ownModulesLoad, parseModulesLoad, withoutRun } from '../knowledge/modules-load.ts';
import { moduleRuleQueries, moduleRules } from '../knowledge/modprobe.ts';
import type { Denial, ModuleRules } from '../knowledge/modprobe.ts';
import { kernelQueries, runningKernel } from '../knowledge/kernel.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import type { Provider } from '../knowledge/module-providers.ts';
import { cannotLoad } from '../knowledge/rights.ts';
import { familyNamed } from '../families/table.ts';
import type { Action, Checked, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile, unwritable } from './own-file.ts';
import { iptablesQueries } from '../knowledge/iptables.ts';
import { missingTable, companionsOf, tableChoice, withCompanions } from './module-tables.ts';
import { obstructed, unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type ModuleNeed = NeedOf<'module'>;

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
      : [
          ...kernelQueries(candidatesFor(needs.flatMap((n) => [n.name, ...companionsOf(n.name)]))),
          ...iptablesQueries,
          ...bootEntryQueries,
          ...moduleRuleQueries,
          { ask: 'read', path: ownModulesLoad },
          ...modprobePaths.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
        ],
  adapt: withCompanions,
  check: (requirements, host) => {
    const view = lookAt(requirements, host);
    const judged = requirements.map((r) => judge(r, view));
    return { findings: judged.map((j) => j.finding), actions: actionsFor(judged, view) } satisfies Checked;
  },
};

/**
 * `persisted`: module name to what brings it at boot. `elsewhere`: the same without our own file. `rules`: what keeps modules out
 * at boot, and now: files in /run count until then.
 */
type View = {
  readonly host: HostView;
  readonly kernel: RunningKernel;
  readonly persisted: ReadonlyMap<string, string>;
  readonly elsewhere: ReadonlyMap<string, string>;
  readonly rules: { readonly boot: ModuleRules; readonly now: ModuleRules };
};
type Judged = { readonly finding: Finding; readonly by: readonly string[] };

const lookAt = (requirements: readonly Requirement<ModuleNeed>[], host: HostView): View => {
  const { answers, system } = host;
  const kernel = runningKernel(answers, system.kernel, candidatesFor(requirements.map((r) => r.name)));
  const rules = { boot: moduleRules(withoutRun(answers), system.kernel), now: moduleRules(answers, system.kernel) };
  const elsewhere = bootModules(bootEntries(answers, ownModulesLoad), kernel, rules.boot);
  return { host, kernel, rules, persisted: bootModules(bootEntries(answers), kernel, rules.boot), elsewhere };
};

const judge = (requirement: Requirement<ModuleNeed>, view: View): Judged => {
  const base = {
    id: moduleKind.id(requirement),
    kind: 'module' as const,
    want: moduleKind.want(requirement),
    because: requirement.because,
  };
  const provider = providerOf(requirement.name, view.kernel, tableChoice(requirement.name, view.host));
  if (!provider) {
    const nowhere: Reading = { ok: false, have: `not in kernel ${view.kernel.release}` };
    return {
      finding: {
        ...base,
        now: nowhere,
        boot: nowhere,
        ...obstructed(requirement, missingTable(requirement.name, view.host, view.kernel) ?? missing(view)),
      },
      by: [],
    };
  }
  const now = nowReading(provider, view.kernel);
  const boot = bootReading(provider, view);
  if (now.ok && boot.ok) return { finding: { ...base, now, boot, verdict: 'ok' }, by: provider.by };
  const byHand = `Add "${requirement.name}" to modules: in the configuration file.`;
  const verdict = unmet(requirement, obstacleTo(provider, now, view), byHand);
  return { finding: { ...base, now, boot, ...verdict }, by: provider.by };
};

const nowReading = ({ by, via }: Provider, kernel: RunningKernel): Reading => {
  const absent = by.filter((name) => !kernel.loaded.has(name) && !kernel.builtin.has(name));
  const builtin = by.every((name) => kernel.builtin.has(name));
  const have = absent.length > 0 ? 'not loaded' : builtin ? 'built in' : 'loaded';
  const from = [builtin && absent.length === 0 ? kernel.builtin.get(by[0] ?? '') : undefined, via].filter(Boolean).join('; ');
  return { ok: absent.length === 0, have, ...(from && { from }) };
};

const bootReading = ({ by }: Provider, view: View): Reading => {
  const open = by.filter((name) => !view.kernel.builtin.has(name) && !view.persisted.has(name));
  const denial = deniedAtBoot(open, view);
  if (denial) return { ok: false, have: 'denied', from: denial.from };
  if (open.length > 0) return { ok: false, have: 'not listed' };
  const from = by.map((name) => view.persisted.get(name) ?? view.kernel.builtin.get(name)).find(Boolean);
  return { ok: true, have: by.every((name) => view.kernel.builtin.has(name)) ? 'built in' : 'loaded', ...(from && { from }) };
};

/** The first rule that keeps one of these, or what it needs, out of the next boot even when it is listed. */
const deniedAtBoot = (names: readonly string[], { persisted, kernel, rules }: View): Denial | undefined =>
  names.map((name) => denialAtBoot(name, persisted, kernel, rules.boot)).find((denial) => denial !== undefined);

const obstacleTo = ({ by }: Provider, now: Reading, view: View): Obstacle | undefined => {
  const { kernel, rules } = view;
  const denied = deniedAtBoot(by, view) ?? by.map((name) => denialNow(name, kernel, rules.now)).find(Boolean);
  if (denied) {
    return {
      reason: `${denied.from} says "${denied.text}": ${denied.how === 'blacklist' ? 'at boot it is skipped' : 'it cannot be loaded'}`,
      remedy: `Whoever wrote that line wants ${denied.name} kept out; take the line out if that no longer holds, then plan again.`,
    };
  }
  const unlisted = by.some((name) => !view.kernel.builtin.has(name) && !view.persisted.has(name));
  const own = unlisted ? unwritable(ownModulesLoad, view.host) : undefined;
  if (own) return own;
  // Without an index nothing can be loaded, nor be known to exist when it is written down for the next boot.
  return view.kernel.indexed ? (now.ok ? undefined : (cannotLoad(view.host.answers) ?? noModprobe(view))) : missing(view);
};

/** modprobe is gone although the package that brings it is there; a package that is to be installed brings it. */
const noModprobe = ({ host }: View): Obstacle | undefined =>
  host.verdicts.get('package/kmod') === 'ok' && !modprobePaths.some((path) => listed(host.answers, path).length > 0)
    ? { reason: 'there is no modprobe on this host', remedy: 'Install the package kmod again, then plan again.' }
    : undefined;

const modprobePaths = ['/sbin/modprobe', '/usr/sbin/modprobe', '/bin/modprobe', '/usr/bin/modprobe'] as const;

/** Why nothing provides a name, and who could. */
const missing = ({ kernel, host }: View): Obstacle => {
  const family = familyNamed(host.system.family);
  if (kernel.indexed) {
    return {
      reason: 'this kernel has no module of that name, and nothing that took its place',
      remedy: family.missingModule(host.system),
    };
  }
  const reason = `there is no /lib/modules/${kernel.release}: the running kernel's modules are not on this host`;
  const remedy =
    kernel.others.length > 0
      ? `The kernel was updated or replaced (installed: ${kernel.others.join(', ')}): reboot, then plan again.`
      : (cannotLoad(host.answers)?.remedy ?? family.missingModule(host.system));
  return { reason, remedy };
};

const actionsFor = (judged: readonly Judged[], view: View): Action[] => {
  const changes = judged.filter((j) => j.finding.verdict === 'change');
  if (changes.length === 0) return [];
  const ids = (of: readonly Judged[]) => of.map((j) => j.finding.id);
  const unlisted = changes.filter((j) => !j.finding.boot.ok);
  const unloaded = changes.filter((j) => !j.finding.now.ok);
  const names = [...new Set(unloaded.flatMap((j) => j.by))].filter(
    (n) => !view.kernel.loaded.has(n) && !view.kernel.builtin.has(n),
  );
  return [
    ...(unlisted.length > 0 ? [{ ...writeOwn(judged, view), for: ids(unlisted) }] : []),
    ...(names.length > 0
      ? [
          {
            do: 'run' as const,
            argv: ['modprobe', '-a', ...names] as const,
            why: `load ${counted(names.length)} now`,
            judgedBy: 'verify' as const,
            for: ids(unloaded),
          },
        ]
      : []),
  ];
};

const counted = (n: number): string => `${n} kernel module${n === 1 ? '' : 's'}`;

/** All that no other file brings, and what our file already held for an earlier run. */
const writeOwn = (judged: readonly Judged[], { host, kernel, elsewhere }: View) => {
  const wanted = judged.filter((j) => j.finding.verdict === 'change' || j.finding.verdict === 'ok').flatMap((j) => j.by);
  const names = [...new Set(wanted)].filter((name) => kernel.files.has(name) && !elsewhere.has(name));
  const before = fileText(host.answers, ownModulesLoad);
  const kept = parseModulesLoad(before ?? '')
    .map((e) => e.name)
    .filter((name) => !names.includes(name) && !elsewhere.has(name));
  return ownFile(ownModulesLoad, host, {
    purpose: 'kernel modules to load at boot',
    lines: names,
    kept: [...new Set(kept)],
    before,
  });
};
