import { said } from '../answers.ts';
import { partOfFamily } from '../families/question.ts';
import { familyNamed } from '../families/table.ts';
import { quote, quoteAll } from '../knowledge/quote.ts';
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
    return packages && came.length > 0 ? [{ ask: 'run', argv: removableQuestion(came, actions, after) }] : [];
  },
  read: (actions, answers) => (changesPackages(actions) ? installedIn(said(answers, installedQuestion)) : {}),
  back: (before, after, now: Packages | undefined, view) => {
    if (!changesPackages(view.actions)) return nothing;
    if (!isKnown(now)) return nothing;
    if (!isKnown(before)) return unansweredBefore(view);
    const brought = broughtBy(before, after, view.actions);
    const came = brought.filter((name) => now[name] !== undefined);
    const gone = Object.keys(before).filter((name) => now[name] === undefined && isKnown(after) && after[name] === undefined);
    const removal = view.packages ? removed(came, removableQuestion(brought, view.actions, after), view) : kept(came, view);
    const own = removedByName(view.actions);
    return {
      ...removal,
      actions: broughtBack(
        gone.filter((name) => own.includes(name)),
        view,
      ),
      left: [...removal.left, ...wentMeanwhile(gone.filter((name) => !own.includes(name))), ...otherVersions(before, after, now)],
    };
  },
};

/** No host has no packages: a question that was not answered was once written down like that. */
const isKnown = (state: Packages | undefined): state is Packages => state !== undefined && Object.keys(state).length > 0;

const unansweredBefore = ({ run }: BackView): Back => ({
  ...nothing,
  left: [
    { what: 'packages', why: `the package manager did not answer when run ${run.id} began, so what came with it is not known` },
  ],
});

const managers = ['apt-get', 'dnf', 'dpkg', 'rpm'] as const;

const changesPackages = (actions: readonly Action[]): boolean => packageArgvs(actions).some((argv) => !argv.includes('update'));

const packageArgvs = (actions: readonly Action[]): (readonly string[])[] =>
  argvsOf(actions).filter((argv) => managers.some((manager) => argv.includes(manager)));

/** What came while a run was under way; of one that was cut off, what it was to install by name. Nothing where it is not known. */
const broughtBy = (before: Packages | undefined, after: Packages | undefined, actions: readonly Action[]): string[] =>
  isKnown(before)
    ? (isKnown(after) ? Object.keys(after) : namedToInstall(actions)).filter((name) => before[name] === undefined)
    : [];

const namedToInstall = (actions: readonly Action[]): string[] =>
  packageArgvs(actions).flatMap((argv) => {
    const at = argv.indexOf('install');
    return at < 0 ? [] : argv.slice(at + 1).filter((word) => !word.startsWith('-'));
  });

const removedByName = (actions: readonly Action[]): string[] =>
  packageArgvs(actions).flatMap((argv) => {
    const at = argv.findIndex((word) => word === '--remove' || word === '-e');
    return at < 0 ? [] : argv.slice(at + 1);
  });

/** Of these, those that a run named, be it without its architecture or, as modules of one kernel on RHEL, with its version. */
const namedAmong = (came: readonly string[], after: Packages | undefined, actions: readonly Action[]): string[] => {
  const named = namedToInstall(actions);
  return came.filter((name) => {
    const release = `${name}-${(after?.[name] ?? '?').replace(/^\d+:/, '')}`;
    return named.some((word) => word === name || word === name.replace(/:[^:]*$/, '') || word.startsWith(`${release}.`));
  });
};

/** One process asks, whatever the family. */
const installedQuestion: Argv = [
  'sh',
  '-c',
  `${partOfFamily((family) => `${family.installedNow ?? ''}\nexit 0`)}exit 0`,
  'ask-installed',
];

/** The text above has left IFS changed. */
const removableQuestion = (came: readonly string[], actions: readonly Action[], after: Packages | undefined): Argv => {
  const names = [...came].sort();
  const named = quote(namedAmong(names, after, actions).join(' '));
  return [
    'sh',
    '-c',
    `${partOfFamily((family) => (family.removal ? `unset IFS\nset -- ${quoteAll(names)}\nnamed=${named}\n${family.removal.ask}\nexit 0` : 'exit 0'))}exit 0`,
    'ask-removable',
  ];
};

/** Lines "NAME VERSION"; undefined where not all of them came. */
const installedIn = (output: string | undefined): Packages | undefined => {
  const found = Object.fromEntries(
    (toTheEnd(output) ?? []).flatMap((line) => {
      const [name, version] = line.split(' ');
      return name && version ? [[name, version] as const] : [];
    }),
  );
  return isKnown(found) ? found : undefined;
};

/** The lines of an answer without the last, which says that nothing failed on the way; undefined where that is not there. */
const toTheEnd = (output: string | undefined): readonly string[] | undefined => {
  const lines = (output ?? '').split('\n').filter((line) => line !== '');
  return lines.at(-1) === 'end' ? lines.slice(0, -1) : undefined;
};

const kept = (came: readonly string[], { run }: BackView): Back => ({
  ...nothing,
  left: stay(
    came,
    `installed packages stay; node-prep undo ${run.id} --packages removes what came for this run and nothing else needs`,
  ),
});

const stay = (names: readonly string[], why: string): Left[] =>
  names.length === 0 ? [] : [{ what: `${names.length === 1 ? 'package' : 'packages'} ${namesInWords(names)}`, why }];

/** Only what is the run's own, and what the package manager would remove without touching any other package. */
const removed = (came: readonly string[], question: Argv, { answers }: BackView): Back => {
  if (came.length === 0) return nothing;
  const lines = toTheEnd(said(answers, question));
  if (!lines) return { ...nothing, left: stay(came, 'the package manager did not say which of them can go') };
  const [own, free] = ['own', 'free'].map((word) => came.filter((name) => lines.includes(`${word} ${name}`))) as [
    string[],
    string[],
  ];
  const goes = free.filter((name) => own.includes(name));
  const action = familyNamed(readSystem(answers).family).removal?.command(goes);
  return {
    ...nothing,
    ...(goes.length > 0 && action && { last: [{ do: 'run', ...action, for: [] }] }),
    left: [
      ...stay(
        own.filter((name) => !goes.includes(name)),
        'something that was installed otherwise needs them',
      ),
      ...stay(
        came.filter((name) => !own.includes(name)),
        'somebody else installed it while the run was under way, or has marked it to stay since',
      ),
    ],
  };
};

/** What an undo removed comes again, in the version that there is now. */
const broughtBack = (gone: readonly string[], { answers }: BackView): Action[] => {
  const family = familyNamed(readSystem(answers).family);
  return gone.length === 0 ? [] : family.install(gone, false).map((install) => ({ do: 'run', ...install, for: [] }));
};

/** An old kernel that was cleaned up, or what apt took away as it conflicts with something: only a person knows whether it is missed. */
const wentMeanwhile = (gone: readonly string[]): Left[] =>
  stay(gone, 'removed while the run was under way, but not by name: not installed again');

const otherVersions = (before: Packages, after: Packages | undefined, now: Packages): Left[] =>
  Object.entries(before)
    .filter(
      ([name, version]) =>
        version !== '?' && now[name] !== undefined && now[name] !== version && (!isKnown(after) || after[name] !== version),
    )
    .map(([name, version]) => ({
      what: `package ${name}`,
      why: `a newer version stays: it was ${version} and is ${now[name] ?? ''}`,
    }));
