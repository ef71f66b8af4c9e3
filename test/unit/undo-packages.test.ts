import { describe, expect, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Run } from '../../src/journal.ts';
import type { Answer } from '../../src/model.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { desiredFrom } from './support.ts';
import { apply, undo } from './undo-support.ts';

const desired = desiredFrom(['kubernetes', 'istio', 'calico']);
const start = (name = 'debian-12-swap-and-lists') => ({ host: hostFrom(hosts[name] as Recipe), journal: memoryJournal() });

/** The host, of which this look at its packages, counted from 1, gets another answer; or all. */
const answering = (host: MemoryHost, word: string, which: number | 'all', change: (answer: Answer) => Answer): MemoryHost => {
  let looks = 0;
  return {
    ...host,
    probe: async (queries) => {
      const answers = new Map(await host.probe(queries));
      const asked = queries.find((query) => query.ask === 'run' && query.argv[3] === word);
      const answer = asked && answers.get(queryKey(asked));
      if (asked && answer && (++looks === which || which === 'all')) answers.set(queryKey(asked), change(answer));
      return answers;
    },
  };
};

/** The host, on which this happens once its first step is done. */
const meanwhile = (host: MemoryHost, happens: () => void): MemoryHost => ({
  ...host,
  execute: (...of) =>
    (async function* () {
      for await (const step of host.execute(...of)) {
        happens();
        yield step;
      }
    })(),
});

const whys = (left: readonly { readonly what: string; readonly why: string }[], of: RegExp): string[] =>
  left.filter(({ what }) => of.test(what)).map(({ why }) => why);

describe.each(['debian-12-swap-and-lists', 'rocky-9'])('undo --packages on %s', (name) => {
  test('leaves a package that somebody else installed while the run was under way, and says so', async () => {
    const { host, journal } = start(name);
    const first = [...host.machine.installed.keys()];
    await apply(
      meanwhile(host, () => host.machine.installed.set('nginx', '1.22')),
      journal,
      desired,
    );
    const undone = await undo(host, journal, { packages: true });
    expect([...host.machine.installed.keys()].sort()).toEqual([...first, 'nginx'].sort());
    expect(whys(undone.left, /^package nginx$/)).toEqual([
      'somebody else installed it while the run was under way, or has marked it to stay since',
    ]);
  });

  test('does not install again what somebody else removed while the run was under way, and says so', async () => {
    const { host, journal } = start(name);
    host.machine.installed.set('linux-image-old', '6.1.0-1');
    await apply(
      meanwhile(host, () => void host.machine.installed.delete('linux-image-old')),
      journal,
      desired,
    );
    host.machine.available.set('linux-image-old', { version: '6.1.0-1' });
    const undone = await undo(host, journal, { packages: true });
    expect([undone.status, host.machine.installed.has('linux-image-old')]).toEqual(['applied', false]);
    expect(whys(undone.left, /^package linux-image-old$/)).toEqual([
      'removed while the run was under way, but not by name: not installed again',
    ]);
  });

  const silent: readonly (readonly [string, (answer: Answer) => Answer])[] = [
    ['was not answered in time', () => ({ status: 124, text: '' })],
    ['failed in a pipe, which nobody sees', () => ({ status: 0, text: '' })],
    ['said that there are none', () => ({ status: 0, text: 'end\n' })],
    ['was cut off', ({ text }) => ({ status: 0, text: text.slice(0, text.length / 2) })],
  ];
  test.each(silent)('removes nothing that was there where the look before the run %s', async (_, change) => {
    const { host, journal } = start(name);
    await apply(answering(host, 'ask-installed', 1, change), journal, desired);
    const applied = [...host.machine.installed.keys()];
    expect(Object.keys(journal.list[0]?.before ?? {})).not.toContain('packages');
    const undone = await undo(host, journal, { packages: true });
    expect([...host.machine.installed.keys()]).toEqual(applied);
    expect(undone.left.map(({ what }) => what)).toContain('packages');
  });

  test.each(silent)('removes what the run named where the look after it %s', async (_, change) => {
    const { host, journal } = start(name);
    const first = [...host.machine.installed.keys()];
    await apply(answering(host, 'ask-installed', 2, change), journal, desired);
    expect(Object.keys(journal.list[0]?.end?.after ?? {})).not.toContain('packages');
    await undo(host, journal, { packages: true });
    expect([...host.machine.installed.keys()].sort()).toEqual(first.sort());
  });

  test.each(silent.filter(([what]) => !what.includes('none')))(
    'removes nothing where the question for what can go %s',
    async (_, change) => {
      const { host, journal } = start(name);
      await apply(host, journal, desired);
      const applied = [...host.machine.installed.keys()];
      const undone = await undo(answering(host, 'ask-removable', 'all', change), journal, { packages: true });
      expect([...host.machine.installed.keys()]).toEqual(applied);
      expect(whys(undone.left, /^packages? /)).toEqual(['the package manager did not say which of them can go']);
    },
  );

  test('removes nothing that was there where an older node-prep wrote an unanswered look down as no packages', async () => {
    const { host, journal } = start(name);
    await apply(host, journal, desired);
    const applied = [...host.machine.installed.keys()];
    const run = journal.list[0] as Run;
    journal.list[0] = { ...run, before: { ...run.before, packages: {} } };
    const undone = await undo(host, journal, { packages: true });
    expect([...host.machine.installed.keys()]).toEqual(applied);
    expect(whys(undone.left, /^packages$/)).toEqual([
      'the package manager did not answer when run 1 began, so what came with it is not known',
    ]);
  });
});

test('an undo without --packages says how to remove the packages of this very run', async () => {
  const { host, journal } = start();
  await apply(host, journal, desiredFrom([]));
  await apply(host, journal, desired);
  const run = journal.list.at(-1)?.id ?? 0;
  const undone = await undo(host, journal);
  expect(whys(undone.left, /^packages? /)).toEqual([
    `installed packages stay; node-prep undo ${run} --packages removes what came for this run and nothing else needs`,
  ]);
});

test('modules for one kernel, which dnf is told with a version that is no part of the name, are the run’s own', async () => {
  const { packagesPart } = await import('../../src/undo/packages.ts');
  const argv = ['dnf', '-y', 'install', 'kernel-modules-extra-5.14.0-503.el9.x86_64'] as const;
  const [query] =
    packagesPart.again?.(
      { bash: '0:5-1' },
      { bash: '0:5-1', 'kernel-modules-extra': '0:5.14.0-503.el9', 'kernel-modules-core': '0:5.14.0-503.el9' },
      { actions: [{ do: 'run', argv, why: '', for: [] }], packages: true },
    ) ?? [];
  expect(query?.ask === 'run' && query.argv[2]).toMatch(
    /^set -- kernel-modules-core kernel-modules-extra\nnamed=kernel-modules-extra$/m,
  );
});
