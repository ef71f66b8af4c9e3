import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { isConverged } from '../../src/plan.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { applyTo, commandsOf, debianWith, desiredOf, findingOf, judge, linesOf, written } from './support.ts';

type Files = { readonly [path: string]: MemoryFile };

describe('swap', () => {
  const off = { kind: 'swap', policy: 'off' } as const;
  const swaps = (...names: string[]) =>
    `Filename\tType\tSize\tUsed\tPriority\n${names.map((n) => `${n} partition\t1\t0\t-2\n`).join('')}`;

  test('a host without swap needs nothing', async () => {
    expect(await judge(debianWith({}), off)).toMatchObject({ verdict: 'ok', now: { have: 'off' }, boot: { have: 'off' } });
  });

  test('swap that is off now, but comes back at boot, is a change', async () => {
    const host = debianWith({ '/etc/fstab': '/dev/sda2 none swap sw 0 0\n' });
    expect(await judge(host, off)).toMatchObject({
      verdict: 'change',
      now: { ok: true },
      boot: { ok: false, from: '/etc/fstab:1' },
    });
    expect(commandsOf(await planHost(host, desiredOf(off)))).toEqual([]);
  });

  test('swap that is on now, but not at boot, is turned off without touching a file', async () => {
    const plan = await planHost(debianWith({ '/proc/swaps': swaps('/swapfile') }), desiredOf(off));
    expect(plan.actions.map((a) => (a.do === 'run' ? a.argv.join(' ') : a.path))).toEqual(['swapoff -a']);
  });

  test('every other line of fstab stays byte for byte, and the swap lines are still there as comments', async () => {
    const lines = [
      '# /etc/fstab: static file system information.',
      '',
      'UUID=1\t/\text4\terrors=remount-ro 0 1   ',
      '  /dev/sda2 none swap sw 0 0',
      '#/dev/sda3 none swap sw 0 0',
      '/swapfile none swap defaults,noauto 0 0',
      '/srv/swap /mnt none bind 0 0',
      'UUID=3 swap swap pri=5 0 0',
    ];
    const host = debianWith({ '/etc/fstab': lines.join('\n'), '/proc/swaps': swaps('/dev/sda2', '/dev/sda4') });
    const { before, after } = await applyTo(host, desiredOf(off));
    const text = written(before, '/etc/fstab') ?? '';
    const changed = text.split('\n').flatMap((line, i) => (line === lines[i] ? [] : [i]));
    expect(changed).toEqual([3, 7]);
    for (const i of changed) expect(text.split('\n')[i]).toMatch(/^#.*: /);
    expect(
      text
        .split('\n')
        .map((line) => line.replace(/^# off for Kubernetes, by node-prep: /, ''))
        .join('\n'),
    ).toBe(lines.join('\n'));
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(off)))).toBe(true);
  });

  test('fstab keeps its mode', async () => {
    const plan = await planHost(debianWith({ '/etc/fstab': '/dev/sda2 none swap sw 0 0\n' }), desiredOf(off));
    expect(plan.actions).toMatchObject([{ do: 'write', path: '/etc/fstab', mode: 'keep' }]);
  });

  test('an enabled swap unit of the distribution is masked, and stays off after a reboot', async () => {
    const host = debianWith({
      '/etc/systemd/system/swap.target.wants/data-swap.swap': { link: '/usr/lib/systemd/system/data-swap.swap' },
      '/usr/lib/systemd/system/data-swap.swap': '[Swap]\nWhat=/data/swap\n',
      '/proc/swaps': swaps('/data/swap'),
    });
    const { before, after } = await applyTo(host, desiredOf(off));
    expect(commandsOf(before)).toEqual(['systemctl mask data-swap.swap', 'swapoff -a']);
    expect(findingOf(before, 'swap/off').after).toMatchObject({ ok: true, have: 'off' });
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(off)))).toBe(true);
  });

  test('a unit whose file the owner put into /etc cannot be masked there: it is disabled', async () => {
    const host = debianWith({
      '/etc/systemd/system/swap.target.wants/data-swap.swap': { link: '/etc/systemd/system/data-swap.swap' },
      '/etc/systemd/system/data-swap.swap': '[Swap]\nWhat=/data/swap\n',
      '/proc/swaps': swaps('/data/swap'),
    });
    const { before, after, steps } = await applyTo(host, desiredOf(off));
    expect(commandsOf(before)).toEqual(['systemctl disable data-swap.swap', 'swapoff -a']);
    expect(findingOf(before, 'swap/off').after).toMatchObject({ ok: true, have: 'off' });
    expect(steps.every((s) => s.status === 'done')).toBe(true);
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(off)))).toBe(true);
  });

  test('a unit that is masked already turns nothing on', async () => {
    const host = debianWith({
      '/etc/systemd/system/swap.target.wants/x.swap': { link: '/usr/lib/systemd/system/x.swap' },
      '/etc/systemd/system/x.swap': { link: '/dev/null' },
    });
    expect((await judge(host, off)).verdict).toBe('ok');
  });

  test("zram-generator's file of the distribution is hidden by one in /etc with its section commented out", async () => {
    const host = debianWith({
      '/usr/lib/systemd/zram-generator.conf': '[zram0]\nzram-size = ram / 2\n',
      '/proc/swaps': swaps('/dev/zram0'),
    });
    const { before, after } = await applyTo(host, desiredOf(off));
    expect(linesOf(written(before, '/etc/systemd/zram-generator.conf'))).toEqual([]);
    expect(findingOf(before, 'swap/off')).toMatchObject({
      boot: { from: '/usr/lib/systemd/zram-generator.conf:1' },
      after: { have: 'off' },
    });
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(off)))).toBe(true);
  });

  test('an empty /etc/systemd/zram-generator.conf turns zram off', async () => {
    const host = debianWith({ '/usr/lib/systemd/zram-generator.conf': '[zram0]\n', '/etc/systemd/zram-generator.conf': '' });
    expect((await judge(host, off)).verdict).toBe('ok');
  });

  const policies = [
    ['cgroup-v2', 'cgroup2fs', 'ok'],
    ['cgroup-v2', 'tmpfs', 'change'],
    ['ignore', 'tmpfs', 'ok'],
    ['off', 'cgroup2fs', 'change'],
  ] as const;
  test.each(policies)('with policy %s on %s, swap that is on is %s', async (policy, cgroup, verdict) => {
    const host = debianWith({ '/proc/swaps': swaps('/dev/sda2') }, { cgroup });
    expect((await judge(host, { kind: 'swap', policy })).verdict).toBe(verdict);
  });
});

describe('control groups', () => {
  const need = (v1: 'advice' | 'blocked') => ({ kind: 'cgroup', v1 }) as const;

  test('version 2 with all controllers is ok', async () => {
    expect((await judge(debianWith({}), need('blocked'))).verdict).toBe('ok');
  });

  test.each(['advice', 'blocked'] as const)(
    'version 1 (tmpfs) is %s where that is what the Kubernetes version makes of it',
    async (v1) => {
      const finding = await judge(debianWith({}, { cgroup: 'tmpfs' }), need(v1));
      expect(finding).toMatchObject({
        verdict: v1,
        now: { have: 'tmpfs' },
        remedy: expect.stringContaining('systemd.unified_cgroup_hierarchy=1'),
      });
    },
  );

  test('the kernel argument that forces version 1 is named', async () => {
    const host = debianWith({ '/proc/cmdline': 'quiet systemd.unified_cgroup_hierarchy=0\n' }, { cgroup: 'tmpfs' });
    expect(await judge(host, need('blocked'))).toMatchObject({
      now: { from: '/proc/cmdline: systemd.unified_cgroup_hierarchy=0' },
      remedy: expect.stringContaining('take systemd.unified_cgroup_hierarchy=0 away'),
    });
  });

  test('a controller that the kernel keeps off is blocked whatever the version of Kubernetes', async () => {
    const host = debianWith({ '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n' });
    expect(await judge(host, need('advice'))).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining('memory') });
  });
});

describe('kernel', () => {
  const releases = [
    ['5.10.0-32-amd64', '5.10', 'ok'],
    ['5.10.0-32-amd64', '5.13', 'blocked'],
    ['5.9.16-1-amd64', '5.10', 'blocked'],
    ['6.1.0-56-amd64', '5.13', 'ok'],
    ['6.12.107+deb13-amd64', '6.12.107', 'ok'],
    ['10.0', '6.1', 'ok'],
    ['', '5.10', 'blocked'],
  ] as const;
  test.each(releases)('kernel "%s" against a minimum of %s: %s', async (kernel, min, verdict) => {
    expect((await judge(debianWith({}, { kernel }), { kind: 'kernel', min })).verdict).toBe(verdict);
  });

  test('an old kernel is mere advice where the requirement is', async () => {
    expect((await judge(debianWith({}), { kind: 'kernel', min: '99', advice: true })).verdict).toBe('advice');
  });

  const options = [
    ['CGROUPS', 'ok'],
    ['IP_SCTP', 'ok'],
    ['NO_SUCH_OPTION', 'blocked'],
  ] as const;
  test.each(options)('kernel option %s: %s', async (symbol, verdict) => {
    expect((await judge(debianWith({}), { kind: 'kernelconfig', symbol })).verdict).toBe(verdict);
  });

  test('an unreadable configuration is said, not guessed', async () => {
    const host = debianWith({ '/boot/config-6.1.0-50-amd64': { link: '/nowhere' } });
    host.files.delete('/boot/config-6.1.0-50-amd64');
    expect(await judge(host, { kind: 'kernelconfig', symbol: 'CGROUPS' })).toMatchObject({
      verdict: 'advice',
      now: { have: 'unknown' },
    });
  });

  test.each(['/lib/modules/6.1.0-50-amd64/config', '/proc/config.gz'])('the configuration is found in %s too', async (path) => {
    const host = debianWith({ [path]: 'CONFIG_CGROUPS=y\n' });
    host.files.delete('/boot/config-6.1.0-50-amd64');
    expect(await judge(host, { kind: 'kernelconfig', symbol: 'CGROUPS' })).toMatchObject({ verdict: 'ok', now: { from: path } });
  });

  test('the configuration of another kernel does not count', async () => {
    const host = debianWith({ '/boot/config-5.10.0-1-amd64': 'CONFIG_X=y\n' });
    expect((await judge(host, { kind: 'kernelconfig', symbol: 'X' })).verdict).toBe('blocked');
  });
});

describe('services', () => {
  const firewalld = { kind: 'service', name: 'firewalld', state: 'inactive' } as const;
  const timer = { kind: 'service', name: 'nm-cloud-setup.timer', state: 'inactive' } as const;

  test('a service that is not installed, and a host without systemd, need nothing', async () => {
    expect((await judge(debianWith({}), firewalld)).verdict).toBe('ok');
    expect((await judge(debianWith({}, { systemd: false }), firewalld)).verdict).toBe('ok');
  });

  const states = [
    ['active', 'enabled', 'change'],
    ['inactive', 'enabled', 'change'],
    ['active', 'disabled', 'change'],
    ['activating', 'disabled', 'change'],
    ['inactive', 'disabled', 'ok'],
    ['inactive', 'masked', 'ok'],
    ['failed', 'disabled', 'ok'],
    ['inactive', 'enabled-runtime', 'ok'],
  ] as const;
  test.each(states)('%s now and %s at boot: %s', async (active, enabled, verdict) => {
    const host = debianWith({}, { services: { 'firewalld.service': { active, enabled } } });
    expect((await judge(host, firewalld)).verdict).toBe(verdict);
  });

  test('one that the distribution starts by a link of its own is masked: to disable it does nothing', async () => {
    const link = '/usr/lib/systemd/system/multi-user.target.wants/firewalld.service';
    const unit = { '/usr/lib/systemd/system/firewalld.service': '[Service]\n', [link]: { link: '../firewalld.service' } };
    const host = debianWith(unit, { services: { 'firewalld.service': { active: 'inactive', enabled: 'static' } } });
    const { before, after } = await applyTo(host, desiredOf(firewalld));
    expect(before.findings[0]).toMatchObject({ verdict: 'change', boot: { ok: false, from: link } });
    expect(commandsOf(before)).toContain('systemctl mask firewalld.service');
    expect(isConverged(after)).toBe(true);
  });

  test('it is stopped and disabled by one command, and stays so after a reboot', async () => {
    const host = debianWith({}, { services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } } });
    const { before, after } = await applyTo(host, desiredOf(firewalld));
    expect(commandsOf(before)).toEqual(['systemctl disable --now firewalld.service']);
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(firewalld)))).toBe(true);
  });

  test('of several services each is judged by its own state', async () => {
    const host = debianWith({}, { services: { 'nm-cloud-setup.timer': { active: 'active', enabled: 'enabled' } } });
    const plan = await planHost(host, desiredOf(firewalld, timer));
    expect([findingOf(plan, 'service/firewalld').verdict, findingOf(plan, 'service/nm-cloud-setup.timer').verdict]).toEqual([
      'ok',
      'change',
    ]);
  });

  test('as advice it is left running, with the command that would stop it', async () => {
    const host = debianWith({}, { services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } } });
    const plan = await planHost(host, desiredOf({ ...firewalld, advice: true }));
    expect(plan.findings[0]).toMatchObject({ verdict: 'advice', remedy: 'systemctl disable --now firewalld.service' });
    expect(plan.actions).toEqual([]);
  });
});

describe('NetworkManager', () => {
  const need = { kind: 'networkmanager', unmanaged: ['interface-name:cali*', 'interface-name:tunl*'] } as const;
  const own = '/etc/NetworkManager/conf.d/node-prep.conf';
  const installed: Files = { '/usr/sbin/NetworkManager': 'ELF' };
  const conf = (name: string, line: string): Files => ({ [`/etc/NetworkManager/conf.d/${name}`]: `[keyfile]\n${line}\n` });

  test('a host without it needs nothing', async () => {
    expect(await judge(debianWith({}), need)).toMatchObject({ verdict: 'ok', now: { have: 'not installed' } });
  });

  test('the devices are added to what others left alone, and the second plan is empty', async () => {
    const { before, after } = await applyTo(
      debianWith({ ...installed, ...conf('a.conf', 'unmanaged-devices=mac:1') }),
      desiredOf(need),
    );
    expect(written(before, own)).toMatch(/^\[keyfile\]\nunmanaged-devices\+=interface-name:cali\*;interface-name:tunl\*$/m);
    expect(commandsOf(before)).toEqual(['systemctl try-reload-or-restart NetworkManager.service']);
    expect(isConverged(after)).toBe(true);
  });

  const enough: readonly (readonly [string, Files])[] = [
    ['one file with =', conf('calico.conf', 'unmanaged-devices=interface-name:cali*;interface-name:tunl*')],
    ['commas and spaces', conf('calico.conf', 'unmanaged-devices = interface-name:cali*, interface-name:tunl*')],
    [
      'two files with +=',
      {
        ...conf('a.conf', 'unmanaged-devices+=interface-name:cali*'),
        ...conf('b.conf', 'unmanaged-devices+=interface-name:tunl*'),
      },
    ],
    [
      'a replaced list that names both',
      {
        ...conf('a.conf', 'unmanaged-devices=mac:1'),
        ...conf('b.conf', 'unmanaged-devices=interface-name:tunl*;interface-name:cali*'),
      },
    ],
  ];
  test.each(enough)('%s will do, and nothing is written', async (_name, files) => {
    const plan = await planHost(debianWith({ ...installed, ...files }), desiredOf(need));
    expect([plan.findings[0]?.verdict, plan.actions]).toEqual(['ok', []]);
  });

  const lacking: readonly (readonly [string, Files])[] = [
    [
      'a later file with = that names less',
      {
        ...conf('a.conf', 'unmanaged-devices=interface-name:cali*;interface-name:tunl*'),
        ...conf('b.conf', 'unmanaged-devices=interface-name:cali*'),
      },
    ],
    [
      'a later file that takes one out with -=',
      {
        ...conf('a.conf', 'unmanaged-devices=interface-name:cali*;interface-name:tunl*'),
        ...conf('b.conf', 'unmanaged-devices-=interface-name:tunl*'),
      },
    ],
    [
      'another section',
      { '/etc/NetworkManager/conf.d/a.conf': '[main]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*\n' },
    ],
    ['a commented line', conf('a.conf', '#unmanaged-devices=interface-name:cali*;interface-name:tunl*')],
    [
      'a file in /run',
      { '/run/NetworkManager/conf.d/a.conf': '[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*\n' },
    ],
    [
      'a vendor file that a file of the same name hides',
      {
        '/usr/lib/NetworkManager/conf.d/a.conf': '[keyfile]\nunmanaged-devices=interface-name:cali*;interface-name:tunl*\n',
        '/etc/NetworkManager/conf.d/a.conf': '',
      },
    ],
  ];
  test.each(lacking)('%s is not enough', async (_name, files) => {
    expect((await judge(debianWith({ ...installed, ...files }), need)).verdict).toBe('change');
  });

  test('a file after ours that replaces the list is blocked and named', async () => {
    const host = debianWith({ ...installed, ...conf('zz.conf', 'unmanaged-devices=mac:1') });
    expect(await judge(host, need)).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/NetworkManager/conf.d/zz.conf'),
    });
    expect((await planHost(host, desiredOf(need))).actions).toEqual([]);
  });
});

describe('what each recorded host is', () => {
  const systems = [
    ['debian-11', 'debian', '11', 'debian'],
    ['ubuntu-24.04', 'ubuntu', '24.04', 'debian'],
    ['rocky-9', 'rocky', '9.6', 'rhel'],
    ['fedora-43', 'fedora', '43', 'rhel'],
    ['unknown-distribution', 'alpine', '3.23.0', 'unknown'],
  ] as const;
  test.each(systems)('%s', async (name, id, versionId, family) => {
    const { system } = await planHost(hostFrom(hosts[name]!), desiredOf());
    expect(system).toMatchObject({ id, versionId, family, arch: 'x86_64' });
  });
});
