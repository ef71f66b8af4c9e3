import { listed, ran } from '../answers.ts';
import type { Action, Answers, Argv } from '../model.ts';
import { list, mapOf, shape, text } from '../journal/checks.ts';
import { argvsOf, command, isAnswered, only } from './part.ts';
import type { Back, Left, Part } from './part.ts';

/** A unit as systemctl(1) shows it: UnitFileState, ActiveState; and the links in /etc that start it at boot. */
type UnitState = { readonly file: string; readonly active: string; readonly links: readonly string[] };
type Units = { readonly [unit: string]: UnitState };

const verbs = ['mask', 'unmask', 'enable', 'disable', 'start', 'stop'] as const;

/** Units that a run masked, disabled or stopped, or the other way round. Units of swap are started with the swap. */
export const unitsPart: Part<Units> = {
  name: 'units',
  holds: mapOf(shape({ file: text, active: text, links: list(text) }), /^[^-]/),
  queries: (actions) => {
    const units = unitsOf(actions);
    return units.length === 0
      ? []
      : [
          { ask: 'run', argv: question(units) },
          ...units.flatMap(linkGlobs).map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
        ];
  },
  read: (actions, answers) => {
    const units = unitsOf(actions);
    if (units.length === 0) return {};
    const asked = ran(answers, question(units));
    const blocks = asked.text.split(/\n\n+/);
    // A unit that is not there has a block as well; one that is asked for by another name has its own.
    if (!isAnswered(asked) || blocks.filter((block) => /^Id=/m.test(block)).length < units.length) return undefined;
    return Object.fromEntries(units.map((unit) => [unit, stateOf(unit, blocks, answers)]));
  },
  back: (before, after, now, { actions }) => {
    const ways = only(before, unitsOf(actions)).map(([unit, was]) =>
      wayBack(unit, was, after?.[unit], now[unit] ?? was, actions),
    );
    return {
      actions: ways.flatMap((way) => way.actions),
      left: ways.flatMap((way) => way.left),
      stops: [],
    };
  },
};

const unitsOf = (actions: readonly Action[]): string[] => [...new Set(verbs.flatMap((verb) => unitsWith(verb, actions)))].sort();

/** The units that a run gave to such a command of systemctl. */
const unitsWith = (verb: (typeof verbs)[number], actions: readonly Action[]): string[] =>
  argvsOf(actions)
    .filter(([program, second]) => program === 'systemctl' && second === verb)
    .flatMap((argv) => argv.slice(2).filter((word) => !word.startsWith('-')));

const question = (units: readonly string[]): Argv => [
  'systemctl',
  'show',
  '--property=Id,LoadState,ActiveState,UnitFileState',
  '--',
  ...units,
];

const linkGlobs = (unit: string): string[] => ['wants', 'requires'].map((pull) => `/etc/systemd/system/*.${pull}/${unit}`);

const stateOf = (unit: string, blocks: readonly string[], answers: Answers): UnitState => {
  const block = blocks.find((text) => text.split('\n').includes(`Id=${unit}`)) ?? '';
  const value = (key: string): string => new RegExp(`^${key}=(.*)$`, 'm').exec(block)?.[1] ?? '';
  return {
    file: value('UnitFileState'),
    active: value('ActiveState'),
    links: linkGlobs(unit).flatMap((glob) => listed(answers, glob).map((file) => file.path)),
  };
};

const isMasked = ({ file }: UnitState): boolean => file.startsWith('masked');
const isEnabled = ({ file }: UnitState): boolean => file.startsWith('enabled');
const isActive = ({ active }: UnitState): boolean => ['active', 'activating', 'reloading'].includes(active);
const runtime = ({ file }: UnitState): string[] => (file.endsWith('-runtime') ? ['--runtime'] : []);

const wayBack = (unit: string, was: UnitState, left: UnitState | undefined, now: UnitState, actions: readonly Action[]): Back => {
  const others = changedSince(unit, was, left, now, actions);
  if (others) return { actions: [], left: [others], stops: [] };
  const boot = bootWay(unit, was, now, actions);
  const touched = boot.length > 0 || left === undefined || isActive(left) === isActive(now);
  const run: Action[] =
    unit.endsWith('.swap') || isActive(was) === isActive(now) || !touched
      ? []
      : [
          isActive(was)
            ? command(['systemctl', 'start', unit], `start ${unit} again`)
            : command(['systemctl', 'stop', unit], `stop ${unit} again`),
        ];
  return { actions: [...boot, ...run], left: [], stops: [] };
};

const changedSince = (
  unit: string,
  was: UnitState,
  left: UnitState | undefined,
  now: UnitState,
  actions: readonly Action[],
): Left | undefined => {
  if (!left && isMasked(now) && !isMasked(was) && !unitsWith('mask', actions).includes(unit))
    return { what: unit, why: 'somebody has masked it since: this run did not' };
  return left && now.file !== left.file && now.file !== was.file && !isOnTheWay(was, left, now, bootWay(unit, was, left, actions))
    ? { what: unit, why: `somebody has changed it since: it is ${now.file || 'gone'}, this run left it ${left.file}` }
    : undefined;
};

/** An undo that was cut off between `unmask` and `enable`, or between `disable` and `mask`, leaves a unit neither as it was nor as found. */
const isOnTheWay = (was: UnitState, left: UnitState, now: UnitState, way: readonly Action[]): boolean =>
  way.length > 1 && !isEnabled(now) && (isMasked(left) || isMasked(was)) && ['disabled', 'indirect', 'static'].includes(now.file);

/** What a mask hides cannot be told from its state: then what the run did to the unit decides. */
const bootWay = (unit: string, was: UnitState, now: UnitState, actions: readonly Action[]): Action[] => {
  const lost = was.links.some((link) => !now.links.includes(link));
  const hidden = isMasked(now) && !isMasked(was);
  const enable = lost || (isEnabled(was) && !isEnabled(now) && (!hidden || unitsWith('disable', actions).includes(unit)));
  const disable =
    (isEnabled(now) && was.file === 'disabled') ||
    (isEnabled(now) && isMasked(was) && unitsWith('enable', actions).includes(unit));
  const mask = isMasked(was) && was.file !== now.file;
  return [
    ...(isMasked(now) && was.file !== now.file
      ? [command(['systemctl', 'unmask', ...runtime(now), unit], `let ${unit} be started again`)]
      : []),
    ...(enable ? [command(['systemctl', 'enable', ...runtime(was), unit], `let ${unit} start at boot again`)] : []),
    ...(disable ? [command(['systemctl', 'disable', unit], `keep ${unit} from starting at boot`)] : []),
    ...(mask ? [command(['systemctl', 'mask', ...runtime(was), unit], `let nothing start ${unit} again`)] : []),
  ];
};
