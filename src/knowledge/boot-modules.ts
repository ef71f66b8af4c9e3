import type { RunningKernel } from './kernel.ts';
import { moduleFact } from './module-names.ts';
import { firstFor } from './modprobe-config.ts';
import { moduleLoader } from './modprobe-load.ts';
import type { Asker, Loader, ModuleIndex } from './modprobe-load.ts';
import type { Denial, ModuleRules } from './modprobe.ts';
import type { BootEntry } from './modules-load.ts';

/** Module name to what brings it at boot: the file and line, or kernel argument, and the module that needs it. */
export const bootModules = (
  entries: readonly BootEntry[],
  kernel: RunningKernel,
  rules: ModuleRules,
): ReadonlyMap<string, string> => {
  const loader = moduleLoader(indexOf(kernel, rules), rules);
  for (const { name, from } of entries) loader.load(name, from, 'systemd');
  return loader.loaded;
};

/**
 * What would keep a module out of the next boot, were it listed after all else in modules-load.d; undefined where nothing does.
 * `persisted`: what is brought without that, by `bootModules`.
 */
export const denialAtBoot = (
  name: string,
  persisted: ReadonlyMap<string, string>,
  kernel: RunningKernel,
  rules: ModuleRules,
): Denial | undefined =>
  kernel.builtin.has(name)
    ? undefined
    : denied(moduleLoader(indexOf(kernel, rules), rules, persisted.keys()), name, rules, 'systemd');

/** What keeps a module out of a modprobe now; undefined where nothing does, or where it is loaded. */
export const denialNow = (name: string, kernel: RunningKernel, rules: ModuleRules): Denial | undefined =>
  kernel.builtin.has(name)
    ? undefined
    : denied(moduleLoader(indexOf(kernel, rules), rules, kernel.loaded), name, rules, 'modprobe');

/** An alias may load another module without complaint: that is a denial as well. */
const denied = (loader: Loader, name: string, rules: ModuleRules, asker: Asker): Denial | undefined => {
  const denial = loader.load(name, '', asker);
  if (loader.loaded.has(name)) return undefined;
  const alias = firstFor(rules.aliases, name);
  return denial ?? (alias && { how: 'alias', name, from: alias.from, text: alias.text });
};

/**
 * The index as far as it was asked for: what a line of modules.dep or of the kernel's own softdeps names is there, though its own line
 * may not have been asked for. Where the running kernel has no index there is nothing to look names up in: they are taken at their
 * word. Of modules.alias only the table of module-names.ts is known: that another alias of a module is listed goes unnoticed, and
 * the module is listed once more under its own name.
 */
const indexOf = (kernel: RunningKernel, rules: ModuleRules): ModuleIndex => {
  const named = new Set([...kernel.files.values()].flat());
  for (const { pattern, from } of rules.softdeps) if (isKernels(from)) named.add(pattern);
  const isThere = (name: string): boolean => named.has(name) || (!kernel.indexed && !kernel.builtin.has(name));
  return {
    depsOf: (name) => kernel.files.get(name) ?? (isThere(name) ? [] : undefined),
    isBuiltin: (name) => kernel.builtin.has(name),
    aliasesOf: (name) => [moduleFact(name).alias ?? []].flat(),
    partly: true,
  };
};

const isKernels = (from: string): boolean => from.startsWith('/lib/modules/');
