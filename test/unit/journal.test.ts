import fc from 'fast-check';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { OperatorError } from '../../src/errors.ts';
import { hostJournal } from '../../src/hosts/journal.ts';
import type { HostJournal } from '../../src/hosts/journal.ts';
import { runIn } from '../../src/hosts/journal-read.ts';
import { processOf } from '../../src/hosts/process.ts';
import { recover } from '../../src/hosts/recover.ts';
import type { RunHeader } from '../../src/journal.ts';
import { undoneBy } from '../../src/journal/ended.ts';
import { runFrom } from '../../src/journal/text.ts';
import type { Plan, Step } from '../../src/model.ts';
import { debianWith, desiredFrom } from './support.ts';

let folder = '';
let journal: HostJournal;
const runsIn = (): string => join(folder, 'np/runs');
const fileIn = (name: string): string => join(runsIn(), name);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'node-prep-journal-'));
  journal = hostJournal(join(folder, 'np'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const plan: Plan = await planHost(debianWith({}), desiredFrom(['kubernetes', 'istio', 'calico']));
const small: Plan = { ...plan, findings: plan.findings.slice(0, 2), actions: plan.actions.slice(0, 3) };
const headerOf = (more: Partial<RunHeader> = {}): RunHeader => ({
  command: 'apply',
  words: ['apply', '--yes'],
  since: '2026-11-21T17:25:00.000Z',
  by: 'alice',
  version: '1.2.3',
  bootId: 'a boot',
  plan: small,
  before: { files: { '/etc/x': null } },
  ...more,
});
const stepOf = (at: number, more: Partial<Step> = {}): Step => {
  const action = small.actions[at];
  if (!action) throw new Error(`no action ${at}`);
  return { action, status: 'done', output: '', ...more };
};

/** A run of three steps: a file, a command that said something, and one that failed. */
const aWholeRun = async (): Promise<string> => {
  const record = await journal.begin(headerOf());
  await record.begun(0);
  await record.ended(0, stepOf(0));
  await record.begun(1);
  record.started(1, process.pid);
  await record.ended(1, stepOf(1, { output: 'héllo\n\u0000\u001b[2J\ud800' }));
  await record.begun(2);
  await record.ended(2, stepOf(2, { status: 'failed', output: 'oops', exitCode: 7 }));
  await record.end({ at: '2026-11-21T17:26:00.000Z', status: 'failed', after: { files: { '/etc/x': 'y' } } });
  return fileIn('000001.jsonl');
};

describe('a run', () => {
  test('is read as it was written', async () => {
    await aWholeRun();
    expect(await journal.look()).toEqual({
      damage: [],
      runs: [
        {
          ...headerOf(),
          id: 1,
          process: processOf(process.pid),
          steps: [
            { status: 'done' },
            { status: 'done', output: 'héllo\n\u0000\u001b[2J\ud800', command: processOf(process.pid) },
            { status: 'failed', output: 'oops', exitCode: 7 },
          ],
          end: { at: '2026-11-21T17:26:00.000Z', status: 'failed', after: { files: { '/etc/x': 'y' } } },
        },
      ],
    });
  });

  test('of any profile is read as it was written, whatever the host', async () => {
    const record = await journal.begin(headerOf({ plan }));
    expect((await journal.runs())[0]?.plan).toEqual(plan);
    expect(record.id).toBe(1);
  });

  test('is there, whole, before its first step', async () => {
    await journal.begin(headerOf());
    expect(await journal.runs()).toMatchObject([{ id: 1, steps: [], before: { files: { '/etc/x': null } } }]);
    expect(readdirSync(runsIn())).toEqual(['000001.jsonl']);
  });

  test.each([0o022, 0, 0o077, 0o777])('is for root alone to read, with a umask of %o', async (mask) => {
    const umask = process.umask(mask);
    try {
      await aWholeRun();
    } finally {
      process.umask(umask);
    }
    const modes = [join(folder, 'np'), runsIn(), fileIn('000001.jsonl')].map((path) => statSync(path).mode & 0o7777);
    expect(modes.map((mode) => mode.toString(8))).toEqual(['700', '700', '600']);
  });

  test('finds folders that are open to others closed again', async () => {
    mkdirSync(runsIn(), { recursive: true });
    for (const path of [join(folder, 'np'), runsIn()]) chmodSync(path, 0o777);
    await journal.begin(headerOf());
    expect([join(folder, 'np'), runsIn()].map((path) => statSync(path).mode & 0o777)).toEqual([0o700, 0o700]);
  });

  test('keeps the end of what a step has printed, not megabytes of it', async () => {
    const record = await journal.begin(headerOf());
    await record.begun(0);
    await record.ended(0, stepOf(0, { output: `${'x'.repeat(5_000_000)}the end` }));
    const output = (await journal.runs())[0]?.steps[0]?.output ?? '';
    expect([output.length, output.endsWith('the end')]).toEqual([8192, true]);
  });

  test('leaves out how the host stood afterwards where that is too much to be read again', async () => {
    const record = await journal.begin(headerOf());
    await record.end({ at: '2026-11-21T17:26:00.000Z', status: 'applied', after: { files: 'x'.repeat(9 * 1024 * 1024) } });
    expect((await journal.runs())[0]?.end).toEqual({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
  });
});

describe('a file that was cut off', () => {
  test('tells the run as far as it goes, or what is wrong: at every byte', async () => {
    const whole = readFileSync(await aWholeRun());
    const headerEnd = whole.indexOf('\n') + 1;
    const told = { runs: 0, problems: 0 };
    const wrong: number[] = [];
    for (let size = 0; size < whole.length; size++) {
      const run = runIn(whole.subarray(0, size), 1);
      const isNamed = 'problem' in run && run.line === 1 && /empty|ends within its first line/.test(run.problem);
      if (size < headerEnd ? !isNamed : 'problem' in run || run.end) wrong.push(size);
      told[size < headerEnd ? 'problems' : 'runs']++;
    }
    expect(wrong).toEqual([]);
    console.log(`a journal cut at each byte: ${whole.length} tried, ${told.runs} runs so far, ${told.problems} named problems`);
  });

  test.each(['{"event":"ended","step":1,"sta', '\0\0\0\0\0\0', '\ufffd'])(
    'gets its end, and %j at its end goes',
    async (torn) => {
      const record = await journal.begin(headerOf());
      await record.begun(0);
      appendFileSync(fileIn('000001.jsonl'), torn);
      const { cut, damage, trouble } = await recover(journal);
      expect([cut.map(({ id }) => id), damage, trouble]).toEqual([[1], [], []]);
      const { runs } = await journal.look();
      expect(runs).toMatchObject([{ steps: [{ status: 'begun' }], end: { status: 'cut' } }]);
      expect(runs[0]?.end).not.toHaveProperty('after');
      expect((await recover(journal)).cut).toEqual([]);
    },
  );

  test('has what the write left beside its files swept up, and nothing else', async () => {
    const path = join(folder, 'a.conf');
    const write = { do: 'write', path, mode: '0644', before: null, after: 'x', for: [] } as const;
    await journal.begin(headerOf({ plan: { ...small, actions: [write] } }));
    for (const name of ['.a.conf.node-prep.tmp', '.a.conf.tmp', 'a.conf', '.b.swp']) writeFileSync(join(folder, name), '');
    await recover(journal);
    expect(readdirSync(folder).sort()).toEqual(['.a.conf.tmp', '.b.swp', 'a.conf', 'np']);
  });
});

describe('a command of a run that was cut off', () => {
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  const cutIn = async (pid: number, more: Partial<RunHeader> = {}): Promise<void> => {
    const record = await journal.begin(headerOf({ bootId, ...more }));
    await record.begun(0);
    record.started(0, pid);
  };
  const sleep = (seconds: string) =>
    Number(spawnSync('sh', ['-c', `sleep ${seconds} >/dev/null 2>&1 & echo $!`], { encoding: 'utf8' }).stdout);

  test('holds the host while it lives, and says what it is', async () => {
    const pid = sleep('100');
    await cutIn(pid);
    await expect(recover(journal)).rejects.toThrow(`sleep 100 (pid ${pid}) of run 1`);
    expect((await journal.runs())[0]?.end).toBeUndefined();
    process.kill(pid);
  });

  test('is waited for where the operator says so, and told once', async () => {
    const pid = sleep('100');
    await cutIn(pid);
    let told = 0;
    const end = (): void => void setTimeout(() => process.kill(pid), 300 * ++told);
    expect((await recover(journal, { timeout: 60, waiting: end })).cut.length).toBe(1);
    expect(told).toBe(1);
  });

  test('of another boot, or whose number another process has now, does not count', async () => {
    const pid = sleep('100');
    await cutIn(pid, { bootId: 'another' });
    await cutIn(pid);
    const path = fileIn('000002.jsonl');
    const start = processOf(pid)?.start ?? '';
    writeFileSync(path, readFileSync(path, 'utf8').replace(`"start":"${start}"}\n`, `"start":"${Number(start) - 1}"}\n`));
    expect((await recover(journal)).cut.map(({ id }) => id)).toEqual([1, 2]);
    process.kill(pid);
  });
});

describe('what is damaged is named, and stops nothing', () => {
  const damages: readonly (readonly [string, (path: string) => void, RegExp, number | undefined])[] = [
    ['an empty file', (path) => writeFileSync(path, ''), /it is empty/, 1],
    ['garbage', (path) => writeFileSync(path, 'garbage\n'), /no first line of a run/, 1],
    [
      'NULs at its start',
      (path) => writeFileSync(path, Buffer.concat([Buffer.alloc(99), readFileSync(path)])),
      /no first line/,
      1,
    ],
    [
      'a line of garbage among the events',
      (path) => appendFileSync(path, 'x\n{"event":"begun","step":1}\n'),
      /no event of a run/,
      3,
    ],
    ['bytes that are no UTF-8', (path) => appendFileSync(path, Buffer.from([0xff, 0x0a])), /not UTF-8/, 3],
    ['an event of a wrong shape', (path) => appendFileSync(path, '{"event":"begun","step":"1"}\n'), /no event of a run/, 3],
    ['a step that is not there', (path) => appendFileSync(path, '{"event":"begun","step":99}\n'), /step 100 begins after/, 3],
    [
      'a step that ends twice',
      (path) => appendFileSync(path, '{"event":"begun","step":1}\n{"event":"ended","step":0,"status":"done","output":""}\n'),
      /step 1 is not under way/,
      4,
    ],
    ['a future format', (path) => writeFileSync(path, '{"format":2}\n'), /newer node-prep, in format 2/, 1],
    ['the name of another run', (path) => linkSync(path, path.replace('000002', '000009')), /of run 2, not of run 9/, 1],
    ['a link', (path) => (rmSync(path), symlinkSync('/etc/passwd', path)), /it is a link/, undefined],
    ['a folder', (path) => (rmSync(path), mkdirSync(path)), /no regular file/, undefined],
    ['a pipe', (path) => (rmSync(path), void spawnSync('mkfifo', [path])), /no regular file/, undefined],
    ['gigabytes', (path) => truncateSync(path, 5_000_000_000), /larger than 32 MiB/, undefined],
    ['depths', (path) => appendFileSync(path, `${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}\n`), /no event of a run/, 3],
    ['a foreign file', () => writeFileSync(fileIn('notes.txt'), ''), /no file of the journal/, undefined],
  ];
  test.each(damages)('%s', async (_name, damageIt, problem, line) => {
    await (await journal.begin(headerOf())).end({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
    await (await journal.begin(headerOf())).begun(0);
    damageIt(fileIn('000002.jsonl'));
    const { damage } = await recover(journal);
    expect(damage).toMatchObject([{ problem: expect.stringMatching(problem), ...(line !== undefined && { line }) }]);
    expect((await journal.runs())[0]).toMatchObject({ id: 1, end: { status: 'applied' } });
    // The next run has a number of its own.
    expect((await journal.begin(headerOf())).id).toBeGreaterThan(2);
  });

  test.skipIf(process.geteuid?.() !== 0)('a file that belongs to somebody else is not believed', async () => {
    await journal.begin(headerOf());
    chownSync(fileIn('000001.jsonl'), 65534, 65534);
    expect((await journal.look()).damage).toMatchObject([{ id: 1, problem: 'it belongs to user 65534' }]);
    chownSync(runsIn(), 65534, 65534);
    await expect(journal.begin(headerOf())).rejects.toThrow(/belongs to user 65534/);
  });

  test('many large files are read as far as memory allows, the newest first', async () => {
    const record = await journal.begin(headerOf());
    await record.end({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
    const whole = readFileSync(fileIn('000001.jsonl'), 'utf8');
    for (let id = 2; id <= 4; id++) writeFileSync(fileIn(`00000${id}.jsonl`), whole.replace('"run":1', `"run":${id}`));
    for (let id = 2; id <= 4; id++) truncateSync(fileIn(`00000${id}.jsonl`), 31 * 1024 * 1024);
    const { runs, damage } = await journal.look();
    expect(runs.map(({ id }) => id)).toEqual([1, 3, 4]);
    expect(damage).toMatchObject([{ id: 2, problem: expect.stringContaining('was not read') }]);
  });

  test('runs that together are more than can be read again go when one begins, the oldest first', async () => {
    await (await journal.begin(headerOf())).end({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
    for (let id = 1; id <= 4; id++) writeFileSync(fileIn(`00000${id}.jsonl`), '{}\n');
    for (let id = 1; id <= 4; id++) truncateSync(fileIn(`00000${id}.jsonl`), 12 * 1024 * 1024);
    await journal.begin(headerOf());
    expect(readdirSync(runsIn())).toEqual(['000003.jsonl', '000004.jsonl', '000005.jsonl']);
    truncateSync(fileIn('000005.jsonl'), 31 * 1024 * 1024);
    await journal.begin(headerOf());
    expect(readdirSync(runsIn())).toEqual(['000005.jsonl', '000006.jsonl']);
    expect((await journal.look()).damage.map(({ problem }) => problem)).not.toContain(expect.stringContaining('was not read'));
  });

  test('a file that is too large to be a run costs no run its place', async () => {
    await (await journal.begin(headerOf())).end({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
    writeFileSync(fileIn('000002.jsonl'), '');
    truncateSync(fileIn('000002.jsonl'), 33 * 1024 * 1024);
    await journal.begin(headerOf());
    expect(readdirSync(runsIn())).toEqual(['000001.jsonl', '000002.jsonl', '000003.jsonl']);
  });

  test('an apply reads the newest run and those without an end; of the others, only that they have one', async () => {
    for (const status of ['applied', 'failed', 'cut'] as const)
      await (
        await journal.begin(headerOf())
      ).end({ at: '2026-11-21T17:26:00.000Z', status, after: { files: 'x'.repeat(300_000) } });
    await (await journal.begin(headerOf())).begun(0);
    await (await journal.begin(headerOf())).end({ at: '2026-11-21T17:26:00.000Z', status: 'applied' });
    for (let id = 1; id <= 3; id++) {
      const path = fileIn(`00000${id}.jsonl`);
      writeFileSync(path, readFileSync(path, 'utf8').replace('{', '!'));
    }
    expect((await journal.look('open')).runs.map(({ id }) => id)).toEqual([4, 5]);
    expect(await recover(journal)).toMatchObject({ damage: [], cut: [{ id: 4 }], runs: [{ end: { status: 'cut' } }, { id: 5 }] });
    expect((await journal.look('open')).runs.map(({ id }) => id)).toEqual([5]);
    expect((await journal.look()).damage.map(({ id }) => id)).toEqual([1, 2, 3]);
  });

  test('a run of a newer node-prep is left to that node-prep: nobody is told to move it away', async () => {
    await journal.begin(headerOf());
    writeFileSync(fileIn('000001.jsonl'), '{"format":2,"run":1}\n');
    expect((await journal.look()).damage).toMatchObject([
      { id: 1, remedy: 'use that newer node-prep on this host, and leave the file where it is' },
    ]);
  });

  test('a part of a run that is of another shape is no run, and nothing crashes', async () => {
    const header = JSON.parse(readFileSync(await aWholeRun(), 'utf8').split('\n')[0] ?? '') as object;
    const paths = pathsIn(header);
    const tried = { runs: 0, problems: 0 };
    fc.assert(
      fc.property(fc.constantFrom(...paths), fc.jsonValue(), (path, value) => {
        const run = runFrom(1, `${JSON.stringify(replaced(header, path, value))}\n`);
        tried['problem' in run ? 'problems' : 'runs']++;
        if (!('problem' in run)) JSON.stringify(run);
      }),
      { numRuns: 1000 },
    );
    console.log(`headers with a part replaced: 1000 tried, ${tried.runs} still runs, ${tried.problems} named problems`);
  });
});

/** Where all the parts of a value are. */
const pathsIn = (value: unknown): string[][] =>
  typeof value === 'object' && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => [[key], ...pathsIn(inner).map((path) => [key, ...path])])
    : [];

const replaced = (value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown => {
  if (key === undefined) return by;
  if (Array.isArray(value)) return value.map((inner: unknown, i) => (String(i) === key ? replaced(inner, rest, by) : inner));
  return { ...(value as object), [key]: replaced((value as { [k: string]: unknown })[key], rest, by) };
};

describe('numbers', () => {
  test('count up, and the last hundred runs are kept', async () => {
    for (let i = 0; i < 104; i++) await journal.begin(headerOf({ plan: { ...small, findings: [] } }));
    const ids = (await journal.runs()).map(({ id }) => id);
    expect([ids.length, ids[0], ids.at(-1)]).toEqual([100, 5, 104]);
  });

  test('are not used again where a file is damaged or the journal was cut down by hand', async () => {
    for (let i = 0; i < 3; i++) await journal.begin(headerOf());
    writeFileSync(fileIn('000003.jsonl'), '');
    rmSync(fileIn('000002.jsonl'));
    expect((await journal.begin(headerOf())).id).toBe(4);
  });
});

describe('where nothing can be written down', () => {
  test('a file in the place of the folder is named, and nothing is left of the try', async () => {
    mkdirSync(join(folder, 'np'));
    writeFileSync(runsIn(), '');
    await expect(journal.begin(headerOf())).rejects.toThrow(OperatorError);
    expect(readdirSync(join(folder, 'np'))).toEqual(['runs']);
  });

  test('a plan that is too large to be kept is refused', async () => {
    const huge = headerOf({ before: { files: 'x'.repeat(9 * 1024 * 1024) } });
    await expect(journal.begin(huge)).rejects.toThrow(/more than the 8 MiB/);
    expect(readdirSync(runsIn())).toEqual([]);
  });
});

test('an undo of an undo counts, and what was undone is in effect again', async () => {
  const end = { at: '2026-11-21T17:26:00.000Z', status: 'applied' } as const;
  const run = (id: number, undoes?: number) => ({ ...headerOf(), id, steps: [], end, ...(undoes !== undefined && { undoes }) });
  expect([...undoneBy([run(1), run(2, 1)])]).toEqual([[1, 2]]);
  expect([...undoneBy([run(1), run(2, 1), run(3, 2)])]).toEqual([[2, 3]]);
  expect([...undoneBy([run(1), { ...run(2, 1), end: { ...end, status: 'failed' } }])]).toEqual([]);
});
