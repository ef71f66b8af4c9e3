import { overlay } from '../answers.ts';
import { denialAtBoot, denialNow } from '../knowledge/boot-modules.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import type { Denial } from '../knowledge/modprobe.ts';
import type { Action, Answers } from '../model.ts';
import { commentedOut } from './foreign-file.ts';
import { filesOf } from './module-view.ts';
import type { Files } from './module-view.ts';

/** Modules that a requirement stands on, and its id. */
export type Wanted = { readonly id: string; readonly by: readonly string[] };

/** What the files say once lines are taken over, and the writes that take them over. */
export type TakenOver = { readonly files: Files; readonly edits: readonly Edit[] };

type Edit = Extract<Action, { do: 'write' }>;
type State = TakenOver & { readonly answers: Answers };

/** No host has so many lines against one module: what is not free by then is not freed by commenting lines out. */
const mostLines = 200;

/**
 * Comments out, module by module, every line of modprobe.d that keeps it or what it needs out of the kernel. All lines of a
 * module or none: where one cannot be taken over (a kernel argument, a file that is no text), the others stay as well.
 */
export const takeOver = (wanted: readonly Wanted[], answers: Answers, kernel: RunningKernel): TakenOver =>
  wanted.reduce<State>((state, one) => freed(one, state, kernel) ?? state, {
    answers,
    files: filesOf(answers, kernel),
    edits: [],
  });

/** The first rule that keeps one of these, or what it needs, out of the next boot although it is listed, or out of a modprobe now. */
export const denialOf = (names: readonly string[], files: Files, kernel: RunningKernel): Denial | undefined =>
  names.map((name) => denialAtBoot(name, files.persisted, kernel, files.rules.boot)).find(Boolean) ??
  names.map((name) => denialNow(name, kernel, files.rules.now)).find(Boolean);

const freed = ({ id, by }: Wanted, from: State, kernel: RunningKernel): State | undefined => {
  let state = from;
  for (let i = 0; i < mostLines; i++) {
    const denial = denialOf(by, state.files, kernel);
    if (!denial) return state;
    const writes = denial.how === 'kernel' ? undefined : commentedOut([denial.from], state.answers);
    if (!writes || writes.length === 0) return undefined;
    const answers = overlay(
      state.answers,
      writes.map((write) => ({ ...write, for: [id] })),
    );
    const edits = writes.reduce((sofar, write) => withEdit(sofar, { ...write, for: [id] }), state.edits);
    state = { answers, files: filesOf(answers, kernel), edits };
  }
  return undefined;
};

/** Two edits of one file are one write, from what is there to what comes of both. */
const withEdit = (edits: readonly Edit[], edit: Edit): readonly Edit[] => {
  const first = edits.find(({ path }) => path === edit.path);
  if (!first) return [...edits, edit];
  const both = { ...first, after: edit.after, for: [...new Set([...first.for, ...edit.for])] };
  return edits.map((one) => (one === first ? both : one));
};
