import facts from './module-facts.json' with { type: 'json' };

/**
 * What is known of a module's name. `kconfig`: the kernel options that build it. `into`: the name is gone from kernels since
 * `since`, its function lives there. `alias`: modprobe loads that one instead. `replacedBy`: what serves the same purpose on
 * kernels without it (iptables-nft needs no legacy tables, but a counter for every rule).
 */
export type ModuleFact = {
  readonly kconfig?: readonly string[];
  readonly into?: readonly string[];
  readonly since?: string;
  readonly alias?: string;
  readonly replacedBy?: readonly string[];
};

const table: { readonly [name: string]: ModuleFact } = facts;

/** What is known of a name; nothing for most modules. */
export const moduleFact = (name: string): ModuleFact => (Object.hasOwn(table, name) ? (table[name] ?? {}) : {});

/** The kernel's way to write a module's name: `-` and `_` are one, upper and lower case are two (modprobe(8)). */
export const moduleName = (name: string): string => name.replaceAll('-', '_');

/** What a module may be called: letters, digits, `-`, `_` and `.`; the kernel allows 55 characters (MODULE_NAME_LEN). */
export const isModuleName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9_.-]{0,54}$/.test(name) && !/\.ko(\.|$)/.test(name);
