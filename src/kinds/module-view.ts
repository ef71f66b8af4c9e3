import { bootModules } from '../knowledge/boot-modules.ts';
import { runningKernel } from '../knowledge/kernel.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import { bootEntries, ownModulesLoad, withoutRun } from '../knowledge/modules-load.ts';
import { moduleRules } from '../knowledge/modprobe.ts';
import type { ModuleRules } from '../knowledge/modprobe.ts';
import { moduleDenials } from '../knowledge/module-denials.ts';
import type { ModuleDenial } from '../knowledge/module-denials.ts';
import { candidatesFor } from '../knowledge/module-providers.ts';
import type { Answers, HostView, NeedOf, Requirement } from '../model.ts';
import { kernelWith, modulePackage, onceInstalled } from './module-packages.ts';
import type { ModulePackage } from './module-packages.ts';
import type { TakenOver } from './module-takeover.ts';

export type ModuleNeed = NeedOf<'module'>;

/**
 * What the files say. `persisted`: module name to what brings it at boot. `elsewhere`: the same without our own file. `rules`:
 * what keeps modules out at boot, and now: files in /run count until then.
 */
export type Files = {
  readonly persisted: ReadonlyMap<string, string>;
  readonly elsewhere: ReadonlyMap<string, string>;
  readonly rules: { readonly boot: ModuleRules; readonly now: ModuleRules };
};

/**
 * A host as far as its modules go. `kernel` and `files`: as they are. `ahead`: the kernel with the modules that `source`, a package,
 * is known to bring. `cleared`: the files without the lines that are taken over, and those lines, for that kernel.
 */
export type ModuleView = {
  readonly host: HostView;
  readonly kernel: RunningKernel;
  readonly ahead: RunningKernel;
  readonly source: ModulePackage | undefined;
  readonly files: Files;
  readonly cleared: TakenOver;
};

/** The view of a host on which nothing is taken over. */
export const lookAt = (requirements: readonly Requirement<ModuleNeed>[], host: HostView): ModuleView => {
  const found = withIndexOf(
    moduleDenials(host.answers),
    runningKernel(host.answers, host.system.kernel, candidatesFor(requirements.map((r) => r.name))),
  );
  const source = modulePackage(host, found);
  const wanted = requirements.filter((r) => !r.advice).map((r) => r.name);
  const ahead = kernelWith(source, wanted, found, host);
  const kernel = onceInstalled(found, wanted, host);
  const files = filesOf(host.answers, kernel);
  return {
    host,
    kernel,
    ahead,
    source,
    files,
    cleared: { files: ahead === found ? files : filesOf(host.answers, ahead), edits: [] },
  };
};

/** What was denied is not known when the questions are put, so its lines of the index come with the denial. */
const withIndexOf = (denials: readonly ModuleDenial[], kernel: RunningKernel): RunningKernel => ({
  ...kernel,
  files: new Map([...denials.map(({ module, deps }) => [module, deps] as const), ...kernel.files]),
});

/** What the files of these answers say about that kernel's modules. */
export const filesOf = (answers: Answers, kernel: RunningKernel): Files => {
  const rules = { boot: moduleRules(withoutRun(answers), kernel.release), now: moduleRules(answers, kernel.release) };
  return {
    rules,
    persisted: bootModules(bootEntries(answers), kernel, rules.boot),
    elsewhere: bootModules(bootEntries(answers, ownModulesLoad), kernel, rules.boot),
  };
};
