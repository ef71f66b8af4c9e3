import { ran } from '../answers.ts';
import { partOfFamily } from '../families/question.ts';
import { familyNamed } from '../families/table.ts';
import { quoteAll } from '../knowledge/quote.ts';
import { readSystem } from '../knowledge/system.ts';
import type { Action, Argv } from '../model.ts';
import { mapOf, text } from '../journal/checks.ts';
import { argvsOf, namesInWords, nothing } from './part.ts';
import type { Back, BackView, Left, Part } from './part.ts';

/** Versions of all packages that are there, by their names, as the package manager wants to hear them; "?" where it has none yet. */
type Packages = { readonly [name: string]: string };

/** Packages that a run installed, those that came with them included. */
export const packagesPart: Part<Packages> = {
  name: 'packages',
  holds: mapOf(text, /^[^-]/),
  queries: (actions) => (changesPackages(actions) ? [{ ask: 'run', argv: installedQuestion }] : []),
  again: (before, after, { actions, packages }) => {
    const came = broughtBy(before, after, actions);
    return packages && came.length > 0 ? [{ ask: 'run', argv: removableQuestion(came) }] : [];
  },
  read: (actions, answers) => (changesPackages(actions) ? installedIn(ran(answers, installedQuestion).text) : {}),
  back: (before, after, now, view) => {
    if (!changesPackages(view.actions) || Object.keys(now).length === 0) return nothing;
    const brought = broughtBy(before, after, view.actions);
    const came = brought.filter((name) => now[name] !== undefined);
    const gone = Object.keys(before).filter(
      (name) => now[name] === undefined && after !== undefined && after[name] === undefined,
    );
    const removal = view.packages ? removed(came, brought, view) : kept(came);
    return { ...removal, actions: broughtBack(gone, view), left: [...removal.left, ...otherVersions(before, after, now)] };
  },
};

const managers = ['apt-get', 'dnf', 'dpkg', 'rpm'] as const;

const changesPackages = (actions: readonly Action[]): boolean =>
  argvsOf(actions).some((argv) => managers.some((manager) => argv.includes(manager)) && !argv.includes('update'));

/** What came with a run; of one that was cut off, what it was to install by name. */
const broughtBy = (before: Packages | undefined, after: Packages | undefined, actions: readonly Action[]): string[] =>
  (after ? Object.keys(after) : namedToInstall(actions)).filter((name) => before?.[name] === undefined);

const namedToInstall = (actions: readonly Action[]): string[] =>
  argvsOf(actions).flatMap((argv) => {
    const at = argv.indexOf('install');
    return at < 0 ? [] : argv.slice(at + 1).filter((word) => !word.startsWith('-'));
  });

/** One process asks, whatever the family. */
const installedQuestion: Argv = [
  'sh',
  '-c',
  `${partOfFamily((family) => `${family.installedNow ?? ''}\nexit 0`)}exit 0`,
  'ask-installed',
];

const removableQuestion = (names: readonly string[]): Argv => [
  'sh',
  '-c',
  `${partOfFamily((family) => (family.removal ? `set -- ${quoteAll([...names].sort())}\n${family.removal.ask}\nexit 0` : 'exit 0'))}exit 0`,
  'ask-removable',
];

/** Lines "NAME VERSION". */
const installedIn = (text: string): Packages =>
  Object.fromEntries(
    text.split('\n').flatMap((line) => {
      const [name, version] = line.split(' ');
      return name && version ? [[name, version] as const] : [];
    }),
  );

const kept = (came: readonly string[]): Back => ({
  ...nothing,
  left:
    came.length === 0
      ? []
      : [
          {
            what: `${packagesWord(came)} ${namesInWords(came)}`,
            why: 'installed packages stay; --packages removes what nothing else needs',
          },
        ],
});

const packagesWord = (names: readonly string[]): string => (names.length === 1 ? 'package' : 'packages');

/** Only what the package manager would remove without touching any other package. */
const removed = (came: readonly string[], brought: readonly string[], { answers }: BackView): Back => {
  const asked = brought.length === 0 ? '' : ran(answers, removableQuestion(brought)).text;
  const free = asked.split('\n').filter((name) => came.includes(name));
  const needed = came.filter((name) => !free.includes(name));
  const action = familyNamed(readSystem(answers).family).removal?.command(free);
  return {
    ...nothing,
    ...(free.length > 0 && action && { last: [{ do: 'run', ...action, for: [] }] }),
    left:
      needed.length === 0
        ? []
        : [{ what: `${packagesWord(needed)} ${namesInWords(needed)}`, why: 'something that was installed otherwise needs them' }],
  };
};

/** What an undo removed comes again, in the version that there is now. */
const broughtBack = (gone: readonly string[], { answers }: BackView): Action[] => {
  const family = familyNamed(readSystem(answers).family);
  return gone.length === 0 ? [] : family.install(gone, false).map((install) => ({ do: 'run', ...install, for: [] }));
};

const otherVersions = (before: Packages, after: Packages | undefined, now: Packages): Left[] =>
  Object.entries(before)
    .filter(
      ([name, version]) =>
        version !== '?' && now[name] !== undefined && now[name] !== version && (!after || after[name] !== version),
    )
    .map(([name, version]) => ({
      what: `package ${name}`,
      why: `a newer version stays: it was ${version} and is ${now[name] ?? ''}`,
    }));
