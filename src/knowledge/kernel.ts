import { fileText, listed, numbered, remembered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { moduleFact, moduleName } from './module-names.ts';

/** What the running kernel can do, as far as it was asked. Names are the kernel's (`_`, never `-`). */
export type RunningKernel = {
  readonly release: string;
  /** Other kernels with modules under /lib/modules. */
  readonly others: readonly string[];
  /** Whether /lib/modules has an index for the running kernel. */
  readonly indexed: boolean;
  readonly loaded: ReadonlySet<string>;
  /** Built in, and where that is written. */
  readonly builtin: ReadonlyMap<string, string>;
  /** Modules that have a file, with all modules that they pull in. */
  readonly files: ReadonlyMap<string, readonly string[]>;
};

/** The running kernel's own copy, on kernels built with CONFIG_IKCONFIG_PROC. */
const runningConfig = '/proc/config.gz';

const depGlob = '/lib/modules/*/modules.dep';
const builtinGlob = '/lib/modules/*/modules.builtin';

/** What to ask in order to judge these modules: the lines of depmod(8)'s indexes and of the kernel's configuration that name them. */
export const kernelQueries = (names: readonly string[]): Query[] => {
  const lines = names.flatMap((name) => [...new Set([name, name.replaceAll('_', '-')])].map((n) => `/${n}.ko`));
  return [
    { ask: 'read', path: '/proc/modules' },
    { ask: 'list', glob: depGlob, lines },
    { ask: 'list', glob: builtinGlob, lines },
    ...kernelConfigQueries(names.flatMap((name) => moduleFact(name).kconfig ?? [])),
  ];
};

/** Where distributions keep the configuration of a kernel. Root alone may read /boot's on some, so the other is asked too. */
export const kernelConfigQueries = (symbols: readonly string[]): Query[] => {
  const lines = [...new Set(symbols)].map((symbol) => `CONFIG_${symbol}=`);
  return [
    { ask: 'list', glob: '/boot/config-*', lines },
    { ask: 'list', glob: '/lib/modules/*/config', lines },
    { ask: 'read', path: runningConfig, lines, unless: (answers) => configFile(answers, kernelRelease(answers)) !== undefined },
  ];
};

/** The configuration beside a kernel or its modules. */
const configFile = (answers: Answers, release: string): FoundFile | undefined =>
  ofRelease(answers, '/lib/modules/*/config', release) ??
  listed(answers, '/boot/config-*').find((f) => f.path === `/boot/config-${release}`);

type KernelConfig = { readonly path: string; readonly values: ReadonlyMap<string, string> };

/** The running kernel's configuration: option to value, and the file; undefined where none is readable. */
export const kernelConfig = remembered((answers, release): KernelConfig | undefined => {
  const own = fileText(answers, runningConfig);
  const file = configFile(answers, release) ?? (own === undefined ? undefined : { path: runningConfig, text: own });
  if (!file) return undefined;
  const pairs = numbered(file.text).flatMap(({ text }): [string, string][] => {
    const match = /^CONFIG_([A-Z0-9_]+)=(.*)$/.exec(text);
    return match?.[1] ? [[match[1], match[2] ?? '']] : [];
  });
  return { path: file.path, values: new Map(pairs) };
});

/** The running kernel's release, as uname -r has it; "" where that was not answered. */
export const kernelRelease = (answers: Answers): string => (fileText(answers, '/proc/sys/kernel/osrelease') ?? '').trim();

export const runningKernel = (answers: Answers, release: string, names: readonly string[]): RunningKernel => {
  const dep = ofRelease(answers, depGlob, release);
  return {
    release,
    others: listed(answers, depGlob)
      .map(releaseOf)
      .filter((other) => other !== release),
    indexed: dep !== undefined,
    loaded: loadedModules(answers),
    builtin: builtinModules(answers, release, names),
    files: moduleFiles(answers, release),
  };
};

const loadedModules = remembered(
  (answers): ReadonlySet<string> =>
    new Set(numbered(fileText(answers, '/proc/modules') ?? '').flatMap(({ text }) => text.split(' ', 1).filter(Boolean))),
);

const moduleFiles = remembered(
  (answers, release): ReadonlyMap<string, readonly string[]> =>
    new Map(numbered(ofRelease(answers, depGlob, release)?.text ?? '').flatMap(({ text }) => depLine(text))),
);

const builtinModules = (answers: Answers, release: string, names: readonly string[]): Map<string, string> => {
  const file = ofRelease(answers, builtinGlob, release);
  const found = new Map(
    numbered(file?.text ?? '').flatMap(({ text }): [string, string][] => (text ? [[fromPath(text), file?.path ?? '']] : [])),
  );
  const config = kernelConfig(answers, release);
  // Some code that could be a module has no entry in modules.builtin (nfnetlink from 7.2, ipv6 from 7.1): the configuration tells.
  for (const name of names) {
    const symbols = moduleFact(name).kconfig ?? [];
    if (!found.has(name) && symbols.some((symbol) => config?.values.get(symbol) === 'y')) found.set(name, config?.path ?? '');
  }
  return found;
};

const ofRelease = (answers: Answers, glob: string, release: string): FoundFile | undefined =>
  listed(answers, glob).find((file) => releaseOf(file) === release);

const releaseOf = (file: FoundFile): string => file.path.split('/')[3] ?? '';

/** "kernel/net/bridge/br_netfilter.ko.xz: kernel/net/bridge/bridge.ko.xz ..." */
const depLine = (text: string): [string, readonly string[]][] => {
  const [file, deps] = text.split(':', 2);
  return file && deps !== undefined ? [[fromPath(file), deps.trim().split(' ').filter(Boolean).map(fromPath)]] : [];
};

const fromPath = (path: string): string => moduleName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(\.(gz|xz|zst))?$/, ''));
