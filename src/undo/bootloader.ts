import { bootCmdline, cmdlineQueries, cmdlineWords, unreadableBootFile } from '../knowledge/cmdline.ts';
import { list, text } from '../journal/checks.ts';
import { argvsOf, command, nothing } from './part.ts';
import type { Part } from './part.ts';

/** The kernel arguments of the next boot, where a command put them into the boot menu. */
export const bootloaderPart: Part<readonly string[]> = {
  name: 'bootloader',
  holds: list(text),
  queries: (actions) => (argvsOf(actions).some(writesMenu) ? cmdlineQueries : []),
  read: (actions, answers) => {
    if (!argvsOf(actions).some(writesMenu)) return [];
    const { text: line, from } = bootCmdline(answers);
    return from === '/proc/cmdline' && unreadableBootFile(answers) !== undefined ? undefined : cmdlineWords(line);
  },
  back: (before, after, now, { actions, done, pending }) => {
    const [argv] = argvsOf(actions).filter(writesMenu);
    if (argv === undefined || same(before, now)) return nothing;
    const why = 'put the kernel arguments back as they were (counts from the next boot)';
    if (argv[0] === 'update-grub') {
      const isDue =
        done.some((action) => action.do !== 'run' && action.path.startsWith('/etc/default/grub')) ||
        argvsOf(pending).some(([program]) => program === 'update-grub');
      return isDue || !same(now, after) ? { ...nothing, actions: [command(['update-grub'], why)] } : nothing;
    }
    if (after && !same(after, now)) {
      const left = { what: 'kernel arguments', why: `somebody has changed them since: they are now ${now.join(' ')}` };
      return { ...nothing, left: [left] };
    }
    return { ...nothing, actions: [command(grubby(minus(now, before), minus(before, now)), why)] };
  },
};

const writesMenu = ([program]: readonly string[]): boolean => program === 'update-grub' || program === 'grubby';

const grubby = (remove: readonly string[], add: readonly string[]): readonly [string, ...string[]] => [
  'grubby',
  '--update-kernel=ALL',
  ...(remove.length > 0 ? [`--remove-args=${remove.join(' ')}`] : []),
  ...(add.length > 0 ? [`--args=${add.join(' ')}`] : []),
];

const minus = (words: readonly string[], others: readonly string[]): string[] => words.filter((word) => !others.includes(word));

const same = (a: readonly string[], b: readonly string[] | undefined): boolean => b !== undefined && a.join(' ') === b.join(' ');
