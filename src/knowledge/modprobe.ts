import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName, dropinQueries, dropinsOf } from './dropins.ts';
import { kernelBlacklist, kmodBlacklist } from './modprobe-cmdline.ts';
import { parseModprobe } from './modprobe-config.ts';
import type { ConfigLine, ModprobeConfig } from './modprobe-config.ts';

/**
 * Why a module is kept out although its file is there. `blacklist`: modprobe loads it by name all the same, systemd-modules-load
 * skips it at boot. `install`: another command runs in its place, `alias`: another module is taken for it, now and at boot.
 * `kernel`: the kernel itself refuses it. `name`: the module that is kept out, which may be one that the wanted one needs.
 */
export type Denial = {
  readonly how: 'blacklist' | 'install' | 'alias' | 'kernel';
  readonly name: string;
  readonly from: string;
  readonly text: string;
};

/** All that keeps modules out or brings others with them. `refused`: module names that the kernel itself refuses, and why. */
export type ModuleRules = ModprobeConfig & { readonly refused: ReadonlyMap<string, Denial> };

const configQueries = dropinQueries('modprobe');
/** libkmod reads NAME.alias as it reads NAME.conf (measured with kmod 30). */
const aliasQueries = configQueries.map((query): Query =>
  query.ask === 'list' ? { ask: 'list', glob: query.glob.replace(/conf$/, 'alias') } : query,
);
const softdepGlob = '/lib/modules/*/modules.softdep';

export const moduleRuleQueries: readonly Query[] = [
  ...configQueries,
  ...aliasQueries,
  { ask: 'list', glob: softdepGlob },
  { ask: 'read', path: '/proc/cmdline' },
];

/**
 * The rules for the modules of a kernel release. libkmod sorts all files by name, whatever their directory, and the kernel's own
 * modules.softdep among them (modprobe.d(5), libkmod-config.c). /proc/cmdline of a container is not that of its kernel.
 */
export const moduleRules = (answers: Answers, release: string): ModuleRules => {
  const own = listed(answers, softdepGlob).filter((file) => file.path === `/lib/modules/${release}/modules.softdep`);
  const config = parseModprobe([...dropinsOf(configFiles(answers)), ...own].sort(byName));
  const cmdline = fileText(answers, '/proc/cmdline') ?? '';
  const from = '/proc/cmdline';
  return {
    ...config,
    blacklist: [
      ...config.blacklist,
      ...kmodBlacklist(cmdline).map((pattern): ConfigLine => ({ pattern, from, text: wordWith(cmdline, 'modprobe.blacklist') })),
    ],
    refused: new Map(
      kernelBlacklist(cmdline).map((name) => [name, { how: 'kernel', name, from, text: wordWith(cmdline, 'module.blacklist') }]),
    ),
  };
};

/** Every file of modprobe.d, those that another one hides as well. */
export const configFiles = (answers: Answers): FoundFile[] =>
  [...configQueries, ...aliasQueries].flatMap((query) => (query.ask === 'list' ? [...listed(answers, query.glob)] : []));

const byName = (a: FoundFile, b: FoundFile): number => (baseName(a.path) < baseName(b.path) ? -1 : 1);

/** The last word of the command line with a key. */
const wordWith = (cmdline: string, key: string): string =>
  cmdline.split(/\s+/).findLast((word) => new RegExp(`^"?${key}=`).test(word)) ?? key;
