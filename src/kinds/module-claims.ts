import { listed } from '../answers.ts';
import { baseName, dropinQueries, dropinsOf } from '../knowledge/dropins.ts';
import { argumentLine } from '../knowledge/module-arguments.ts';
import { moduleName } from '../knowledge/module-names.ts';
import { providerOf } from '../knowledge/module-providers.ts';
import { matches, parseModprobe } from '../knowledge/modprobe-config.ts';
import type { ConfigLine, ModprobeConfig } from '../knowledge/modprobe-config.ts';
import { configFiles } from '../knowledge/modprobe.ts';
import { listedEntries, parseModulesLoad } from '../knowledge/modules-load.ts';
import type { Claim, FoundFile } from '../model.ts';
import type { ModuleNeed, ModuleView } from './module-view.ts';

/** Every line of the host that speaks about a module: what lists it, what keeps it out, kernel arguments. */
export const claimsOn = ({ name }: ModuleNeed, view: ModuleView): readonly Claim[] => {
  const names = [...new Set([moduleName(name), ...(providerOf(name, view.kernel)?.by ?? [])])];
  return [...listings(names, view), ...hiddenListings(names, view), ...rulesOn(names, view), ...refusals(names, view)];
};

/** Lines that name it, and lines through which it comes without being named. */
const listings = (names: readonly string[], { host, files }: ModuleView): Claim[] => {
  const entries = listedEntries(host.answers).filter((entry) => names.includes(entry.name));
  const direct = entries.map(({ name, from }): Claim => ({ from, says: name, role: listingRole(name, from, files.persisted) }));
  const through = names.flatMap((name): Claim[] => {
    const [from = '', through] = (files.persisted.get(name) ?? '').split(', ', 2);
    return through === undefined ? [] : [{ from, says: through.replace(/^.* /, ''), role: `brings it at boot, as ${through}` }];
  });
  return [...direct, ...through];
};

const listingRole = (name: string, from: string, persisted: ReadonlyMap<string, string>): string => {
  if (from.startsWith('/run/')) return 'counts until the next boot only';
  if (!persisted.has(name)) return 'lists it for boot in vain';
  return persisted.get(name) === from ? 'loads it at boot' : 'lists it for boot once more';
};

const hiddenListings = (names: readonly string[], { host }: ModuleView): Claim[] =>
  hidden(filesFor('modules-load', host)).flatMap(({ file, by }) =>
    parseModulesLoad(file.text)
      .filter((entry) => names.includes(entry.name))
      .map((entry) => ({ from: `${file.path}:${entry.line}`, says: entry.name, role: `hidden by ${by}` })),
  );

const rulesOn = (names: readonly string[], { host, files }: ModuleView): Claim[] => {
  const all = configFiles(host.answers);
  return [
    ...spoken(names, files.rules.now, (line, role) => ({ from: line.from, says: line.text, role })),
    ...hidden(all).flatMap(({ file, by }) =>
      spoken(names, parseModprobe([file]), (line) => ({ from: line.from, says: line.text, role: `hidden by ${by}` })),
    ),
  ];
};

/** The lines of modprobe.d about these names; of each directive the first that matches counts. */
const spoken = (
  names: readonly string[],
  config: ModprobeConfig,
  claim: (line: ConfigLine, role: string) => Claim,
): readonly Claim[] => {
  const about = <L extends ConfigLine>(lines: readonly L[]): readonly L[] =>
    lines.filter(({ pattern }) => names.some((name) => matches(pattern, name)));
  return [
    ...about(config.blacklist).map((line) => claim(line, 'keeps it from being loaded at boot')),
    ...about(config.installs).map((line) => claim(line, 'runs this command in place of loading it')),
    ...about(config.aliases).map((line) =>
      claim(line, line.module === 'off' ? 'makes the name mean nothing' : `loads ${line.module} for this name`),
    ),
    ...about(config.softdeps).map((line) => claim(line, 'loads other modules along with it')),
  ];
};

const refusals = (names: readonly string[], { host, files }: ModuleView): Claim[] =>
  names.flatMap((name) => {
    const refusal = files.rules.now.refused.get(name);
    const line = argumentLine(name, host.answers);
    return [
      ...(refusal ? [{ from: refusal.from, says: refusal.text, role: 'makes the kernel refuse it' }] : []),
      ...(line ? [{ from: line, says: name, role: 'puts that kernel argument there at the next boot' }] : []),
    ];
  });

const filesFor = (dropin: string, { answers }: ModuleView['host']): FoundFile[] =>
  dropinQueries(dropin).flatMap((query) => (query.ask === 'list' ? listed(answers, query.glob) : []));

/** Files that another one of the same name takes the place of. On merged systems /lib is /usr/lib: that is no second file. */
const hidden = (files: readonly FoundFile[]): { readonly file: FoundFile; readonly by: string }[] => {
  const counting = new Map(dropinsOf(files).map((file) => [baseName(file.path), file]));
  return files.flatMap((file) => {
    const by = counting.get(baseName(file.path));
    if (!by || by === file || (by.path === `/usr${file.path}` && by.text === file.text)) return [];
    return [{ file, by: by.path }];
  });
};
