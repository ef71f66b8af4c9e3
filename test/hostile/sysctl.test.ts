import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { isConverged } from '../../src/plan.ts';
import { applyTo, debianWith, desiredOf, findingOf } from '../unit/support.ts';
import { files, forward, isOn, off, on, own } from './sysctl-hosts.ts';
import type { Hostile } from './sysctl-hosts.ts';

const sysctl = (key: string, value: string) => ({ kind: 'sysctl', key, value }) as const;
const bridge = sysctl('net.bridge.bridge-nf-call-iptables', '1');
const brNetfilter = { kind: 'module', name: 'br_netfilter' } as const;
const vlan = sysctl('net.ipv4.conf.eth0/100.rp_filter', '0');
const watches = { ...sysctl('fs.inotify.max_user_watches', '524288'), atLeast: true } as const;
const vlanKey = { '/proc/sys/net/ipv4/conf/eth0.100/rp_filter': '1\n' };

const lines: { readonly [sentence: string]: Hostile } = {
  'an exclusion after our line takes it back at boot': {
    files: { '/etc/sysctl.d/zz.conf': '-net.ipv4.ip_forward\n' },
    verdict: 'blocked',
    now: '0',
    boot: 'not set /etc/sysctl.d/zz.conf:1',
    reason: `/etc/sysctl.d/zz.conf:1 keeps it from being set and is read after ${own} at boot`,
  },
  'an exclusion takes the key out of a glob that would have set it': {
    files: { ...isOn, '/etc/sysctl.d/10.conf': 'net.ipv4.ip_* = 1\n-net.ipv4.ip_forward\n' },
    verdict: 'change',
    now: '1',
    boot: 'not set /etc/sysctl.d/10.conf:2',
  },
  'a later glob spares a key that any line names': {
    files: { ...isOn, '/etc/sysctl.d/10.conf': off, '/etc/sysctl.d/20.conf': 'net.ipv4.ip_* = 1\n' },
    verdict: 'change',
    now: '1',
    boot: '0 /etc/sysctl.d/10.conf:1',
  },
  'a glob that says no is beaten by our line, which names the key': {
    files: { '/etc/sysctl.d/zz.conf': 'net.ipv4.ip_* = 0\n' },
    verdict: 'change',
    now: '0',
    boot: '0 /etc/sysctl.d/zz.conf:1',
  },
  'conf.all.forwarding in a later file turns the same switch off': {
    files: { '/etc/sysctl.d/10.conf': on, '/etc/sysctl.d/zz.conf': '\nnet.ipv4.conf.all.forwarding=0\n' },
    verdict: 'blocked',
    now: '0',
    boot: '0 /etc/sysctl.d/zz.conf:2',
    reason: '/etc/sysctl.d/zz.conf:2 sets it to 0',
  },
  'conf.all.forwarding in /etc/sysctl.conf turns it off whenever sysctl --system runs': {
    files: { '/etc/sysctl.conf': 'net/ipv4/conf/all/forwarding = 0\n' },
    verdict: 'blocked',
    now: '0',
    boot: 'not set',
    reason: `/etc/sysctl.conf:1 sets it to 0 and is read after ${own} by sysctl --system`,
  },
  'conf.all.forwarding=1 alone is as good as ip_forward=1': {
    files: { ...isOn, '/etc/sysctl.d/router.conf': 'net.ipv4.conf.all.forwarding=1\n' },
    verdict: 'ok',
    now: '1',
    boot: '1 /etc/sysctl.d/router.conf:1',
  },
  'the last of several lines in one file counts': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': `${off}${on}${off}` },
    verdict: 'change',
    now: '1',
    boot: '0 /etc/sysctl.d/k8s.conf:3',
  },
  'a file written on Windows is read all the same': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': '# k8s\r\nnet.ipv4.ip_forward = 1\r\n' },
    verdict: 'ok',
    now: '1',
    boot: '1 /etc/sysctl.d/k8s.conf:2',
  },
  'a byte order mark makes the first key one that does not exist': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': `\ufeff${on}` },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  'spaces and slashes change nothing': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': ' \tnet/ipv4/ip_forward   =\t1  \n' },
    verdict: 'ok',
    now: '1',
    boot: '1 /etc/sysctl.d/k8s.conf:1',
  },
  'a comment after the value is not read by the kernel': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward = 1 # for pods\n' },
    verdict: 'ok',
    now: '1',
    boot: '1 /etc/sysctl.d/k8s.conf:1',
  },
  'a value in quotes is refused by the kernel': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward = "1"\n' },
    verdict: 'change',
    now: '1',
    boot: 'not set /etc/sysctl.d/k8s.conf:1',
  },
  'a line that goes on after a backslash does not': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward = \\\n1\n' },
    verdict: 'change',
    now: '1',
    boot: 'not set /etc/sysctl.d/k8s.conf:1',
  },
  'a line without "=" sets nothing': {
    files: { ...isOn, '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward 1\n' },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
};

const keys: { readonly [sentence: string]: Hostile } = {
  'an interface with a dot in its name is written with a slash': {
    files: { ...vlanKey, '/etc/sysctl.d/vlan.conf': 'net.ipv4.conf.eth0/100.rp_filter = 0\n' },
    needs: [vlan],
    verdict: 'change',
    now: '1',
    boot: '0 /etc/sysctl.d/vlan.conf:1',
  },
  'an interface with a dot in its name, written with a dot, is another key': {
    files: { ...vlanKey, '/etc/sysctl.d/vlan.conf': 'net.ipv4.conf.eth0.100.rp_filter = 0\n' },
    needs: [vlan],
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  'a greater number than the wanted one will do': {
    files: {
      '/proc/sys/fs/inotify/max_user_watches': '1048576\n',
      '/usr/lib/sysctl.d/30-vendor.conf': 'fs.inotify.max_user_watches=1048576\n',
    },
    needs: [watches],
    verdict: 'ok',
    now: '1048576',
    boot: '1048576 /usr/lib/sysctl.d/30-vendor.conf:1',
  },
  'a later file that makes it smaller again does not': {
    files: { '/etc/sysctl.d/zz.conf': 'fs.inotify.max_user_watches=8192\n' },
    needs: [watches],
    verdict: 'blocked',
    now: '65536',
    boot: '8192 /etc/sysctl.d/zz.conf:1',
    reason: '/etc/sysctl.d/zz.conf:1 sets it to 8192',
  },
  'a key that the kernel does not have is not written down': {
    files: {},
    needs: [sysctl('net.ipv4.tcp_recylce', '1')],
    verdict: 'blocked',
    now: 'no such key',
    boot: 'not set',
    reason: 'has no net.ipv4.tcp_recylce',
  },
  'the key of a module that is not loaded comes with it': {
    files: {},
    needs: [brNetfilter, bridge],
    verdict: 'change',
    now: 'no such key',
    boot: 'not set',
  },
  'the key of a module that is denied is blocked with it': {
    files: { '/etc/modprobe.d/cis.conf': 'install br_netfilter /bin/true\n' },
    needs: [brNetfilter, bridge],
    verdict: 'blocked',
    now: 'no such key',
    boot: 'not set',
    reason: 'the key comes with br_netfilter, which cannot be loaded here',
  },
  'the key of a module that this kernel will not load until the next boot is blocked with it': {
    files: { '/proc/sys/kernel/modules_disabled': '1\n' },
    needs: [brNetfilter, bridge],
    verdict: 'blocked',
    now: 'no such key',
    boot: 'not set',
    reason: 'the key comes with br_netfilter, which cannot be loaded here',
  },
  'a container sees /proc/sys, but may not write it': {
    files: { '/proc/self/mounts': 'proc /proc/sys proc ro,nosuid,nodev,noexec,relatime 0 0\n' },
    verdict: 'blocked',
    now: '0',
    boot: 'not set',
    reason: '/proc/sys is read-only here',
  },
};

describe('hostile hosts: sysctl', () => {
  test.each(Object.entries({ ...files, ...lines, ...keys }))(
    '%s',
    async (_sentence, { files, needs = [forward], ...expected }) => {
      const [host, desired] = [debianWith(files), desiredOf(...needs)];
      const { before, after } = await applyTo(host, desired);
      const finding = findingOf(before, `sysctl/${needs.flatMap((need) => (need.kind === 'sysctl' ? [need.key] : [])).at(-1)}`);
      const { have, from } = finding.boot;
      expect({ verdict: finding.verdict, now: finding.now.have, boot: [have, from].filter(Boolean).join(' ') }).toEqual({
        verdict: expected.verdict,
        now: expected.now,
        boot: expected.boot,
      });
      if (finding.verdict === 'blocked') {
        expect(finding.reason).toContain(expected.reason);
        expect(host.files.get(own)).toEqual(files[own]);
      }
      if (finding.verdict !== 'change') return;
      if (!finding.boot.ok) expect(finding.after).toMatchObject({ ok: true, from: expect.stringContaining(own) });
      expect(isConverged(after)).toBe(true);
      host.reboot();
      expect(isConverged(await planHost(host, desired))).toBe(true);
    },
  );
});
