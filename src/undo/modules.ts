import { fileText, listed } from '../answers.ts';
import type { Action, Answers } from '../model.ts';
import { list, matching } from '../journal/checks.ts';
import { argvsOf, command, isUnread, namesInWords, nothing } from './part.ts';
import type { Left, Part } from './part.ts';

const path = '/proc/modules';

/** Drivers of devices have a link for each bus that they serve. */
const driverGlob = '/sys/module/*/drivers/*';

/** A line of /proc/modules (proc(5)): how often it is in use, and the modules that do so. */
type Loaded = { readonly name: string; readonly uses: number; readonly by: readonly string[] };

/** Modules in the kernel, the newest first. Those that are built in are none. */
export const modulesPart: Part<readonly string[]> = {
  name: 'modules',
  holds: list(matching(/^[^-]/)),
  queries: (actions) => (mayLoad(actions) ? [{ ask: 'read', path }] : []),
  again: (_before, _after, { actions }) => (mayLoad(actions) ? [{ ask: 'list', glob: driverGlob, lines: [] }] : []),
  read: (actions, answers) =>
    !mayLoad(actions) ? [] : isUnread(path, answers) ? undefined : loadedNow(answers).map(({ name }) => name),
  back: (before, after, now, { answers, actions }) => {
    if (!mayLoad(actions)) return nothing;
    const here = loadedNow(answers).filter(({ name }) => now.includes(name));
    const own = withNeeded(namedBy(actions), here);
    const meant = after ?? own;
    const came = here.filter(
      ({ name }) => !before.includes(name) && meant.includes(name) && (own.includes(name) || !isDriver(name, answers)),
    );
    const gone = before.filter((name) => !now.includes(name) && after?.includes(name) === false).toReversed();
    const free = inOrder(came);
    const words = `module${free.length === 1 ? '' : 's'} that came with this run and that nobody uses`;
    const load = command(['modprobe', '-a', ...gone], `load ${gone.length} kernel modules again`, { judgedBy: 'verify' });
    return {
      ...nothing,
      actions: gone.length > 0 ? [load] : [],
      last: free.length > 0 ? [command(['rmmod', ...free], `unload ${free.length} ${words}`, { judgedBy: 'verify' })] : [],
      left: inUse(came.filter(({ name }) => !free.includes(name))),
    };
  },
};

/** Whatever is loaded: programs that are installed or started may bring modules as well. */
const mayLoad = (actions: readonly Action[]): boolean =>
  argvsOf(actions).some((argv) => argv.some((word) => /^(?:modprobe|rmmod|install|start|enable|unmask)$/.test(word)));

const loadedNow = (answers: Answers): Loaded[] =>
  (fileText(answers, path) ?? '').split('\n').flatMap((line) => {
    const [name, , uses, by = '-'] = line.split(' ');
    return name && uses ? [{ name, uses: Number(uses) || 0, by: by.split(',').filter((one) => one !== '' && one !== '-') }] : [];
  });

/** A device that was plugged in while the run went on brought its driver with it: that is no affair of the run. */
const isDriver = (name: string, answers: Answers): boolean =>
  listed(answers, driverGlob).some((file) => file.path.startsWith(`/sys/module/${name}/`));

/** The names that a run gave to modprobe, as the kernel writes them. */
const namedBy = (actions: readonly Action[]): string[] =>
  argvsOf(actions)
    .filter(([program]) => program === 'modprobe')
    .flatMap((argv) => argv.slice(1).filter((word) => !word.startsWith('-')))
    .map((name) => name.replaceAll('-', '_'));

/** Modules and all that they need: what they use, what that uses, and so on. */
const withNeeded = (names: readonly string[], here: readonly Loaded[]): string[] => {
  const all = new Set(names);
  for (let size = -1; size !== all.size;) {
    size = all.size;
    for (const { name, by } of here) if (by.some((user) => all.has(user))) all.add(name);
  }
  return [...all];
};

/** Those that can go, each after all that use it. What is marked as permanent stays, and so does what is in use otherwise. */
const inOrder = (came: readonly Loaded[]): string[] => {
  const going = new Set<string>();
  for (let size = -1; size !== going.size;) {
    size = going.size;
    for (const { name, uses, by } of came) if (uses === by.length && by.every((user) => going.has(user))) going.add(name);
  }
  return [...going];
};

const inUse = (staying: readonly Loaded[]): Left[] =>
  staying.length === 0
    ? []
    : [
        {
          what: `${staying.length === 1 ? 'module' : 'modules'} ${namesInWords(staying.map(({ name }) => name))}`,
          why: `in use: ${namesInWords(staying.map(userOf), 6)}`,
        },
      ];

const userOf = ({ name, uses, by }: Loaded): string => {
  const users = [...by, ...(uses > by.length ? [`${uses - by.length} other user${uses - by.length === 1 ? '' : 's'}`] : [])];
  return `${name} by ${users.join(', ')}`;
};
