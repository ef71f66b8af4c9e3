import { listed, overlay } from './answers.ts';
import { effectsOf } from './effects.ts';
import { quoteAll } from './knowledge/quote.ts';
import { hasMachineId, inTreeByHand, whyClosed } from './knowledge/image.ts';
import { unitFolder } from './knowledge/systemd.ts';
import type { Action, Answers, Argv, Image, RunAction } from './model.ts';

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
  const undone = new Map<string, readonly Undone[]>();
  const done: Action[] = [];
  for (const action of actions) {
    const way = action.do === 'run' ? wayOf(action) : undefined;
    const why = action.do === 'run' && way !== undefined ? whyNot(action, way, answers, image) : undefined;
    if (action.do === 'run' && why !== undefined)
      for (const id of action.for) undone.set(id, [...(undone.get(id) ?? []), { action, why }]);
    else if (action.do !== 'run') done.push(action);
    else if (way === 'files') done.push(...asFiles(action, overlay(answers, done)));
    else if (way === 'chroot') done.push(inTree(action, image));
  }
  const held = new Map([...undone].map(([id, actions]) => [id, heldBy(actions, image)] as const));
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

/** A command that is not run, and why. */
type Undone = { readonly action: RunAction; readonly why: string };

const whyNot = ({ argv }: RunAction, way: Way, answers: Answers, image: Image): string | undefined =>
  way === 'chroot'
    ? whyClosed(image, answers)
    : way === 'person'
      ? `${argv[0]} works on the system that runs, not on files alone`
      : undefined;

/** The last command is the one that serves the finding; a person has to run all. */
const heldBy = (all: readonly Undone[], image: Image): Held => {
  const last = all.at(-1);
  const runs = all.some(({ action }) => wayOf(action) === 'person');
  const commands = all.map(({ action }) => (runs ? quoteAll(action.argv) : inTreeByHand(action.argv, image)));
  return {
    reason: `not done in this image (${last?.action.why ?? ''}): ${last?.why ?? ''}`,
    remedy: runs
      ? `Run ${commands.join(' && ')} once the image runs, or waive it.`
      : `Run node-prep where that can be, or yourself: ${commands.join(' && ')}; then plan again.`,
  };
};

const inTree = (action: Action & RunAction, { root }: Image): Action => ({
  ...action,
  argv: ['chroot', root, ...action.argv],
  ...(action.rescue && { rescue: ['chroot', root, ...action.rescue] }),
});

/** An empty unit file is a mask as well (systemd.unit(5)). */
const asFiles = ({ argv, for: ids }: Action & RunAction, answers: Answers): Action[] =>
  [...effectsOf(argv, answers), ...masksFor(argv, answers)].map((effect) =>
    effect.do === 'remove'
      ? { ...effect, for: ids }
      : { ...effect, ...(effect.mode === 'keep' && effect.before === null && { mode: '0644' as const }), for: ids },
  );

/**
 * A machine without an id boots for the first time, and systemd then enables units as presets say (machine-id(5),
 * systemd.preset(5)): only a mask keeps what is disabled from coming back.
 */
const masksFor = ([program, verb, ...units]: Argv, answers: Answers) =>
  program !== 'systemctl' || verb !== 'disable' || hasMachineId(answers)
    ? []
    : units
        .filter((unit) => !unit.startsWith('-') && listed(answers, `${unitFolder('/etc')}/${unit}`).length === 0)
        .flatMap((unit) => effectsOf(['systemctl', 'mask', unit], answers));
