import { providerOf } from '../knowledge/module-providers.ts';
import type { Provider } from '../knowledge/module-providers.ts';
import { denialAtBoot } from '../knowledge/boot-modules.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import type { Finding, Reading, Requirement } from '../model.ts';
import { denied, hindrance, missing } from './module-obstacles.ts';
import { missingTable, tableChoice } from './module-tables.ts';
import { denialOf } from './module-takeover.ts';
import { imageNow } from '../knowledge/image.ts';
import type { ModuleNeed, ModuleView } from './module-view.ts';
import { obstructed, unmet } from './verdicts.ts';

/** A finding, and the modules that serve it. */
export type Judged = { readonly finding: Finding; readonly by: readonly string[] };

export const judge = (requirement: Requirement<ModuleNeed>, view: ModuleView): Judged => {
  const base = { id: `module/${requirement.name}`, kind: 'module' as const, want: 'loaded', because: requirement.because };
  const tables = tableChoice(requirement.name, view.host);
  const here = providerOf(requirement.name, view.kernel, tables);
  const provider = here ?? (requirement.advice ? undefined : providerOf(requirement.name, view.ahead, tables));
  const nowhere: Reading = { ok: false, have: `not in kernel ${view.kernel.release}` };
  if (!provider)
    return {
      finding: {
        ...base,
        now: nowhere,
        boot: nowhere,
        ...obstructed(requirement, missingTable(requirement.name, view.host, view.kernel) ?? missing(view)),
      },
      by: [],
    };
  const { by } = provider;
  const looked = here ? ([nowReading(here, view.kernel), bootReading(here, view)] as const) : ([nowhere, nowhere] as const);
  const [now, boot] = view.host.image ? [imageNow, looked[1]] : looked;
  if (now.ok && boot.ok) return { finding: { ...base, now, boot, verdict: 'ok' }, by };
  const denial = denialOf(by, view.cleared.files, view.ahead);
  const obstacle = denial ? denied(denial, view.host) : hindrance(by, now, view);
  const byHand = `Add "${requirement.name}" to modules: in the configuration file.`;
  return { finding: { ...base, now, boot, ...unmet(requirement, obstacle, byHand) }, by };
};

/** How modules stand in the running kernel. */
export const nowReading = ({ by, via }: Provider, kernel: RunningKernel): Reading => {
  const absent = by.filter((name) => !kernel.loaded.has(name) && !kernel.builtin.has(name));
  const builtin = by.every((name) => kernel.builtin.has(name));
  const have = absent.length > 0 ? 'not loaded' : builtin ? 'built in' : 'loaded';
  const from = [builtin && absent.length === 0 ? kernel.builtin.get(by[0] ?? '') : undefined, via].filter(Boolean).join('; ');
  return { ok: absent.length === 0, have, ...(from && { from }) };
};

const bootReading = ({ by }: Provider, { kernel, files }: ModuleView): Reading => {
  const open = by.filter((name) => !kernel.builtin.has(name) && !files.persisted.has(name));
  const denial = open.map((name) => denialAtBoot(name, files.persisted, kernel, files.rules.boot)).find(Boolean);
  if (denial)
    return { ok: false, have: 'denied', from: denial.from.startsWith('/proc/') ? `${denial.from}: ${denial.text}` : denial.from };
  if (open.length > 0) return { ok: false, have: 'not listed' };
  const from = by.map((name) => files.persisted.get(name) ?? kernel.builtin.get(name)).find(Boolean);
  return { ok: true, have: by.every((name) => kernel.builtin.has(name)) ? 'built in' : 'loaded', ...(from && { from }) };
};
