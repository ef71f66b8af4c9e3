import { fileText, listed, numbered } from '../answers.ts';
import { escapedPath } from '../knowledge/systemd.ts';
import { unescaped } from '../knowledge/swap-fstab.ts';
import type { Action, Answers } from '../model.ts';
import { list, matching, shape, whole } from '../journal/checks.ts';
import { argvsOf, command, isUnread, nothing } from './part.ts';
import type { Left, Part } from './part.ts';

const path = '/proc/swaps';

/** A line of /proc/swaps (proc_swaps(5)). A priority below 0 is one that the kernel gave. */
type Swap = { readonly name: string; readonly priority: number };

/** Swap that is on. */
export const swapPart: Part<readonly Swap[]> = {
  name: 'swap',
  holds: list(shape({ name: matching(/^[^-]/), priority: whole })),
  queries: (actions) => (changesSwap(actions) ? [{ ask: 'read', path }] : []),
  again: (before) => (before ?? []).filter(isFile).map(({ name }) => ({ ask: 'list', glob: name, lines: [] })),
  read: (actions, answers) => (!changesSwap(actions) ? [] : isUnread(path, answers) ? undefined : swapsIn(answers)),
  back: (before, after, now, { actions, answers }) => {
    const has = (swaps: readonly Swap[] | undefined, { name }: Swap): boolean =>
      swaps?.some((swap) => swap.name === name) === true;
    // The kernel counts its own priorities downwards: the first to come is used first.
    const on = before
      .filter((swap) => isAbout(swap, actions) && !has(now, swap) && !has(after, swap))
      .sort((a, b) => b.priority - a.priority);
    const off = now.filter((swap) => !has(before, swap) && has(after, swap));
    if (!changesSwap(actions)) return nothing;
    return {
      ...nothing,
      // Found out before the line that names it is put back: the next boot would wait for it in vain.
      stops: on.filter((swap) => isFile(swap) && listed(answers, swap.name).length === 0).map(gone),
      actions: [...on.map(turnOn), ...off.map(({ name }) => command(['swapoff', name], `turn swap on ${name} off again`))],
    };
  },
};

/** A device is made by the kernel or by a unit, a file by a person. */
const isFile = ({ name }: Swap): boolean => name.startsWith('/') && !name.startsWith('/dev/');

const gone = ({ name }: Swap): Left => ({
  what: name,
  why: `swap was on this file, and it is gone: make it again (fallocate, chmod 600, mkswap)`,
});

/** Whether a command names this swap, or is about all. */
const isAbout = ({ name }: Swap, actions: readonly Action[]): boolean =>
  argvsOf(actions).some(
    ([program, ...words]) =>
      (program === 'swapoff' && words.some((word) => word === '-a' || word === name)) ||
      (program === 'swapon' && words.includes(name)) ||
      words.includes(`${escapedPath(name)}.swap`),
  );

const changesSwap = (actions: readonly Action[]): boolean =>
  argvsOf(actions).some(
    ([program, ...words]) =>
      program === 'swapoff' || program === 'swapon' || words.some((word) => /^dev-zram\d+\.swap$/.test(word)),
  );

const swapsIn = (answers: Answers): Swap[] =>
  numbered(fileText(answers, path) ?? '')
    .slice(1)
    .map(({ text }) => text.trim().split(/\s+/))
    .flatMap(([name, , , , priority = '-2']) => (name ? [{ name: unescaped(name), priority: Number(priority) }] : []));

/** A zram device is made by its unit; after a reboot there is none before. */
const turnOn = ({ name, priority }: Swap): Action => {
  const why = `turn swap on ${name} on again`;
  if (/^\/dev\/zram\d+$/.test(name)) {
    const unit = `${escapedPath(name)}.swap`;
    return {
      do: 'run',
      argv: ['swapon', ...priorityWords(priority), name],
      why,
      judgedBy: 'verify',
      rescue: ['systemctl', 'start', unit],
      for: [],
    };
  }
  return command(['swapon', ...priorityWords(priority), name], why, { judgedBy: 'verify' });
};

const priorityWords = (priority: number): string[] => (priority < 0 ? [] : ['-p', String(priority)]);
