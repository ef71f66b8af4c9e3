import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { has, isConverged } from '../../src/plan.ts';
import { hostFrom, hosts, recorded } from '../recordings/hosts.ts';
import {
  applyTo,
  commandsOf,
  debianWith,
  desiredFrom,
  desiredOf,
  findingOf,
  idsWith,
  judge,
  linesOf,
  written,
} from './support.ts';

const own = '/etc/modules-load.d/node-prep.conf';
const module = (name: string) => ({ kind: 'module', name }) as const;
const k8s = (text: string) => ({ '/etc/modules-load.d/k8s.conf': text });
const kernel = '6.1.0-50-amd64';

describe('how a name is satisfied', () => {
  test('a module that is loaded but not listed for boot is a change, not ok', async () => {
    const host = debianWith({}, { loaded: ['xt_owner', 'x_tables'] });
    const plan = await planHost(host, desiredOf(module('xt_owner')));
    expect(findingOf(plan, 'module/xt_owner')).toMatchObject({
      verdict: 'change',
      now: { ok: true, have: 'loaded' },
      boot: { ok: false, have: 'not listed' },
    });
    expect(plan.actions.map((a) => a.do)).toEqual(['write']);
  });

  test('a module that is listed but not loaded is loaded, and no file is written', async () => {
    const plan = await planHost(debianWith(k8s('xt_owner\n')), desiredOf(module('xt_owner')));
    expect(findingOf(plan, 'module/xt_owner')).toMatchObject({ boot: { ok: true, from: '/etc/modules-load.d/k8s.conf:1' } });
    expect(commandsOf(plan)).toEqual(['modprobe -a xt_owner']);
    expect(plan.actions).toHaveLength(1);
  });

  test('a module that is loaded and listed by hand is accepted and not repeated', async () => {
    const host = debianWith(k8s('# by hand\n\noverlay\nbr_netfilter\n'), { loaded: ['overlay', 'br_netfilter', 'bridge'] });
    const plan = await planHost(host, desiredOf(module('overlay'), module('br_netfilter'), module('xt_owner')));
    expect(idsWith(plan, 'ok')).toEqual(['module/overlay', 'module/br_netfilter']);
    expect(linesOf(written(plan, own))).toEqual(['xt_owner']);
  });

  test('a module that is built in needs nothing', async () => {
    const host = debianWith({ [`/lib/modules/${kernel}/modules.builtin`]: 'kernel/net/netfilter/xt_owner.ko\n' });
    expect(await judge(host, module('xt_owner'))).toMatchObject({ verdict: 'ok', now: { have: 'built in' } });
  });

  test('code that no index lists, but the configuration has built in, needs nothing', async () => {
    const config = recorded('config').replace('CONFIG_NETFILTER_NETLINK=m', 'CONFIG_NETFILTER_NETLINK=y');
    const index = recorded('debian-7.2.dep')
      .split('\n')
      .filter((line) => !line.includes('/nfnetlink.ko'))
      .join('\n');
    const host = debianWith({ [`/lib/modules/${kernel}/modules.dep`]: index }, { config });
    const finding = await judge(host, module('nfnetlink'));
    expect(finding).toMatchObject({ verdict: 'ok', now: { have: 'built in', from: `/boot/config-${kernel}` } });
  });

  test('a kernel without loadable modules that has it all built in needs nothing', async () => {
    const plan = await planHost(hostFrom(hosts['all-built-in']!), desiredOf(module('xt_owner'), module('nft_ct')));
    expect(idsWith(plan, 'ok')).toHaveLength(2);
  });

  test('a module that another one absorbed is served by that one', async () => {
    const plan = await planHost(debianWith({}), desiredOf(module('nf_conntrack_ipv4')));
    expect(findingOf(plan, 'module/nf_conntrack_ipv4').now.from).toMatch(/part of nf_conntrack since 4\.19/);
    expect(linesOf(written(plan, own))).toEqual(['nf_conntrack']);
  });

  test('an alias is written as the module that answers to it', async () => {
    const plan = await planHost(debianWith({}), desiredOf(module('ipt_MASQUERADE')));
    expect(linesOf(written(plan, own))).toEqual(['xt_MASQUERADE']);
    expect(commandsOf(plan)).toEqual(['modprobe -a xt_MASQUERADE']);
  });

  test('where the legacy tables are gone, what iptables-nft uses in their place will do', async () => {
    const host = hostFrom(hosts['rocky-10-modules-extra']!);
    const { before, after } = await applyTo(host, desiredOf(module('iptable_nat')));
    expect(linesOf(written(before, own))).toEqual(['nft_compat', 'nf_tables', 'nft_chain_nat']);
    expect(isConverged(after)).toBe(true);
  });

  test('a name that a package pinned to the running kernel brings is installed, listed and loaded', async () => {
    const host = hostFrom(hosts['rocky-10']!);
    const { before, after } = await applyTo(host, desiredOf(module('br_netfilter'), module('overlay')));
    expect(findingOf(before, 'module/br_netfilter')).toMatchObject({ verdict: 'change', after: { ok: true, have: 'loaded' } });
    expect(commandsOf(before)[0]).toMatch(/^dnf .* install kernel-modules-extra-6\.12\.0-211\.34\.1\.el10_2\.x86_64$/);
    expect(linesOf(written(before, own))).toEqual(['br_netfilter', 'overlay']);
    expect(isConverged(after)).toBe(true);
  });

  test('an invented name is blocked on every distribution with advice of its own, and is never written', async () => {
    const findings = await Promise.all(
      ['debian-12', 'ubuntu-24.04', 'rocky-9', 'unknown-distribution'].map(async (name) => {
        const plan = await planHost(hostFrom(hosts[name]!), desiredOf(module('no_such_thing')));
        expect(plan.actions).toEqual([]);
        return findingOf(plan, 'module/no_such_thing');
      }),
    );
    expect(findings.map((f) => f.verdict)).toEqual(Array(4).fill('blocked'));
    expect(new Set(findings.map((f) => 'remedy' in f && f.remedy)).size).toBe(4);
    expect(findings[1]).toMatchObject({ reason: expect.stringContaining('linux-modules-extra-6.8.0-31-generic') });
  });

  test('without /lib/modules for the running kernel the remedy is a reboot where another kernel is installed', async () => {
    const finding = await judge(hostFrom(hosts['kernel-updated-not-rebooted']!), module('xt_owner'));
    expect(finding).toMatchObject({ verdict: 'blocked', remedy: expect.stringContaining('reboot') });
  });

  test('a module that is loaded, but whose file is gone, is blocked: no file can bring it back at boot', async () => {
    const host = hostFrom({ ...hosts['kernel-updated-not-rebooted']!, loaded: ['xt_owner'] });
    const plan = await planHost(host, desiredOf(module('xt_owner')));
    expect(findingOf(plan, 'module/xt_owner').verdict).toBe('blocked');
    expect(plan.actions).toEqual([]);
  });

  test('advice is never acted on and never stands in the way', async () => {
    const plan = await planHost(
      debianWith({}),
      desiredOf({ ...module('xt_owner'), advice: true }, { ...module('no_such_thing'), advice: true }),
    );
    expect(idsWith(plan, 'advice')).toHaveLength(2);
    expect(plan.actions).toEqual([]);
    expect(isConverged(plan)).toBe(true);
  });
});

describe('names', () => {
  test('- and _ are the same in files that people wrote', async () => {
    const host = debianWith(k8s('br-netfilter\n'), { loaded: ['br_netfilter', 'bridge'] });
    expect((await judge(host, module('br_netfilter'))).verdict).toBe('ok');
  });

  test('a file whose name has a - serves the name with _', async () => {
    const host = debianWith({ [`/lib/modules/${kernel}/modules.dep`]: 'kernel/x/dm-mod.ko.xz:\n' });
    const { before, after } = await applyTo(host, desiredOf(module('dm_mod')));
    expect(findingOf(before, 'module/dm_mod').verdict).toBe('change');
    expect(isConverged(after)).toBe(true);
  });

  test('upper and lower case are two modules', async () => {
    const host = debianWith(k8s('xt_dscp\n'), { loaded: ['xt_dscp'] });
    expect((await judge(host, module('xt_dscp'))).verdict).toBe('ok');
    expect(await judge(host, module('xt_DSCP'))).toMatchObject({ verdict: 'change', now: { ok: false }, boot: { ok: false } });
  });
});

describe('what counts for boot', () => {
  const files: readonly (readonly [string, { readonly [path: string]: string | { link: string } }, boolean])[] = [
    ['a file in /usr/lib counts', { '/usr/lib/modules-load.d/a.conf': 'xt_owner\n' }, true],
    ['a file in /usr/local/lib counts', { '/usr/local/lib/modules-load.d/a.conf': 'xt_owner\n' }, true],
    ['a file in /run does not survive a reboot', { '/run/modules-load.d/a.conf': 'xt_owner\n' }, false],
    ['a file without .conf is not read', { '/etc/modules-load.d/a': 'xt_owner\n' }, false],
    ['a commented line does not count', k8s('#xt_owner\n;xt_owner\n'), false],
    ['two names on one line are no name', k8s('xt_owner xt_mark\n'), false],
    ['modules_load= of the kernel command line counts', { '/proc/cmdline': 'quiet modules_load=xt_owner,dummy\n' }, true],
    [
      'a link to /dev/null in /etc masks the file of the same name',
      { '/usr/lib/modules-load.d/a.conf': 'xt_owner\n', '/etc/modules-load.d/a.conf': { link: '/dev/null' } },
      false,
    ],
    [
      'an empty file in /etc masks the file of the same name',
      { '/usr/lib/modules-load.d/a.conf': 'xt_owner\n', '/etc/modules-load.d/a.conf': '' },
      false,
    ],
    [
      '/etc/modules counts through the link that Debian has',
      { '/etc/modules': 'xt_owner\n', '/etc/modules-load.d/modules.conf': { link: '../modules' } },
      true,
    ],
    ['what a listed module needs comes with it', k8s('br_netfilter\nxt_owner\n'), true],
  ];
  test.each(files)('%s', async (_name, extra, counts) => {
    const host = debianWith(extra, { loaded: ['xt_owner'] });
    expect((await judge(host, module('xt_owner'))).boot.ok).toBe(counts);
    host.reboot();
    expect((await judge(host, module('xt_owner'))).now.ok, 'what a boot really does').toBe(counts);
  });

  test('a dependency of a listed module is there after boot, and the plan says through what', async () => {
    const host = debianWith(k8s('br_netfilter\n'), { loaded: ['br_netfilter', 'bridge', 'stp', 'llc'] });
    expect(await judge(host, module('bridge'))).toMatchObject({
      verdict: 'ok',
      boot: { from: '/etc/modules-load.d/k8s.conf:1, needed by br_netfilter' },
    });
    expect((await planHost(host, desiredOf(module('bridge')))).actions).toEqual([]);
  });

  test('a listed name that this kernel does not have brings nothing', async () => {
    const host = debianWith(k8s('nf_conntrack_ipv4\n'), { loaded: ['nf_conntrack'] });
    expect((await judge(host, module('nf_conntrack'))).boot.ok).toBe(false);
    host.reboot();
    expect((await judge(host, module('nf_conntrack'))).now.ok).toBe(false);
  });

  test('a listed alias brings the module that answers to it', async () => {
    const host = debianWith(k8s('ipt_MASQUERADE\n'), { loaded: ['xt_MASQUERADE'] });
    expect((await judge(host, module('xt_MASQUERADE'))).boot.ok).toBe(true);
    host.reboot();
    expect((await judge(host, module('xt_MASQUERADE'))).now.ok).toBe(true);
  });
});

describe('modules that are kept out', () => {
  const denials = [
    ['blacklist', { '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n' }, /no\.conf:1 says "blacklist xt_owner": at boot/],
    [
      'install /bin/true',
      { '/etc/modprobe.d/no.conf': '\ninstall xt_owner /bin/true\n' },
      /no\.conf:2 .*that command runs in its place/,
    ],
    ['install /bin/false', { '/usr/lib/modprobe.d/no.conf': 'install xt-owner /bin/false\n' }, /that command runs in its place/],
    ['module_blacklist=', { '/proc/cmdline': 'quiet module_blacklist=xt_owner\n' }, /\/proc\/cmdline says/],
    ['modprobe.blacklist=', { '/proc/cmdline': 'modprobe.blacklist=a,xt_owner\n' }, /at boot it is skipped/],
  ] as const;
  test.each(denials)('%s is blocked and names the line', async (_name, files, reason) => {
    const plan = await planHost(debianWith(files), desiredOf(module('xt_owner')));
    expect(findingOf(plan, 'module/xt_owner')).toMatchObject({ verdict: 'blocked', reason: expect.stringMatching(reason) });
    expect(plan.actions).toEqual([]);
  });

  test('a module that is loaded now, but blacklisted, is not ok: it is gone after the next boot', async () => {
    const files = { '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n', ...k8s('xt_owner\n') };
    const host = debianWith(files, { loaded: ['xt_owner'] });
    expect(await judge(host, module('xt_owner'))).toMatchObject({
      verdict: 'blocked',
      now: { ok: true },
      boot: { ok: false, have: 'denied' },
    });
    host.reboot();
    expect((await judge(host, module('xt_owner'))).now.ok).toBe(false);
  });

  test('an install line that runs something useful is no denial', async () => {
    const host = debianWith({ '/etc/modprobe.d/x.conf': 'install xt_owner /sbin/modprobe --ignore-install xt_owner\n' });
    expect((await judge(host, module('xt_owner'))).verdict).toBe('change');
  });

  test('a masked modprobe.d file denies nothing', async () => {
    const files = { '/usr/lib/modprobe.d/no.conf': 'blacklist xt_owner\n', '/etc/modprobe.d/no.conf': { link: '/dev/null' } };
    expect((await judge(debianWith(files), module('xt_owner'))).verdict).toBe('change');
  });

  test('what is built in cannot be kept out', async () => {
    const files = {
      '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n',
      [`/lib/modules/${kernel}/modules.builtin`]: 'kernel/net/netfilter/xt_owner.ko\n',
    };
    expect((await judge(debianWith(files), module('xt_owner'))).verdict).toBe('ok');
  });

  test('a module whose dependency is kept out by an install line is not promised either', async () => {
    const host = debianWith({ '/etc/modprobe.d/no.conf': 'install bridge /bin/false\n', ...k8s('br_netfilter\n') });
    host.reboot();
    expect((await judge(host, module('br_netfilter'))).now.ok, 'what a boot really does').toBe(false);
    expect((await judge(host, module('br_netfilter'))).verdict).toBe('blocked');
  });

  test('a module whose dependency the kernel refuses is not promised for boot', async () => {
    const host = debianWith({ '/proc/cmdline': 'module_blacklist=bridge\n', ...k8s('br_netfilter\n') });
    host.reboot();
    expect((await judge(host, module('br_netfilter'))).now.ok, 'what a boot really does').toBe(false);
    expect((await judge(host, module('br_netfilter'))).boot.ok).toBe(false);
  });
});

describe('who may load', () => {
  test('root of a container is told to go to the machine that owns the kernel', async () => {
    const files = { '/proc/self/status': 'Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n' };
    expect(await judge(debianWith(files), module('xt_owner'))).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('container'),
    });
  });

  test('a modprobe that is gone although its package is there is named; one whose package is to be installed is not missed', async () => {
    const host = debianWith({});
    host.files.delete('/usr/sbin/modprobe');
    const plan = await planHost(host, desiredFrom(['kubernetes']));
    expect(findingOf(plan, 'module/xt_mark')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('no modprobe'),
    });
    expect(has(await planHost(hostFrom(hosts['no-modprobe']!), desiredFrom(['kubernetes'])), 'blocked')).toBe(false);
  });

  test('root of a user namespace is no root of the kernel', async () => {
    const host = debianWith({ '/proc/self/uid_map': '0 100000 65536\n' });
    expect((await judge(host, module('xt_owner'))).verdict).toBe('blocked');
  });

  test('kernel.modules_disabled=1 is named', async () => {
    const host = debianWith({ '/proc/sys/kernel/modules_disabled': '1\n' });
    expect(await judge(host, module('xt_owner'))).toMatchObject({ reason: expect.stringContaining('modules_disabled') });
  });

  test('a plan that an ordinary user makes is not blocked by his lack of rights', async () => {
    const host = debianWith({ '/proc/self/status': 'Uid:\t1000\t1000\t1000\t1000\nCapEff:\t0000000000000000\n' });
    expect((await judge(host, module('xt_owner'))).verdict).toBe('change');
  });
});

describe('the file that node-prep owns', () => {
  test('lines of an earlier run that nobody asks for today are kept, and marked', async () => {
    const plan = await planHost(
      debianWith({ [own]: '# old\nvxlan\nxt_owner\n' }),
      desiredOf(module('xt_owner'), module('xt_mark')),
    );
    const text = written(plan, own) ?? '';
    expect(linesOf(text)).toEqual(['xt_owner', 'xt_mark', 'vxlan']);
    expect(text).toMatch(/Kept from an earlier run.*\nvxlan\n$/);
  });

  test('keeping lines twice gives the same file', async () => {
    const host = debianWith({ [own]: 'vxlan\n' });
    const { before } = await applyTo(host, desiredOf(module('xt_owner')));
    host.files.set('/proc/modules', '');
    const { before: again } = await applyTo(host, desiredOf(module('xt_owner'), module('xt_mark')));
    expect(linesOf(written(again, own))).toEqual([...linesOf(written(before, own)).slice(0, 1), 'xt_mark', 'vxlan']);
  });

  test('the file names the profiles that want it, and every line but comments is one module', async () => {
    const text = written(await planHost(debianWith({}), desiredOf(module('xt_owner'), module('xt_mark'))), own) ?? '';
    expect(text).toMatch(/^# Written by node-prep: .*\n# Wanted by test\n# /);
    expect(linesOf(text).every((line) => /^[a-z0-9_]+$/i.test(line))).toBe(true);
    expect(text.endsWith('\n')).toBe(true);
  });
});
