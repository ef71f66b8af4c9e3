import { fileText } from '../answers.ts';
import { ownModulesLoad, parseModulesLoad } from '../knowledge/modules-load.ts';
import type { Action } from '../model.ts';
import type { Judged } from './module-judge.ts';
import { installModules } from './module-packages.ts';
import type { ModuleView } from './module-view.ts';
import { ownFile } from './own-file.ts';

/** What makes the changes: missing modules are installed, lines taken over, then modules listed for boot, then loaded. */
export const actionsFor = (judged: readonly Judged[], view: ModuleView): Action[] => {
  const changes = judged.filter((j) => j.finding.verdict === 'change');
  if (changes.length === 0) return [];
  const { kernel, cleared, host, source } = view;
  const unlisted = changes.filter((j) => j.by.some((name) => !kernel.builtin.has(name) && !cleared.files.persisted.has(name)));
  const unloaded = changes.filter((j) => !j.finding.now.ok);
  const names = [...new Set(unloaded.flatMap((j) => j.by))].filter((n) => !kernel.loaded.has(n) && !kernel.builtin.has(n));
  const brought = (j: Judged): string[] =>
    j.by.filter((n) => !kernel.files.has(n) && !kernel.builtin.has(n) && !kernel.loaded.has(n));
  const lacking = changes.filter((j) => brought(j).length > 0);
  return [
    ...(source && lacking.length > 0 ? installModules(source, [...new Set(lacking.flatMap(brought))], idsOf(lacking), host) : []),
    ...cleared.edits,
    ...(unlisted.length > 0 ? [{ ...writeOwn(judged, view), for: idsOf(unlisted) }] : []),
    ...(names.length > 0 ? [load(names, idsOf(unloaded))] : []),
  ];
};

const idsOf = (judged: readonly Judged[]): string[] => judged.map((j) => j.finding.id);

const load = (names: readonly string[], ids: readonly string[]): Action => ({
  do: 'run',
  argv: ['modprobe', '-a', ...names],
  why: `load ${names.length} kernel module${names.length === 1 ? '' : 's'} now`,
  judgedBy: 'verify',
  for: ids,
});

/** All that no other file brings, and what our file already held for an earlier run. */
const writeOwn = (judged: readonly Judged[], { host, ahead, cleared }: ModuleView) => {
  const { elsewhere } = cleared.files;
  const wanted = judged.filter((j) => j.finding.verdict === 'change' || j.finding.verdict === 'ok').flatMap((j) => j.by);
  const names = [...new Set(wanted)].filter((name) => ahead.files.has(name) && !elsewhere.has(name));
  const before = fileText(host.answers, ownModulesLoad);
  const kept = parseModulesLoad(before ?? '')
    .map((e) => e.name)
    .filter((name) => !names.includes(name) && !elsewhere.has(name));
  return ownFile(ownModulesLoad, host, {
    purpose: 'kernel modules to load at boot',
    lines: names,
    kept: [...new Set(kept)],
    before,
  });
};
