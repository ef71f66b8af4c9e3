import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { inFull, isFull } from '../needs.ts';
import { command, prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const noTrace = /^\s+at .*\(/m;

describe('Debian 11, which is too old for the nftables backends', () => {
  let host: Prepared;
  beforeAll(async () => void (host = await prepare('bullseye', 'refusals')));
  afterAll(async () => host?.machine.stop());

  test('is told that its nft and its kernel are too old, and what would help; nothing is touched', async () => {
    const words = ['-p', 'kubernetes:kubeProxy=nftables', '-p', 'istio:backend=nftables', '-p', 'calico:dataplane=nftables'];
    const plan = await host.plan(...words);
    expect(plan.findings.find((f) => f.id === 'package/nftables')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringMatching(/0\.9\.8/),
      remedy: expect.stringContaining('backports'),
    });
    expect(plan.findings.find((f) => f.id === 'kernel/version')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('5.13'),
    });
    const applied = await host.nodePrep('apply', '--yes', ...words);
    expect(applied).toMatchObject({ status: 3, stderr: expect.stringContaining('nothing was touched') });
    expect(await host.machine.sh('ls /etc/modules-load.d /etc/sysctl.d')).not.toContain('node-prep');
  });
});

describe('a Debian 12 machine on which something stands in the way', () => {
  let host: Prepared;
  beforeAll(async () => {
    host = await prepare('bookworm', 'refusals');
    await host.machine.snapshot('fresh');
  });
  afterEach(async () => host.machine.restore('fresh'));
  afterAll(async () => host?.machine.stop());

  test('an ordinary user may plan, and is told that apply needs root', async () => {
    const asNobody = (words: string) =>
      host.machine.exec(['sh', '-c', `cd /; exec runuser -u nobody -- env -u HOME LANG=C ${command} ${words}`]);
    expect(await asNobody('plan')).toMatchObject({ status: 0, stdout: expect.stringContaining('br_netfilter') });
    expect(await asNobody('apply --yes')).toMatchObject({ status: 1, stderr: expect.stringContaining('sudo') });
  });

  test('a read-only /etc is found before the first step, not in the middle', async () => {
    await host.machine.sh('mount --bind /etc /etc; mount -o remount,ro,bind /etc');
    const applied = await host.nodePrep('apply', '--yes');
    expect(applied).toMatchObject({ status: 1, stderr: expect.stringContaining('read-only') });
    expect(applied.stderr).not.toMatch(noTrace);
    expect(await host.machine.sh('lsmod')).not.toContain('br_netfilter');
    expect((await host.machine.exec(['dpkg', '-s', 'socat'])).status).not.toBe(0);
  });

  test('a container that may not load modules is told to go to the one that owns the kernel', async () => {
    const inside = await host.machine.exec([
      'sh',
      '-c',
      `exec setpriv --bounding-set -sys_module --inh-caps -sys_module ${command} plan --detailed-exitcode`,
    ]);
    expect(inside).toMatchObject({ status: 3, stdout: expect.stringContaining('no right to load modules here') });
  });

  test('a kernel that was updated but not booted is told apart from one without the modules', async () => {
    await host.machine.sh('mv /lib/modules/$(uname -r) /lib/modules/6.1.0-99-amd64');
    const plan = await host.plan();
    expect(plan.findings.find((f) => f.id === 'module/br_netfilter')).toMatchObject({
      verdict: 'blocked',
      remedy: expect.stringMatching(/installed: 6\.1\.0-99-amd64\): reboot/),
    });
    expect(plan.actions.filter((a) => a.do === 'write' && a.path.includes('modules-load'))).toEqual([]);
  });

  test('without modprobe, it is said what to install, and nothing is touched', async () => {
    await host.machine.sh('mv /sbin/modprobe /sbin/modprobe.away');
    const applied = await host.nodePrep('apply', '--yes');
    expect(applied).toMatchObject({
      status: 3,
      stdout: expect.stringMatching(/there is no modprobe on this host[\s\S]*Install the package kmod again/),
    });
    expect((await host.machine.exec(['dpkg', '-s', 'socat'])).status).not.toBe(0);
  });

  test('without package lists they are fetched first, and a lock that another apt holds is waited for', async () => {
    await host.machine.sh('rm -rf /var/lib/apt/lists/*Packages* /var/cache/apt/*.bin');
    expect((await host.plan()).actions[0]).toMatchObject({ do: 'run', argv: expect.arrayContaining(['apt-get', 'update']) });
    const hold = 'use Fcntl; open(my $h,">>",$ARGV[0]); fcntl($h,F_SETLK,pack("s s l! l! i",F_WRLCK,0,0,0,0)) or die; sleep 8';
    await host.machine.sh(
      `for f in /var/lib/apt/lists/lock /var/lib/dpkg/lock-frontend; do perl -e '${hold}' $f >/dev/null 2>&1 & done; sleep 1`,
    );
    const applied = await host.nodePrep('apply', '--yes');
    expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('local: converged') });
  });

  test('a failed install stops the apply, and what apt said is shown', async () => {
    await host.machine.sh('printf broken > /srv/repo/$(basename $(ls /srv/repo/socat_*.deb))');
    const applied = await host.nodePrep('apply', '--yes');
    expect(applied.status).toBe(1);
    expect(applied.stderr).toMatch(/\| .*socat/);
    expect(applied.stderr).not.toMatch(noTrace);
    expect(await host.machine.sh('ls /etc/modules-load.d')).not.toContain('node-prep');
  });

  // Twenty at once are tried without a machine in test/faults.
  test.skipIf(!isFull)(inFull('two applies at once: one works, the other says who is at work'), async () => {
    const both = await host.machine.sh(
      `${command} apply --yes >/tmp/1 2>&1 & a=$!; until [ -s /run/node-prep.lock ]; do sleep 0.1; done; set +e; ${command} apply --yes >/tmp/2 2>&1; echo $?; wait $a; echo $?; cat /tmp/2`,
    );
    expect(both).toMatch(/^1\n0\n/);
    expect(both).toMatch(/Another node-prep is at work on this host: .*pid \d+/);
  });

  test('a module that the host denies and a key that a later file sets are blocked, each with its file and line', async () => {
    await host.machine.sh("printf '# site\\ninstall br_netfilter /bin/false\\n' > /etc/modprobe.d/site.conf");
    await host.machine.sh("printf 'net.ipv4.ip_forward=0\\n' > /etc/sysctl.d/zz-site.conf");
    const plan = await host.plan();
    expect(plan.findings.find((f) => f.id === 'module/br_netfilter')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/modprobe.d/site.conf:2'),
    });
    expect(plan.findings.find((f) => f.id === 'sysctl/net.ipv4.ip_forward')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/sysctl.d/zz-site.conf:1'),
    });
  });

  test.skipIf(!isFull)(inFull('swap on cgroup v1 is turned off now and for the next boot, and stays off'), async () => {
    await host.machine.sh(
      'fallocate -l 16M /swap; chmod 600 /swap; mkswap -q /swap; swapon /swap; printf "# mine\\n/swap none swap sw 0 0\\n" >> /etc/fstab',
    );
    const line = (await host.machine.sh("grep -n '^/swap ' /etc/fstab")).split(':')[0] ?? '';
    await host.machine.reboot({ append: 'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1' });
    const words = ['-p', 'kubernetes:version=1.34,swap=limited'];
    const plan = await host.plan(...words);
    expect(plan.findings.find((f) => f.id === 'cgroup/v2')).toMatchObject({ verdict: 'advice', now: { have: 'tmpfs' } });
    expect(plan.findings.find((f) => f.id === 'swap/off')).toMatchObject({
      verdict: 'change',
      now: { have: '/swap' },
      boot: { from: `/etc/fstab:${line}` },
    });
    expect((await host.nodePrep('apply', '--yes', ...words)).status).toBe(0);
    await host.machine.reboot();
    expect((await host.machine.sh('cat /proc/swaps')).trim().split('\n')).toHaveLength(1);
    expect(await host.machine.sh('cat /etc/fstab')).toContain('# mine\n');
  });
});
