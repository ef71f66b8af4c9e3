import { describe, expect, test } from 'vitest';
import { planHost, applyHost, appliedCode } from '../../src/apply.ts';
import type { Watch } from '../../src/apply.ts';
import { overlay, mergeQueries } from '../../src/answers.ts';
import { memoryHost } from '../../src/hosts/memory.ts';
import type { Answer, Query, Step } from '../../src/model.ts';
import { has, isConverged, makePlan, queriesFor, summarize } from '../../src/plan.ts';
import { debianPackages, rhelPackages } from '../recordings/packages.ts';
import { hosts, hostFrom } from '../recordings/hosts.ts';
import { applyTo, commandsOf, debianWith, desiredFrom, desiredOf, findingOf, idsWith, written } from './support.ts';

const all = ['kubernetes', 'istio', 'calico'];
const bare = debianPackages('12', ['util-linux', 'mount', 'iproute2']);

/** Says yes and collects the steps. */
const yes: Watch = {
  confirm: () => Promise.resolve(true),
  progress: async (_plan, steps) => {
    const done: Step[] = [];
    for await (const step of steps) done.push(step);
    return done;
  },
};

describe('a plan is a pure function of what is wanted and what the host answered', () => {
  test('the same answers give the same plan, and neither argument is changed', async () => {
    const desired = desiredFrom(all);
    const answers = await debianWith({}).probe(queriesFor(desired));
    const before = JSON.stringify([desired, [...answers]]);
    expect(makePlan(desired, answers)).toEqual(makePlan(desired, answers));
    expect(JSON.stringify([desired, [...answers]])).toBe(before);
  });

  test('the order in which the host answers makes no difference', async () => {
    const desired = desiredFrom(all);
    const answers = await debianWith({}).probe(queriesFor(desired));
    expect(makePlan(desired, new Map([...answers].reverse()))).toEqual(makePlan(desired, answers));
  });

  test('a plan is plain JSON: nothing is lost on the way through a file', async () => {
    const plan = await planHost(debianWith({}), desiredFrom(all));
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan);
  });

  test('a host that answers nothing at all is a plan, not a crash', () => {
    const plan = makePlan(desiredFrom(all), new Map());
    expect(plan.system).toMatchObject({ id: 'linux', family: 'unknown', kernel: '' });
    expect(isConverged(plan)).toBe(false);
  });

  test('no query is asked twice, and lines wanted of one file by two kinds are asked for together', () => {
    const keys = queriesFor(desiredFrom(all)).map((q) => JSON.stringify({ ...q, lines: undefined }));
    expect(new Set(keys).size).toBe(keys.length);
    const merged = mergeQueries([
      { ask: 'read', path: '/a', lines: ['x'] },
      { ask: 'read', path: '/a', lines: ['y', 'x'] },
      { ask: 'read', path: '/b', lines: ['x'] },
      { ask: 'read', path: '/b' },
    ]);
    expect(merged).toEqual([
      { ask: 'read', path: '/a', lines: ['x', 'y'] },
      { ask: 'read', path: '/b' },
    ] satisfies Query[]);
  });
});

describe('actions', () => {
  test('packages come before modules, modules before kernel settings', async () => {
    const plan = await planHost(hostFrom({ ...hosts['debian-12-swap-and-lists']!, packages: bare }), desiredFrom(all));
    const order = plan.actions.map((a) =>
      a.do === 'run'
        ? (a.argv.find((w) => /^(install|update|modprobe|swapoff|sysctl)$/.test(w)) ?? '')
        : a.do === 'write'
          ? a.path
          : '',
    );
    const at = (word: string): number => order.indexOf(word);
    expect(at('install')).toBeGreaterThanOrEqual(0);
    expect(at('install')).toBeLessThan(at('/etc/modules-load.d/node-prep.conf'));
    expect(at('/etc/modules-load.d/node-prep.conf')).toBeLessThan(at('modprobe'));
    expect(at('modprobe')).toBeLessThan(at('swapoff'));
    expect(at('modprobe')).toBeLessThan(at('/etc/sysctl.d/node-prep.conf'));
    expect(at('/etc/sysctl.d/node-prep.conf')).toBeLessThan(at('sysctl'));
  });

  test('many settings, modules and packages are one write, one modprobe, one install and one sysctl --system', async () => {
    const plan = await planHost(hostFrom({ ...hosts['debian-12']!, packages: bare }), desiredFrom(all));
    const commands = commandsOf(plan);
    for (const word of ['modprobe -a', 'sysctl --system', 'install --no-install-recommends']) {
      expect(
        commands.filter((c) => c.includes(word)),
        word,
      ).toHaveLength(1);
    }
    expect(plan.actions.filter((a) => a.do === 'write').map((a) => a.path)).toEqual([
      '/etc/modules-load.d/node-prep.conf',
      '/etc/sysctl.d/node-prep.conf',
    ]);
  });

  test('the plan tells what boot will be after apply', async () => {
    const plan = await planHost(debianWith({}), desiredOf({ kind: 'module', name: 'xt_owner' }));
    expect(findingOf(plan, 'module/xt_owner')).toMatchObject({
      boot: { ok: false, have: 'not listed' },
      after: { ok: true, have: 'loaded', from: expect.stringContaining('/etc/modules-load.d/node-prep.conf:') },
    });
  });

  test('laying a plan over answers adds, replaces and removes files in reads and lists', () => {
    const list: Answer = { status: 0, text: '', files: [{ path: '/d/b.conf', text: 'b' }] };
    const answers = new Map<string, Answer>([
      ['read /d/a.conf', { status: 1, text: '' }],
      ['list /d/*.conf', list],
    ]);
    const write = { do: 'write', path: '/d/a.conf', mode: '0644', before: null, after: 'a', for: [] } as const;
    const after = overlay(answers, [write, { do: 'remove', path: '/d/b.conf', before: 'b', for: [] }]);
    expect(after.get('read /d/a.conf')).toEqual({ status: 0, text: 'a' });
    expect(after.get('list /d/*.conf')?.files).toEqual([{ path: '/d/a.conf', text: 'a' }]);
    expect(answers.get('list /d/*.conf')).toBe(list);
  });
});

describe('waivers', () => {
  const waived = (id: string) => desiredFrom(all, ['ipv4'], [{ id, reason: 'not used here' }]);

  test.each(['module/xt_set', 'sysctl/net.ipv4.ip_forward', 'package/socat', 'swap/off'])(
    'what is set aside (%s) is shown as waived, changes nothing, and all else is judged as before',
    async (id) => {
      const host = (): ReturnType<typeof hostFrom> => hostFrom(hosts['debian-12-swap-and-lists']!);
      const [plain, plan] = [await planHost(host(), desiredFrom(all)), await planHost(host(), waived(id))];
      expect(findingOf(plain, id).verdict).toBe('change');
      expect(findingOf(plan, id)).toMatchObject({ verdict: 'waived', reason: 'not used here' });
      expect(plan.actions.flatMap((a) => a.for)).not.toContain(id);
      const others = (p: typeof plan) =>
        Object.fromEntries(p.findings.filter((f) => f.id !== id).map((f) => [f.id, [f.verdict, f.now, f.boot]]));
      expect(others(plan)).toEqual(others(plain));
    },
  );

  test('a waived service is not stopped, and the others still are', async () => {
    const services = {
      'firewalld.service': { active: 'active', enabled: 'enabled' },
      'nm-cloud-setup.service': { active: 'active', enabled: 'enabled' },
    };
    const plan = await planHost(debianWith({}, { services }), waived('service/firewalld'));
    expect(findingOf(plan, 'service/firewalld').verdict).toBe('waived');
    expect(findingOf(plan, 'service/nm-cloud-setup').verdict).toBe('change');
    expect(commandsOf(plan).filter((c) => c.startsWith('systemctl disable'))).toEqual([
      'systemctl disable --now nm-cloud-setup.service',
    ]);
  });

  test('a waived obstacle no longer stands in the way', async () => {
    const host = (): ReturnType<typeof debianWith> => debianWith({ '/etc/modprobe.d/no.conf': 'blacklist xt_set\n' });
    expect(idsWith(await planHost(host(), desiredFrom(all)), 'blocked')).toEqual(['module/xt_set']);
    const plan = await planHost(host(), waived('module/xt_set'));
    expect(has(plan, 'blocked')).toBe(false);
    expect(written(plan, '/etc/modules-load.d/node-prep.conf')).not.toMatch(/^xt_set$/m);
  });

  test('a waiver of something that is met anyway leaves it met', async () => {
    expect(findingOf(await planHost(debianWith({}), waived('cgroup/v2')), 'cgroup/v2').verdict).toBe('ok');
  });

  test('the end of a waiver is shown with it', async () => {
    const desired = desiredFrom(['kubernetes'], ['ipv4'], [{ id: 'package/socat', reason: 'no', until: '2030-01-01' }]);
    expect(findingOf(await planHost(debianWith({}), desired), 'package/socat')).toMatchObject({ until: '2030-01-01' });
  });
});

describe('apply', () => {
  test('a blocked host is refused with exit code 3, and no command or write happens', async () => {
    const host = debianWith({ '/etc/modprobe.d/no.conf': 'install xt_set /bin/false\n' });
    const files = new Map(host.files);
    const outcome = await applyHost(host, desiredFrom(all), { partial: false }, yes);
    expect(outcome.status).toBe('refused');
    expect(appliedCode(outcome)).toBe(3);
    expect([host.machine.commands, host.files]).toEqual([[], files]);
  });

  test('--partial does the rest and still exits with 3', async () => {
    const host = debianWith({ '/etc/modprobe.d/no.conf': 'install xt_set /bin/false\n' });
    const outcome = await applyHost(host, desiredFrom(all), { partial: true }, yes);
    expect(outcome.status).toBe('applied');
    expect(appliedCode(outcome)).toBe(3);
    expect(host.files.get('/proc/modules')).toMatch(/^xt_owner /m);
  });

  test('a converged host is applied with exit code 0, without a single command', async () => {
    const host = debianWith({});
    expect(appliedCode(await applyHost(host, desiredFrom(all), { partial: false }, yes))).toBe(0);
    host.machine.commands.length = 0;
    const files = new Map(host.files);
    const again = await applyHost(host, desiredFrom(all), { partial: false }, yes);
    expect([again.status, appliedCode(again), host.machine.commands]).toEqual(['applied', 0, []]);
    expect(host.files).toEqual(files);
  });

  test('who says no changes nothing and gets a message', async () => {
    const host = debianWith({});
    const no: Watch = { ...yes, confirm: () => Promise.resolve(false) };
    await expect(applyHost(host, desiredFrom(all), { partial: false }, no)).rejects.toThrow(/nothing was touched/);
    expect(host.machine.commands).toEqual([]);
  });

  test('a failed install tells what the package manager said, leaves the steps after it undone, and exits with 1', async () => {
    const host = debianWith({}, { packages: { manager: 'none', installed: { kmod: '30', procps: '4' } } });
    const outcome = await applyHost(host, desiredFrom(['kubernetes']), { partial: false }, yes);
    expect(outcome).toMatchObject({
      status: 'failed',
      steps: [{ status: 'failed', exitCode: 127, output: 'apt-get: not found\n' }],
    });
    expect(appliedCode(outcome)).toBe(1);
    expect(host.files.has('/etc/modules-load.d/node-prep.conf')).toBe(false);
  });

  test('modprobe that says yes and loads nothing is found out by the verification', async () => {
    // No CAP_SYS_MODULE, but not seen as root either: the plan cannot know.
    const host = debianWith({ '/proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n' });
    const outcome = await applyHost(host, desiredOf({ kind: 'module', name: 'xt_owner' }), { partial: false }, yes);
    expect(outcome).toMatchObject({ status: 'failed', problem: expect.stringContaining('module/xt_owner') });
    expect(appliedCode(outcome)).toBe(1);
  });

  test('package lists that went stale are fetched again and the install is tried once more', async () => {
    const packages = { ...bare, available: { socat: { version: '1.7.4.4-2', gone: true } } } as const;
    const host = debianWith({}, { packages });
    const { after, steps } = await applyTo(host, desiredOf({ kind: 'package', capability: 'socat' }));
    expect(steps.map((s) => s.status)).toEqual(['done']);
    expect(host.machine.commands.map((c) => c.find((w) => /install|update/.test(w) && !w.startsWith('-')))).toEqual([
      'install',
      'update',
      'install',
    ]);
    expect(isConverged(after)).toBe(true);
  });

  test('dnf hosts install by their own names', async () => {
    const host = hostFrom({ ...hosts['rocky-9']!, packages: rhelPackages('el9', []) });
    const { before, after } = await applyTo(host, desiredOf({ kind: 'package', capability: 'conntrack', min: '1.4.1' }));
    expect(commandsOf(before)).toEqual(['dnf -y -q --setopt=install_weak_deps=False install conntrack-tools']);
    expect(isConverged(after)).toBe(true);
  });
});

test('the summary counts every finding once', async () => {
  const plan = await planHost(debianWith({}), desiredFrom(all));
  const counts = summarize([plan]);
  expect(Object.values(counts).reduce((a, b) => a + b, 0)).toBe(plan.findings.length);
});

test('a memory host that is locked refuses a second lock until it is released', async () => {
  const host = memoryHost({ files: {} });
  const lock = await host.lock();
  await expect(host.lock()).rejects.toThrow(/at work/);
  await lock.release();
  await expect(host.lock()).resolves.toBeDefined();
});
