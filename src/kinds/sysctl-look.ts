import { imageNow } from '../knowledge/image.ts';
import { bootModules } from '../knowledge/boot-modules.ts';
import { runningKernel } from '../knowledge/kernel.ts';
import { moduleRules } from '../knowledge/modprobe.ts';
import { candidatesFor } from '../knowledge/module-providers.ts';
import { bootEntries, withoutRun } from '../knowledge/modules-load.ts';
import { advertisementQueries } from '../knowledge/router-advertisements.ts';
import { deviceWriters } from '../knowledge/sysctl-late.ts';
import type { Resolver, Winner } from '../knowledge/sysctl-resolve.ts';
import { onceInstalled } from './module-packages.ts';
import { bringerOf, sysctlPath, sysctlValue } from '../knowledge/sysctl.ts';
import type { Answer, Answers, Finding, HostView, Reading, Requirement } from '../model.ts';
import { decided, fits } from './sysctl-file.ts';
import type { SysctlNeed } from './sysctl-file.ts';

/** What a reading says where there is no value. */
export const notSet = 'not set';

/** The kernel has no such key, now or when systemd-sysctl runs. */
export const noKey = 'no such key';

/** The key is there and keeps its value for itself. */
export const unreadable = 'not readable';

/**
 * Modules that bring keys but are not in the kernel when systemd-sysctl runs at boot. Whatever loads them later, the setting is lost:
 * udev has systemd-sysctl look again at the keys of network devices only (99-systemd.rules; seen on Debian 12).
 */
export const lateModules = (requirements: readonly SysctlNeed[], host: HostView): ReadonlySet<string> => {
  const modules = bringersOf(requirements);
  if (modules.length === 0) return new Set();
  const { answers, system } = host;
  const kernel = onceInstalled(runningKernel(answers, system.kernel, candidatesFor(modules)), modules, host);
  if (!kernel.indexed) return new Set();
  const listed = bootModules(bootEntries(answers), kernel, moduleRules(withoutRun(answers), system.kernel));
  return new Set(modules.filter((name) => !kernel.builtin.has(name) && !listed.has(name)));
};

/** `late`: modules that bring keys, but not before systemd-sysctl runs. */
type View = { readonly host: HostView; readonly boot: Resolver; readonly late: ReadonlySet<string> };

/** A requirement and how the host stands, before it is judged. */
export type Looked = { readonly requirement: Requirement<SysctlNeed>; readonly base: Omit<Finding, 'verdict'> };

/** How the host stands against a requirement. */
export const look = (requirement: Requirement<SysctlNeed>, { host, boot, late }: View): Looked => ({
  requirement,
  base: {
    id: `sysctl/${requirement.key}`,
    kind: 'sysctl',
    want: requirement.atLeast ? `>= ${requirement.value}` : requirement.value,
    now: nowReading(requirement, host),
    boot: alsoBy(
      deviceWriters(sysctlPath(requirement.key), host.answers),
      bootReading(decided(boot, requirement), requirement, late),
    ),
    because: requirement.because,
  },
});

/** Where a key is found. */
export const procPath = (key: string): string => `/proc/sys/${sysctlPath(key)}`;

/** The modules that bring the keys of these needs. */
export const bringersOf = (needs: readonly SysctlNeed[]): string[] => [
  ...new Set(needs.flatMap((n) => bringerOf(sysctlPath(n.key)) ?? [])),
];

/** What the kernel holds at this moment. */
export const nowReading = (need: SysctlNeed, { answers, image }: HostView): Reading => {
  if (image) return imageNow;
  const answer = answers.get(`read ${procPath(need.key)}`) ?? deviceKey(need, answers);
  if (answer?.status === 2) return { ok: false, have: unreadable, from: answer.text };
  if (answer?.status !== 0) return { ok: false, have: noKey };
  const have = sysctlValue(answer.text);
  return { ok: fits(have, need), have };
};

/** What an adapted need is about was not asked for by name. */
const deviceKey = (need: SysctlNeed, answers: Answers): Answer | undefined =>
  advertisementQueries
    .flatMap((query) => (query.ask === 'list' ? (answers.get(`list ${query.glob}`)?.files ?? []) : []))
    .filter((file) => file.path === procPath(need.key))
    .map((file) => ({ status: 0, text: file.text }))[0];

const bootReading = (last: Winner | undefined, need: SysctlNeed, late: ReadonlySet<string>): Reading => {
  if (last?.value === undefined) return { ok: false, have: notSet, ...(last && { from: last.from }) };
  const module = bringerOf(sysctlPath(need.key));
  if (module && late.has(module)) return { ok: false, have: noKey, from: `${module} is not loaded at boot` };
  return { ok: fits(last.value, need), have: last.value, from: last.by ? `${last.from}, by ${last.by}` : last.from };
};

/** Somebody who may write a key again is named beside the line that decides. */
const alsoBy = (writers: readonly string[], reading: Reading): Reading =>
  writers.length === 0
    ? reading
    : { ...reading, from: [reading.from, `${writers.join(', ')} may write it again`].filter(Boolean).join('; ') };
