import { Ajv2020 } from 'ajv/dist/2020.js';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { Run } from '../../src/journal.ts';
import type { Action, Plan } from '../../src/model.ts';
import { historyJson } from '../../src/views/history-json.ts';
import { historyText, runText } from '../../src/views/history-text.ts';
import type { Told } from '../../src/views/history-text.ts';
import { cutNote, damageNote, endWords, localTime, runNote } from '../../src/views/history-words.ts';
import { debianWith, desiredFrom } from './support.ts';

const plan: Plan = await planHost(debianWith({}), desiredFrom(['kubernetes']));
const actions: readonly Action[] = [
  { do: 'write', path: '/etc/a.conf', mode: '0644', before: null, after: 'a = 1\n', for: ['x/y'] },
  { do: 'run', argv: ['sysctl', '--system'], why: 'apply the kernel settings now', judgedBy: 'verify', for: ['x/y'] },
  { do: 'run', argv: ['apt-get', 'install', 'socat'], why: 'install socat', for: ['x/y'] },
];
const end = { at: '2026-11-21T17:25:41.000Z', status: 'applied' } as const;
const done = [{ status: 'done' }, { status: 'failed', exitCode: 255, output: 'sysctl: no' }, { status: 'done' }] as const;

const runOf = (id: number, more: Partial<Run> = {}): Run => ({
  id,
  command: 'apply',
  words: ['apply', '--yes', '-p', 'istio:mode=ambient'],
  since: '2026-11-21T17:25:07.000Z',
  by: 'alice',
  version: '1.2.3',
  bootId: 'x',
  plan: { ...plan, actions },
  before: {},
  process: { pid: 123, start: '9' },
  steps: [...done],
  end,
  ...more,
});

const runs: readonly Told[] = [
  { run: runOf(1), busy: false, undone: 2 },
  { run: runOf(2, { command: 'undo', undoes: 1, by: 'root' }), busy: false },
  { run: runOf(3, { steps: [{ status: 'done' }, { status: 'begun' }], end: { ...end, status: 'cut' } }), busy: false },
  { run: runOf(4, { steps: [{ status: 'done' }, { status: 'begun' }] }), busy: true },
  {
    run: runOf(5, {
      steps: [...done.slice(0, 2), { status: 'failed', exitCode: 100, output: 'E: no' }],
      end: { ...end, status: 'failed' },
    }),
    busy: false,
  },
  { run: runOf(6, { end: { ...end, status: 'failed' } }), busy: false },
  { run: runOf(7, { steps: [{ status: 'done' }], end: { ...end, status: 'failed' } }), busy: false },
  { run: runOf(8, { steps: [] }), busy: false },
  { run: runOf(9, { steps: [], end: { ...end, status: 'cut' } }), busy: false },
  {
    run: runOf(10, { steps: [{ status: 'failed', exitCode: 1, stopped: 'SIGTERM' }], end: { ...end, status: 'failed' } }),
    busy: false,
  },
];

const style = { color: false, width: 80 };
const at = localTime(runOf(1).since);

describe('history', () => {
  test('is a table, the newest run last, that says how each ended', () => {
    const lines = historyText(runs, style).replaceAll(at, 'WHEN').split('\n');
    expect(lines.slice(1, -1)).toEqual([
      '  1  WHEN  alice  apply    undone by 2              3 of 3',
      '  2  WHEN  root   undo 1   applied                  3 of 3',
      '  3  WHEN  alice  apply    cut off in step 2        1 of 3',
      '  4  WHEN  alice  apply    under way                1 of 3',
      '  5  WHEN  alice  apply    failed in step 3         2 of 3',
      '  6  WHEN  alice  apply    done, but not as wanted  3 of 3',
      '  7  WHEN  alice  apply    stopped after step 1     1 of 3',
      '  8  WHEN  alice  apply    applied                  0 of 3',
      '  9  WHEN  alice  apply    cut off before step 1    0 of 3',
      ' 10  WHEN  alice  apply    interrupted in step 1    0 of 3',
    ]);
    expect(lines[0]).toBe('RUN  WHEN              BY     COMMAND  HOW IT ENDED             STEPS');
    expect(lines.at(-1)).toMatch(/^Times are local: \S+/);
  });

  test('fits 80 columns whatever names and numbers there are', () => {
    const wide = [
      {
        run: runOf(99_999, {
          command: 'undo',
          undoes: 99_998,
          by: 'a.very.long.name@corp.example.com',
          end: { ...end, status: 'failed' },
        }),
        busy: false,
      },
      { run: runOf(99_998), busy: false, undone: 99_999 },
    ];
    expect(
      historyText(wide, style)
        .split('\n')
        .filter((line) => line.length > 80),
    ).toEqual([]);
  });

  test('of one run tells who, what, and each step; of one that failed, what it said', async () => {
    const text = await runText(runs[4]!, false, style);
    const lines = text.split('\n');
    expect(lines[0]).toBe('Run 5: apply, failed in step 3, 2 of 3 steps done');
    expect(text).toContain('  by alice: node-prep apply --yes -p istio:mode=ambient');
    expect(lines.slice(lines.indexOf('Steps'))).toEqual([
      'Steps',
      '  1. done       write /etc/a.conf (mode 0644)',
      '  2. done       apply the kernel settings now (exit code 255; the verification',
      '                decides)',
      '     | sysctl: no',
      '  3. failed     install socat (exit code 100)',
      '     | E: no',
    ]);
    expect(text).toMatch(/What was to change\n {2}package\//);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  test('of a run that was cut off tells in which step, and which were not begun', async () => {
    const text = await runText(runs[2]!, false, style);
    expect(text).toMatch(/found cut off/);
    expect(text.split('\n').slice(-3)).toEqual([
      '  1. done       write /etc/a.conf (mode 0644)',
      '  2. cut off    apply the kernel settings now',
      '  3. not begun  install socat',
    ]);
  });

  test('with -v shows what was changed', async () => {
    expect(await runText(runs[0]!, true, style)).toMatch(
      /What they were to do\n {2}1\. write \/etc\/a\.conf[^]*\+a = 1[^]*apt-get install socat/,
    );
  });

  test('fools no terminal, whatever stands in the journal', async () => {
    const evil = '\u001b[2J\u202e\r\nRUN';
    const run = runOf(1, {
      by: evil,
      words: [evil],
      version: evil,
      plan: {
        system: { ...plan.system, name: evil, kernel: evil },
        findings: plan.findings.map((finding) => ({ ...finding, id: `x/${evil}`, verdict: 'change' as const })),
        actions: [
          { do: 'write', path: `/etc/${evil}`, mode: '0644', before: evil, after: evil, for: ['x/y'] },
          { do: 'run', argv: ['sh', evil], why: evil, for: ['x/y'] },
        ],
      },
      steps: [{ status: 'failed', output: evil }],
      end: { ...end, status: 'failed' },
    });
    const texts = [
      await runText({ run, busy: false }, true, style),
      historyText([{ run, busy: false }], style),
      cutNote(run),
      damageNote({ path: evil, problem: evil, remedy: evil }),
    ];
    texts.push(historyJson([{ run, busy: false }], [{ path: evil, problem: evil, remedy: evil }], true));
    for (const text of texts) expect(text).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(texts[1]?.split('\n').length).toBe(3);
  });
});

test('a run that was cut off is told in a line', () => {
  const run = runOf(3, { steps: [{ status: 'done' }, { status: 'begun' }] });
  expect(cutNote(run)).toBe(
    `the run of ${at} (apply, pid 123) was cut off in step 2 of 3 (apply the kernel settings now): going on from how the host is now.`,
  );
  expect(cutNote(runOf(3, { steps: [] }))).toContain('was cut off before step 1: going on');
});

test('a run is put back by its number: after an undo, undo alone would be about another run', () => {
  expect(runNote(3)).toBe('this was run 3: node-prep history 3 shows it, node-prep undo 3 puts it back.');
});

test('an undo that put back all but what was changed since is told as that, and so is the run that it was about', () => {
  const back = runOf(2, { command: 'undo', undoes: 1, end: { ...end, status: 'failed', partly: true } });
  expect(endWords(back, { busy: false })).toBe('put back in part');
  expect(endWords(runOf(1), { partly: 2, busy: false })).toBe('undone in part by 2');
});

describe('the JSON of history', () => {
  const folder = resolve(import.meta.dirname, '../../schemas');
  const schema = (name: string): object => JSON.parse(readFileSync(`${folder}/${name}`, 'utf8')) as object;
  const ajv = new Ajv2020({ strict: true, allErrors: true, strictRequired: false, strictTypes: false });
  ajv.addSchema(schema('output.schema.json'), 'output.schema.json');
  const fits = ajv.compile(schema('history.schema.json'));
  const damage = [{ path: '/x', id: 3, line: 1, problem: 'it is empty', remedy: 'look at it' }];

  test.each([false, true])('fits the schema that is shipped (with the plans: %s)', (all) => {
    const document = JSON.parse(historyJson(runs, damage, all)) as { runs: { status: string; plan?: object }[] };
    expect(fits(document), JSON.stringify(fits.errors)).toBe(true);
    expect(document.runs.map(({ status }) => status)).toEqual([
      'applied',
      'applied',
      'cut',
      'running',
      'failed',
      'failed',
      'failed',
      'applied',
      'cut',
      'failed',
    ]);
    expect(document.runs.every(({ plan: of }) => (of !== undefined) === all)).toBe(true);
  });

  test('what is no such document does not fit', () => {
    const document = JSON.parse(historyJson(runs, [], true)) as { runs: { status?: string }[] };
    delete document.runs[0]?.status;
    expect(fits(document)).toBe(false);
  });
});
