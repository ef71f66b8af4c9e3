import { describe, expect, test } from 'vitest';
import { applyHost } from '../../src/apply.ts';
import type { ApplyOptions, Watch } from '../../src/apply.ts';
import { OperatorError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Host, Outcome, Step } from '../../src/model.ts';
import { debianWith, desiredFrom } from './support.ts';

const desired = desiredFrom(['kubernetes', 'calico']);
const header = { words: ['apply'], since: '2026-11-21T17:25:00.000Z', by: 'root', version: '1' };

/** What was written down and done, in its order. */
type Seen = string[];

const watch: Watch = {
  confirm: () => Promise.resolve(true),
  progress: async (_plan, steps) => {
    const done: Step[] = [];
    for await (const step of steps) done.push(step);
    return done;
  },
};

/** The same host, which tells when it does something. */
const telling = (host: MemoryHost, seen: Seen): Host => ({
  ...host,
  execute: async function* (actions, watching) {
    for await (const step of host.execute(actions, watching)) {
      seen.push(`did ${actions.indexOf(step.action)}`);
      yield step;
    }
  },
});

/** An apply whose journal cannot be written at one moment. */
const applyWith = async (
  fails?: string,
): Promise<{ seen: Seen; outcome: Outcome; list: ReturnType<typeof memoryJournal>['list'] }> => {
  const seen: Seen = [];
  const journal = memoryJournal((what, step) => {
    const word = step === undefined ? what : `${what} ${step}`;
    if (word === fails)
      throw new OperatorError('Cannot write to /the/journal: no space is left on its file system.', 'Make room.');
    seen.push(word);
  });
  const options: ApplyOptions = { partial: false, journal: { to: journal, header } };
  const outcome = await applyHost(telling(debianWith({}), seen), desired, options, watch);
  return { seen, outcome, list: journal.list };
};

describe('an apply that is written down', () => {
  test('is there before its first step, and each step is there before the next begins', async () => {
    const { seen, outcome, list } = await applyWith();
    const steps = (outcome.status === 'applied' ? outcome.steps : []).flatMap((_, i) => [`begun ${i}`, `did ${i}`, `ended ${i}`]);
    expect(steps.length).toBeGreaterThan(9);
    expect(seen).toEqual(['begin', ...steps, 'end']);
    expect([outcome.run, list[0]?.end?.status]).toEqual([1, 'applied']);
  });

  test('is not begun where nothing would be done, is refused, or is not agreed to', async () => {
    const journal = memoryJournal();
    const host = debianWith({});
    const options: ApplyOptions = { partial: false, journal: { to: journal, header } };
    await expect(applyHost(host, desired, options, { ...watch, confirm: () => Promise.resolve(false) })).rejects.toThrow(
      /Not confirmed/,
    );
    expect(journal.list).toEqual([]);
    await applyHost(host, desired, options, watch);
    expect(await applyHost(host, desired, options, watch)).toMatchObject({ status: 'applied', steps: [] });
    expect(journal.list.length).toBe(1);
  });

  test('touches nothing where it cannot be written down', async () => {
    await expect(applyWith('begin')).rejects.toThrow('Cannot write to /the/journal');
  });

  test.each([
    [
      'a step cannot be written down as begun',
      'begun 2',
      ['begin', 'begun 0', 'did 0', 'ended 0', 'begun 1', 'did 1', 'ended 1', 'end'],
    ],
    ['a step cannot be written down as ended', 'ended 1', ['begin', 'begun 0', 'did 0', 'ended 0', 'begun 1', 'did 1', 'end']],
  ])('stops before the next step where %s, and says so', async (_name, fails, expected) => {
    const { seen, outcome } = await applyWith(fails);
    expect(seen).toEqual(expected);
    expect(outcome).toMatchObject({
      status: 'failed',
      run: 1,
      problem: expect.stringMatching(
        /a step failed.*not all of the run is in the journal: Cannot write to \/the\/journal: no space/,
      ),
    });
    const steps = outcome.status === 'failed' ? (outcome.steps ?? []) : [];
    expect(steps.at(-1)).toMatchObject({ status: 'failed', output: expect.stringMatching(/^Nothing of it was done: /) });
  });

  test('says that its end is missing', async () => {
    const { outcome, list } = await applyWith('end');
    expect(outcome).toMatchObject({ status: 'failed', problem: expect.stringMatching(/^not all of the run is in the journal/) });
    expect(list[0]?.end).toBeUndefined();
  });

  test('has the steps of a host that stops in the middle as far as they went', async () => {
    const journal = memoryJournal();
    const host = debianWith({}, { packages: { manager: 'none', installed: { kmod: '30', procps: '4' } } });
    await applyHost(host, desired, { partial: true, journal: { to: journal, header } }, watch);
    const [run] = journal.list;
    expect(run?.end?.status).toBe('failed');
    expect(run?.steps.length).toBeGreaterThan(0);
  });
});
