import type { Run, RunStep } from '../journal.ts';
import { doneSteps, isFailed } from '../journal/ended.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Action } from '../model.ts';
import { commandWords, endWords, localTime, seconds } from './history-words.ts';
import { actionsText, actionTitle } from './plan-text.ts';
import { safe, tint, wrap } from './terminal.ts';
import type { Style, Tint } from './terminal.ts';

/** A run, and what other runs and this machine tell of it. `undone`: the run that put it back. `busy`: it is under way. */
export type Told = {
  readonly run: Run;
  readonly undone?: number | undefined;
  readonly partly?: number | undefined;
  readonly busy: boolean;
};

/** Runs as a table, a line each; the newest last, where a person at a terminal looks first. */
export const historyText = (told: readonly Told[], style: Style): string => {
  const rows = [heads, ...told.map(cells)];
  const widths = heads.map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  const over = widths.reduce((sum, width) => sum + width, 2 * (heads.length - 1)) - style.width;
  widths[byColumn] = Math.max(4, (widths[byColumn] ?? 0) - Math.max(0, over));
  const lines = rows.map((row) =>
    row
      .map((cell, i) => fitted(cell, widths[i] ?? 0, i))
      .join('  ')
      .trimEnd(),
  );
  return [tint(style, 'bold', lines[0] ?? ''), ...lines.slice(1), `Times are local: ${zone()}.`].join('\n');
};

/** All of one run: what it wanted, its steps, and what those that failed have said. `verbose`: what they changed, and all that was said. */
export const runText = async (told: Told, verbose: boolean, style: Style): Promise<string> => {
  const { run } = told;
  const wanted = run.plan.findings.filter((finding) => finding.verdict === 'change').map((finding) => finding.id);
  return [
    ...heading(told, style),
    ...(wanted.length > 0
      ? ['', tint(style, 'bold', 'What was to change'), ...wrap(safe(wanted.join(' ')), style.width, '  ')]
      : []),
    '',
    tint(style, 'bold', 'Steps'),
    ...run.plan.actions.flatMap((action, at) => stepText(told, action, at, verbose, style)),
    ...(verbose
      ? ['', tint(style, 'bold', 'What they were to do'), ...(await actionsText(harmless(run.plan.actions), style))]
      : []),
  ].join('\n');
};

/** The journal is a file, and what stands in it may be made to fool a terminal. */
const harmless = (actions: readonly Action[]): readonly Action[] =>
  JSON.parse(JSON.stringify(actions), (_key, value: unknown) => (typeof value === 'string' ? safe(value) : value)) as Action[];

const heads = ['RUN', 'WHEN', 'BY', 'COMMAND', 'HOW IT ENDED', 'STEPS'];
const byColumn = 2;

const cells = (told: Told): string[] => {
  const { run } = told;
  const steps = `${doneSteps(run)} of ${run.plan.actions.length}`;
  return [String(run.id), localTime(run.since), oneLine(run.by), commandWords(run), endWords(run, told), steps];
};

/** Numbers to the right, words to the left. */
const fitted = (cell: string, width: number, column: number): string => {
  const cut = cell.length > width ? `${cell.slice(0, width - 1)}~` : cell;
  return column === 0 ? cut.padStart(width) : cut.padEnd(width);
};

const oneLine = (text: string): string => safe(text).replace(/\s+/g, ' ').slice(0, 64);

/** Such as "Europe/Berlin, UTC+01:00 now". */
const zone = (): string => {
  const minutes = -new Date().getTimezoneOffset();
  const two = (n: number): string => String(Math.floor(n)).padStart(2, '0');
  const offset = `${minutes < 0 ? '-' : '+'}${two(Math.abs(minutes) / 60)}:${two(Math.abs(minutes) % 60)}`;
  const name = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return minutes === 0 && name === 'UTC' ? 'UTC' : `${name}, UTC${offset} now`;
};

const heading = (told: Told, style: Style): string[] => {
  const { run } = told;
  const until = run.end
    ? `, ${run.end.status === 'cut' ? 'found cut off' : 'ended'} ${localTime(run.end.at)}${seconds(run.end.at)}`
    : '';
  const head = `Run ${run.id}: ${commandWords(run)}, ${endWords(run, told)}, ${doneSteps(run)} of ${run.plan.actions.length} steps done`;
  const words = safe(quoteAll(['node-prep', ...run.words])).replace(/\s+/g, ' ');
  return [
    tint(style, 'bold', head),
    ...wrap(`begun ${localTime(run.since)}${seconds(run.since)}${until} (${zone()})`, style.width, '  '),
    ...wrap(`by ${oneLine(run.by)}: ${words}`, style.width, '  '),
    ...wrap(
      `node-prep ${oneLine(run.version)}, ${oneLine(run.plan.system.name)}, kernel ${oneLine(run.plan.system.kernel)}`,
      style.width,
      '  ',
    ),
  ];
};

const stepText = (told: Told, action: Action, at: number, verbose: boolean, style: Style): string[] => {
  const { run } = told;
  const step = run.steps[at];
  const word = step ? wordFor(told, step, at) : 'not begun';
  const how = tints[word];
  const code = step?.exitCode
    ? ` (exit code ${step.exitCode}${isFailed(run, step, at) ? '' : '; the verification decides'})`
    : '';
  const title = wrap(`${safe(actionTitle(action))}${code}`, style.width, ' '.repeat(16)).map((line, i) =>
    i === 0 ? line.trimStart() : line,
  );
  const colored = how ? tint(style, how, word.padEnd(9)) : word.padEnd(9);
  return [`${String(at + 1).padStart(3)}. ${colored}  ${title[0] ?? ''}`, ...title.slice(1), ...outputOf(step, verbose)];
};

/** How a step ended is not told where the run went on when that could not be written down. */
const wordFor = ({ run, busy }: Told, step: RunStep, at: number): string =>
  step.status === 'begun'
    ? busy || (run.end && run.end.status !== 'cut')
      ? 'begun'
      : 'cut off'
    : step.stopped
      ? 'stopped'
      : isFailed(run, step, at)
        ? 'failed'
        : 'done';

const tints: { readonly [word: string]: Tint } = {
  done: 'green',
  failed: 'red',
  stopped: 'yellow',
  'cut off': 'red',
  begun: 'yellow',
};

/** What a step has said that was no success; the end of it, unless all is wanted. */
const outputOf = (step: RunStep | undefined, verbose: boolean): string[] => {
  const output = step?.output?.trim() ?? '';
  if (output === '' || (step?.status !== 'failed' && !verbose)) return [];
  const lines = safe(output).split('\n');
  return (verbose ? lines : lines.slice(-30)).map((line) => `     | ${line}`);
};
