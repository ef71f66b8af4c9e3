import type { Need, Reason, Requirement } from '../model.ts';

/**
 * One option of a profile. `values`: the closed set; without it `check` says what is wrong with a value, if anything, and
 * `milestones` are values at which requirements change.
 */
type OptionSpec = {
  readonly about: string;
  readonly default: string;
  readonly values?: readonly string[];
  readonly milestones?: readonly string[];
  readonly check?: (value: string) => string | undefined;
};

/** The options of a profile as chosen, every one present; booleans are "true" and "false". `ipv4` and `ipv6`: families of the cluster. */
export type Chosen<O extends string = string> = { readonly [K in O]: string } & {
  readonly ipv4: boolean;
  readonly ipv6: boolean;
};

/** A row of a profile: a need, why, who says so, and for which choices it holds. */
export type Row<O extends string = string> = {
  readonly need: Need;
  readonly why: string;
  readonly source: string;
  readonly since?: string;
  readonly until?: string;
  readonly undocumented?: true;
  readonly advice?: true;
  readonly when?: (chosen: Chosen<O>) => boolean;
};

export type Profile = {
  readonly name: string;
  readonly summary: string;
  readonly options: { readonly [name: string]: OptionSpec };
  /** The requirements for these choices, in the order in which a person should read them. */
  requirements(chosen: Chosen): Requirement[];
};

/** Builds a profile from its rows. */
export const profile = <O extends string>(p: {
  readonly name: string;
  readonly summary: string;
  readonly options: { readonly [K in O]: OptionSpec };
  readonly rows: readonly Row<O>[];
}): Profile => ({
  name: p.name,
  summary: p.summary,
  options: p.options,
  requirements: (chosen) => p.rows.filter((r) => r.when?.(chosen as Chosen<O>) ?? true).map((r) => toRequirement(p.name, r)),
});

const toRequirement = (name: string, row: Row<never> | Row): Requirement => {
  const { need, advice, when: _when, ...reason } = row;
  const because: Reason[] = [{ profile: name, ...reason }];
  return { ...need, because, ...(advice && { advice }) };
};

type Shared<O extends string> = Omit<Row<O>, 'need' | 'why'>;

/** One row per module, name to why, for modules that share their source and the choices for which they hold. */
export const modules = <O extends string>(shared: Shared<O>, table: { readonly [name: string]: string }): Row<O>[] =>
  Object.entries(table).map(([name, why]) => ({ need: { kind: 'module', name }, why, ...shared }));

/** One row per option of the kernel's configuration, symbol without CONFIG_ to why. */
export const kernelOptions = <O extends string>(shared: Shared<O>, table: { readonly [symbol: string]: string }): Row<O>[] =>
  Object.entries(table).map(([symbol, why]) => ({ need: { kind: 'kernelconfig', symbol }, why, ...shared }));

/** One row per kernel setting, key to value and why. */
export const settings = <O extends string>(
  shared: Shared<O>,
  table: { readonly [key: string]: readonly [value: string, why: string] },
): Row<O>[] => Object.entries(table).map(([key, [value, why]]) => ({ need: { kind: 'sysctl', key, value }, why, ...shared }));

/** True where dotted version `a` is at least `b`, number by number: atLeast("1.35", "1.9"). */
export const atLeast = (a: string, b: string): boolean => {
  const [x, y] = [a, b].map((v) => v.split('.').map(Number));
  for (let i = 0; i < Math.max(x?.length ?? 0, y?.length ?? 0); i++) {
    const d = (x?.[i] ?? 0) - (y?.[i] ?? 0);
    if (d !== 0) return d > 0;
  }
  return true;
};
