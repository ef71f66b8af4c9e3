import { overlay } from './answers.ts';
import { effectsOf } from './effects.ts';
import { quoteAll } from './knowledge/quote.ts';
import { whyClosed } from './knowledge/image.ts';
import type { Action, Answers, Image, RunAction } from './model.ts';

/** What becomes of a plan's actions for an image. `held`: findings that cannot be served, by id, with why and what a person can do. */
export type Translated = { readonly actions: readonly Action[]; readonly held: ReadonlyMap<string, Held> };

/** Why a finding cannot be served in an image, and what a person can do. */
export type Held = { readonly reason: string; readonly remedy: string };

/** How a command is done for an image: `never`, as it is about what runs; as its work on `files`; in the tree (`chroot`); or by a person. */
type Way = 'never' | 'files' | 'chroot' | 'person';

/**
 * The actions as they are done in the tree of an image: files stay files, what is about the running system goes, and what is left
 * runs in the tree, if that can be. What serves nothing but findings that are held goes too.
 */
export const forImage = (actions: readonly Action[], answers: Answers, image: Image): Translated => {
  const held = new Map<string, Held>();
  const done: Action[] = [];
  for (const action of actions) {
    const way = action.do === 'run' ? wayOf(action) : undefined;
    const obstacle = action.do === 'run' && way !== undefined ? obstacleTo(action, way, answers, image) : undefined;
    if (obstacle) for (const id of action.for) held.set(id, held.get(id) ?? obstacle);
    else if (action.do !== 'run') done.push(action);
    else if (way === 'files') done.push(...asFiles(action, overlay(answers, done)));
    else if (way === 'chroot') done.push(inTree(action, image));
  }
  const serving = done.map((action) => ({ ...action, for: action.for.filter((id) => !held.has(id)) }));
  return { actions: serving.filter((action, i) => action.for.length > 0 || done[i]?.for.length === 0), held };
};

const wayOf = ({ argv: [program, ...words] }: RunAction): Way => {
  if (program === 'systemctl') return words[0] === 'mask' || words[0] === 'disable' ? 'files' : 'never';
  if (program === 'ufw') return words[0] === 'disable' ? 'files' : 'person';
  if (['modprobe', 'sysctl', 'swapoff', 'networkctl', 'firewall-cmd', 'restorecon', 'update-grub'].includes(program))
    return 'never';
  return program === 'grubby' ? 'person' : 'chroot';
};

/** The command as a person would give it. */
const obstacleTo = ({ argv, why }: RunAction, way: Way, answers: Answers, image: Image): Held | undefined => {
  const closed = way === 'chroot' ? whyClosed(image, answers) : undefined;
  const reason = closed ?? (way === 'person' ? `${argv[0]} works on the system that runs, not on files alone` : undefined);
  if (reason === undefined) return undefined;
  const remedy =
    way === 'person'
      ? `Once the image runs: ${quoteAll(argv)}; or waive it.`
      : `Run node-prep where that can be, or yourself: chroot ${image.root} ${quoteAll(argv)}; then plan again.`;
  return { reason: `"${why}" cannot be done in this image: ${reason}`, remedy };
};

const inTree = (action: Action & RunAction, { root }: Image): Action => ({
  ...action,
  argv: ['chroot', root, ...action.argv],
  ...(action.rescue && { rescue: ['chroot', root, ...action.rescue] }),
});

/** An empty unit file is a mask as well (systemd.unit(5)). */
const asFiles = ({ argv, for: ids }: Action & RunAction, answers: Answers): Action[] =>
  effectsOf(argv, answers).map((effect) =>
    effect.do === 'remove'
      ? { ...effect, for: ids }
      : { ...effect, ...(effect.mode === 'keep' && effect.before === null && { mode: '0644' as const }), for: ids },
  );
