import { fileText, overlay } from './answers.ts';
import { changedArguments, ownGrubArguments } from './knowledge/grub-arguments.ts';
import { ufwTurnedOff } from './knowledge/ufw-config.ts';
import { unitFolder } from './knowledge/systemd.ts';
import type { Action, Answers, RunAction } from './model.ts';

type FileAction = Exclude<Action, RunAction>;

/**
 * The actions with, after each command whose work on files is known, that work as writes and removals: so that what the next boot
 * will be can be judged before anything is done. Other commands are not imagined.
 */
export const withEffects = (answers: Answers, actions: readonly Action[]): Action[] => {
  const all: Action[] = [];
  for (const action of actions) {
    all.push(action);
    if (action.do === 'run') all.push(...effectsOf(action.argv, overlay(answers, all)));
  }
  return all;
};

/** What a command that works on files does to them; nothing for others. */
export const effectsOf = ([program, ...words]: readonly string[], answers: Answers): FileAction[] => {
  const [verb, ...units] = words;
  if (program === 'systemctl' && verb === 'mask') return units.map(mask);
  if (program === 'systemctl' && verb === 'disable') return units.flatMap((unit) => unlinked(unit, answers));
  if (program === 'ufw' && words.includes('disable')) return [ufwTurnedOff(answers)];
  if (program === 'update-grub') return rewritten(answers, ownGrubArguments(answers));
  if (program === 'grubby') return rewritten(answers, grubbyChange(words));
  return [];
};

/** An empty unit file masks as well as a link to /dev/null does (systemd.unit(5)). */
const mask = (unit: string): FileAction => write(`${unitFolder('/etc')}/${unit}`, null, '');

/** `disable` takes the links to a unit out of /etc, whoever made them (systemctl(1)). */
const unlinked = (unit: string, answers: Answers): FileAction[] =>
  filesOf(answers)
    .filter((path) => path.startsWith('/etc/systemd/system/') && path.endsWith(`/${unit}`) && path.split('/').length > 5)
    .map((path) => ({ do: 'remove', path, before: '', for: [] }));

const rewritten = (
  answers: Answers,
  change: { readonly add: readonly string[]; readonly remove: readonly string[] },
): FileAction[] =>
  filesOf(answers)
    .filter((path) => /^\/boot\/(grub2?\/(grub\.cfg|grubenv)|loader\/entries\/[^/]*\.conf)$/.test(path))
    .flatMap((path) => {
      const before = fileText(answers, path) ?? textIn(answers, path);
      return before === undefined ? [] : [write(path, before, changedArguments(before, change))];
    });

const grubbyChange = (words: readonly string[]): { readonly add: readonly string[]; readonly remove: readonly string[] } => {
  const value = (flag: string): string[] =>
    words.flatMap((word) => (word.startsWith(`--${flag}=`) ? word.slice(flag.length + 3).split(' ') : [])).filter(Boolean);
  return { add: value('args'), remove: value('remove-args') };
};

const write = (path: string, before: string | null, after: string): FileAction => ({
  do: 'write',
  path,
  mode: 'keep',
  before,
  after,
  for: [],
});

const filesOf = (answers: Answers): string[] => [
  ...new Set(
    [...answers].flatMap(([key, answer]) =>
      key.startsWith('read ') ? (answer.status === 0 ? [key.slice(5)] : []) : (answer.files ?? []).map((file) => file.path),
    ),
  ),
];

const textIn = (answers: Answers, path: string): string | undefined =>
  [...answers.values()].flatMap((answer) => answer.files ?? []).find((file) => file.path === path)?.text;
