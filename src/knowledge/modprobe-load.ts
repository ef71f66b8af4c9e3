import { allFor, exactFor, firstFor } from './modprobe-config.ts';
import { runInstall } from './modprobe-command.ts';
import type { NestedModprobe } from './modprobe-command.ts';
import type { Denial, ModuleRules } from './modprobe.ts';
import { moduleName } from './module-names.ts';

/**
 * The modules of a kernel. `depsOf`: what modules.dep says a module needs, in the order of that file; undefined where it has none of
 * that name. `aliasesOf`: the modules that answer to a name (modules.alias). `partly`: not all of its modules were asked for, so
 * that what the kernel's own softdeps name is taken to be there.
 */
export type ModuleIndex = {
  depsOf(name: string): readonly string[] | undefined;
  isBuiltin(name: string): boolean;
  aliasesOf(name: string): readonly string[];
  readonly partly: boolean;
};

/** Who asks: systemd-modules-load honours `blacklist` for every name, modprobe only for a name that is an alias of the module. */
export type Asker = 'systemd' | 'modprobe';

/** Loads modules one after the other, in a kernel that does not exist. */
export type Loader = {
  /** What is loaded by now, and through what: the `from` of the request, with the module that needed it where it was another. */
  readonly loaded: ReadonlyMap<string, string>;
  /** Loads what a name stands for, and gives the first rule that kept something out. */
  load(name: string, from: string, asker: Asker): Denial | undefined;
};

type Found = { readonly name: string; readonly alias?: string; readonly because?: Denial };
type Item = Found & { readonly key: string };
type Flags = { required: boolean; ignoreCommand: boolean };

/** A command may run a modprobe that runs the command again; the real ones would not end either. */
const maxDepth = 5;
/** Nor would those end that run so many, each of which runs as many again. */
const mostNested = 1000;

/**
 * Does what libkmod's kmod_module_new_from_lookup() and kmod_module_probe_insert_module() do (kmod 30), over rules and an index.
 * Held against the real programs in test/resolvers/modules.test.ts. Parameters that a module refuses are not judged.
 */
export const moduleLoader = (index: ModuleIndex, rules: ModuleRules, before: Iterable<string> = []): Loader => {
  const loaded = new Map([...before].map((name) => [name, 'loaded before']));
  let nestedRuns = 0;
  const isInKernel = (name: string): boolean => loaded.has(name) || index.isBuiltin(name);

  const load = (name: string, from: string, asker: Asker, depth = 0, ignoreCommand = false): Attempt => {
    const attempts = lookup(moduleName(name), index, rules).map((found) => probe(found, from, asker, depth, ignoreCommand));
    return { ok: attempts.length > 0 && (attempts.at(-1)?.ok ?? false), denial: attempts.find((a) => a.denial)?.denial };
  };

  const probe = (found: Found, from: string, asker: Asker, depth: number, ignoreCommand: boolean): Attempt => {
    // An alias keeps the module of its own name out, though what it leads to is there.
    if (isInKernel(found.name)) return { ok: true, denial: found.because };
    const line = exactFor(rules.blacklist, found.name);
    if (line && (asker === 'systemd' || found.alias !== undefined))
      return { ok: true, denial: denialOf('blacklist', found, line) };
    const { items, flags } = probeList(found, index, rules, ignoreCommand);
    let denial: Denial | undefined;
    for (const item of items) {
      if (isInKernel(item.name)) continue;
      const flag = flags.get(item.key);
      const attempt = insert(item, flag?.ignoreCommand ?? false, through(item, found, from, flag), depth);
      denial ??= attempt.denial;
      if (!attempt.ok && flag?.required) return { ok: false, denial };
    }
    return { ok: true, denial: loaded.has(found.name) ? found.because : denial };
  };

  const insert = (item: Item, ignoreCommand: boolean, from: string, depth: number): Attempt => {
    const line = ignoreCommand ? undefined : firstFor(rules.installs, item.name);
    if (line) {
      const ok = runInstall(
        line.command,
        (nested) => depth < maxDepth && nestedRuns++ < mostNested && nestedLoads(nested, from, depth + 1),
      );
      return { ok, denial: loaded.has(item.name) ? undefined : denialOf('install', item, line) };
    }
    const deps = index.depsOf(item.name);
    const refused = rules.refused.get(item.name);
    // The kernel wants the symbols of a module's dependencies; an `install` line may have left one out without an error.
    const ok = deps !== undefined && !refused && deps.every(isInKernel);
    if (ok) loaded.set(item.name, from);
    return { ok, denial: refused ?? (ok ? undefined : item.because) };
  };

  const nestedLoads = ({ names, ignoreInstall, useBlacklist }: NestedModprobe, from: string, depth: number): boolean =>
    names.map((name) => load(name, from, useBlacklist ? 'systemd' : 'modprobe', depth, ignoreInstall).ok).every(Boolean);

  return {
    loaded,
    load: (name, from, asker) => {
      nestedRuns = 0;
      return load(name, from, asker).denial;
    },
  };
};

type Attempt = { readonly ok: boolean; readonly denial: Denial | undefined };

const denialOf = (
  how: Denial['how'],
  { name }: Found,
  { from, text }: { readonly from: string; readonly text: string },
): Denial => ({
  how,
  name,
  from,
  text,
});

const through = (item: Item, asked: Found, from: string, flags: Flags | undefined): string =>
  item.name === asked.name ? from : `${from}, ${flags?.required ? 'needed by' : 'softdep of'} ${asked.name}`;

/** What a name stands for: aliases of modprobe.d come before the module of that very name, and are not looked up further. */
const lookup = (name: string, index: ModuleIndex, rules: ModuleRules): readonly Found[] => {
  const [open, closed] = [name.indexOf('['), name.indexOf(']')];
  if ((closed >= 0 && (open < 0 || closed < open)) || name.lastIndexOf('[') > name.lastIndexOf(']')) return [];
  const aliases = allFor(rules.aliases, name);
  if (aliases.length > 0) {
    return aliases.map((line) => ({ name: line.module, alias: line.pattern, because: denialOf('alias', { name }, line) }));
  }
  if (index.depsOf(name) !== undefined || hasCommand(name, rules)) return [{ name }];
  const modules = index.aliasesOf(name);
  if (modules.length > 0) return modules.map((module) => ({ name: module, alias: name }));
  return index.isBuiltin(name) ? [{ name }] : [];
};

const hasCommand = (name: string, { installs, removes }: ModuleRules): boolean =>
  [installs, removes].some((lines) => exactFor(lines, name) !== undefined);

/**
 * What is inserted for a module, in order: first what it needs, each with its softdeps around it, then itself with its own. A module
 * with softdeps that exist is inserted even if an `install` line speaks of it (__kmod_module_fill_softdep(): ignorecmd).
 */
const probeList = (
  top: Found,
  index: ModuleIndex,
  rules: ModuleRules,
  ignoreCommand: boolean,
): { readonly items: readonly Item[]; readonly flags: ReadonlyMap<string, Flags> } => {
  const items: Item[] = [];
  const flags = new Map<string, Flags>();
  const visited = new Set<string>();
  const flagsOf = (item: Item): Flags => {
    const known = flags.get(item.key) ?? { required: false, ignoreCommand: false };
    flags.set(item.key, known);
    return known;
  };
  const visit = (item: Item, required: boolean, ignore: boolean): void => {
    if (visited.has(item.key)) return;
    visited.add(item.key);
    // libkmod keeps dependencies in the reverse of modules.dep's order: the deepest first.
    const deps = [...(index.depsOf(item.name) ?? [])].reverse().map((name) => itemOf({ name }));
    if (required) for (const needed of [item, ...deps]) flagsOf(needed).required = true;
    for (const dep of deps) around(dep);
    if (!ignore) return around(item);
    items.push(item);
    flagsOf(item).ignoreCommand = true;
  };
  const around = (item: Item): void => {
    const line = firstFor(rules.softdeps, item.name);
    const find = (names: readonly string[]): Item[] => names.flatMap((n) => lookup(moduleName(n), index, rules)).map(itemOf);
    const [pre, post] = [find(line?.pre ?? []), find(line?.post ?? [])];
    for (const soft of pre) visit(soft, false, false);
    items.push(item);
    const assumed = index.partly && line?.from.startsWith('/lib/modules/') && line.pre.length + line.post.length > 0;
    flagsOf(item).ignoreCommand = pre.length + post.length > 0 || assumed === true;
    for (const soft of post) visit(soft, false, false);
  };
  visit(itemOf(top), true, ignoreCommand);
  return { items, flags };
};

/** libkmod tells a module that was found through an alias from the module of that name. */
const itemOf = (found: Found): Item => ({
  ...found,
  key: found.alias === undefined ? found.name : `${found.name}\\${found.alias}`,
});
