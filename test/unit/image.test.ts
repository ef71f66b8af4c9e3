import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { applyHost, planHost } from '../../src/apply.ts';
import { imageHost } from '../../src/hosts/image.ts';
import type { Desired, Host, Outcome, Plan, Step } from '../../src/model.ts';
import { explainText } from '../../src/views/explain-text.ts';
import { planText, summaryLine } from '../../src/views/plan-text.ts';
import { verdictLine } from '../../src/views/verdict-line.ts';
import { recorded } from '../recordings/hosts.ts';
import { allowing, commandsOf, desiredFrom, desiredOf, findingOf, idsWith, linesOf, written } from './support.ts';
import { treeWith } from './trees.ts';
import type { TreeFile } from './trees.ts';
import { because } from '../needs.ts';

const made: (() => void)[] = [];
afterEach(() => {
  for (const end of made.splice(0)) end();
});

type Files = { readonly [path: string]: TreeFile };

const kernel = (release: string, dep = recorded('debian-6.1.dep')): Files => ({
  [`/lib/modules/${release}/modules.dep`]: dep,
  [`/lib/modules/${release}/modules.builtin`]: recorded('debian-6.1.builtin'),
  [`/boot/config-${release}`]: recorded('config'),
});

const status = (...names: string[]): string =>
  names.map((name) => `Package: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1:9.9-1\n`).join('\n');

const wantedPackages = ['conntrack', 'socat', 'iptables', 'iproute2', 'util-linux', 'mount', 'kmod', 'procps', 'ipset'];

const debian: Files = {
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n',
  '/etc/machine-id': `${'a1'.repeat(16)}\n`,
  '/var/lib/dpkg/status': status(...wantedPackages, 'nftables', 'iputils-ping', 'ethtool'),
};
const old = '6.1.0-49-amd64';
const newer = '6.1.0-50-amd64';

const imageOf = (files: Files, options = {}): { host: Host; root: string } => {
  const { root, end } = treeWith(files, options);
  made.push(end);
  return { host: imageHost(root), root };
};

const withoutModule = (name: string): string =>
  recorded('debian-6.1.dep')
    .split('\n')
    .filter((line) => !line.split(':')[0]?.endsWith(`/${name}.ko`))
    .join('\n');

const applyTo = (host: Host, desired: Desired, partial = false): Promise<Outcome> =>
  applyHost(
    host,
    desired,
    { partial },
    {
      confirm: () => Promise.resolve(true),
      progress: async (_plan, steps) => {
        const done: Step[] = [];
        for await (const step of steps) done.push(step);
        return done;
      },
    },
  );

const planIn = (outcome: Outcome): Plan => {
  if (!('plan' in outcome) || !outcome.plan) throw new Error(`no plan: ${JSON.stringify(outcome)}`);
  return outcome.plan;
};

const filesOf = (root: string): string[] =>
  readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => !entry.isDirectory())
    .map((entry) => join(entry.parentPath, entry.name).slice(root.length))
    .sort();

describe('an image with one kernel and all packages', () => {
  test('gets its files, nothing else, and then there is nothing to do', async () => {
    const { host, root } = imageOf({ ...debian, ...kernel(newer) });
    const before = filesOf(root);
    const outcome = await applyTo(host, desiredFrom(['kubernetes']));
    expect(outcome).toMatchObject({ status: 'applied', host: `image ${root}` });
    expect(idsWith(planIn(outcome), 'change')).toEqual([]);
    expect(filesOf(root).filter((path) => !before.includes(path))).toEqual([
      '/etc/modules-load.d/node-prep.conf',
      '/etc/sysctl.d/node-prep.conf',
    ]);
    const again = await applyTo(host, desiredFrom(['kubernetes']));
    expect(again).toMatchObject({ status: 'applied', steps: [] });
  });

  test('runs nothing: no modprobe, no sysctl, no swapoff', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer), '/etc/fstab': '/swap none swap sw 0 0\n' });
    const plan = await planHost(host, desiredFrom(['kubernetes', 'istio:mode=ambient', 'calico']));
    expect(commandsOf(plan)).toEqual([]);
    expect(written(plan, '/etc/fstab')).toMatch(/^# off for Kubernetes, by node-prep: /);
    expect(plan.findings.every((f) => f.now.ok)).toBe(true);
  });

  test('says in text what boot will be, without a word of now, in 80 columns', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer) });
    const plan = await planHost(host, desiredFrom(['kubernetes']));
    const text = await planText(host.name, plan, ['kubernetes'], 'verbose', { color: false, width: 80 });
    expect(text.replace(/\s+/g, ' ')).toContain('Debian GNU/Linux 12 (bookworm), kernel 6.1.0-50-amd64');
    expect(text).toContain('boot not listed, after apply loaded');
    expect(text).not.toMatch(/\bnow\b|running/);
    const short = await planText(host.name, plan, ['kubernetes'], 'normal', { color: false, width: 80 });
    expect(Math.max(...short.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
    const finding = findingOf(plan, 'module/overlay');
    const story = { finding, wanted: true, askedBy: ['kubernetes'], askers: [], actions: plan.actions, claims: [] };
    expect(explainText(story, { color: false, width: 80 })).toMatch(/In this image\n {2}boot: not listed\n/);
  });

  test('is said to be ready for its first boot once it is', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer) });
    const plan = planIn(await applyTo(host, desiredFrom(['kubernetes'])));
    expect(summaryLine(plan)).toContain('This image is ready for its first boot.');
    expect(verdictLine(host.name, plan)).toMatch(/^image \/.*: converged: \d+ ok, at boot$/);
  });
});

describe('every kernel that is installed counts', () => {
  test('one that lacks a module blocks it and is named, whichever boots', async () => {
    for (const [one, other] of [
      [old, newer],
      [newer, old],
    ] as const) {
      const { host, root } = imageOf({ ...debian, ...kernel(one, withoutModule('br_netfilter')), ...kernel(other) });
      const plan = await planHost(host, desiredOf({ kind: 'module', name: 'br_netfilter' }));
      expect(plan.system).toMatchObject({ kernel: newer, kernels: [newer, old] });
      expect(findingOf(plan, 'module/br_netfilter')).toMatchObject({
        verdict: 'blocked',
        boot: { ok: false, have: `not in kernel ${one}` },
        reason: expect.stringContaining(one),
      });
      expect(await applyTo(host, desiredFrom(['kubernetes']))).toMatchObject({ status: 'refused' });
      expect(existsSync(join(root, 'etc/modules-load.d'))).toBe(false);
    }
  });

  test.each([
    ['ID=ubuntu\nVERSION_ID="24.04"\n', '6.8.0-31-generic', 'apt-get install --no-install-recommends linux-modules-extra-'],
    [
      'ID=rocky\nID_LIKE="rhel"\n',
      '6.12.0-55.el10.x86_64',
      'dnf -y -q --setopt=install_weak_deps=False install kernel-modules-extra-',
    ],
  ])('the package with the module that one lacks is named with its command: %s', async (os, release, command) => {
    const files = { ...debian, '/etc/os-release': os, ...kernel(release, withoutModule('br_netfilter')) };
    const { host, root } = imageOf(files);
    expect(
      findingOf(await planHost(host, desiredOf({ kind: 'module', name: 'br_netfilter' })), 'module/br_netfilter'),
    ).toMatchObject({
      verdict: 'blocked',
      remedy: expect.stringMatching(new RegExp(`chroot ${root} ${command}${release}\\)`)),
    });
  });

  test('one file lists what each of them needs', async () => {
    const old5 = '5.10.0-32-amd64';
    const { host, root } = imageOf({
      ...debian,
      ...kernel(newer),
      [`/lib/modules/${old5}/modules.dep`]: recorded('debian-5.10.dep'),
      [`/lib/modules/${old5}/modules.builtin`]: recorded('debian-5.10.builtin'),
    });
    const desired = desiredOf({ kind: 'module', name: 'xt_LOG' }, { kind: 'module', name: 'overlay' });
    const outcome = await applyTo(host, desired);
    const listed = linesOf(readFileSync(join(root, 'etc/modules-load.d/node-prep.conf'), 'utf8'));
    expect(listed).toEqual(expect.arrayContaining(['xt_LOG', 'overlay', 'nf_log_ipv4']));
    expect(idsWith(planIn(outcome), 'change')).toEqual([]);
    expect((await planHost(host, desired)).actions).toEqual([]);
  });

  test('the oldest is the one that must be new enough', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer), ...kernel('4.19.0-27-amd64') });
    const plan = await planHost(host, desiredOf({ kind: 'kernel', min: '5.8' }));
    expect(findingOf(plan, 'kernel/version')).toMatchObject({
      verdict: 'blocked',
      boot: { have: '4.19.0-27-amd64', from: '/lib/modules/4.19.0-27-amd64' },
    });
  });

  test('a folder with nothing but modules built for it is no kernel', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer), [`/lib/modules/${old}/updates/dkms/x.ko`]: '' });
    expect((await planHost(host, desiredFrom(['kubernetes']))).system.kernels).toEqual([newer]);
  });

  test('a kernel that only lies in /boot may boot, and has no modules then', async () => {
    const { host } = imageOf({ ...debian, ...kernel(old), [`/boot/vmlinuz-${newer}`]: '', '/boot/vmlinuz-0-rescue-a1': '' });
    const plan = await planHost(host, desiredOf({ kind: 'module', name: 'overlay' }));
    expect(plan.system.kernels).toEqual([newer, old]);
    expect(findingOf(plan, 'module/overlay')).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining(newer) });
  });

  test('a kernel whose modules were never indexed is said to be so', async () => {
    const { host } = imageOf({ ...debian, [`/lib/modules/${newer}/vmlinuz`]: '' });
    const plan = await planHost(host, desiredOf({ kind: 'module', name: 'overlay' }));
    expect(findingOf(plan, 'module/overlay')).toMatchObject({
      verdict: 'blocked',
      remedy: expect.stringContaining(`depmod ${newer}`),
    });
  });

  test('where there is none, what needs one is blocked, with what to do first, and the rest is judged', async () => {
    const { host } = imageOf(debian);
    const plan = await planHost(host, desiredFrom(['kubernetes']));
    expect(plan.system).toMatchObject({ kernel: '', kernels: [] });
    expect(findingOf(plan, 'module/overlay')).toMatchObject({
      verdict: 'blocked',
      boot: { ok: false, have: 'no kernel' },
      remedy: expect.stringMatching(/^Install the package of its kernel first/),
    });
    expect(findingOf(plan, 'kernel/version').verdict).toBe('advice');
    expect(findingOf(plan, 'sysctl/net.ipv4.ip_forward').verdict).toBe('change');
    const text = await planText(host.name, plan, [], 'normal', { color: false, width: 80 });
    expect(text).toContain('no kernel, ');
  });
});

describe('services and swap in an image are turned off by files', () => {
  const unit = '[Unit]\n[Install]\nWantedBy=multi-user.target\n';
  const firewalld: Files = {
    '/usr/lib/systemd/system/firewalld.service': unit,
    '/etc/systemd/system/multi-user.target.wants/firewalld.service': { link: '/usr/lib/systemd/system/firewalld.service' },
  };

  test('the links of a service go, and a mask comes where it is wanted', async () => {
    const { host, root } = imageOf({ ...debian, ...kernel(newer), ...firewalld });
    const desired = desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive', mask: true });
    expect(findingOf(await planHost(host, desired), 'service/firewalld')).toMatchObject({
      verdict: 'change',
      boot: { ok: false, have: 'enabled' },
      after: { ok: true, have: 'masked' },
    });
    const outcome = await applyTo(host, desired);
    expect(findingOf(planIn(outcome), 'service/firewalld')).toMatchObject({ verdict: 'ok', boot: { have: 'masked' } });
    expect(existsSync(join(root, 'etc/systemd/system/multi-user.target.wants/firewalld.service'))).toBe(false);
    expect(readFileSync(join(root, 'etc/systemd/system/firewalld.service'), 'utf8')).toBe('');
    expect(readFileSync(join(root, 'usr/lib/systemd/system/firewalld.service'), 'utf8')).toBe(unit);
  });

  test('without a machine id the first boot would enable it again, so it is masked in any case', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer), ...firewalld, '/etc/machine-id': '' });
    const plan = await planHost(host, desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive' }));
    expect(written(plan, '/etc/systemd/system/firewalld.service')).toBe('');
  });
});

describe('an image that boots with SELinux', () => {
  const contexts = '/etc/selinux/targeted/contexts/files/file_contexts';
  const selinux = (mode: string): Files => ({
    '/etc/selinux/config': `# SELINUX=disabled\nSELINUX=${mode}\nSELINUXTYPE=targeted\n`,
    [contexts]: '/.* system_u:object_r:default_t:s0\n',
  });
  const files = { ...debian, ...kernel(newer) };
  const desired = desiredOf({ kind: 'module', name: 'overlay' }, { kind: 'sysctl', key: 'vm.overcommit_memory', value: '1' });
  const asRoot = process.geteuid?.() === 0;
  const withSetfiles = (text: string) => {
    const image = imageOf({ ...files, ...selinux('enforcing'), '/usr/sbin/setfiles': text }, { shell: true });
    chmodSync(join(image.root, 'usr/sbin/setfiles'), 0o755);
    return image;
  };
  const pathOf = `PATH=/usr/sbin:/bin`;

  test.runIf(asRoot)('has what is written labelled by its own setfiles', async () => {
    const { host, root } = withSetfiles(`#!/bin/sh\n${pathOf}; echo "$*" > /labelled\n`);
    const outcome = await applyTo(host, desired);
    expect(outcome).toMatchObject({ status: 'applied' });
    expect(readFileSync(join(root, 'labelled'), 'utf8')).toBe(`-m ${contexts} /etc\n`);
    expect(existsSync(join(root, '.autorelabel'))).toBe(false);
    expect((await planHost(host, desired)).actions).toEqual([]);
  });

  test.runIf(asRoot)('is labelled as a whole where packages are installed', async () => {
    const { host } = withSetfiles('#!/bin/sh\n');
    const more = desiredOf({ kind: 'module', name: 'overlay' }, { kind: 'package', capability: 'ipvsadm' });
    expect(commandsOf(await planHost(host, more)).at(-1)).toMatch(/setfiles -m .*file_contexts \/$/);
  });

  test.runIf(asRoot)('is relabelled at its first boot where setfiles cannot do it', async () => {
    const { host, root } = withSetfiles('#!/bin/sh\nexit 255\n');
    expect(await applyTo(host, desired)).toMatchObject({ status: 'applied' });
    expect(readFileSync(join(root, '.autorelabel'), 'utf8')).toBe('');
  });

  test('is relabelled at its first boot where it has no setfiles', async () => {
    const { host, root } = imageOf({ ...files, ...selinux('permissive') });
    const plan = await planHost(host, desired);
    expect(written(plan, '/.autorelabel')).toBe('');
    expect(await applyTo(host, desired)).toMatchObject({ status: 'applied' });
    expect(existsSync(join(root, '.autorelabel'))).toBe(true);
    expect((await planHost(host, desired)).actions).toEqual([]);
  });

  test('that is asked to relabel already, has SELinux off, or has no policy, gets no more than its files', async () => {
    const off = [
      { ...selinux('enforcing'), '/.autorelabel': '' },
      selinux('disabled'),
      { '/etc/selinux/config': 'SELINUX=enforcing\n' },
    ];
    for (const more of off) {
      const plan = await planHost(imageOf({ ...files, ...more }).host, desired);
      expect(plan.actions.map((action) => action.do === 'write' && action.path)).toEqual([
        '/etc/modules-load.d/node-prep.conf',
        '/etc/sysctl.d/node-prep.conf',
      ]);
    }
  });
});

describe('kernel arguments', () => {
  const grub: Files = {
    '/etc/default/grub': 'GRUB_CMDLINE_LINUX="systemd.unified_cgroup_hierarchy=0"\n',
    '/usr/sbin/update-grub': '#!/bin/sh\n',
    '/boot/grub/grub.cfg':
      'set default="0"\nmenuentry \'Debian\' {\n  linux /boot/vmlinuz root=/dev/vda1 ro systemd.unified_cgroup_hierarchy=0\n}\n',
  };

  test('of the next boot come from the menu of the image', async () => {
    const { host } = imageOf({ ...debian, ...kernel(newer), ...grub });
    expect(findingOf(await planHost(host, desiredOf({ kind: 'cgroup', v1: 'blocked' })), 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      boot: { ok: false, have: 'tmpfs', from: '/boot/grub/grub.cfg:3: systemd.unified_cgroup_hierarchy=0' },
    });
  });

  test('with --allow-reboot-changes our file is written, and who must run update-grub is said', async () => {
    const { host, root } = imageOf({ ...debian, ...kernel(newer), ...grub });
    const outcome = await applyTo(host, allowing(desiredOf({ kind: 'cgroup', v1: 'blocked' })));
    expect(readFileSync(join(root, 'etc/default/grub.d/node-prep.cfg'), 'utf8')).toContain('systemd.unified_cgroup_hierarchy=1');
    expect(findingOf(planIn(outcome), 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      remedy: expect.stringContaining('update-grub in the image'),
    });
  });
});

describe('packages', () => {
  /** The same tree for one who may not run anything in it. */
  const ofAnother = (host: Host): Host => ({
    ...host,
    probe: async (queries) =>
      new Map(
        [...(await host.probe(queries))].map(([key, answer]) => [
          key,
          /^run \["(?:chroot|sh)"/.test(key) && !key.includes('"ask-') ? { status: 126, text: 'only root can' } : answer,
        ]),
      ),
  });

  test('are read from the files of dpkg by one who may run nothing, and an install is said, not done', async () => {
    const { host, root } = imageOf({ ...debian, ...kernel(newer), '/var/lib/dpkg/status': status('socat', 'kmod', 'procps') });
    const plan = await planHost(ofAnother(host), desiredFrom(['kubernetes']));
    expect(findingOf(plan, 'package/socat')).toMatchObject({ verdict: 'ok', boot: { have: '1:9.9-1', from: 'package socat' } });
    expect(findingOf(plan, 'package/conntrack')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('only root can'),
      remedy: expect.stringContaining(`chroot ${root} apt-get install --no-install-recommends`),
    });
    expect(commandsOf(plan)).toEqual([]);
  });

  test('of two architectures are there for one who may run nothing', async () => {
    const both = status('socat') + '\n' + status('socat').replace('amd64', 'i386');
    const { host } = imageOf({ ...debian, ...kernel(newer), '/var/lib/dpkg/status': both });
    const plan = await planHost(ofAnother(host), desiredOf({ kind: 'package', capability: 'socat' }));
    expect(findingOf(plan, 'package/socat')).toMatchObject({ verdict: 'ok', boot: { have: '1:9.9-1' } });
  });

  test('of an rpm system are not known to one who may run nothing, and that is said', async () => {
    const { host } = imageOf({ '/etc/os-release': 'ID=rocky\nID_LIKE="rhel fedora"\nVERSION_ID="9.6"\n', ...kernel(newer) });
    expect(findingOf(await planHost(ofAnother(host), desiredFrom(['kubernetes'])), 'package/socat')).toMatchObject({
      verdict: 'blocked',
      boot: { have: 'unknown' },
      reason: expect.stringContaining('only root can'),
    });
  });

  const asRoot = process.geteuid?.() === 0;
  const named = (name: string) => because(name, !asRoot && 'this is not root');
  const programs: Files = {
    '/usr/bin/dpkg-query': '#!/bin/sh\ncat /var/lib/fake\n',
    '/usr/bin/apt-cache':
      '#!/bin/sh\nfor p in conntrack socat iptables; do printf "%s:\\n  Candidate: 1.9.9-1\\n" $p; done\n: > /var/lib/litter\n',
    '/var/lib/apt/lists/x_Packages': 'Package: x\n',
    '/usr/sbin/.keep': '',
    '/usr/bin/apt-get': `#!/bin/sh
[ -x /usr/sbin/policy-rc.d ] && { /usr/sbin/policy-rc.d; echo "policy $?"; } >> /var/log/seen
(echo 0 > /proc/sys/kernel/panic) 2>/dev/null || echo "proc is closed" >> /var/log/seen
[ -e /run/systemd ] || echo "run is empty" >> /var/log/seen
echo x > /dev/null && echo "/dev is there" >> /var/log/seen
for p; do case $p in conntrack|socat|iptables) echo "$p installed 1.9.9-1" >> /var/lib/fake ;; esac; done
`,
    '/var/lib/fake': ['iptables', 'iproute2', 'util-linux', 'mount', 'kmod', 'procps']
      .map((name) => `${name} installed 9.9\n`)
      .join(''),
    '/var/log/seen': '',
    '/run/systemd/system/of-the-builder': '',
  };
  const fakeDebian = (files: Files = {}) => {
    const image = imageOf({ ...debian, ...kernel(newer), ...programs, ...files }, { shell: true });
    for (const name of ['dpkg-query', 'apt-cache', 'apt-get']) rmSync(join(image.root, 'usr/bin', name));
    for (const name of ['dpkg-query', 'apt-cache', 'apt-get'])
      writeFileSync(join(image.root, 'usr/bin', name), programs[`/usr/bin/${name}`] as string, { mode: 0o755 });
    return image;
  };

  test.runIf(asRoot)(
    named('are installed with the programs of the image, closed in, and nothing of that stays behind'),
    async () => {
      const { host, root } = fakeDebian();
      const desired = desiredFrom(['kubernetes']);
      const plan = await planHost(host, desired);
      expect(commandsOf(plan)).toEqual([expect.stringMatching(`^chroot ${root} env DEBIAN_FRONTEND=noninteractive .* install `)]);
      expect(existsSync(join(root, 'var/lib/litter')), 'a plan writes nothing').toBe(false);
      const outcome = await applyTo(host, desired);
      expect(outcome).toMatchObject({ status: 'applied' });
      expect(idsWith(planIn(outcome), 'blocked')).toEqual([]);
      expect(readFileSync(join(root, 'var/log/seen'), 'utf8').split('\n')).toEqual([
        'policy 101',
        'proc is closed',
        'run is empty',
        '/dev is there',
        '',
      ]);
      expect(existsSync(join(root, 'usr/sbin/policy-rc.d'))).toBe(false);
      expect(readdirSync(join(root, 'dev'))).toEqual([]);
      expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(root);
    },
  );

  test.runIf(asRoot)(
    named('are installed under a policy that means nothing to the image should all be killed meanwhile'),
    async () => {
      const { host, root } = fakeDebian();
      const [policy, gate] = [join(root, 'usr/sbin/policy-rc.d'), join(root, 'srv/gate')];
      writeFileSync(
        join(root, 'usr/bin/apt-get'),
        '#!/bin/sh\n: > /srv/waits; until [ -e /srv/gate ]; do :; done; /usr/sbin/policy-rc.d\n',
      );
      const applied = applyTo(host, desiredFrom(['kubernetes']));
      await vi.waitFor(() => expect(existsSync(join(root, 'srv/waits'))).toBe(true), 20_000);
      expect(statSync(policy).mode & 0o111).toBe(0);
      writeFileSync(gate, 'go\n');
      expect(JSON.stringify(await applied)).toContain('"exitCode":101');
      expect(existsSync(policy)).toBe(false);
    },
  );

  test.runIf(asRoot)(named('leave a policy that a kill left behind as little as their own'), async () => {
    const { host, root } = fakeDebian({ '/usr/sbin/policy-rc.d': "# a place for node-prep's, while packages are installed\n" });
    await applyTo(host, desiredFrom(['kubernetes']));
    expect(readFileSync(join(root, 'var/log/seen'), 'utf8')).toContain('policy 101');
    expect(existsSync(join(root, 'usr/sbin/policy-rc.d'))).toBe(false);
  });

  test.runIf(asRoot)(named("an image's own policy-rc.d is left alone"), async () => {
    const own = '#!/bin/sh\n# mine\nexit 101\n';
    const { host, root } = fakeDebian({ '/usr/sbin/policy-rc.d': own });
    chmodSync(join(root, 'usr/sbin/policy-rc.d'), 0o755);
    await applyTo(host, desiredFrom(['kubernetes']));
    expect(readFileSync(join(root, 'usr/sbin/policy-rc.d'), 'utf8')).toBe(own);
  });

  test.runIf(asRoot)(named('of a RHEL tree are asked of its rpm and installed with its dnf'), async () => {
    const { host, root } = imageOf(
      {
        '/etc/os-release': 'ID=rocky\nID_LIKE="rhel fedora"\nVERSION_ID="9.6"\nPRETTY_NAME="Rocky Linux 9.6"\n',
        ...kernel(newer),
        '/db': 'installed kmod 0:28-10\n',
        '/usr/sbin': { link: 'bin' },
      },
      { shell: true },
    );
    const put = (name: string, text: string) => {
      mkdirSync(join(root, 'usr/bin'), { recursive: true });
      writeFileSync(join(root, 'usr/bin', name), `#!/bin/sh\n${text}`, { mode: 0o755 });
    };
    put('rpm', 'cat /db\n');
    put(
      'dnf',
      'case $* in *repoquery*) echo "candidate socat 0:1.7-1" ;; *install*) echo "installed socat 0:1.7-1" >> /db ;; esac\n',
    );
    const desired = desiredOf({ kind: 'package', capability: 'socat' }, { kind: 'package', capability: 'kmod' });
    const plan = await planHost(host, desired);
    expect(commandsOf(plan)).toEqual([`chroot ${root} dnf -y -q --setopt=install_weak_deps=False install socat`]);
    expect(idsWith(planIn(await applyTo(host, desired)), 'ok')).toEqual(['package/socat', 'package/kmod']);
  });

  test.runIf(asRoot)(named('a tree whose commands cannot be run says what the try said'), async () => {
    const { host, root } = fakeDebian({ '/var/lib/dpkg/status': '' });
    writeFileSync(join(root, 'bin/sh'), readFileSync(join(root, 'bin/sh')).subarray(0, 64), { mode: 0o755 });
    expect(findingOf(await planHost(host, desiredFrom(['kubernetes'])), 'package/conntrack')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringMatching(/exit status 126; chroot: failed to run command/),
    });
  });

  test.runIf(asRoot)(named('a tree whose / is closed to others is not asked, and the reason is said'), async () => {
    const { host, root } = fakeDebian({ '/var/lib/dpkg/status': '' });
    chmodSync(root, 0o700);
    expect(findingOf(await planHost(host, desiredFrom(['kubernetes'])), 'package/conntrack')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('chmod 755'),
    });
  });
});

test('two who apply to one tree at a time are kept apart, whatever name they reach it by, and no lock stays in it', async () => {
  const { host, root } = imageOf({ ...debian, ...kernel(newer) });
  const before = filesOf(root);
  const held = await host.lock();
  await expect(imageHost(join(root, 'etc/..')).lock()).rejects.toThrow('Another node-prep is at work on this image');
  await held.release();
  await (await imageHost(root).lock()).release();
  expect(filesOf(root)).toEqual(before);
});
