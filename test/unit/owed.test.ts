import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { applyHost, planHost } from '../../src/apply.ts';
import { owingOf } from '../../src/commands/owing.ts';
import { planToSave, requireSame } from '../../src/commands/saved.ts';
import { hostJournal } from '../../src/hosts/journal.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Journal } from '../../src/journal.ts';
import type { Action, Desired, Finding, Need, Plan, Step } from '../../src/model.ts';
import { owedBy } from '../../src/owed.ts';
import type { Owing } from '../../src/owed.ts';
import { isConverged } from '../../src/plan.ts';
import { readSaved, savedText } from '../../src/saved-plan.ts';
import { commandsOf, debianWith, desiredOf, findingOf } from './support.ts';
import { apply, header, progress, undo } from './undo-support.ts';

vi.stubGlobal('NODE_PREP_VERSION', '1.2.3');

const bootId = '/proc/sys/kernel/random/boot_id';
const runningUnit = (name: string): { [path: string]: MemoryFile } => ({
  [`/lib/systemd/system/${name}`]: '[Unit]\n',
  [`/etc/systemd/system/multi-user.target.wants/${name}`]: { link: `/lib/systemd/system/${name}` },
  [`/run/systemd/units/invocation:${name}`]: { link: '0123456789abcdef0123456789abcdef' },
});
const withFiles = (files: { [path: string]: MemoryFile }, more: Parameters<typeof debianWith>[1] = {}) =>
  debianWith({ [bootId]: 'first\n', ...files }, more);

const networkManager = () =>
  withFiles({
    '/usr/sbin/NetworkManager': 'ELF',
    '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n',
    ...runningUnit('NetworkManager.service'),
  });
const networkd = () =>
  withFiles({
    '/etc/systemd/network/90-all.network': '[Match]\nName=*\n\n[Network]\nDHCP=yes\n',
    ...runningUnit('systemd-networkd.service'),
  });
const firewalld = () =>
  withFiles(runningUnit('firewalld.service'), {
    services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } },
  });
const swap = () =>
  withFiles({
    '/usr/lib/systemd/libsystemd-shared-252.so': 'ELF',
    '/etc/fstab': '/dev/sda2 none swap sw 0 0\n',
    '/proc/swaps': 'Filename Type Size Used Priority\n',
  });

const unmanaged: Need = { kind: 'networkmanager', unmanaged: ['interface-name:cali*'] };
const masked: Need = { kind: 'service', name: 'firewalld', state: 'inactive', mask: true };
const reload = 'systemctl try-reload-or-restart NetworkManager.service';
const mask = 'systemctl mask firewalld.service';

type Case = readonly [what: string, make: () => MemoryHost, need: Need, line: string, have: string];
const reloads: readonly Case[] = [
  ['NetworkManager read its files', networkManager, unmanaged, reload, 'written, not read yet'],
  [
    'networkd read its configuration',
    networkd,
    { kind: 'networkd', leave: 'foreign' },
    'systemctl try-restart systemd-networkd.service',
    'written, not read yet',
  ],
  [
    'networkd read the files of its devices',
    networkd,
    { kind: 'networkd', leave: 'unmanaged', names: ['cali*'] },
    'networkctl reload',
    'written, not read yet',
  ],
  [
    'systemd forgot the units of fstab',
    swap,
    { kind: 'swap', policy: 'off' },
    'systemctl daemon-reload',
    'off, systemd not told',
  ],
];
const cases: readonly Case[] = [...reloads, ['firewalld was masked', firewalld, masked, mask, 'not masked']];

const isLine = (line: string) => (action: Action) => action.do === 'run' && action.argv.join(' ') === line;

/** The same host, where that command fails (`failed`), or everything ends before it (`cut`). */
const failingAt = (host: MemoryHost, line: string, how: 'failed' | 'cut'): MemoryHost => ({
  ...host,
  execute: async function* (actions, watch): AsyncIterable<Step> {
    const at = actions.findIndex(isLine(line));
    yield* host.execute(actions.slice(0, at), watch);
    const action = actions[at];
    if (how === 'cut' || !action) throw new Error('killed');
    yield { action, status: 'failed', output: 'Job failed.' };
  },
});

/** A host on which the first apply did not come to that command, and its journal. */
const leftAt = async (make: () => MemoryHost, desired: Desired, line: string, how: 'failed' | 'cut' = 'failed') => {
  const [host, journal] = [make(), memoryJournal()];
  await apply(failingAt(host, line, how), journal, desired).catch(() => undefined);
  host.machine.commands.length = 0;
  return { host, journal };
};

const owingIn =
  (journal: Journal): Owing =>
  async (boot) =>
    owedBy(await journal.runs(), boot);

const planNow = (host: MemoryHost, journal: Journal, desired: Desired): Promise<Plan> =>
  planHost(host, desired, owingIn(journal));

const finding = (plan: Plan): Finding => plan.findings.find(({ verdict }) => verdict === 'change') as Finding;

describe.each(['failed', 'cut'] as const)('where an apply %s before', (how) => {
  test.each(cases)(
    '%s, the next plan shows it, verify drifts, and the next apply does it',
    async (_what, make, need, line, have) => {
      const desired = desiredOf(need);
      const { host, journal } = await leftAt(make, desired, line, how);
      const plan = await planNow(host, journal, desired);
      expect([commandsOf(plan), isConverged(plan), finding(plan).now.have]).toEqual([[line], false, have]);
      const done = await apply(host, journal, desired);
      expect([done.status, host.machine.commands.map((argv) => argv.join(' '))]).toEqual(['applied', [line]]);
      expect(isConverged((done as { plan: Plan }).plan)).toBe(true);
      const after = await planNow(host, journal, desired);
      expect([isConverged(after), after.actions]).toEqual([true, []]);
    },
  );
});

describe('what an apply did not come to', () => {
  test.each(reloads)('is not owed after a boot: where it was that %s', async (_what, make, need, line) => {
    const { host, journal } = await leftAt(make, desiredOf(need), line);
    host.files.set(bootId, 'second\n');
    expect((await planNow(host, journal, desiredOf(need))).actions).toEqual([]);
  });

  test('is owed after a boot where it was a mask: nothing but a mask keeps D-Bus from starting it', async () => {
    const { host, journal } = await leftAt(firewalld, desiredOf(masked), mask);
    host.files.set(bootId, 'second\n');
    expect(commandsOf(await planNow(host, journal, desiredOf(masked)))).toEqual([mask]);
  });

  test('is told by the apply that failed itself: the host still differs', async () => {
    const [host, journal] = [networkManager(), memoryJournal()];
    const outcome = await apply(failingAt(host, reload, 'failed'), journal, desiredOf(unmanaged));
    expect(outcome.status).toBe('failed');
    expect(findingOf((outcome as { plan: Plan }).plan, 'networkmanager/unmanaged').verdict).toBe('change');
  });

  test('is still owed where the apply that was to make up for it failed as well', async () => {
    const { host, journal } = await leftAt(networkManager, desiredOf(unmanaged), reload);
    await apply(failingAt(host, reload, 'failed'), journal, desiredOf(unmanaged));
    expect(commandsOf(await planNow(host, journal, desiredOf(unmanaged)))).toEqual([reload]);
  });

  test('is not owed once it was put back', async () => {
    const { host, journal } = await leftAt(networkManager, desiredOf(unmanaged), reload);
    expect((await undo(host, journal)).status).toBe('applied');
    expect(owedBy(journal.list, 'first')).toEqual([]);
  });

  test('is owed as well where it was an undo of an undo that did not come to it', async () => {
    const [host, journal] = [networkManager(), memoryJournal()];
    await apply(host, journal, desiredOf(unmanaged));
    await undo(host, journal);
    expect((await undo(failingAt(host, reload, 'failed'), journal, { run: 2 })).status).toBe('failed');
    expect(commandsOf(await planNow(host, journal, desiredOf(unmanaged)))).toEqual([reload]);
  });

  test('is not owed where the step before it was not even begun', async () => {
    const { journal } = await leftAt(networkManager, desiredOf(unmanaged), reload);
    const [run] = journal.list;
    expect(owedBy([{ ...run!, steps: [] }], 'first')).toEqual([]);
  });

  test.each<readonly [string, Need | undefined, Partial<Desired>]>([
    ['nobody asks for it any more', undefined, {}],
    ['it is to be kept now', { kind: 'service', name: 'firewalld', state: 'kept' }, {}],
    ['a mask is not asked for', { kind: 'service', name: 'firewalld', state: 'inactive' }, {}],
    ['it is waived', masked, { waivers: [{ id: 'service/firewalld', reason: 'mine' }] }],
  ])('is left alone where %s', async (_what, need, more) => {
    const { host, journal } = await leftAt(firewalld, desiredOf(masked), mask);
    expect((await planNow(host, journal, { ...desiredOf(...(need ? [need] : [])), ...more })).actions).toEqual([]);
  });

  test('is left alone where somebody did it meanwhile, or nothing runs that could be told', async () => {
    const service = await leftAt(firewalld, desiredOf(masked), mask);
    await planNow(service.host, service.journal, desiredOf(masked));
    service.host.files.set('/etc/systemd/system/firewalld.service', { link: '/dev/null' });
    service.host.machine.services.set('firewalld.service', { active: 'inactive', enabled: 'masked' });
    expect((await planNow(service.host, service.journal, desiredOf(masked))).actions).toEqual([]);
    const manager = await leftAt(networkManager, desiredOf(unmanaged), reload);
    manager.host.files.delete('/run/systemd/units/invocation:NetworkManager.service');
    expect((await planNow(manager.host, manager.journal, desiredOf(unmanaged))).actions).toEqual([]);
  });

  test('is in a saved plan, which is applied as it was shown', async () => {
    const desired = desiredOf(unmanaged);
    const { host, journal } = await leftAt(networkManager, desired, reload);
    const args = { words: [], options: {} };
    const saved = readSaved(savedText(await planToSave(host, desired, args, undefined, owingIn(journal))), 'p');
    const outcome = await applyHost(
      host,
      desired,
      {
        partial: false,
        journal: { to: journal, header },
        agree: (...made) => requireSame('p', saved, { host, desired }, ...made),
      },
      { confirm: () => Promise.resolve(true), progress },
    );
    expect([outcome.status, host.machine.commands.map((argv) => argv.join(' '))]).toEqual(['applied', [reload]]);
  });
});

describe('who can tell', () => {
  test('a plan of a user who may not read the journal, or of an image, is made of the host alone', async () => {
    const { host } = await leftAt(networkManager, desiredOf(unmanaged), reload);
    expect((await planHost(host, desiredOf(unmanaged))).actions).toEqual([]);
    expect(owingOf({ ...host, image: { root: '/srv/image' } })).toBeUndefined();
  });

  const folder = mkdtempSync(join(tmpdir(), 'node-prep-owed-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('of the journal on the disk only runs that did not end well are read to see whether anything is owed', async () => {
    const journal = hostJournal(folder);
    const desired = desiredOf(unmanaged);
    const host = networkManager();
    await apply(debianWith({}), journal, desiredOf({ kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' }));
    await apply(failingAt(host, reload, 'failed'), journal, desired);
    const ids = async () => (await journal.look('unsettled')).runs.map(({ id }) => id);
    expect(await ids()).toEqual([2]);
    await apply(host, journal, desired);
    expect([await ids(), (await journal.runs()).map(({ id }) => id)]).toEqual([[2], [1, 2, 3]]);
    expect(owedBy((await journal.look('unsettled')).runs, 'first')).toHaveLength(1);
    expect(owedBy(await journal.runs(), 'first')).toEqual([]);
  });
});
