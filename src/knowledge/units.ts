import { listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { isMask } from './systemd.ts';

/**
 * What files tell about a unit of systemd. `installed`: there is a unit file. `mask`: what hides it at boot, a link to /dev/null or an empty file; one in /run is gone by then.
 * `atBoot`: the link that starts it at boot. `runs`: systemd says so at this moment.
 */
export type Unit = {
  readonly installed: boolean;
  readonly mask: string | undefined;
  readonly atBoot: string | undefined;
  readonly runs: boolean;
};

/** Folders of unit files in falling order of precedence (systemd.unit(5)). */
const roots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'] as const;

const unitGlobs = (unit: string): string[] => roots.map((root) => `${root}/systemd/system/${unit}`);

/** Generators, netplan's among them, make their links in /run anew at each boot. */
const startGlobs = (unit: string): string[] => [
  ...['/etc', '/usr/lib', '/lib'].map((root) => `${root}/systemd/system/*.wants/${unit}`),
  `/run/systemd/generator*/*.wants/${unit}`,
  `/etc/systemd/system/*.requires/${unit}`,
];

/** A link that systemd keeps while the unit is active, for the journal to find. */
const activeGlob = (unit: string): string => `/run/systemd/units/invocation:${unit}`;

/** What to ask in order to know a unit from files alone: no process is started. */
export const unitQueries = (unit: string): Query[] => [
  ...unitGlobs(unit).map((glob): Query => ({ ask: 'list', glob })),
  ...[...startGlobs(unit), activeGlob(unit)].map((glob): Query => ({ ask: 'list', glob, lines: [] })),
];

/** Whether a unit file is there, or something in its place. */
export const hasUnitFile = (answers: Answers, unit: string): boolean => firstOf(answers, unitGlobs(unit)) !== undefined;

/** How a unit stands. */
export const unitOf = (answers: Answers, unit: string): Unit => {
  const lasting = firstOf(
    answers,
    unitGlobs(unit).filter((path) => !path.startsWith('/run/')),
  );
  const mask = lasting && isMask(lasting) ? lasting.path : undefined;
  return {
    installed: hasUnitFile(answers, unit),
    mask,
    atBoot: mask === undefined ? firstOf(answers, startGlobs(unit))?.path : undefined,
    runs: firstOf(answers, [activeGlob(unit)]) !== undefined,
  };
};

const firstOf = (answers: Answers, globs: readonly string[]): FoundFile | undefined =>
  globs.flatMap((glob) => listed(answers, glob))[0];
