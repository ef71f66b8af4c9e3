import { listed, scriptAnswer } from '../answers.ts';
import type { Family, PackageFacts } from '../families/family.ts';
import { partOfFamily } from '../families/question.ts';
import { families, familyNamed } from '../families/table.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import { indexPatterns, isAllServed, unlessAllServed, waysToServe } from '../knowledge/module-packages.ts';
import { candidatesFor } from '../knowledge/module-providers.ts';
import { cannotLoad } from '../knowledge/rights.ts';
import type { Action, HostView, Query } from '../model.ts';
import type { ModuleNeed } from './module-view.ts';

/**
 * The package with the modules that the running kernel lacks, and how it stands: it can be installed, it is installed and did not
 * help, no source has it, the lists of available packages are not here, or the package manager did not answer.
 */
export type ModulePackage = {
  readonly name: string;
  readonly state: 'candidate' | 'installed' | 'none' | 'unlisted' | 'unasked';
};

/** Asks the package manager about the packages with modules, and only where the running kernel lacks one that is to be changed. */
export const modulePackageQueries = (needs: readonly (ModuleNeed & { readonly advice?: true })[]): readonly Query[] => {
  const sets = needs.filter((need) => !need.advice).map((need) => waysToServe(need.name));
  if (sets.length === 0) return [];
  const script = `${unlessAllServed}${partOfFamily((family) => family.modules?.ask ?? 'exit 0')}exit 0`;
  return [
    {
      ask: 'run',
      argv: ['sh', '-c', script, 'ask-module-packages', indexPatterns(sets), ...sets.sort()],
      known: (answers) => (isAllServed(sets, answers) ? '' : undefined),
    },
    ...families.flatMap((f) => (f.interrupted ? [{ ask: 'list' as const, glob: f.interrupted.glob, lines: [] }] : [])),
  ];
};

/** What the package manager said; undefined where it was not asked. */
export const modulePackage = (host: HostView, kernel: RunningKernel): ModulePackage | undefined => {
  const family = familyNamed(host.system.family);
  const answer = scriptAnswer(host.answers, 'ask-module-packages');
  const names = family.modules?.packages(host.system, !kernel.indexed) ?? [];
  if (!answer || names.length === 0) return undefined;
  if (answer.status !== 0) return { name: names[0] ?? '', state: 'unasked' };
  if (!answer.text.startsWith('asked')) return undefined;
  const facts = family.read(answer.text);
  const name = names.find((n) => facts.candidates.has(n) && !facts.installed.has(n)) ?? names.find((n) => facts.installed.has(n));
  return { name: name ?? names[0] ?? '', state: stateOf(name, facts) };
};

const stateOf = (name: string | undefined, facts: PackageFacts): ModulePackage['state'] => {
  if (name !== undefined) return facts.installed.has(name) ? 'installed' : 'candidate';
  return facts.sources ? 'none' : 'unlisted';
};

/**
 * The kernel as it is once that package is installed: with the modules that it is known to bring. The same kernel where nothing can
 * be installed, or where it would not help: in a container, or where another kernel is to be booted.
 */
export const kernelWith = (
  found: ModulePackage | undefined,
  wanted: readonly string[],
  kernel: RunningKernel,
  host: HostView,
): RunningKernel => {
  const { modules } = familyNamed(host.system.family);
  if (found?.state !== 'candidate' || !modules || cannotLoad(host.answers)) return kernel;
  if (!kernel.indexed && kernel.others.length > 0) return kernel;
  const brought = candidatesFor(wanted).filter(
    (name) => !kernel.files.has(name) && !kernel.builtin.has(name) && modules.brings(name, !kernel.indexed),
  );
  return { ...kernel, indexed: true, files: new Map([...kernel.files, ...brought.map((name) => [name, []] as const)]) };
};

/** The kernel with what the actions that are taken as done install for it. */
export const onceInstalled = (kernel: RunningKernel, wanted: readonly string[], host: HostView): RunningKernel => {
  const found = host.done && modulePackage(host, kernel);
  const isDone = found && host.done?.some((action) => action.do === 'run' && action.argv.includes(found.name));
  return isDone ? kernelWith(found, wanted, kernel, host) : kernel;
};

/** The commands that install a package with modules. `brings`: what they are wanted for. */
export const installModules = (
  { name }: ModulePackage,
  brings: readonly string[],
  ids: readonly string[],
  host: HostView,
): Action[] => {
  const others = brings.length > 1 ? ` and ${brings.length - 1} more` : '';
  const why = `install what this kernel lacks: ${brings[0] ?? ''}${others}`;
  const family = familyNamed(host.system.family);
  const mend = isCutOff(host, family) ? (family.interrupted?.mend([]) ?? []) : [];
  const commands = family.install([name], false).map((command) => ({ ...command, why }));
  return [...mend, ...commands].map((command) => ({ do: 'run', ...command, for: ids }));
};

/** Whether the package manager was cut off in its work, or is at it. */
export const isCutOff = ({ answers }: HostView, { interrupted }: Family): boolean =>
  interrupted !== undefined && listed(answers, interrupted.glob).length > 0;
