import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { claimsAbout, isConverged, queriesFor } from '../../src/plan.ts';
import type { Finding, Need } from '../../src/model.ts';
import { allowing, applyTo, commandsOf, debianWith, desiredOf, findingOf, linesOf, written } from '../unit/support.ts';

type Files = { readonly [path: string]: MemoryFile };

const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;
const overcommit = { kind: 'sysctl', key: 'vm.overcommit_memory', value: '1' } as const;
const ours = '/etc/sysctl.d/k8s.conf';
const right: Files = { [ours]: 'net.ipv4.ip_forward = 1\nvm.overcommit_memory = 1\n', '/proc/sys/net/ipv4/ip_forward': '1\n' };
const enabled = (unit: string): Files => ({
  [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `/lib/systemd/system/${unit}` },
});
const ufw = (sysctl: string, more: Files = {}): Files => ({
  ...enabled('ufw.service'),
  '/etc/ufw/ufw.conf': '# /etc/ufw/ufw.conf\nENABLED=yes\n',
  '/etc/default/ufw': 'IPV6=yes\nIPT_SYSCTL=/etc/ufw/sysctl.conf\n',
  '/etc/ufw/sysctl.conf': sysctl,
  ...more,
});
const tuned = (section: string, main = 'reapply_sysctl = 1\n'): Files => ({
  ...enabled('tuned.service'),
  '/etc/tuned/active_profile': 'site\n',
  '/etc/tuned/tuned-main.conf': main,
  '/etc/tuned/site/tuned.conf': `[main]\nsummary=ours\ninclude=base\n\n[sysctl]\n${section}`,
  '/usr/lib/tuned/base/tuned.conf': '[sysctl]\nvm.swappiness=10\nnet.ipv4.ip_forward=0\n',
});

type Row = readonly [
  sentence: string,
  files: Files,
  need: Need,
  verdict: Finding['verdict'],
  boot: { readonly have: string; readonly from?: string },
  scripts: string,
];

const rows: readonly Row[] = [
  [
    'ufw writes its own sysctl.conf whenever it starts, after sysctl.d: the line is named',
    { ...right, ...ufw('#net/ipv4/ip_forward=1\nnet/ipv4/ip_forward=0\n') },
    forward,
    'blocked',
    { have: '0', from: '/etc/ufw/sysctl.conf:2, by ufw' },
    '',
  ],
  [
    'a ufw that is not enabled writes nothing, whatever its unit says',
    { ...right, ...ufw('net/ipv4/ip_forward=0\n', { '/etc/ufw/ufw.conf': 'ENABLED=no\n' }) },
    forward,
    'ok',
    { have: '1', from: `${ours}:1` },
    '',
  ],
  [
    'a ufw that is told to use /etc/sysctl.conf brings that file to life at boot',
    {
      ...right,
      ...ufw('', { '/etc/default/ufw': 'IPT_SYSCTL="/etc/sysctl.conf"\n' }),
      '/etc/sysctl.conf': '\nnet.ipv4.ip_forward=0\n',
    },
    forward,
    'blocked',
    { have: '0', from: '/etc/sysctl.conf:2, by ufw' },
    '',
  ],
  [
    'rc.local has the last word where it may be executed',
    { ...right, '/etc/rc.local': '#!/bin/sh -e\n/sbin/sysctl -q -w net.ipv4.ip_forward=0 && exit 0\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/rc.local:2, by rc.local' },
    '/etc/rc.local\n',
  ],
  [
    'an rc.local that is not executable is never run',
    { ...right, '/etc/rc.local': '#!/bin/sh -e\nsysctl -w net.ipv4.ip_forward=0\n' },
    forward,
    'ok',
    { have: '1', from: `${ours}:1` },
    '',
  ],
  [
    'rc.local that runs sysctl -p makes /etc/sysctl.conf count at boot after all',
    { ...right, '/etc/rc.local': '#!/bin/sh\nsysctl -p >/dev/null\n', '/etc/sysctl.conf': 'net.ipv4.ip_forward = 0\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/sysctl.conf:1, by rc.local' },
    '/etc/rc.local\n',
  ],
  [
    'rc.local that runs sysctl --system makes /etc/sysctl.conf win at boot as it does by hand',
    { ...right, '/etc/rc.local': '#!/bin/sh\nsysctl --system\n', '/etc/sysctl.conf': 'net.ipv4.ip_forward = 0\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/sysctl.conf:1, by rc.local' },
    '/etc/rc.local\n',
  ],
  [
    'an echo into /proc/sys is seen as well',
    { ...right, '/etc/rc.local': '#!/bin/sh\necho 0 > /proc/sys/net/ipv4/ip_forward\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/rc.local:2, by rc.local' },
    '/etc/rc.local\n',
  ],
  [
    'ifupdown runs a post-up line when the device comes up',
    {
      ...right,
      '/usr/sbin/ifup': 'ELF',
      '/etc/network/interfaces': 'auto eth0\niface eth0 inet dhcp\n  post-up sysctl -w net.ipv4.ip_forward=0\n',
    },
    forward,
    'blocked',
    { have: '0', from: '/etc/network/interfaces:3, by ifupdown' },
    '',
  ],
  [
    "cloud-init's bootcmd runs at every boot, its runcmd only at the first",
    {
      ...right,
      '/usr/bin/cloud-init': '#!/usr/bin/python3',
      '/etc/cloud/cloud.cfg.d/90_site.cfg':
        'runcmd:\n - sysctl -w net.ipv4.ip_forward=0\nbootcmd:\n - [ "sysctl", "-w", "vm.overcommit_memory=0" ]\n',
      '/proc/sys/vm/overcommit_memory': '1\n',
    },
    overcommit,
    'blocked',
    { have: '0', from: '/etc/cloud/cloud.cfg.d/90_site.cfg:4, by cloud-init' },
    '',
  ],
  [
    'what cloud-init did once does not count for the next boot',
    {
      ...right,
      '/usr/bin/cloud-init': '#!',
      '/etc/cloud/cloud.cfg.d/90_site.cfg': 'runcmd:\n - sysctl -w net.ipv4.ip_forward=0\n',
    },
    forward,
    'ok',
    { have: '1', from: `${ours}:1` },
    '',
  ],
  [
    'a script of cloud-init that runs per boot is heard',
    {
      ...right,
      '/usr/bin/cloud-init': '#!',
      '/var/lib/cloud/scripts/per-boot/net.sh': '#!/bin/sh\nsysctl -w net.ipv4.ip_forward=0\n',
    },
    forward,
    'blocked',
    { have: '0', from: '/var/lib/cloud/scripts/per-boot/net.sh:2, by cloud-init' },
    '/var/lib/cloud/scripts/per-boot/net.sh\n',
  ],
  [
    'a unit of the owner that is enabled has its say; the one that is not has none',
    {
      ...right,
      ...enabled('harden.service'),
      '/etc/systemd/system/harden.service': "[Service]\nType=oneshot\nExecStart=/bin/sh -c 'sysctl -w net.ipv4.ip_forward=0'\n",
      '/etc/systemd/system/idle.service': '[Service]\nExecStart=sysctl -w net.ipv4.ip_forward=2\n',
    },
    forward,
    'blocked',
    { have: '0', from: '/etc/systemd/system/harden.service:3, by harden.service' },
    '',
  ],
  [
    'a crontab line for each reboot',
    { ...right, ...enabled('cron.service'), '/etc/cron.d/net': '# x\n@reboot root sysctl -w net.ipv4.ip_forward=0\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/cron.d/net:2, by cron' },
    '',
  ],
  [
    'a crontab on a host without cron is a dead letter',
    { ...right, '/etc/cron.d/net': '@reboot root sysctl -w net.ipv4.ip_forward=0\n' },
    forward,
    'ok',
    { have: '1', from: `${ours}:1` },
    '',
  ],
  [
    'vm.dirty_bytes in a later file makes vm.dirty_ratio 0',
    {
      '/etc/sysctl.d/a.conf': 'vm.dirty_ratio=30\n',
      '/etc/sysctl.d/b.conf': 'vm.dirty_bytes=1000000\n',
      '/proc/sys/vm/dirty_ratio': '30\n',
    },
    { kind: 'sysctl', key: 'vm.dirty_ratio', value: '30' },
    'blocked',
    { have: '0', from: '/etc/sysctl.d/b.conf:1' },
    '',
  ],
  [
    "tuned's profile loses, as tuned applies sysctl.d once more after its own",
    { ...right, ...tuned('net.ipv4.ip_forward=0\n') },
    forward,
    'ok',
    { have: '1', from: `${ours}:1, by tuned` },
    '',
  ],
  [
    "tuned's profile wins where it is told not to apply sysctl.d again",
    { ...right, ...tuned('kernel.panic=1\nnet.ipv4.ip_forward = 0\n', 'reapply_sysctl = 0\n') },
    forward,
    'blocked',
    { have: '0', from: '/etc/tuned/site/tuned.conf:7, by tuned' },
    '',
  ],
  [
    'what a tuned profile includes counts too',
    { ...right, ...tuned('kernel.panic=1\n', 'reapply_sysctl=0\n') },
    forward,
    'blocked',
    { have: '0', from: '/usr/lib/tuned/base/tuned.conf:3, by tuned' },
    '',
  ],
  [
    'tuned makes /etc/sysctl.conf count at boot, which systemd never reads',
    { ...right, ...tuned('kernel.panic=1\n'), '/etc/sysctl.conf': 'net.ipv4.ip_forward=0\n' },
    forward,
    'blocked',
    { have: '0', from: '/etc/sysctl.conf:1, by tuned' },
    '',
  ],
  [
    'sysctl.*= on the kernel command line holds where no file speaks',
    { '/proc/cmdline': 'quiet sysctl.vm.overcommit_memory=1\n', '/proc/sys/vm/overcommit_memory': '1\n' },
    overcommit,
    'ok',
    { have: '1', from: '/proc/cmdline' },
    '',
  ],
  [
    'and loses to any file',
    { ...right, '/proc/cmdline': 'quiet sysctl.net.ipv4.ip_forward=0\n' },
    forward,
    'ok',
    { have: '1', from: `${ours}:1` },
    '',
  ],
];

describe('hostile hosts: who writes after systemd-sysctl', () => {
  test.each(rows)('%s', async (_sentence, files, need, verdict, boot, scripts) => {
    const host = debianWith(files, { scripts: { 'ask-executables': scripts } });
    const finding = (await planHost(host, desiredOf(need))).findings[0];
    expect(finding).toMatchObject({ verdict, boot });
    if (finding?.verdict === 'blocked') expect(finding.reason).toContain(boot.from?.split(',')[0]);
  });

  test('--take-over comments such a line out, in a script without breaking it, and says so in the plan', async () => {
    const rc = '#!/bin/sh\nif true; then\n  sysctl -w net.ipv4.ip_forward=0\nfi\n';
    const host = debianWith({ ...right, '/etc/rc.local': rc }, { scripts: { 'ask-executables': '/etc/rc.local\n' } });
    const { before, after } = await applyTo(host, allowing(desiredOf(forward)));
    expect(written(before, '/etc/rc.local')).toBe(
      '#!/bin/sh\nif true; then\n: # taken over by node-prep:   sysctl -w net.ipv4.ip_forward=0\nfi\n',
    );
    expect(isConverged(after)).toBe(true);
  });

  test('a line that does more than set the key is left to its owner', async () => {
    const rc = '#!/bin/sh\nsysctl -w net.ipv4.ip_forward=0; start-my-app\n';
    const host = debianWith({ ...right, '/etc/rc.local': rc }, { scripts: { 'ask-executables': '/etc/rc.local\n' } });
    const plan = await planHost(host, allowing(desiredOf(forward)));
    expect(findingOf(plan, 'sysctl/net.ipv4.ip_forward')).toMatchObject({
      verdict: 'blocked',
      remedy: 'Take that line out of /etc/rc.local; then plan again.',
    });
    expect(plan.actions).toEqual([]);
  });

  test('the same file under two names is changed once', async () => {
    const host = debianWith({
      '/etc/sysctl.conf': 'net.ipv4.ip_forward=0\n',
      '/etc/sysctl.d/zz-sysctl.conf': { link: '../sysctl.conf' },
    });
    const { before, after } = await applyTo(host, allowing(desiredOf(forward)));
    expect(before.actions.filter((a) => a.do === 'write').map((a) => a.path)).toEqual([
      '/etc/sysctl.conf',
      '/etc/sysctl.d/node-prep.conf',
    ]);
    expect(isConverged(after)).toBe(true);
  });

  test('a later file of the distribution is hidden by a copy without the line, not changed', async () => {
    const host = debianWith({ '/usr/lib/sysctl.d/zz-vendor.conf': 'vm.swappiness=1\nnet.ipv4.ip_forward=0\n' });
    const { before, after } = await applyTo(host, allowing(desiredOf(forward)));
    expect(written(before, '/etc/sysctl.d/zz-vendor.conf')).toBe(
      '# copied by node-prep; hides /usr/lib/sysctl.d/zz-vendor.conf\nvm.swappiness=1\n# taken over by node-prep: net.ipv4.ip_forward=0\n',
    );
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(forward)))).toBe(true);
  });

  test('every line that has to go goes at once, be it under another name of the switch', async () => {
    const host = debianWith({
      '/etc/sysctl.d/x.conf': 'net.ipv4.ip_forward=0\n',
      '/etc/sysctl.d/y.conf': 'net.ipv4.conf.all.forwarding=0\n',
      '/etc/sysctl.conf': '-net.ipv4.ip_forward=0\n',
    });
    const { before, after } = await applyTo(host, allowing(desiredOf(forward)));
    expect(before.actions.filter((a) => a.do === 'write').map((a) => a.path)).toEqual([
      '/etc/sysctl.d/y.conf',
      '/etc/sysctl.d/x.conf',
      '/etc/sysctl.conf',
      '/etc/sysctl.d/node-prep.conf',
    ]);
    expect(findingOf(before, forward.key.replace(/^/, 'sysctl/')).after).toMatchObject({ ok: true });
    expect(isConverged(after)).toBe(true);
  });
});

describe('hostile hosts: keys that come late, and routes that go', () => {
  const conntrack = { kind: 'sysctl', key: 'net.netfilter.nf_conntrack_max', value: '1000000' } as const;
  const late: Files = {
    '/etc/sysctl.d/k8s.conf': 'net.netfilter.nf_conntrack_max = 1000000\n',
    '/proc/sys/net/netfilter/nf_conntrack_max': '1000000\n',
    '/proc/modules': 'nf_conntrack 1 0 - Live 0x0\n',
  };

  test('a value that is right now is lost at boot where the module that brings its key is not listed', async () => {
    const desired = desiredOf(conntrack, { kind: 'module', name: 'nf_conntrack' });
    const host = debianWith(late);
    const { before, after } = await applyTo(host, desired);
    expect(findingOf(before, 'sysctl/net.netfilter.nf_conntrack_max')).toMatchObject({
      verdict: 'change',
      now: { ok: true },
      boot: { ok: false, have: 'no such key', from: 'nf_conntrack is not loaded at boot' },
      after: { ok: true, from: '/etc/sysctl.d/k8s.conf:1' },
    });
    expect(commandsOf(before)).toEqual([]);
    expect(isConverged(after)).toBe(true);
  });

  test('a module that another one needs is there in time', async () => {
    const host = debianWith({ ...late, '/etc/modules-load.d/x.conf': 'xt_conntrack\n' });
    expect((await planHost(host, desiredOf(conntrack))).findings[0]).toMatchObject({ verdict: 'ok' });
  });

  test('where the module is denied at boot, so is the setting', async () => {
    const host = debianWith({ ...late, '/etc/modprobe.d/no.conf': 'blacklist nf_conntrack\n' });
    const plan = await planHost(host, desiredOf(conntrack, { kind: 'module', name: 'nf_conntrack' }));
    expect(findingOf(plan, 'sysctl/net.netfilter.nf_conntrack_max')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('nf_conntrack, which is not loaded at boot'),
    });
  });

  const forwarding = { kind: 'sysctl', key: 'net.ipv6.conf.all.forwarding', value: '1' } as const;
  const route = (device: string, flags: string): string =>
    `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fe80000000000000b464bdfffef49a5f 00000400 00000001 00000000 ${flags} ${device.padStart(8)}\n`;
  const advertised = (acceptRa: string, flags = '00450003', device = 'eth0'): Files => ({
    '/proc/net/ipv6_route': route(device, flags),
    [`/proc/sys/net/ipv6/conf/${device}/accept_ra`]: `${acceptRa}\n`,
  });

  test('IPv6 forwarding comes with accept_ra=2 where the default route came by router advertisement, and before it', async () => {
    const host = debianWith({ ...advertised('1'), '/etc/sysctl.d/a.conf': 'net.ipv6.conf.all.forwarding=1\n' });
    const { before, after } = await applyTo(host, desiredOf(forwarding));
    expect(findingOf(before, 'sysctl/net.ipv6.conf.eth0.accept_ra')).toMatchObject({ verdict: 'change', now: { have: '1' } });
    expect(linesOf(written(before, '/etc/sysctl.d/node-prep.conf'))[0]).toBe('net.ipv6.conf.eth0.accept_ra = 2');
    expect(commandsOf(before)).toEqual(['sysctl -w net.ipv6.conf.eth0.accept_ra=2', 'sysctl --system']);
    expect(isConverged(after)).toBe(true);
  });

  test('a device with a dot in its name is written as sysctl.d wants it', async () => {
    const plan = await planHost(debianWith(advertised('1', '00450003', 'eth0.100')), desiredOf(forwarding));
    expect(written(plan, '/etc/sysctl.d/node-prep.conf')).toContain('net.ipv6.conf.eth0/100.accept_ra = 2');
  });

  test.each([
    ['a default route that somebody typed in', advertised('1', '00000003')],
    ['a route of NetworkManager or networkd, which listen to routers themselves', advertised('0')],
    ['no default route', { '/proc/net/ipv6_route': '' }],
  ])('%s needs no accept_ra', async (_name, files) => {
    expect((await planHost(debianWith(files), desiredOf(forwarding))).findings.map((f) => f.id)).toEqual([
      'sysctl/net.ipv6.conf.all.forwarding',
    ]);
  });

  test('who may write a device key again is named', async () => {
    const files = { ...advertised('2'), ...enabled('systemd-networkd.service') };
    const plan = await planHost(debianWith(files), desiredOf(forwarding));
    expect(findingOf(plan, 'sysctl/net.ipv6.conf.eth0.accept_ra').boot.from).toContain('systemd-networkd may write it again');
  });

  test('conf.all.forwarding decides that of every device, even against ours: a line that says the same again stays in its old place', async () => {
    const host = debianWith({
      '/etc/sysctl.d/a.conf': 'net.ipv6.conf.default.forwarding=1\n',
      '/etc/sysctl.d/b.conf': 'net.ipv6.conf.all.forwarding=0\n',
    });
    const plan = await planHost(host, desiredOf({ kind: 'sysctl', key: 'net.ipv6.conf.default.forwarding', value: '1' }));
    expect(plan.findings[0]).toMatchObject({ boot: { have: '0', from: '/etc/sysctl.d/b.conf:1' }, verdict: 'blocked' });
  });
});

describe('explain', () => {
  test('tells who speaks about a key, in the order of the boot, and what becomes of each line', async () => {
    const desired = desiredOf(forward);
    const host = debianWith({
      '/etc/sysctl.d/10-a.conf': 'net.ipv4.ip_forward=1\n',
      '/etc/sysctl.d/20-b.conf': 'net.ipv4.conf.all.forwarding=0\n',
      '/usr/lib/sysctl.d/20-b.conf': 'net.ipv4.ip_forward=1\n',
      '/run/sysctl.d/30-c.conf': 'net.ipv4.ip_forward=1\n',
      '/etc/sysctl.conf': 'net.ipv4.ip_forward=0\n',
    });
    const requirement = desired.requirements[0];
    const claims = requirement ? claimsAbout(requirement, desired, await host.probe(queriesFor(desired))) : [];
    expect(claims.map((c) => [c.from, c.role])).toEqual([
      ['/etc/sysctl.d/10-a.conf:1', 'overridden by a later line'],
      ['/etc/sysctl.d/20-b.conf:1', 'decides at boot'],
      ['/usr/lib/sysctl.d/20-b.conf:1', 'hidden by /etc/sysctl.d/20-b.conf'],
      ['/run/sysctl.d/30-c.conf:1', 'gone at boot: /run is emptied'],
      ['/etc/sysctl.conf:1', 'decides in sysctl --system; read last by sysctl --system, not at boot'],
    ]);
  });
});
