import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { rhelModules } from '../../src/families/rhel-modules.ts';
import { grubFileLines } from '../../src/knowledge/grub-arguments.ts';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { fnmatch } from '../../src/knowledge/fnmatch.ts';
import { tunedSettings } from '../../src/knowledge/tuned.ts';
import { isConverged } from '../../src/plan.ts';
import { allowing, applyTo, commandsOf, debianWith, desiredFrom, desiredOf, findingOf, written } from '../unit/support.ts';

type Files = { readonly [path: string]: MemoryFile };

const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;
const id = 'sysctl/net.ipv4.ip_forward';
const right: Files = { '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward = 1\n', '/proc/sys/net/ipv4/ip_forward': '1\n' };
const wants = (unit: string): Files => ({
  [`/etc/systemd/system/multi-user.target.wants/${unit}`]: { link: `/lib/systemd/system/${unit}` },
});
const masked = (unit: string): Files => ({ [`/etc/systemd/system/${unit}`]: { link: '/dev/null' } });
const tuned: Files = {
  ...wants('tuned.service'),
  '/etc/tuned/active_profile': 'site\n',
  '/etc/tuned/tuned-main.conf': 'reapply_sysctl=0\n',
  '/etc/tuned/site/tuned.conf': '[sysctl]\nnet.ipv4.ip_forward=0\n',
};
const ufw: Files = {
  ...wants('ufw.service'),
  '/usr/lib/systemd/system/ufw.service': '[Service]\nExecStart=/usr/lib/ufw/ufw-init start quiet\n',
  '/etc/ufw/ufw.conf': 'ENABLED=yes\n',
  '/etc/default/ufw': 'IPT_SYSCTL=/etc/ufw/sysctl.conf\n',
  '/etc/ufw/sysctl.conf': 'net/ipv4/ip_forward=0\n',
};

describe('hostile hosts: what looks as if it counted, and does not', () => {
  const harmless: readonly (readonly [string, Files])[] = [
    [
      'a tuned that is masked writes nothing, though the link that wants it is still there',
      { ...tuned, ...masked('tuned.service') },
    ],
    ['an empty unit file masks as well as a link to /dev/null', { ...tuned, '/etc/systemd/system/tuned.service': '' }],
    ['a ufw that is masked writes nothing', { ...ufw, ...masked('ufw.service') }],
    ['of two lines ENABLED= of ufw the last one counts', { ...ufw, '/etc/ufw/ufw.conf': 'ENABLED=yes\nENABLED=no\n' }],
  ];
  test.each(harmless)('%s', async (_sentence, files) => {
    const plan = await planHost(debianWith({ ...right, ...files }), desiredOf(forward));
    expect(findingOf(plan, id)).toMatchObject({ verdict: 'ok', boot: { from: '/etc/sysctl.d/k8s.conf:1' } });
  });

  test('a mask in /run is gone after the reboot: firewalld starts again', async () => {
    const unit = { '/usr/lib/systemd/system/firewalld.service': '[Service]\n', ...wants('firewalld.service') };
    const host = debianWith(
      { ...unit, '/run/systemd/system/firewalld.service': { link: '/dev/null' } },
      { services: { 'firewalld.service': { active: 'inactive', enabled: 'masked-runtime' } } },
    );
    const plan = await planHost(host, desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive' }));
    expect(plan.findings[0]).toMatchObject({ verdict: 'change', now: { ok: true }, boot: { ok: false } });
    expect(commandsOf(plan)).toEqual([
      'systemctl unmask --runtime firewalld.service',
      'systemctl disable --now firewalld.service',
    ]);
  });

  test('NetworkManager that is masked in /run is there after the reboot', async () => {
    const host = debianWith({
      '/usr/sbin/NetworkManager': 'ELF',
      '/usr/lib/systemd/system/NetworkManager.service': '[Service]\n',
      ...wants('NetworkManager.service'),
      '/run/systemd/system/NetworkManager.service': { link: '/dev/null' },
    });
    const plan = await planHost(host, desiredOf({ kind: 'networkmanager', unmanaged: ['interface-name:cali*'] }));
    expect(plan.findings[0]).toMatchObject({ verdict: 'change', boot: { ok: false } });
  });
});

describe('hostile hosts: lines that are taken over', () => {
  test('several lines of one file of the distribution go in one copy', async () => {
    const vendor = '/usr/lib/sysctl.d/zz.conf';
    const host = debianWith({ [vendor]: 'net.ipv4.conf.all.forwarding=0\nnet.ipv4.ip_forward=0\n' });
    const { before, after } = await applyTo(host, allowing(desiredOf(forward)));
    expect(written(before, '/etc/sysctl.d/zz.conf')).toBe(
      '# copied by node-prep; hides /usr/lib/sysctl.d/zz.conf\n# taken over by node-prep: net.ipv4.conf.all.forwarding=0\n# taken over by node-prep: net.ipv4.ip_forward=0\n',
    );
    expect(isConverged(after)).toBe(true);
  });

  test("a profile of tuned's package is not copied away from the scripts beside it", async () => {
    const files = {
      ...tuned,
      '/etc/tuned/site/tuned.conf': '[main]\ninclude=base\n',
      '/usr/lib/tuned/base/tuned.conf': '[sysctl]\nnet.ipv4.ip_forward=0\n[script]\nscript=${i:PROFILE_DIR}/script.sh\n',
    };
    const plan = await planHost(debianWith({ ...right, ...files }), allowing(desiredOf(forward)));
    expect(findingOf(plan, id)).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/usr/lib/tuned/base/tuned.conf:2'),
    });
    expect(plan.actions).toEqual([]);
  });

  test('what the same plan turns off stands in nobody’s way: ufw for Calico', async () => {
    const host = debianWith(ufw);
    const plan = await planHost(host, desiredFrom(['calico']));
    expect(findingOf(plan, 'service/ufw').verdict).toBe('change');
    expect(findingOf(plan, id)).toMatchObject({
      verdict: 'change',
      boot: { have: '0', from: '/etc/ufw/sysctl.conf:1, by ufw' },
      after: { ok: true },
    });
  });

  test('with SELinux the file behind a link gets its label, too', async () => {
    const host = debianWith({
      '/sys/fs/selinux/enforce': '1',
      '/usr/sbin/restorecon': 'ELF',
      '/etc/sysctl.d/node-prep.conf': { link: '/srv/node-prep.conf' },
      '/srv/node-prep.conf': '',
    });
    const plan = await planHost(host, desiredOf(forward));
    expect(commandsOf(plan)[0]).toBe('restorecon /etc/sysctl.d/node-prep.conf /srv/node-prep.conf');
  });
});

describe('hostile hosts: content that is to break node-prep', () => {
  test('a range that runs backwards in a .network file matches nothing, and the plan is made', async () => {
    expect(fnmatch('[z-a]*', 'cali1')).toBe(false);
    const host = debianWith({
      ...wants('systemd-networkd.service'),
      '/etc/systemd/network/10-x.network': '[Match]\nName=[z-a]*\n',
    });
    expect((await planHost(host, desiredFrom(['calico']))).findings.length).toBeGreaterThan(0);
  });

  test('a line of a tuned profile without end and without sense is passed over at once', () => {
    const path = '/etc/tuned/site/tuned.conf';
    const text = `[sysctl]\na${' '.repeat(200_000)}b\nkernel.panic=1\n`;
    const answers = new Map([
      ['read /etc/tuned/active_profile', { status: 0, text: 'site' }],
      ['list /etc/tuned/*/tuned.conf', { status: 0, text: '', files: [{ path, text }] }],
    ]);
    expect(tunedSettings(answers)).toEqual([{ path: 'kernel/panic', value: '1', from: `${path}:3` }]);
  });
});

describe('hostile hosts: scripts, and what must not be lost with a line', () => {
  const [interfaces, cron, rc] = ['/etc/network/interfaces', '/etc/cron.d/corp', '/etc/rc.local'];
  const off = 'sysctl -w net.ipv4.ip_forward=0';
  const program: Files = { '/usr/sbin/ifup': 'ELF', ...wants('cron.service') };
  const kept: readonly (readonly [string, string, string])[] = [
    [
      'a line of ifupdown that also makes a route',
      interfaces,
      `iface lo inet loopback\n  post-up ${off}; ip route add 10.98.0.0/16 dev lo\n`,
    ],
    [
      'a line of ifupdown that goes on in the next',
      interfaces,
      `iface lo inet loopback\n  post-up ${off} \\\n  kernel.panic=1\n`,
    ],
    ['a crontab line that also starts something', cron, `@reboot root ${off} && /usr/local/bin/start-db\n`],
    ['a command that sets two keys', rc, `#!/bin/sh\n${off} vm.dirty_ratio=33\n`],
    ['a script with a here-document in it', rc, `#!/bin/sh\ncat > /run/x <<Y\na\nY\n${off}\n`],
    ['a script with text over several lines', rc, `#!/bin/sh\necho 'a\nb' > /run/x\n${off}\n`],
  ];
  test.each(kept)('%s is left to its owner', async (_sentence, path, text) => {
    const host = debianWith({ ...right, ...program, [path]: text }, { scripts: { 'ask-executables': `${rc}\n` } });
    const plan = await planHost(host, allowing(desiredOf(forward)));
    expect(findingOf(plan, id)).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining(path) });
    expect(plan.actions).toEqual([]);
  });

  const silent: readonly (readonly [string, Files])[] = [
    ['what stands in a here-document', { [rc]: `#!/bin/sh\ncat > /run/x <<Y\n${off}\nY\n` }],
    ['what stands after the exit of a script', { [rc]: `#!/bin/sh\nexit 0\n${off}\n` }],
    [
      'a file beside interfaces that no line sources',
      { [interfaces]: 'auto lo\n', '/etc/network/interfaces.d/x': `iface x inet manual\n up ${off}\n` },
    ],
  ];
  test.each(silent)('%s sets nothing', async (_sentence, files) => {
    const host = debianWith({ ...right, ...program, ...files }, { scripts: { 'ask-executables': `${rc}\n` } });
    expect(findingOf(await planHost(host, desiredOf(forward)), id).verdict).toBe('ok');
  });

  const heard: readonly (readonly [string, Files, string])[] = [
    [
      'that networkd turns forwarding off for the whole host',
      { ...wants('systemd-networkd.service'), '/etc/systemd/networkd.conf.d/h.conf': '[Network]\nIPv4Forwarding=no\n' },
      '/etc/systemd/networkd.conf.d/h.conf:2, by systemd-networkd',
    ],
    [
      'what was added to an enabled unit',
      { ...wants('ssh.service'), '/etc/systemd/system/ssh.service.d/x.conf': `[Service]\nExecStartPost=/sbin/${off}\n` },
      '/etc/systemd/system/ssh.service.d/x.conf:2, by ssh.service',
    ],
    [
      'a service that a timer starts, on a line that goes on',
      {
        '/etc/systemd/system/timers.target.wants/late.timer': { link: '../late.timer' },
        '/etc/systemd/system/late.service': `[Service]\nExecStart=/sbin/sysctl \\\n  -w net.ipv4.ip_forward=0\n`,
      },
      '/etc/systemd/system/late.service:2, by late.service',
    ],
    [
      'a unit that a target requires',
      {
        '/etc/systemd/system/multi-user.target.requires/late.service': { link: '../late.service' },
        '/etc/systemd/system/late.service': `[Service]\nExecStart=${off}\n`,
      },
      '/etc/systemd/system/late.service:2, by late.service',
    ],
    [
      'a rule of udev',
      { '/etc/udev/rules.d/99-x.rules': `ACTION=="add", SUBSYSTEM=="net", RUN+="/sbin/${off}"\n` },
      '/etc/udev/rules.d/99-x.rules:1, by udev',
    ],
    [
      'a command of rc.local that goes on in the next line',
      { [rc]: '#!/bin/sh\nsysctl -q -w \\\n  net.ipv4.ip_forward=0\n' },
      `${rc}:2, by rc.local`,
    ],
  ];
  test.each(heard)('%s is heard', async (_sentence, files, from) => {
    const host = debianWith({ ...right, ...files }, { scripts: { 'ask-executables': `${rc}\n` } });
    const plan = await planHost(host, desiredOf(forward));
    expect(findingOf(plan, id)).toMatchObject({ verdict: 'blocked', boot: { have: '0', from } });
  });
});

describe('hostile hosts: the services that read the files are masked', () => {
  test('a masked systemd-sysctl sets nothing at boot, whatever the files say', async () => {
    const plan = await planHost(debianWith({ ...right, ...masked('systemd-sysctl.service') }), desiredOf(forward));
    expect(findingOf(plan, id)).toMatchObject({
      verdict: 'blocked',
      boot: { ok: false, have: 'not set' },
      remedy: expect.stringContaining('systemctl unmask systemd-sysctl.service'),
    });
  });

  test('a masked systemd-modules-load loads nothing at boot', async () => {
    const host = debianWith({ '/etc/modules-load.d/k8s.conf': 'br_netfilter\n', ...masked('systemd-modules-load.service') });
    const plan = await planHost(host, desiredOf({ kind: 'module', name: 'br_netfilter' }));
    expect(plan.findings[0]).toMatchObject({
      verdict: 'blocked',
      boot: { ok: false, have: 'not listed' },
      reason: expect.stringContaining('/etc/systemd/system/systemd-modules-load.service'),
    });
  });

  test('swap that is on, and that no file turns on, is turned off with a word that it may come back', async () => {
    const host = debianWith({ '/proc/swaps': 'Filename\tType\tSize\tUsed\tPriority\n/sw6 file 1 0 -2\n' });
    const { before, after } = await applyTo(host, desiredOf({ kind: 'swap', policy: 'off' }));
    expect(findingOf(before, 'swap/source')).toMatchObject({ verdict: 'advice', reason: expect.stringContaining('/sw6') });
    expect(isConverged(after)).toBe(true);
  });
});

describe('hostile hosts: what only looks open, or safe', () => {
  test('a zone that trusts the addresses of pods does not open the ports of the node', async () => {
    const host = debianWith({
      '/usr/lib/systemd/system/firewalld.service': '[Service]\n',
      ...wants('firewalld.service'),
      '/etc/firewalld/firewalld.conf': 'DefaultZone=public\n',
      '/etc/firewalld/zones/public.xml': '<zone><service name="ssh"/></zone>\n',
      '/etc/firewalld/zones/trusted.xml': '<zone target="ACCEPT"><source address="10.244.0.0/16"/></zone>\n',
    });
    const plan = await planHost(host, desiredOf({ kind: 'port', port: '10250', protocol: 'tcp' }));
    expect(plan.findings[0]).toMatchObject({ boot: { ok: false, have: 'shut in public' } });
  });

  const flavours = [
    ['5.14.0-427.13.1.el9_4.aarch64+64k', 'kernel-64k-modules-extra-5.14.0-427.13.1.el9_4.aarch64'],
    ['5.14.0-427.13.1.el9_4.x86_64+rt-debug', 'kernel-rt-debug-modules-extra-5.14.0-427.13.1.el9_4.x86_64'],
    ['5.14.0-427.13.1.el9_4.x86_64', 'kernel-modules-extra-5.14.0-427.13.1.el9_4.x86_64'],
    ['5.14.0-427.13.1.el9_4.x86_64+site', undefined],
  ] as const;
  test.each(flavours)('modules of kernel %s come from %s', (kernel, name) => {
    const system = { id: 'rocky', versionId: '9.4', name: 'Rocky', family: 'rhel', kernel, arch: 'x86_64' };
    expect(rhelModules.packages(system, false)[0]).toBe(name);
  });

  test('a kernel argument of the host becomes no command in the file that root runs, and equal neighbours all go', () => {
    const lines = grubFileLines({ add: ['x=1'], remove: ['cgroup_disable=memory', "a'$(touch /tmp/pwned)"] });
    const script = [
      `GRUB_CMDLINE_LINUX='quiet cgroup_disable=memory cgroup_disable=memory y'`,
      ...lines,
      'echo $GRUB_CMDLINE_LINUX',
    ];
    expect(execFileSync('sh', ['-c', script.join('\n')], { encoding: 'utf8' })).toBe('quiet y\n');
    expect(existsSync('/tmp/pwned')).toBe(false);
  });

  test('what stands in cgroup_disable= beside controllers is not written down', async () => {
    const cmdline = 'BOOT_IMAGE=/vmlinuz cgroup_disable=memory,$(touch${IFS}/tmp/pwned),hugetlb\n';
    const host = debianWith({
      '/proc/cmdline': cmdline,
      '/etc/default/grub': 'GRUB_CMDLINE_LINUX=""\n',
      '/usr/sbin/update-grub': 'ELF',
      '/boot/grub/grub.cfg': `menuentry 'x' {\n  linux /vmlinuz ${cmdline}}\n`,
      '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n',
    });
    const plan = await planHost(host, allowing(desiredOf({ kind: 'cgroup', v1: 'blocked' })));
    const text = written(plan, '/etc/default/grub.d/node-prep.cfg');
    expect(text).toContain('GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT cgroup_disable=hugetlb"');
  });
});

describe('hostile hosts: swap in an rc.local that is a link', () => {
  test('is seen', async () => {
    const host = debianWith(
      { '/etc/rc.local': { link: '/opt/rc.local' }, '/opt/rc.local': '#!/bin/sh\nswapon /swapfile\n' },
      { scripts: { 'ask-executables': '/etc/rc.local\n' } },
    );
    const plan = await planHost(host, desiredOf({ kind: 'swap', policy: 'off' }));
    expect(findingOf(plan, 'swap/off')).toMatchObject({ boot: { ok: false, from: '/etc/rc.local:2' } });
  });
});
