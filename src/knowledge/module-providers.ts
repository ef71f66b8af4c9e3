import type { RunningKernel } from './kernel.ts';
import type { Variant } from './iptables.ts';
import { moduleFact } from './module-names.ts';

/** The modules of this kernel that do what a name stands for. `via`: why they are not the name itself. */
export type Provider = { readonly by: readonly string[]; readonly via?: string };

/** Which variant of iptables decides whether the legacy tables are needed, and the words that say so. */
export type TableChoice = { readonly variant?: Variant; readonly words: string };

/**
 * Who provides a capability on this kernel: the module itself, the one that absorbed it, its alias, or what replaced it;
 * undefined where nothing does. Where iptables is the nft variant, legacy tables are never the answer, and always where it is the
 * legacy one.
 */
export const providerOf = (name: string, kernel: RunningKernel, tables?: TableChoice): Provider | undefined => {
  const { alias, into, since, replacedBy } = moduleFact(name);
  if (replacedBy && tables?.variant === 'nft') {
    const by = allOf(replacedBy, kernel);
    return by && { by, via: `${by.join(', ')} instead: ${tables.words}` };
  }
  if (has(name, kernel)) return { by: [name] };
  if (replacedBy && tables?.variant === 'legacy') return undefined;
  if (alias && has(alias, kernel)) return { by: [alias], via: `${alias} answers to that name${since ? ` since ${since}` : ''}` };
  const absorbers = into && allOf(into, kernel);
  if (into && absorbers) return { by: absorbers, via: `part of ${into.join(', ')}${since ? ` since ${since}` : ''}` };
  const successors = replacedBy && allOf(replacedBy, kernel);
  return successors && { by: successors, via: `${successors.join(', ')} for iptables-nft: no legacy tables here` };
};

const has = (name: string, kernel: RunningKernel): boolean =>
  kernel.loaded.has(name) || kernel.builtin.has(name) || kernel.files.has(name);

const allOf = (names: readonly string[], kernel: RunningKernel): string[] | undefined => {
  const found = names.map((name) => providerOf(name, kernel)?.by);
  return found.every((by) => by !== undefined) ? [...new Set(found.flatMap((by) => by ?? []))] : undefined;
};

/** Every name that may have to be looked up for these: themselves and all that may stand in for them. */
export const candidatesFor = (names: readonly string[]): string[] => {
  const all = new Set<string>();
  const add = (name: string): void => {
    if (all.has(name)) return;
    all.add(name);
    const { alias, into, replacedBy } = moduleFact(name);
    for (const other of [...(alias ? [alias] : []), ...(into ?? []), ...(replacedBy ?? [])]) add(other);
  };
  for (const name of names) add(name);
  return [...all];
};
