import type { Run, RunEnd, RunStep } from '../journal.ts';
import { isEvent, isHeader, isShallow } from './shape.ts';
import type { EventLine, HeaderLine } from './shape.ts';

/** The line of a run's file that holds this. JSON has no newline within it. */
export const lineOf = (holds: HeaderLine | EventLine): string => `${JSON.stringify(holds)}\n`;

/** What is wrong with a run's file, and in which line, from 1. `remedy`: where looking at it would not help. */
export type Broken = { readonly line: number; readonly problem: string; readonly remedy?: string };

/**
 * The run in a file's text. What comes after the last end of a line was being written when the power went, or the disk was full: it counts
 * as not written.
 */
export const runFrom = (id: number, text: string): Run | Broken => {
  const [first, ...rest] = text.split('\n').slice(0, -1);
  if (first === undefined) return { line: 1, problem: text === '' ? 'it is empty' : 'it ends within its first line' };
  const header = headerFrom(id, first);
  if ('problem' in header) return header;
  const { format: _format, run: _run, ...said } = header;
  const told: Told = { steps: [], of: said.plan.actions.length };
  for (const [i, line] of rest.entries()) {
    const event = parsed(line);
    const problem = isEvent(event) ? take(event, told) : 'it is no event of a run';
    if (problem !== undefined) return { line: i + 2, problem };
  }
  return { ...said, id, steps: told.steps, ...(told.end && { end: told.end }) };
};

/** What the events so far tell. `of`: how many steps the plan has. */
type Told = { readonly steps: RunStep[]; readonly of: number; end?: RunEnd };

/** Deep enough for every plan, and far from what a stack can hold. */
const levels = 64;

const headerFrom = (id: number, line: string): HeaderLine | Broken => {
  const said = parsed(line);
  const format = typeof said === 'object' && said !== null && 'format' in said ? said.format : undefined;
  if (typeof format === 'number' && format > 1)
    return {
      line: 1,
      problem: `it was written by a newer node-prep, in format ${format}; this one knows format 1`,
      remedy: 'use that newer node-prep on this host, and leave the file where it is',
    };
  if (!isHeader(said)) return { line: 1, problem: 'it is no first line of a run' };
  if (said.run !== id) return { line: 1, problem: `it is of run ${said.run}, not of run ${id}` };
  if ((said.undoes ?? 0) >= id) return { line: 1, problem: `it undoes run ${said.undoes}, which came later` };
  return said;
};

const parsed = (line: string): unknown => {
  try {
    const value: unknown = JSON.parse(line);
    return isShallow(value, levels) ? value : undefined;
  } catch {
    return undefined;
  }
};

/** Takes one more event to heart, or says why it cannot be. */
const take = (event: EventLine, told: Told): string | undefined => {
  const { steps } = told;
  if (told.end) return 'something comes after the end of the run';
  if (event.event === 'end') {
    const { event: _event, ...end } = event;
    told.end = end;
  } else if (event.event === 'begun') {
    if (event.step !== steps.length || event.step >= told.of) return `step ${event.step + 1} begins after step ${steps.length}`;
    steps.push({ status: 'begun' });
  } else {
    const last = steps.at(-1);
    if (last?.status !== 'begun' || event.step !== steps.length - 1) return `step ${event.step + 1} is not under way`;
    steps[event.step] = stepWith(last, event);
  }
  return undefined;
};

const stepWith = (step: RunStep, event: Extract<EventLine, { event: 'started' | 'ended' }>): RunStep => {
  if (event.event === 'started') return { ...step, command: { pid: event.pid, start: event.start } };
  const { status, output, exitCode, stopped } = event;
  return {
    ...step,
    status,
    ...(output !== '' && { output }),
    ...(exitCode !== undefined && { exitCode }),
    ...(stopped !== undefined && { stopped }),
  };
};
