import { listed, ran } from '../answers.ts';
import type { Run, RunStep } from '../journal.ts';
import type { Action, Answers, Argv } from '../model.ts';
import { either, mapOf, matching, nothing, shape, text } from '../journal/checks.ts';
import { command, isAnswered, namesInWords, only } from './part.ts';
import type { Back, BackView, Left, Part } from './part.ts';

/**
 * A file as it was found. `text`: null where there was none. `mode`: octal, four digits; `owner`: "0:0". `odd`: why it could not be read
 * as text. `link`: where it leads, of a link; the rest is then of the file there.
 */
type FileState = {
  readonly text: string | null;
  readonly mode?: string;
  readonly owner?: string;
  readonly odd?: string;
  readonly link?: string;
};
type Files = { readonly [path: string]: FileState };

/** Files that were written or removed, by an action or by a command that works on files. */
export const filesPart: Part<Files> = {
  name: 'files',
  holds: mapOf(
    shape({ text: either(text, nothing) }, { mode: matching(/^[0-7]{4}$/), owner: matching(/^\d+:\d+$/), odd: text, link: text }),
    /^\/[^\0]*$/,
  ),
  queries: (actions) => {
    const paths = pathsOf(actions);
    return paths.length === 0
      ? []
      : [
          ...paths.flatMap((path) => [
            { ask: 'read', path } as const,
            // Whether it is a link: a read does not tell.
            { ask: 'list', glob: path, lines: [] } as const,
          ]),
          { ask: 'run' as const, argv: modeQuestion(paths) },
        ];
  },
  read: (actions, answers) => {
    const paths = pathsOf(actions);
    if (paths.length === 0) return {};
    const asked = ran(answers, modeQuestion(paths));
    // 1: some of them are not there.
    if (!isAnswered(asked, [0, 1])) return undefined;
    const modes = modesIn(asked.text);
    return Object.fromEntries(paths.map((path) => [path, fileAt(path, answers, modes)]));
  },
  back: (before, after, now, view) => {
    const found = only(before, pathsOf(view.actions)).map(([path, was]) =>
      wayBack(path, was, after?.[path], now[path] ?? { text: null }, view),
    );
    return {
      actions: found.flatMap((way) => way.actions),
      left: found.flatMap((way) => way.left),
      stops: found.flatMap((way) => way.stops),
    };
  },
};

const pathsOf = (actions: readonly Action[]): string[] => [
  ...new Set(actions.flatMap((action) => (action.do === 'run' ? filesOf(action.argv) : [action.path]))),
];

/** The files that a command changes, where they are put back as files. */
const filesOf = (argv: readonly string[]): string[] => {
  const zone = argv.find((word) => /^--zone=[\w.-]+$/.test(word))?.slice('--zone='.length);
  const lasting = argv[0] === 'firewall-offline-cmd' || (argv[0] === 'firewall-cmd' && argv.includes('--permanent'));
  if (lasting && zone !== undefined) return [`/etc/firewalld/zones/${zone}.xml`];
  return argv[0] === 'ufw' ? ['/etc/ufw/ufw.conf', '/etc/ufw/user.rules', '/etc/ufw/user6.rules'] : [];
};

/** Of a link, the file that it leads to: that is what is written. */
const modeQuestion = (paths: readonly string[]): Argv => ['stat', '-L', '-c', '%a %u:%g %n', '--', ...paths];

const modesIn = (text: string): ReadonlyMap<string, { readonly mode: string; readonly owner: string }> =>
  new Map(
    text.split('\n').flatMap((line): [string, { mode: string; owner: string }][] => {
      const [, mode, owner, path] = /^([0-7]{1,4}) (\d+:\d+) (.*)$/.exec(line) ?? [];
      return mode && owner && path ? [[path, { mode: mode.padStart(4, '0'), owner }]] : [];
    }),
  );

const fileAt = (path: string, answers: Answers, modes: ReturnType<typeof modesIn>): FileState => {
  const answer = answers.get(`read ${path}`);
  const target = listed(answers, path)[0]?.link;
  const link = target !== undefined && { link: target };
  if (answer?.status === 2) return { text: null, odd: answer.text, ...link };
  if (answer?.status !== 0) return { text: null, ...link };
  return { text: answer.text, ...modes.get(path), ...(answer.garbled && { odd: 'it is not UTF-8 text' }), ...link };
};

/** A step that gave a file this text, or removed it (null), or was to. */
type Own = { readonly text: string | null; readonly status: RunStep['status'] };

/** What a run itself did to a file, in order; none where a command changed it last. */
const ownSteps = (path: string, { actions, run }: Pick<BackView, 'actions' | 'run'>): Own[] =>
  actions.reduce<Own[]>((own, action, at) => {
    const status = run.steps[at]?.status ?? 'begun';
    if (action.do === 'run') return filesOf(action.argv).includes(path) ? [] : own;
    if (action.path !== path) return own;
    return [...own, { text: action.do === 'write' ? action.after : null, status }];
  }, []);

/** What a run left of a file. `none`: nothing, as its step failed and what is there is not what that was to write. */
type Meant = { readonly state: FileState | undefined; readonly none: boolean };

/**
 * How a file stood at the end of a run need not be the run's work: somebody else may have changed it meanwhile. What its steps wrote is;
 * a step that failed or was cut off may have written all of it or nothing.
 */
const meantBy = (path: string, was: FileState, after: FileState | undefined, now: FileState, view: BackView): Meant => {
  const own = ownSteps(path, view);
  const done = own.findLast(({ status }) => status === 'done');
  const last = own.at(-1);
  if (!last) return { state: after, none: false };
  const { text } = done && now.text !== last.text ? done : last;
  const rights = after?.text === text ? after : undefined;
  const state: FileState = {
    text,
    ...(text !== null && was.link !== undefined && { link: was.link }),
    ...(rights?.mode !== undefined && { mode: rights.mode }),
    ...(rights?.owner !== undefined && { owner: rights.owner }),
  };
  return { state, none: !done && last.status === 'failed' && !isSame(now, state) };
};

const isSame = (a: FileState, b: FileState | undefined): boolean =>
  b !== undefined && a.text === b.text && a.link === b.link && a.odd === undefined && b.odd === undefined;

const wayBack = (path: string, was: FileState, after: FileState | undefined, now: FileState, view: BackView): Back => {
  const { state: meant, none } = meantBy(path, was, after, now, view);
  if (isSame(now, was)) return { actions: ownersBack(path, was, meant, now), left: [], stops: [] };
  if (was.odd !== undefined)
    return { actions: [], left: [{ what: path, why: `what it was is not known: ${was.odd}` }], stops: [] };
  if (none) return { actions: [], left: [{ what: path, why: notOurs }], stops: [] };
  if (isSame(now, meant)) return { actions: putBack(path, was, meant ?? now, now), left: [], stops: [] };
  return { actions: [], left: [], stops: [stopped(path, meant, now, view.later)] };
};

const notOurs = 'somebody else changed it: the step of this run that was to do so failed, and left it alone';

/** A mode or an owner that somebody gave the file since stays. */
const putBack = (path: string, was: FileState, left: FileState, now: FileState): Action[] => {
  if (was.text === null) return [{ do: 'remove', path, before: now.text ?? '', for: [] }];
  const isOurs = (key: 'mode' | 'owner'): boolean => now.text === null || left[key] === undefined || now[key] === left[key];
  const mode = was.mode !== undefined && was.mode !== now.mode && isOurs('mode') ? modeOf(was.mode) : 'keep';
  const owner = was.owner !== undefined && was.owner !== (now.owner ?? '0:0') && isOurs('owner') ? was.owner : undefined;
  return [
    { do: 'write', path, mode, before: now.text, after: was.text, for: [] },
    ...(owner === undefined ? [] : [chown(owner, path)]),
  ];
};

/** A file that this run had removed, and that an undo which was cut off wrote anew, may still be root's. */
const ownersBack = (path: string, was: FileState, left: FileState | undefined, now: FileState): Action[] =>
  was.text !== null && was.owner !== undefined && now.owner !== undefined && was.owner !== now.owner && left?.text === null
    ? [chown(was.owner, path)]
    : [];

const chown = (owner: string, path: string): Action => command(['chown', owner, path], `give ${path} back to its owner`);

/** Bits for setuid and the like would need a mode of their own: such files are none that are written here. */
const modeOf = (mode: string): `0${string}` | 'keep' => (mode.startsWith('0') ? (mode as `0${string}`) : 'keep');

const stopped = (path: string, meant: FileState | undefined, now: FileState, later: readonly Run[]): Left => {
  const runs = later.filter((run) => pathsOf(run.plan.actions).includes(path)).map((run) => run.id);
  const by = runs.length > 0 ? `; run ${namesInWords(runs.map(String))} wrote it later: undo that first` : '';
  return { what: path, why: `${whatIsThere(meant, now)}${by}` };
};

const whatIsThere = (meant: FileState | undefined, now: FileState): string => {
  if (now.link !== undefined && now.link !== meant?.link) return `it is a link to ${now.link} now, which no run made`;
  if (now.odd !== undefined) return `it cannot be compared with what this run left: ${now.odd}`;
  if (now.text === null) return 'it was removed since';
  if (meant?.link !== undefined && now.link === undefined)
    return `it was a link to ${meant.link}, and a file is in its place now`;
  if (!meant) return 'it was changed, and as how the run left it is not written down, nobody knows by whom';
  if (meant.text === null) return 'somebody has made it anew since this run removed it';
  const [old, lines] = [meant.text.split('\n'), now.text.split('\n')];
  const at = lines.findIndex((line, i) => line !== old[i]);
  const [more, gone] = [countOf(lines, old), countOf(old, lines)];
  const counts = [more > 0 && `${more} added`, gone > 0 && `${gone} gone`].filter(Boolean).join(', ') || 'in another order';
  return `it is not as this run left it: lines ${counts}; the first that differs is ${at < 0 ? 'missing at the end' : `line ${at + 1}: "${short(lines[at] ?? '')}"`}`;
};

/** How many lines of the one are not in the other. */
const countOf = (lines: readonly string[], others: readonly string[]): number => {
  const there = new Set(others);
  return lines.filter((line) => !there.has(line)).length;
};

const short = (line: string): string => (line.length > 60 ? `${line.slice(0, 57)}...` : line);
