import { listed } from '../answers.ts';
import { familyNamed } from '../families/table.ts';
import { argumentRemedy } from '../knowledge/module-arguments.ts';
import type { Denial } from '../knowledge/modprobe.ts';
import { ownModulesLoad } from '../knowledge/modules-load.ts';
import { cannotLoad } from '../knowledge/rights.ts';
import { signatureRule, unsignedAmong } from '../knowledge/signatures.ts';
import type { HostView, Reading } from '../model.ts';
import type { ModuleView } from './module-view.ts';
import { unwritable } from './own-file.ts';
import type { Obstacle } from './verdicts.ts';

export const modprobePaths = ['/sbin/modprobe', '/usr/sbin/modprobe', '/bin/modprobe', '/usr/bin/modprobe'] as const;

/** A line that keeps a module out. With --take-over it is commented out, unless it is not to be had that way. */
export const denied = (denial: Denial, { answers, system, allow }: HostView): Obstacle => {
  const reason = `${denial.from} says "${denial.text}": ${denial.how === 'blacklist' ? 'at boot it is skipped' : 'it cannot be loaded'}`;
  if (denial.from.startsWith('/proc/')) return { reason, remedy: argumentRemedy(denial, answers, system) };
  const wish = `Whoever wrote that line wants ${denial.name} kept out`;
  const remedy = allow.takeOver
    ? `${wish}, and node-prep cannot comment it out there: take it out by hand, then plan again.`
    : `${wish}. If that no longer holds, plan again with --take-over, which comments it out, or take it out yourself.`;
  return { reason, remedy };
};

/** What else keeps modules from being listed or loaded, once no line forbids it. */
export const hindrance = (by: readonly string[], now: Reading, view: ModuleView): Obstacle | undefined => {
  const { kernel, host, cleared } = view;
  const unlisted = by.some((name) => !kernel.builtin.has(name) && !cleared.files.persisted.has(name));
  const own = unlisted ? unwritable(ownModulesLoad, host) : undefined;
  if (own) return own;
  // Without an index nothing can be loaded, nor be known to exist when it is written down for the next boot.
  if (!kernel.indexed) return missing(view);
  return now.ok ? undefined : (cannotLoad(host.answers) ?? noModprobe(host) ?? unsigned(by, view));
};

/** A module without a signature, or one that it needs, on a kernel that takes none such. */
const unsigned = (by: readonly string[], { kernel, host }: ModuleView): Obstacle | undefined => {
  const rule = signatureRule(host.answers);
  const found = rule && unsignedAmong(by, host.answers, kernel);
  if (!rule || !found) return undefined;
  return {
    reason: `${rule.says}, says ${rule.from}, and ${found.file} has no signature`,
    remedy: `Sign ${found.name} with a key that this machine has enrolled (mokutil --list-enrolled), or install it from a package of the distribution, whose modules are signed; then plan again.`,
  };
};

/** Why nothing provides a name, and who could. */
export const missing = ({ kernel, host }: ModuleView): Obstacle => {
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

/** modprobe is gone although the package that brings it is there; a package that is to be installed brings it. */
const noModprobe = ({ answers, verdicts }: HostView): Obstacle | undefined =>
  verdicts.get('package/kmod') === 'ok' && !modprobePaths.some((path) => listed(answers, path).length > 0)
    ? { reason: 'there is no modprobe on this host', remedy: 'Install the package kmod again, then plan again.' }
    : undefined;
