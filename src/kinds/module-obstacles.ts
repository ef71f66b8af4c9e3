import { listed } from '../answers.ts';
import type { Family } from '../families/family.ts';
import { familyNamed } from '../families/table.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import { inTreeByHand } from '../knowledge/image.ts';
import { maskedService } from '../knowledge/boot-services.ts';
import { argumentRemedy } from '../knowledge/module-arguments.ts';
import { configFiles } from '../knowledge/modprobe.ts';
import type { Denial } from '../knowledge/modprobe.ts';
import { ownModulesLoad } from '../knowledge/modules-load.ts';
import { cannotLoad } from '../knowledge/rights.ts';
import { signatureRule, unsignedAmong } from '../knowledge/signatures.ts';
import type { HostView, Reading, System } from '../model.ts';
import type { ModulePackage } from './module-packages.ts';
import type { ModuleView } from './module-view.ts';
import { unwritable } from './own-file.ts';
import type { Obstacle } from './verdicts.ts';

export const modprobePaths = ['/sbin/modprobe', '/usr/sbin/modprobe', '/bin/modprobe', '/usr/bin/modprobe'] as const;

/** A line that keeps a module out. With --take-over it is commented out, unless it is not to be had that way. */
export const denied = (denial: Denial, { answers, system, allow }: HostView): Obstacle => {
  const reason = `${denial.from} says "${denial.text}": ${means[denial.how]}`;
  if (denial.from.startsWith('/proc/')) return { reason, remedy: argumentRemedy(denial, answers, system) };
  const wish = `Whoever wrote that line wants ${denial.name} kept out`;
  const remedy = allow.takeOver
    ? `${wish}, and node-prep cannot comment it out there: take it out by hand, then plan again.`
    : `${wish}. If that no longer holds, plan again with --take-over, which comments it out, or take it out yourself.`;
  return { reason, remedy };
};

const means: { readonly [how in Denial['how']]: string } = {
  blacklist: 'at boot it is skipped',
  install: 'that command runs in its place',
  alias: 'another module is taken for it',
  kernel: 'the kernel refuses it',
};

/** What else keeps modules from being listed or loaded, once no line forbids it. */
export const hindrance = (by: readonly string[], now: Reading, view: ModuleView): Obstacle | undefined => {
  const { kernel, ahead, host, cleared } = view;
  const unlisted = by.some((name) => !kernel.builtin.has(name) && !cleared.files.persisted.has(name));
  const own = unlisted
    ? (maskedService(host.answers, 'systemd-modules-load.service') ?? unwritable(ownModulesLoad, host))
    : undefined;
  if (own) return own;
  // Without an index nothing can be loaded, nor be known to exist when it is written down for the next boot.
  if (!ahead.indexed) return missing(view);
  const brought = by.filter((name) => !isThere(name, kernel));
  const notBrought = brought.length > 0 ? comesDenied(brought, view) : undefined;
  return notBrought ?? (now.ok ? undefined : (cannotLoad(host.answers) ?? noModprobe(host) ?? unsigned(by, view)));
};

const isThere = (name: string, kernel: RunningKernel): boolean =>
  kernel.files.has(name) || kernel.builtin.has(name) || kernel.loaded.has(name);

/** A package may bring a file that keeps the module out, so that installing it is not the end. */
const comesDenied = (names: readonly string[], { host, source }: ModuleView): Obstacle | undefined => {
  for (const name of names) {
    const file = familyNamed(host.system.family).modules?.deniedBy?.(name);
    if (!file || configFiles(host.answers).some(({ path }) => path === file)) continue;
    return {
      reason: `${source?.name ?? 'its package'} brings ${name} together with ${file}, which keeps it out`,
      remedy: `Install ${source?.name ?? 'it'}, then plan again with --take-over.`,
    };
  }
  return undefined;
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
export const missing = ({ kernel, host, source }: ModuleView): Obstacle => {
  const family = familyNamed(host.system.family);
  if (host.image && !kernel.indexed) {
    return {
      reason: `there is no /lib/modules/${kernel.release}/modules.dep`,
      remedy: `Run depmod ${kernel.release} in the image, or install that kernel's package again; then plan again.`,
    };
  }
  if (!kernel.indexed && kernel.others.length > 0) {
    const installed = kernel.others.join(', ');
    return {
      reason: goneFolder(kernel),
      remedy: `The kernel was updated or replaced (installed: ${installed}): reboot, then plan again.`,
    };
  }
  const reason = kernel.indexed ? 'this kernel has no module of that name, and nothing that took its place' : goneFolder(kernel);
  const own = kernel.indexed ? undefined : cannotLoad(host.answers)?.remedy;
  const known = own || !source ? undefined : withoutHelp(source, family, host.system);
  return {
    reason: known?.more ? `${reason}; ${known.more}` : reason,
    remedy: own ?? known?.remedy ?? missingIn(host, family),
  };
};

/** Where nothing runs nobody is asked what could be installed: a person is told the command. */
const missingIn = ({ system, image }: HostView, family: Family): string => {
  const remedy = family.missingModule(system);
  const name = family.modules?.packages(system, false).find((name) => remedy.includes(name));
  if (!image || name === undefined) return remedy;
  const commands = family.install([name], true).map(({ argv }) => inTreeByHand(argv, image));
  return `Install ${name} in the image (${commands.join(' && ')}), then plan again; or take a kernel that has it.`;
};

const goneFolder = ({ release }: RunningKernel): string =>
  `there is no /lib/modules/${release}: the running kernel's modules are not on this host`;

/** What there is to say where a package with modules is known, and cannot be promised to bring this one. */
const withoutHelp = ({ name, state }: ModulePackage, family: Family, system: System): { more?: string; remedy?: string } => {
  switch (state) {
    case 'installed':
      return {
        more: `the kernel package does not bring it: ${name} is installed`,
        remedy: `If files of ${name} were deleted, install it again. Else: ${family.modules?.newer(system) ?? ''}`,
      };
    case 'none':
      return { more: `no package source has ${name}`, remedy: family.modules?.newer(system) ?? '' };
    case 'unlisted':
      return {
        more: `whether ${name} could be installed is not known: the lists of available packages are not here`,
        remedy: `Fetch them (${family.refresh}), then plan again.`,
      };
    case 'unasked':
      return {
        more: `whether ${name} could be installed could not be asked within a minute`,
        remedy: `See whether the package manager answers (${family.refresh}), then plan again.`,
      };
    case 'candidate':
      return { more: `${name}, which could be installed, is not known to bring it` };
  }
};

/** modprobe is gone although the package that brings it is there; a package that is to be installed brings it. */
const noModprobe = ({ answers, verdicts }: HostView): Obstacle | undefined =>
  verdicts.get('package/kmod') === 'ok' && !modprobePaths.some((path) => listed(answers, path).length > 0)
    ? { reason: 'there is no modprobe on this host', remedy: 'Install the package kmod again, then plan again.' }
    : undefined;
