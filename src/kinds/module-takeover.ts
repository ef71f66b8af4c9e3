import { denialAtBoot, denialNow } from '../knowledge/boot-modules.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import type { Denial } from '../knowledge/modprobe.ts';
import type { Answers } from '../model.ts';
import { filesOf } from './module-view.ts';
import type { Files } from './module-view.ts';
import { cleared } from './take-over.ts';
import type { Cleared } from './take-over.ts';

/** Modules that a requirement stands on, and its id. */
export type Wanted = { readonly id: string; readonly by: readonly string[] };

/** What the files say once lines are taken over, and the writes that take them over. */
export type TakenOver = { readonly files: Files; readonly edits: Cleared['edits'] };

/**
 * Comments out, module by module, every line of modprobe.d that keeps it or what it needs out of the kernel. All lines of a
 * module or none: where one cannot be taken over (a kernel argument, a file that is no text), the others stay as well.
 */
export const takeOver = (wanted: readonly Wanted[], answers: Answers, kernel: RunningKernel): TakenOver => {
  const inTheWay = (by: readonly string[]) => (current: Answers) => {
    const denial = denialOf(by, filesOf(current, kernel), kernel);
    return denial ? [denial.from] : [];
  };
  const all = wanted.reduce<Cleared>((state, { id, by }) => cleared(state, id, inTheWay(by)) ?? state, { answers, edits: [] });
  return { files: filesOf(all.answers, kernel), edits: all.edits };
};

/** The first rule that keeps one of these, or what it needs, out of the next boot although it is listed, or out of a modprobe now. */
export const denialOf = (names: readonly string[], files: Files, kernel: RunningKernel): Denial | undefined =>
  names.map((name) => denialAtBoot(name, files.persisted, kernel, files.rules.boot)).find(Boolean) ??
  names.map((name) => denialNow(name, kernel, files.rules.now)).find(Boolean);
