import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { menuText } from '../../src/hosts/memory-grub.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Journal, Run } from '../../src/journal.ts';
import type { Desired, Need } from '../../src/model.ts';
import { laterRuns, passedBy, runToUndo } from '../../src/undo/runs.ts';
import { planUndo, undoQueries } from '../../src/undo.ts';
import { undoneLine, undoText } from '../../src/views/undo-text.ts';
import { isPartly, planUndoOf, undoneCode } from '../../src/undo-host.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { apply, snapshot, undo, withoutPackages } from './undo-support.ts';
import { allowing, debianWith, desiredFrom, desiredOf, execute } from './support.ts';

const wishes: readonly (readonly [string, Desired])[] = [
  ['kubernetes', desiredFrom(['kubernetes'])],
  ['defaults', desiredFrom(['kubernetes', 'istio', 'calico'])],
  [
    'much',
    allowing(
      desiredFrom(
        [
          'kubernetes:kubeProxy=ipvs,protectKernelDefaults=true',
          'istio:mode=ambient,backend=nftables',
          'calico:dataplane=ebpf,wireguard=true,sctp=true',
        ],
        ['ipv4', 'ipv6'],
      ),
    ),
  ],
];

describe.each(Object.entries(hosts))('%s', (_name, recipe) => {
  test.each(wishes)('apply, undo, and the undo of the undo: %s', async (_wish, desired) => {
    const [host, journal] = [hostFrom(recipe), memoryJournal()];
    const before = snapshot(host);
    const applied = await apply(host, journal, desired);
    if (!('steps' in applied) || applied.steps?.length === 0) {
      expect(runToUndo(undefined, await journal.runs())).toBeUndefined();
      return;
    }
    const plan = await planHost(hostFrom(recipe), desired);
    const after = snapshot(host);
    const undone = await undo(host, journal);
    expect([undone.status, undone.stops, 'problem' in undone && undone.problem]).toEqual(['applied', [], false]);
    expect(undone.left.map(({ what }) => what.split(' ')[0]).filter((what) => !/^packages?$/.test(what ?? ''))).toEqual([]);
    expect(withoutPackages(host, before)).toEqual(before);
    // What is installed now need not be installed again.
    const again = (await planHost(host, desired)).findings.filter((f) => f.kind !== 'package').map((f) => [f.id, f.now]);
    const first = plan.findings.filter((f) => f.kind !== 'package').map((f) => [f.id, f.now]);
    if (Object.keys(before['packages'] as object).length === host.machine.installed.size) expect(again).toEqual(first);
    await expect(undo(host, journal, { run: 1 })).rejects.toThrow('Run 1 is undone already, by run 2.');

    expect((await undo(host, journal, { run: 2 })).status).toBe('applied');
    expect(snapshot(host)).toEqual(after);
    const gone = await undo(host, journal, { run: 1, packages: true });
    expect([gone.status, gone.left]).toEqual(['applied', []]);
    expect(snapshot(host)).toEqual({ ...before, scripts: snapshot(host)['scripts'] });
  });
});

const ownSysctl = '/etc/sysctl.d/node-prep.conf';
const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;
const overcommit = { kind: 'sysctl', key: 'vm.overcommit_memory', value: '1' } as const;
const brNetfilter = { kind: 'module', name: 'br_netfilter' } as const;
const valueOf = (host: MemoryHost, path: string): unknown => host.files.get(`/proc/sys/${path}`);

/** A host on which that was applied, and its journal. */
const appliedOn = async (host: MemoryHost, desired: Desired) => {
  const journal = memoryJournal();
  await apply(host, journal, desired);
  return { host, journal };
};

/** The journal as it is after a run was killed: without its end. */
const cutOff = (journal: ReturnType<typeof memoryJournal>): void => {
  const { end: _end, ...run } = journal.list[0] as Run;
  journal.list[0] = { ...run, end: { at: '2026-11-21T18:00:00.000Z', status: 'cut' } };
};

describe('what somebody changed since', () => {
  test('a file that is not as the run left it stops the undo: nothing is touched, and what is there is said', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward, brNetfilter));
    host.files.set(ownSysctl, `${String(host.files.get(ownSysctl))}vm.panic_on_oom = 1\n`);
    const before = snapshot(host);
    const refused = await undo(host, journal);
    expect([refused.status, undoneCode(refused)]).toEqual(['refused', 3]);
    expect(refused.stops).toEqual([
      {
        what: ownSysctl,
        why: 'it is not as this run left it: lines 1 added; the first that differs is line 5: "vm.panic_on_oom = 1"',
      },
    ]);
    expect(snapshot(host)).toEqual(before);
    expect(journal.list).toHaveLength(1);
  });

  test('a link that somebody put in the place of a file stops it, also where it leads to the same text', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward));
    host.files.set('/root/copy', host.files.get(ownSysctl) ?? '');
    host.files.set(ownSysctl, { link: '/root/copy' });
    const refused = await undo(host, journal);
    expect([refused.status, refused.stops]).toEqual([
      'refused',
      [{ what: ownSysctl, why: 'it is a link to /root/copy now, which no run made' }],
    ]);
    expect(host.files.get(ownSysctl)).toEqual({ link: '/root/copy' });
  });

  test('a swap file that is gone stops it before the line that names it is back', async () => {
    const swap = {
      '/swapfile': 'SWAPSPACE2',
      '/etc/fstab': '/swapfile none swap sw 0 0\n',
      '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/swapfile file\t1000\t0\t-2\n',
    };
    const { host, journal } = await appliedOn(debianWith(swap), desiredOf({ kind: 'swap', policy: 'off' }));
    const fstab = host.files.get('/etc/fstab');
    host.files.delete('/swapfile');
    const refused = await undo(host, journal);
    expect([refused.status, refused.stops.map(({ what }) => what)]).toEqual(['refused', ['/swapfile']]);
    expect(host.files.get('/etc/fstab')).toBe(fstab);
  });

  test('--partial puts back the rest, says so, and the run can be undone again once the file is mended', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward, brNetfilter));
    const text = host.files.get(ownSysctl);
    host.files.set(ownSysctl, 'mine = 1\n');
    const partly = await undo(host, journal, { partial: true });
    expect([partly.status, undoneCode(partly)]).toEqual(['failed', 3]);
    expect(partly).toMatchObject({ problem: `changed since: ${ownSysctl}` });
    expect([host.files.get(ownSysctl), valueOf(host, 'net/ipv4/ip_forward')]).toEqual(['mine = 1\n', '0\n']);
    host.files.set(ownSysctl, text ?? '');
    expect((await undo(host, journal, { run: 1 })).status).toBe('applied');
    expect(host.files.has(ownSysctl)).toBe(false);
  });

  test('a run that was undone in part is passed by, with a word: undo goes on to the run before it, and takes the rest by its number', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(brNetfilter));
    await apply(host, journal, desiredOf(brNetfilter, forward));
    host.files.set(ownSysctl, 'mine = 1\n');
    const partly = await undo(host, journal, { partial: true });
    expect([partly.undoes, undoneLine('local', 2, { ...partly, partly: isPartly(partly) })]).toEqual([
      2,
      'local: run 2 is undone in part',
    ]);
    expect(runToUndo(undefined, journal.list)?.id).toBe(1);
    expect(passedBy(journal.list[0], journal.list)).toEqual([
      'run 2 was undone in part, by run 3; for the rest of it: node-prep undo 2',
    ]);
    expect(runToUndo('2', journal.list)?.id).toBe(2);
    expect((await undo(host, journal)).undoes).toBe(1);
    expect(runToUndo(undefined, journal.list)).toBeUndefined();
    expect(passedBy(undefined, journal.list)).toHaveLength(1);
    // An undo of the rest that is cut off, or what puts the undo back, makes it the last run in effect again.
    await undo(host, journal, { run: 2, partial: true });
    const { end: _end, ...last } = journal.list.at(-1) as Run;
    journal.list[journal.list.length - 1] = { ...last, end: { at: '', status: 'cut' } };
    expect([runToUndo(undefined, journal.list)?.id, passedBy(undefined, journal.list)]).toEqual([2, []]);
  });

  test('a file that a later run wrote is put back after that run, which is named', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward));
    await apply(host, journal, desiredOf(forward, overcommit));
    expect((await undo(host, journal, { run: 1 })).stops[0]?.why).toMatch(/; run 2 wrote it later: undo that first$/);
    expect((await undo(host, journal)).undoes).toBe(2);
    expect((await undo(host, journal)).undoes).toBe(1);
    expect(await journal.runs().then((runs) => runToUndo(undefined, runs))).toBeUndefined();
    expect([host.files.has(ownSysctl), valueOf(host, 'net/ipv4/ip_forward')]).toEqual([false, '0\n']);
  });

  test('a setting with another value stays as it is, and that is said', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward, overcommit));
    host.files.set('/proc/sys/vm/overcommit_memory', '2\n');
    const undone = await undo(host, journal);
    expect([undone.status, undone.left]).toEqual([
      'applied',
      [{ what: 'vm.overcommit_memory', why: 'somebody has set it to 2 since; this run left it at 1, and before it was 0' }],
    ]);
    expect(valueOf(host, 'vm/overcommit_memory')).toBe('2\n');
  });

  test('a mode that somebody gave a file since stays; the one that it had before comes back', async () => {
    const { host, journal } = await appliedOn(debianWith({ [ownSysctl]: '# old\n' }), desiredOf(forward));
    await undo(host, journal);
    expect(host.files.get(ownSysctl)).toBe('# old\n');
    const again = await appliedOn(debianWith({ [ownSysctl]: '# old\n' }), desiredOf(forward));
    again.host.machine.modes.set(ownSysctl, '0600');
    await undo(again.host, again.journal);
    expect(again.host.machine.modes.get(ownSysctl)).toBe('0600');
  });

  test('the driver of a device that was plugged in meanwhile is left alone', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(brNetfilter));
    const run = journal.list[0] as Run;
    const came = (name: string): void =>
      void host.files.set('/proc/modules', `${name} 16384 0 - Live 0x0\n${String(host.files.get('/proc/modules'))}`);
    came('usb_storage');
    came('nf_log_syslog');
    host.files.set('/sys/module/usb_storage/drivers/usb:usb-storage', { link: '../../../bus/usb/drivers/usb-storage' });
    const modules = [...(run.end?.after?.['modules'] as string[]), 'usb_storage', 'nf_log_syslog'];
    journal.list[0] = { ...run, end: { at: '', status: 'applied', after: { ...run.end?.after, modules } } };
    expect((await undo(host, journal)).status).toBe('applied');
    expect(String(host.files.get('/proc/modules'))).toBe('usb_storage 16384 0 - Live 0x0000000000000000\n');
  });

  test('a module in use stays with those that it needs, and who uses it is said', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(brNetfilter, { kind: 'module', name: 'xt_set' }));
    const used = (await undoPlan(host, journal)).plan.actions.flatMap((a) => (a.do === 'run' ? a.argv : []));
    expect(used).toEqual(expect.arrayContaining(['rmmod', 'br_netfilter', 'bridge', 'xt_set', 'ip_set']));
    const modules = String(host.files.get('/proc/modules'));
    host.files.set('/proc/modules', modules.replace(/^br_netfilter (\d+) 0 -/m, 'br_netfilter $1 2 -'));
    const undone = await undo(host, journal);
    expect(undone.left).toEqual([
      {
        what: expect.stringMatching(/^modules br_netfilter, bridge/),
        why: expect.stringContaining('br_netfilter by 2 other users'),
      },
    ]);
    const left = String(host.files.get('/proc/modules'));
    expect([left.includes('br_netfilter'), left.includes('ip_set')]).toEqual([true, false]);
  });
});

const undoPlan = async (host: MemoryHost, to: Journal) => {
  const runs = await to.runs();
  const run = runToUndo(undefined, runs);
  if (!run) throw new Error('nothing to undo');
  return planUndoOf(host, run, { packages: false, later: laterRuns(run, runs) });
};

describe('a run that was cut off', () => {
  test('is put back as far as what it meant to do is found', async () => {
    const host = debianWith({ '/etc/sysctl.d/k8s.conf': 'vm.panic_on_oom = 1\n' });
    const before = snapshot(host);
    const { journal } = await appliedOn(host, desiredOf(forward, overcommit, brNetfilter));
    cutOff(journal);
    const undone = await undo(host, journal);
    expect([undone.status, undone.left]).toEqual(['applied', []]);
    expect(snapshot(host)).toEqual(before);
  });

  test.each([0, 1, 2, 3, 4, 5])('after step %i of all that there is to do', async (steps) => {
    const recipe = hosts['debian-12-swap-and-lists'] as Recipe;
    const desired = desiredFrom(['kubernetes', 'istio', 'calico']);
    const host = hostFrom(recipe);
    const before = snapshot(host);
    const { journal } = await appliedOn(hostFrom(recipe), desired);
    const run = journal.list[0] as Run;
    await execute(host, run.plan.actions.slice(0, steps));
    journal.list[0] = { ...run, steps: run.steps.slice(0, steps + 1) };
    cutOff(journal);
    expect((await undo(host, journal)).status).toBe('applied');
    expect(withoutPackages(host, before)).toEqual(before);
  });

  test('leaves what somebody else set since', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward, overcommit));
    cutOff(journal);
    host.files.set('/proc/sys/vm/overcommit_memory', '2\n');
    const undone = await undo(host, journal);
    expect(undone.left).toEqual([{ what: 'vm.overcommit_memory', why: 'somebody has set it to 2 since; before it was 0' }]);
  });
});

describe('after a reboot', () => {
  test.each(['debian-12', 'debian-12-swap-and-lists', 'rocky-9', 'fedora-43'])('%s goes back all the same', async (name) => {
    const recipe = hosts[name] as Recipe;
    const rebooted = hostFrom(recipe);
    rebooted.reboot();
    const before = snapshot(rebooted);
    const host = hostFrom(recipe);
    host.reboot();
    const { journal } = await appliedOn(host, desiredFrom(['kubernetes', 'istio', 'calico']));
    host.reboot();
    const undone = await undo(host, journal);
    expect([undone.status, undone.stops]).toEqual(['applied', []]);
    host.reboot();
    expect(withoutPackages(host, before)).toEqual(before);
  });
});

describe('the order of settings', () => {
  const device = 'net/ipv6/conf/eth0';
  const routed = debianWith({
    '/proc/net/ipv6_route': `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe80000000000000000000000000000a 00000400 00000001 00000000 00450003 eth0\n`,
    '/proc/sys/net/ipv6/conf/eth0/accept_ra': '1\n',
    '/proc/sys/net/ipv6/conf/eth0/forwarding': '0\n',
  });
  const settings = async (to: Journal): Promise<string[]> =>
    (await to.runs()).at(-1)?.plan.actions.flatMap((a) => (a.do === 'run' && a.argv[0] === 'sysctl' ? a.argv.slice(3) : [])) ??
    [];

  test('keeps the IPv6 default route: routers are listened to until forwarding is off, and before it is on again', async () => {
    const { host, journal } = await appliedOn(routed, desiredFrom(['kubernetes'], ['ipv6']));
    expect(valueOf(host, `${device}/accept_ra`)).toBe('2\n');
    await undo(host, journal);
    const back = await settings(journal);
    expect(back[0]).toBe('net.ipv6.conf.all.forwarding=0');
    expect(back.at(-1)).toBe('net.ipv6.conf.eth0.accept_ra=1');
    await undo(host, journal, { run: 2 });
    expect((await settings(journal))[0]).toBe('net.ipv6.conf.eth0.accept_ra=2');
  });

  test('a device of which forwarding was on keeps it, although the switch for all turns it off', async () => {
    const host = debianWith({
      '/proc/sys/net/ipv4/conf/all/forwarding': '0\n',
      '/proc/sys/net/ipv4/conf/eth0.100/forwarding': '1\n',
      '/proc/sys/net/ipv4/conf/eth1/forwarding': '0\n',
    });
    const { journal } = await appliedOn(host, desiredOf(forward));
    for (const name of ['all', 'eth1']) host.files.set(`/proc/sys/net/ipv4/conf/${name}/forwarding`, '1\n');
    const run = journal.list[0] as Run;
    const after = {
      ...run.end?.after,
      sysctl: {
        ...(run.end?.after?.['sysctl'] as object),
        'net/ipv4/conf/all/forwarding': '1',
        'net/ipv4/conf/eth1/forwarding': '1',
      },
    };
    journal.list[0] = { ...run, end: { at: '', status: 'applied', after } };
    const { plan } = await undoPlan(host, journal);
    expect(plan.actions.flatMap((a) => (a.do === 'run' ? a.argv.slice(3) : []))).toEqual([
      'net.ipv4.ip_forward=0',
      'net.ipv4.conf.all.forwarding=0',
      'net.ipv4.conf.eth0/100.forwarding=1',
    ]);
  });
});

describe('firewalls and services', () => {
  test('ufw that was turned off is on again', async () => {
    const host = debianWith(
      { '/etc/ufw/ufw.conf': 'ENABLED=yes\n', '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="DROP"\n' },
      { scripts: { 'ask-ufw': 'running\n' } },
    );
    const before = snapshot(host);
    const { journal } = await appliedOn(host, desiredOf({ kind: 'service', name: 'ufw', state: 'inactive' }));
    expect(host.files.get('/etc/ufw/ufw.conf')).toBe('ENABLED=no\n');
    expect((await undo(host, journal)).status).toBe('applied');
    expect(snapshot(host)).toEqual(before);
    await undo(host, journal, { run: 2 });
    expect(host.files.get('/etc/ufw/ufw.conf')).toBe('ENABLED=no\n');
  });

  test('a service that was stopped and masked starts again, now and at boot; and the undo of that stops it', async () => {
    const unit = 'firewalld.service';
    const link = `/etc/systemd/system/multi-user.target.wants/${unit}`;
    const host = debianWith(
      { [link]: { link: `/lib/systemd/system/${unit}` }, [`/lib/systemd/system/${unit}`]: '[Unit]\n' },
      { services: { [unit]: { active: 'active', enabled: 'enabled' } } },
    );
    host.files.set(`/run/systemd/units/invocation:${unit}`, { link: '0123456789abcdef0123456789abcdef' });
    const before = snapshot(host);
    const { journal } = await appliedOn(host, desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive', mask: true }));
    const after = snapshot(host);
    const undone = await undo(host, journal);
    expect([undone.status, snapshot(host)]).toEqual(['applied', before]);
    expect(journal.list[1]?.plan.actions.map((a) => (a.do === 'run' ? a.argv.join(' ') : a.path))).toEqual([
      `systemctl unmask ${unit}`,
      `systemctl enable ${unit}`,
      `systemctl start ${unit}`,
    ]);
    await undo(host, journal, { run: 2 });
    expect(snapshot(host)).toEqual(after);
  });
});

describe('what undo prints', () => {
  const plain = { color: false, width: 80 } as const;
  const escape = '\u001b[2J';

  test('the steps with their diffs, what stays and what stops it, in 80 columns and without control characters', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredFrom(['kubernetes', 'istio', 'calico']));
    const run = { ...(journal.list[0] as Run), by: `eve${escape}` };
    const way = await undoPlan(host, journal);
    const text = await undoText('local', run, way, plain);
    expect(text).toContain('local: undo of run 1: node-prep apply --yes\ndone by eve?[2J, 2026-11-21 18:00 UTC\n');
    expect(text).toContain('What undo does, in this order\n  1. remove /etc/modules-load.d/node-prep.conf');
    expect(text).toMatch(
      /What stays as it is\n {2}stays {3}packages conntrack, .*\n(?: {10}.*\n)* {10}why: installed packages stay/,
    );
    expect(text).toMatch(/\d steps lead back\. Nothing was changed yet\.$/);
    expect(text.split('\n').filter((line) => line.length > 80)).toEqual([]);
    host.files.set(ownSysctl, `${escape}\n`);
    const stopped = await undoText('local', run, await undoPlan(host, journal), plain);
    expect(stopped).toContain(`What was changed since\n  changed ${ownSysctl}\n          why: it is not as this run left it`);
    expect(stopped.replace(/\s+/g, ' ')).toContain('the first that differs is line 1: "?[2J"');
    expect(stopped).not.toContain('\u001b');
  });

  test('a run with nothing left to put back says so', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward));
    const run = journal.list[0] as Run;
    host.files.delete(ownSysctl);
    host.files.set('/proc/sys/net/ipv4/ip_forward', '0\n');
    const text = await undoText('local', run, await undoPlan(host, journal), plain);
    expect(text).toMatch(/There is nothing to put back: this host is as it was before\.$/);
    const outcome = await undo(host, journal);
    expect([outcome.status, undoneCode(outcome), journal.list.length]).toEqual(['applied', 0, 2]);
    expect(undoneLine('local', 1, outcome)).toBe('local: run 1 is undone');
    // So that the next undo is about the run before it.
    expect(runToUndo(undefined, await journal.runs())).toBeUndefined();
  });
});

describe('the run that is undone', () => {
  const runs = async (): Promise<readonly Run[]> => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward));
    await apply(host, journal, desiredOf(forward, overcommit));
    return journal.runs();
  };

  test.each([
    ['7', 'There is no run 7 in the journal.'],
    ['-1', '"-1" is no number of a run.'],
    ['last', '"last" is no number of a run.'],
  ])('%s is answered in words', async (word, message) => {
    const all = await runs();
    expect(() => runToUndo(word, all)).toThrow(message);
  });

  test('is the last apply that did something and is in effect; there may be none', async () => {
    const all = await runs();
    expect(runToUndo(undefined, all)?.id).toBe(2);
    expect(runToUndo(undefined, [])).toBeUndefined();
    const idle = { ...(all[1] as Run), steps: [] };
    expect(runToUndo(undefined, [all[0] as Run, idle])?.id).toBe(1);
    expect(() => runToUndo('2', [all[0] as Run, idle])).toThrow('Run 2 ended before its first step');
  });

  test('by a version that did not write all of it down is undone as far as it did', async () => {
    const { host, journal } = await appliedOn(debianWith({}), desiredOf(forward));
    const run = journal.list[0] as Run;
    const { sysctl: _sysctl, ...before } = run.before as { readonly [part: string]: unknown };
    journal.list[0] = { ...run, before };
    const undone = await undo(host, journal);
    expect(undone.left).toEqual([
      {
        what: 'sysctl',
        why: 'how that was is not written down: the host did not answer then, or node-prep 0.0.0, which did this run, did not ask; node-prep history 1 --verbose shows what the run did',
      },
    ]);
    expect(host.files.has(ownSysctl)).toBe(false);
  });
});

test('planning an undo is pure: the same answers give the same way, and nothing of them is changed', async () => {
  const { host, journal } = await appliedOn(hostFrom(hosts['debian-12-swap-and-lists'] as Recipe), desiredFrom(['kubernetes']));
  const run = journal.list[0] as Run;
  const answers = await host.probe(undoQueries(run, { packages: true }));
  const [kept, wish] = [JSON.stringify([...answers]), { packages: true, later: [] }];
  expect(planUndo(run, answers, wish)).toEqual(planUndo(run, answers, wish));
  expect(JSON.stringify([...answers])).toBe(kept);
  // What is written down is plain JSON.
  expect(JSON.parse(JSON.stringify(run))).toEqual(run);
});

describe('networks and firewalls that run', () => {
  const unit = (name: string): { [path: string]: MemoryFile } => ({
    [`/usr/lib/systemd/system/${name}`]: '[Unit]\n',
    [`/etc/systemd/system/multi-user.target.wants/${name}`]: { link: `/usr/lib/systemd/system/${name}` },
    [`/run/systemd/units/invocation:${name}`]: { link: '0123' },
  });
  const firewalld = {
    ...unit('firewalld.service'),
    '/etc/firewalld/firewalld.conf': 'DefaultZone=public\n',
    '/usr/lib/firewalld/zones/public.xml': '<zone>\n  <service name="ssh"/>\n</zone>\n',
  };
  const running =
    'public (active)\n  target: default\n  interfaces: eth0\n  sources: \n  services: ssh\n  ports: 22/tcp\n  protocols:\n';
  const ufw = {
    ...unit('ufw.service'),
    '/etc/ufw/ufw.conf': 'ENABLED=yes\n',
    '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="DROP"\n',
    '/etc/ufw/user.rules':
      '### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\n### tuple ### deny tcp 179 0.0.0.0/0 any 0.0.0.0/0 in\n',
  };
  const ports: readonly Need[] = [
    { kind: 'port', port: '179', protocol: 'tcp' },
    { kind: 'port', port: '30000-32767', protocol: 'udp' },
  ];
  const hostsOf: readonly (readonly [string, MemoryHost, readonly Need[], readonly string[]])[] = [
    [
      'firewalld',
      debianWith(firewalld, { scripts: { 'ask-firewalld': running } }),
      [...ports, { kind: 'port', protocol: '4' }],
      [
        'firewall-cmd --zone=public --remove-port=179/tcp --remove-port=30000-32767/udp',
        'firewall-cmd --zone=public --remove-protocol=4',
      ],
    ],
    ['ufw', debianWith(ufw, { scripts: { 'ask-ufw': 'running\n' } }), ports, ['ufw reload']],
    [
      'NetworkManager',
      debianWith({
        '/usr/sbin/NetworkManager': 'ELF',
        '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n',
        ...unit('NetworkManager.service'),
      }),
      [{ kind: 'networkmanager', unmanaged: ['interface-name:cali*'] }],
      ['systemctl try-reload-or-restart NetworkManager.service'],
    ],
    [
      'networkd',
      debianWith({
        ...unit('systemd-networkd.service'),
        '/etc/systemd/network/10-all.network': '[Match]\nName=*\n\n[Network]\nDHCP=yes\n',
      }),
      [{ kind: 'networkd', leave: 'unmanaged', names: ['cali*'] }],
      ['networkctl reload'],
    ],
    [
      'networkd.conf',
      debianWith(unit('systemd-networkd.service')),
      [{ kind: 'networkd', leave: 'foreign' }],
      ['systemctl try-restart systemd-networkd.service'],
    ],
  ];

  test.each(hostsOf)('%s goes back, and is told to read its files again', async (_name, host, needs, commands) => {
    const before = snapshot(host);
    const { journal } = await appliedOn(host, desiredOf(...needs));
    const after = snapshot(host);
    expect(after).not.toEqual(before);
    const undone = await undo(host, journal);
    expect([undone.status, undone.left, snapshot(host)]).toEqual(['applied', [], before]);
    const ran = journal.list[1]?.plan.actions.flatMap((a) => (a.do === 'run' ? [a.argv.join(' ')] : []));
    expect(ran).toEqual(commands);
    expect((await undo(host, journal, { run: 2 })).status).toBe('applied');
    expect(snapshot(host)).toEqual(after);
  });

  test('kernel arguments in the boot menu go as they came', async () => {
    const files = {
      '/etc/default/grub': 'GRUB_CMDLINE_LINUX_DEFAULT="quiet systemd.unified_cgroup_hierarchy=0"\nGRUB_CMDLINE_LINUX=""\n',
      '/usr/sbin/update-grub': 'ELF',
      '/boot/grub/grub.cfg': menuText('quiet systemd.unified_cgroup_hierarchy=0'),
    };
    const host = debianWith(files, { cgroup: 'tmpfs' });
    const before = snapshot(host);
    const { journal } = await appliedOn(host, allowing(desiredOf({ kind: 'cgroup', v1: 'blocked' })));
    expect(String(host.files.get('/boot/grub/grub.cfg'))).toContain('systemd.unified_cgroup_hierarchy=1');
    expect((await undo(host, journal)).status).toBe('applied');
    expect({ ...snapshot(host), modes: {} }).toEqual({
      ...before,
      modes: {},
      files: { ...(before['files'] as object), '/boot/grub/grub.cfg': host.files.get('/boot/grub/grub.cfg') },
    });
    expect(String(host.files.get('/boot/grub/grub.cfg'))).not.toContain('hierarchy=1');
  });
});
