import type { Process, RunEnd, RunHeader, State } from '../journal.ts';
import type { Plan } from '../model.ts';
import { count, either, flag, isRecord, list, matching, nothing, oneOf, shape, text, whole } from './checks.ts';
import type { Check } from './checks.ts';

/** What the first line of a run's file holds. */
export type HeaderLine = RunHeader & { readonly format: 1; readonly run: number; readonly process: Process };

/** What any other line of it holds: one event each. */
export type EventLine =
  | { readonly event: 'begun'; readonly step: number }
  | ({ readonly event: 'started'; readonly step: number } & Process)
  | {
      readonly event: 'ended';
      readonly step: number;
      readonly status: 'done' | 'failed';
      readonly output: string;
      readonly exitCode?: number;
      readonly stopped?: string;
    }
  | ({ readonly event: 'end' } & RunEnd);

/** Whether something is a first line, down to the last part of its plan. */
export const isHeader = (value: unknown): value is HeaderLine => header(value);

/** Whether something is an event. */
export const isEvent = (value: unknown): value is EventLine => event(value);

/** Whether something is a plan, down to its last part. */
export const isPlan = (value: unknown): value is Plan => plan(value);

/** Whether nothing in a value lies deeper than so many levels: who walks through it needs a stack. */
export const isShallow = (value: unknown, levels: number): boolean =>
  typeof value !== 'object' ||
  value === null ||
  (levels > 0 && Object.values(value).every((inner) => isShallow(inner, levels - 1)));

const state = (value: unknown): value is State => isRecord(value);
const argv: Check = (value) => list(text)(value) && (value as readonly unknown[]).length > 0;
const path = matching(/^\/[^\0]*$/);
/** As Date.prototype.toISOString makes it. */
const time: Check = (value) =>
  matching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)(value) && !Number.isNaN(Date.parse(value as string));

const process = { pid: count, start: matching(/^\d{1,20}$/) };
const served = { for: list(text) };
const action = either(
  shape({
    ...served,
    do: oneOf('write'),
    path,
    mode: matching(/^(0[0-7]{3}|keep)$/),
    before: either(text, nothing),
    after: text,
  }),
  shape({ ...served, do: oneOf('remove'), path, before: text }),
  shape(
    { ...served, do: oneOf('run'), argv, why: text },
    { judgedBy: oneOf('verify'), rescue: argv, patience: shape({ says: text, seconds: count }) },
  ),
);
const reading = shape({ ok: flag, have: text }, { from: text });
const reason = shape({ profile: text, why: text, source: text }, { since: text, until: text, undocumented: flag });
const found = { id: matching(/^[^/]+\/./), kind: text, want: text, now: reading, boot: reading, because: list(reason) };
const finding = either(
  shape({ ...found, verdict: oneOf('ok', 'change') }, { after: reading }),
  shape({ ...found, verdict: oneOf('blocked', 'advice'), reason: text, remedy: text }, { after: reading }),
  shape({ ...found, verdict: oneOf('waived'), reason: text }, { after: reading, until: text }),
);
const system = shape({ id: text, versionId: text, name: text, family: text, kernel: text, arch: text }, { kernels: list(text) });
const plan = shape({ system, findings: list(finding), actions: list(action) });

const header = shape(
  {
    format: oneOf(1),
    run: count,
    process: shape(process),
    command: oneOf('apply', 'undo'),
    words: list(text),
    since: time,
    by: text,
    version: text,
    bootId: text,
    plan,
    before: state,
  },
  { undoes: count },
);
const event = either(
  shape({ event: oneOf('begun'), step: count }),
  shape({ event: oneOf('started'), step: count, ...process }),
  shape(
    { event: oneOf('ended'), step: count, status: oneOf('done', 'failed'), output: text },
    { exitCode: whole, stopped: text },
  ),
  shape({ event: oneOf('end'), at: time, status: oneOf('applied', 'failed', 'cut') }, { after: state, partly: oneOf(true) }),
);
