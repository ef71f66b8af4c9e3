import { describe, expect, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Run } from '../../src/journal.ts';
import type { Answer, Host, Query, Step } from '../../src/model.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { planUndoOf } from '../../src/undo-host.ts';
import { apply, snapshot, undo, withoutPackages } from './undo-support.ts';
import { debianWith, desiredFrom, desiredOf, execute } from './support.ts';

const fstab = '/etc/fstab';
const found = '/dev/vda1 / ext4 defaults 0 1\n/swapfile none swap sw 0 0\n';
const theirs = '/dev/vdb1 /data ext4 defaults 0 2\n';
const withSwap = (): MemoryHost =>
  debianWith({
    '/swapfile': 'SWAPSPACE2',
    [fstab]: found,
    '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/swapfile file\t1000\t0\t-2\n',
  });
const wish = desiredOf({ kind: 'sysctl', key: 'vm.overcommit_memory', value: '1' }, { kind: 'swap', policy: 'off' });

/** The same host, on which somebody else does something after a step. */
const meanwhile = (host: MemoryHost, does: (step: Step, at: number) => void): MemoryHost => ({
  ...host,
  execute: async function* (...given: Parameters<Host['execute']>) {
    let at = 0;
    for await (const step of host.execute(...given)) {
      does(step, at);
      at += 1;
      yield step;
    }
  },
});

/** The same host, which does not answer such questions at some of the times that it is asked: 1 is the first. */
const silent = (host: MemoryHost, times: readonly number[], answer: Answer = { status: 124, text: '' }, to = ''): MemoryHost => {
  let time = 0;
  return {
    ...host,
    probe: async (queries: readonly Query[]) => {
      const answers = new Map(await host.probe(queries));
      time += 1;
      for (const query of times.includes(time) ? queries : [])
        if (query.ask === 'run' && query.argv.join(' ').includes(to)) answers.set(queryKey(query), answer);
      return answers;
    },
  };
};

/** The journal as it is where the machine lost its power in that step, from 1. */
const cutIn = (journal: ReturnType<typeof memoryJournal>, step: number): void => {
  const { end: _end, ...run } = journal.list[0] as Run;
  const steps = [...run.steps.slice(0, step - 1), { status: 'begun' as const }];
  journal.list[0] = { ...run, steps, end: { at: '2026-11-21T18:00:00.000Z', status: 'cut' } };
};

describe('what somebody else did while a run was at work', () => {
  test('a file that the run noticed and left alone keeps the line that an admin added', async () => {
    const [host, journal] = [withSwap(), memoryJournal()];
    const edits = meanwhile(host, (_, at) => void (at === 0 && host.files.set(fstab, found + theirs)));
    expect((await apply(edits, journal, desiredFrom(['kubernetes']))).status).toBe('failed');
    const undone = await undo(host, journal);
    expect([undone.status, undone.stops, host.files.get(fstab)]).toEqual(['applied', [], found + theirs]);
    expect(undone.left).toContainEqual({
      what: fstab,
      why: 'somebody else changed it: the step of this run that was to do so failed, and left it alone',
    });
  });

  test('a line that an admin added to a file after the run wrote it and before it ended stops the undo', async () => {
    const [host, journal] = [withSwap(), memoryJournal()];
    const edits = meanwhile(host, ({ action }) => {
      if (action.do === 'write' && action.path === fstab) host.files.set(fstab, action.after + theirs);
    });
    await apply(edits, journal, wish);
    const edited = host.files.get(fstab);
    const undone = await undo(host, journal);
    expect([undone.status, undone.stops.map(({ what }) => what)]).toEqual(['refused', [fstab]]);
    expect(undone.stops[0]?.why).toContain('"/dev/vdb1 /data ext4 defaults 0 2"');
    expect([edited, host.files.get(fstab)]).toEqual([expect.stringContaining(theirs), edited]);
  });

  test('what a step wrote and then failed at, as its folder could not be synced, is put back', async () => {
    const [host, journal] = [withSwap(), memoryJournal()];
    await apply(host, journal, wish);
    const run = journal.list[0] as Run;
    const at = run.plan.actions.findIndex((action) => action.do === 'write' && action.path === fstab);
    const steps = run.steps.map((step, i) => (i === at ? { ...step, status: 'failed' as const } : step));
    journal.list[0] = { ...run, steps };
    expect([(await undo(host, journal)).status, host.files.get(fstab)]).toEqual(['applied', found]);
  });

  test('a setting that somebody gave another value stays, and that is said', async () => {
    const host = debianWith({ '/etc/sysctl.d/50.conf': 'kernel.panic = 5\n', '/proc/sys/kernel/panic': '0\n' });
    const journal = memoryJournal();
    const sets = meanwhile(host, ({ action }) => {
      if (action.do === 'run' && action.argv[0] === 'sysctl') host.files.set('/proc/sys/kernel/panic', '30\n');
    });
    await apply(sets, journal, desiredFrom(['kubernetes']));
    const undone = await undo(host, journal);
    expect([undone.status, host.files.get('/proc/sys/kernel/panic')]).toEqual(['applied', '30\n']);
    expect(undone.left).toContainEqual({
      what: 'kernel.panic',
      why: 'it is 30, and neither this run nor a file says so: somebody set it while the run was at work; before it was 0',
    });
  });

  test('a setting of which a file says the value in hexadecimal is put back', async () => {
    const host = debianWith({ '/etc/sysctl.d/50.conf': 'kernel.panic = 0x1f\n', '/proc/sys/kernel/panic': '0\n' });
    const journal = memoryJournal();
    const shows = meanwhile(host, ({ action }) => {
      if (action.do === 'run' && action.argv[0] === 'sysctl') host.files.set('/proc/sys/kernel/panic', '31\n');
    });
    await apply(shows, journal, desiredFrom(['kubernetes']));
    await undo(host, journal);
    expect(host.files.get('/proc/sys/kernel/panic')).toBe('0\n');
  });
});

describe('what a run that was cut off did not come to', () => {
  test('and a later run did is left to the undo of that run', async () => {
    const [twin, host, journal] = [withSwap(), withSwap(), memoryJournal()];
    await apply(twin, journal, desiredFrom(['kubernetes']));
    cutIn(journal, 1);
    await apply(host, journal, desiredFrom(['kubernetes']));
    const after = snapshot(host);
    const undone = await undo(host, journal, { run: 1 });
    expect([undone.status, undone.stops, snapshot(host)]).toEqual(['applied', [], after]);
    expect((await undo(host, journal, { run: 2 })).status).toBe('applied');
    expect([host.files.get(fstab), withoutPackages(host, snapshot(withSwap()))]).toEqual([found, snapshot(withSwap())]);
  });

  test.each(['disable', 'mask'])(
    'a firewall that an admin turned off himself stays off: cut before it came to %s',
    async (verb) => {
      const desired = desiredFrom(['kubernetes', 'calico']);
      const [twin, host, journal] = [hostFrom(hosts['rocky-9'] as Recipe), hostFrom(hosts['rocky-9'] as Recipe), memoryJournal()];
      await apply(twin, journal, desired);
      const { actions } = (journal.list[0] as Run).plan;
      const at = actions.findIndex((action) => action.do === 'run' && action.argv[1] === verb);
      const step = verb === 'disable' ? 1 : at;
      expect(step).toBeGreaterThan(0);
      await execute(host, actions.slice(0, step - 1));
      cutIn(journal, step);
      const systemctl = (word: string) => ({
        do: 'run' as const,
        argv: ['systemctl', word, 'firewalld.service'] as const,
        why: '',
        for: [],
      });
      await execute(host, ['disable', 'stop', 'mask'].map(systemctl));
      expect((await undo(host, journal)).status).toBe('applied');
      expect(host.machine.services.get('firewalld.service')).toMatchObject({ active: 'inactive' });
      expect(host.files.get('/etc/systemd/system/firewalld.service')).toEqual({ link: '/dev/null' });
    },
  );

  test('swap that somebody turned off stays off where the run did not come to that', async () => {
    const [host, journal] = [withSwap(), memoryJournal()];
    await apply(withSwap(), journal, wish);
    cutIn(journal, 1);
    await execute(host, [{ do: 'run', argv: ['swapoff', '-a'], why: '', for: [] }]);
    expect((await undo(host, journal)).status).toBe('applied');
    expect(host.files.get('/proc/swaps')).not.toContain('/swapfile');
  });

  test.each(
    wish.requirements.flatMap((one) =>
      (['cut', 'failed'] as const).map((end) => [one.kind, end, { ...wish, requirements: [one] }] as const),
    ),
  )('but the next boot did, as the files were there, is put back: %s, of a run that was %s', async (_kind, status, desired) => {
    const [host, journal] = [withSwap(), memoryJournal()];
    const bootedAs = (id: string): void => void host.files.set('/proc/sys/kernel/random/boot_id', `${id}\n`);
    bootedAs('one');
    const before = snapshot(host);
    await apply(host, journal, desired);
    const { actions } = (journal.list[0] as Run).plan;
    cutIn(
      journal,
      actions.findIndex((action) => action.do === 'run' && /^(?:sysctl|swapoff)$/.test(action.argv[0])),
    );
    const run = journal.list[0] as Run;
    if (status === 'failed') journal.list[0] = { ...run, end: { at: '', status, after: run.before } };
    const same = await planUndoOf(host, journal.list[0] as Run, { packages: false, later: [] });
    expect(same.plan.actions.map((action) => action.do)).not.toContain('run');
    bootedAs('two');
    expect((await undo(host, journal)).status).toBe('applied');
    bootedAs('one');
    expect(snapshot(host)).toEqual(before);
  });
});

describe('a host that did not answer', () => {
  const recipe = hosts['rocky-9'] as Recipe;
  const desired = desiredFrom(['kubernetes', 'calico']);
  const units = 'systemctl show';

  test.each([
    ['took too long', { status: 124, text: '' }],
    ['said nothing', { status: 0, text: '' }],
  ])('at the undo, as it %s, is not touched: firewalld is not taken for gone', async (_name, answer) => {
    const [host, journal] = [hostFrom(recipe), memoryJournal()];
    await apply(host, journal, desired);
    const before = snapshot(host);
    const refused = undo(silent(host, [1], answer, units), journal);
    await expect(refused).rejects.toThrow(
      'Run 1 cannot be undone now: how this host stands (units) could not be looked at; nothing was touched.',
    );
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('systemctl show works') });
    expect([snapshot(host), journal.list.length]).toEqual([before, 1]);
  });

  test('about the modes of files at the undo is not touched either', async () => {
    const [host, journal] = [debianWith({}), memoryJournal()];
    await apply(host, journal, wish);
    await expect(undo(silent(host, [1], { status: 137, text: '' }, 'stat'), journal)).rejects.toThrow('(files) could not be');
  });

  test('before the run has that part left as it is, in words that are true', async () => {
    const [host, journal] = [hostFrom(recipe), memoryJournal()];
    await apply(silent(host, [2], { status: 124, text: '' }, units), journal, desired);
    expect(Object.keys((journal.list[0] as Run).before)).not.toContain('units');
    const undone = await undo(host, journal);
    expect([undone.status, undone.left.find(({ what }) => what === 'units')?.why]).toEqual([
      'applied',
      'how that was is not written down: the host did not answer then, or node-prep 0.0.0, which did this run, did not ask; node-prep history 1 --verbose shows what the run did',
    ]);
  });

  test('after the run has it put back by what the run did', async () => {
    const [host, journal] = [hostFrom(recipe), memoryJournal()];
    const before = snapshot(host);
    await apply(silent(host, [4], { status: 124, text: '' }, units), journal, desired);
    expect(Object.keys((journal.list[0] as Run).end?.after ?? {})).not.toContain('units');
    const undone = await undo(host, journal);
    expect([undone.status, undone.stops]).toEqual(['applied', []]);
    expect(snapshot(host)['services']).toEqual(before['services']);
  });

  test('when the undo was done has failed, with its steps written down, and the run can be undone again', async () => {
    const [host, journal] = [hostFrom(recipe), memoryJournal()];
    await apply(host, journal, desired);
    const undone = await undo(silent(host, [3], { status: 124, text: '' }, units), journal);
    expect(undone).toMatchObject({
      status: 'failed',
      problem: expect.stringContaining('whether all is back could not be looked at'),
    });
    expect([journal.list[1]?.end?.status, (await undo(host, journal, { run: 1 })).status]).toEqual(['failed', 'applied']);
  });
});
