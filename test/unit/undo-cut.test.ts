import { describe, expect, test } from 'vitest';
import { menuText } from '../../src/hosts/memory-grub.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Run } from '../../src/journal.ts';
import type { Desired, Need } from '../../src/model.ts';
import { readSystem } from '../../src/knowledge/system.ts';
import { filesPart } from '../../src/undo/files.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { apply, snapshot, undo, withoutPackages } from './undo-support.ts';
import { allowing, debianWith, desiredFrom, desiredOf, execute } from './support.ts';

const firewalldUnit = 'firewalld.service';
const runningUnit = (name: string): { [path: string]: MemoryFile } => ({
  [`/lib/systemd/system/${name}`]: '[Unit]\n',
  [`/etc/systemd/system/multi-user.target.wants/${name}`]: { link: `/lib/systemd/system/${name}` },
  [`/run/systemd/units/invocation:${name}`]: { link: '0123456789abcdef0123456789abcdef' },
});

type Case = readonly [name: string, make: () => MemoryHost, desired: Desired];

const cases: readonly Case[] = [
  [
    'a service that was masked',
    () => debianWith(runningUnit(firewalldUnit), { services: { [firewalldUnit]: { active: 'active', enabled: 'enabled' } } }),
    desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive', mask: true }),
  ],
  [
    'kernel arguments',
    () =>
      debianWith(
        {
          '/etc/default/grub': 'GRUB_CMDLINE_LINUX_DEFAULT="quiet systemd.unified_cgroup_hierarchy=0"\nGRUB_CMDLINE_LINUX=""\n',
          '/usr/sbin/update-grub': 'ELF',
          '/boot/grub/grub.cfg': menuText('quiet systemd.unified_cgroup_hierarchy=0'),
        },
        { cgroup: 'tmpfs' },
      ),
    allowing(desiredOf({ kind: 'cgroup', v1: 'blocked' })),
  ],
  ['swap and lists', () => hostFrom(hosts['debian-12-swap-and-lists'] as Recipe), desiredFrom(['kubernetes', 'istio', 'calico'])],
  ['Rocky', () => hostFrom(hosts['rocky-9'] as Recipe), desiredFrom(['kubernetes', 'istio', 'calico'])],
];

/** A host on which a run was done and undone, and its journal. */
const undoneOn = async (make: () => MemoryHost, desired: Desired) => {
  const [twin, whole] = [make(), memoryJournal()];
  await apply(twin, whole, desired);
  await undo(twin, whole);
  return { twin, whole, way: (whole.list[1] as Run).plan.actions };
};

/** A host on which the same run was done, and the undo of it as far as that many steps; the journal says so. */
const cutUndo = async (
  make: () => MemoryHost,
  desired: Desired,
  { whole, way }: Awaited<ReturnType<typeof undoneOn>>,
  steps: number,
) => {
  const [host, journal] = [make(), memoryJournal()];
  await apply(host, journal, desired);
  await execute(host, way.slice(0, steps));
  const tried = whole.list[1] as Run;
  journal.list.push({
    ...tried,
    steps: way.slice(0, Math.min(steps + 1, way.length)).map((_, at) => ({ status: at < steps ? 'done' : 'begun' })),
    end: { at: '2026-11-21T18:00:00.000Z', status: 'cut' },
  });
  return { host, journal };
};

describe.each(cases)('an undo of %s', (_name, make, desired) => {
  test('that was cut off after any of its steps is brought to its end by the next', async () => {
    const done = await undoneOn(make, desired);
    const { way, twin } = done;
    expect(way.length).toBeGreaterThan(1);
    for (const steps of way.keys()) {
      const { host, journal } = await cutUndo(make, desired, done, steps + 1);
      const again = await undo(host, journal);
      expect([steps, again.status, again.stops]).toEqual([steps, 'applied', []]);
      expect(withoutPackages(host, snapshot(twin))).toEqual(snapshot(twin));
      const kept = again.left.map(({ what }) => what.split(' ')[0]).filter((what) => !/^packages?$/.test(what ?? ''));
      expect(kept).toEqual([]);
    }
  });
});

describe('an undo of settings of a network', () => {
  const needs: readonly (readonly [string, { [path: string]: MemoryFile }, readonly Need[], string])[] = [
    [
      'NetworkManager',
      {
        '/usr/sbin/NetworkManager': 'ELF',
        '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n',
        ...runningUnit('NetworkManager.service'),
      },
      [{ kind: 'networkmanager', unmanaged: ['interface-name:cali*'] }],
      'systemctl try-reload-or-restart NetworkManager.service',
    ],
    [
      'networkd',
      runningUnit('systemd-networkd.service'),
      [{ kind: 'networkd', leave: 'foreign' }],
      'systemctl try-restart systemd-networkd.service',
    ],
  ];
  test.each(needs)('that was cut off before %s read its files again has it read them', async (_name, files, wanted, line) => {
    const make = () => debianWith(files);
    const done = await undoneOn(make, desiredOf(...wanted));
    const { host, journal } = await cutUndo(make, desiredOf(...wanted), done, 1);
    expect(done.way.map((action) => action.do)).toEqual(['remove', 'run']);
    expect((await undo(host, journal)).status).toBe('applied');
    const ran = journal.list.at(-1)?.plan.actions.map((action) => (action.do === 'run' ? action.argv.join(' ') : action.path));
    expect(ran).toEqual([line]);
  });
});

test('a file that an undo wrote anew, and that it was cut off before giving back to its owner, is given back by the next', () => {
  const path = '/etc/sysctl.d/theirs.conf';
  const now = { text: 'a = 1\n', mode: '0644', owner: '0:0' };
  const ways = [{ ...now, owner: '7:8' }, now].map(
    (was) =>
      filesPart.back(
        { [path]: was },
        { [path]: { text: null } },
        { [path]: now },
        {
          run: { id: 1, plan: { system: readSystem(new Map()), findings: [], actions: [] }, steps: [{ status: 'done' }] },
          answers: new Map(),
          actions: [{ do: 'remove', path, before: was.text, for: [] }],
          packages: false,
          before: {},
          done: [],
          pending: [],
          later: [],
        },
      ).actions,
  );
  expect(ways.map((actions) => actions.map((action) => (action.do === 'run' ? action.argv : [])))).toEqual([
    [['chown', '7:8', path]],
    [],
  ]);
});
