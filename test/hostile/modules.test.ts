import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { moduleKind } from '../../src/kinds/module.ts';
import { isConverged } from '../../src/plan.ts';
import type { Claim, Verdict } from '../../src/model.ts';
import { queriesFor } from '../../src/plan.ts';
import { readSystem } from '../../src/knowledge/system.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { withAvailable } from '../recordings/packages.ts';
import { allowing, applyTo, commandsOf, debianWith, desiredOf, findingOf, idsWith, linesOf, written } from '../unit/support.ts';

type Files = { readonly [path: string]: MemoryFile };

const module = (name: string) => ({ kind: 'module', name }) as const;
const kernel = '6.1.0-50-amd64';
const own = '/etc/modules-load.d/node-prep.conf';
const containerCaps = 'Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n';
const grub = '# GRUB_CMDLINE_LINUX="module_blacklist=xt_owner"\nGRUB_CMDLINE_LINUX="quiet module_blacklist=xt_owner"\n';

/** What is expected: the verdict, the file and line that decides the boot, and what reason and remedy say. */
type Row = {
  readonly host: string;
  readonly files?: Files;
  readonly recipe?: Partial<Recipe>;
  readonly wants: string;
  readonly verdict: Verdict['verdict'];
  readonly boot?: string;
  readonly reason?: RegExp;
  readonly remedy?: RegExp;
};

const stands = async ({ files, recipe, wants, ...expected }: Row, host = debianWith(files ?? {}, recipe)): Promise<void> => {
  const finding = findingOf(await planHost(host, desiredOf(module(wants))), `module/${wants}`);
  expect(finding.verdict).toBe(expected.verdict);
  if (expected.boot) expect(finding.boot.from).toBe(expected.boot);
  if (expected.reason) expect('reason' in finding && finding.reason).toMatch(expected.reason);
  if (expected.remedy) expect('remedy' in finding && finding.remedy).toMatch(expected.remedy);
};

describe('hostile hosts: modules that somebody keeps out', () => {
  const rows: readonly Row[] = [
    {
      host: 'a CIS file with blacklist and install lines names its first line and offers --take-over',
      files: { '/etc/modprobe.d/cis.conf': '# 3.4.1\ninstall xt_owner /bin/false\nblacklist xt_owner\n' },
      wants: 'xt_owner',
      verdict: 'blocked',
      boot: '/etc/modprobe.d/cis.conf:3',
      reason: /cis\.conf:3 says "blacklist xt_owner"/,
      remedy: /--take-over/,
    },
    {
      host: 'a line against a module that the wanted one needs names that module',
      files: { '/etc/modprobe.d/cis.conf': 'install bridge /bin/true\n' },
      wants: 'br_netfilter',
      verdict: 'blocked',
      boot: '/etc/modprobe.d/cis.conf:1',
      remedy: /wants bridge kept out/,
    },
    {
      host: 'an alias that leads to another module is a denial, although modprobe does not complain',
      files: { '/etc/modprobe.d/a.conf': '\nalias xt_owner dummy\n' },
      wants: 'xt_owner',
      verdict: 'blocked',
      boot: '/etc/modprobe.d/a.conf:2',
    },
    {
      host: 'module_blacklist= names the line of /etc/default/grub, not the comment above it',
      files: { '/proc/cmdline': 'quiet module_blacklist=xt_owner\n', '/etc/default/grub': grub },
      wants: 'xt_owner',
      verdict: 'blocked',
      reason: /\/proc\/cmdline/,
      remedy: /module_blacklist=xt_owner.*\/etc\/default\/grub:2.*update-grub.*reboot/,
    },
    {
      host: 'modprobe.blacklist= of a cloud image is found in grub.d',
      files: {
        '/proc/cmdline': 'modprobe.blacklist=a,xt_owner\n',
        '/etc/default/grub.d/50-cloud.cfg': 'GRUB_CMDLINE_LINUX_DEFAULT="modprobe.blacklist=a,xt_owner"\n',
      },
      wants: 'xt_owner',
      verdict: 'blocked',
      remedy: /\/etc\/default\/grub\.d\/50-cloud\.cfg:1/,
    },
    {
      host: 'a kernel argument that no file has is said to come from elsewhere',
      files: { '/proc/cmdline': 'module_blacklist=xt_owner\n' },
      wants: 'xt_owner',
      verdict: 'blocked',
      remedy: /no line of \/etc\/default\/grub has it/,
    },
  ];
  test.each(rows)('$host', (row) => stands(row));
});

describe('hostile hosts: lines that --take-over takes over', () => {
  const many = `# hardening\ninstall bridge /bin/false\nblacklist br_netfilter\ninstall stp /bin/true\nblacklist dccp\n`;
  const rows: readonly (readonly [string, Files, string, Files])[] = [
    [
      'several lines, some against what the module needs: all of them and no others',
      { '/etc/modprobe.d/cis.conf': many },
      'br_netfilter',
      {
        '/etc/modprobe.d/cis.conf':
          '# hardening\n# taken over by node-prep: install bridge /bin/false\n# taken over by node-prep: blacklist br_netfilter\n# taken over by node-prep: install stp /bin/true\nblacklist dccp\n',
      },
    ],
    [
      'a file of the distribution stays; a copy in /etc hides it',
      { '/usr/lib/modprobe.d/vendor.conf': 'blacklist xt_owner\noptions x y=1\n' },
      'xt_owner',
      {
        '/usr/lib/modprobe.d/vendor.conf': 'blacklist xt_owner\noptions x y=1\n',
        '/etc/modprobe.d/vendor.conf':
          '# copied by node-prep; hides /usr/lib/modprobe.d/vendor.conf\n# taken over by node-prep: blacklist xt_owner\noptions x y=1\n',
      },
    ],
    [
      'two lines of one vendor file become one copy',
      { '/usr/lib/modprobe.d/vendor.conf': 'blacklist br_netfilter\ninstall bridge /bin/false\n' },
      'br_netfilter',
      {
        '/etc/modprobe.d/vendor.conf':
          '# copied by node-prep; hides /usr/lib/modprobe.d/vendor.conf\n# taken over by node-prep: blacklist br_netfilter\n# taken over by node-prep: install bridge /bin/false\n',
      },
    ],
    [
      'an alias to off',
      { '/etc/modprobe.d/off.conf': 'alias xt_owner off\n' },
      'xt_owner',
      { '/etc/modprobe.d/off.conf': '# taken over by node-prep: alias xt_owner off\n' },
    ],
    [
      'a line that goes on after a backslash: the comment takes its second half with it',
      { '/etc/modprobe.d/long.conf': 'install xt_owner \\\n  /bin/true\nblacklist dccp\n' },
      'xt_owner',
      { '/etc/modprobe.d/long.conf': '# taken over by node-prep: install xt_owner \\\n  /bin/true\nblacklist dccp\n' },
    ],
  ];
  test.each(rows)('%s; it is loaded then, and after a reboot', async (_name, files, wants, expected) => {
    const host = debianWith(files);
    const desired = allowing(desiredOf(module(wants)));
    const { before, after } = await applyTo(host, desired);
    expect(findingOf(before, `module/${wants}`)).toMatchObject({ verdict: 'change', after: { ok: true, from: `${own}:4` } });
    expect(before.actions.map((a) => (a.do === 'run' ? a.argv[0] : a.path)).slice(-2)).toEqual([own, 'modprobe']);
    for (const [path, text] of Object.entries(expected)) expect(host.files.get(path)).toBe(text);
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  test('a module that is loaded and listed by hand needs nothing but the line gone', async () => {
    const files = { '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n', '/etc/modules-load.d/k8s.conf': 'xt_owner\n' };
    const host = debianWith(files, { loaded: ['xt_owner', 'x_tables'] });
    const { before, after } = await applyTo(host, allowing(desiredOf(module('xt_owner'))));
    expect(before.actions.map((a) => (a.do === 'run' ? a.argv[0] : a.path))).toEqual(['/etc/modprobe.d/no.conf']);
    expect(isConverged(after)).toBe(true);
  });

  test('a kernel argument against the same module leaves the file as it is: half a take-over helps nobody', async () => {
    const files = { '/etc/modprobe.d/no.conf': 'install xt_owner /bin/false\n', '/proc/cmdline': 'module_blacklist=xt_owner\n' };
    const plan = await planHost(debianWith(files), allowing(desiredOf(module('xt_owner'))));
    expect(findingOf(plan, 'module/xt_owner').verdict).toBe('blocked');
    expect(plan.actions).toEqual([]);
  });

  test('a file that is no text is not rewritten, and the finding says to do it by hand', async () => {
    const files = { '/etc/modprobe.d/no.conf': '# \ufffd\ninstall xt_owner /bin/false\n' };
    const plan = await planHost(debianWith(files), allowing(desiredOf(module('xt_owner'))));
    expect(findingOf(plan, 'module/xt_owner')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/modprobe.d/no.conf:2'),
      remedy: expect.stringContaining('by hand'),
    });
    expect(plan.actions).toEqual([]);
  });

  test('a container does not edit files for modules that it could not load anyway', async () => {
    const files = { '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n', '/proc/self/status': containerCaps };
    expect((await planHost(debianWith(files), allowing(desiredOf(module('xt_owner'))))).actions).toEqual([]);
  });

  test('a line against a module that is merely advised is left alone', async () => {
    const files = { '/etc/modprobe.d/no.conf': 'blacklist xt_owner\n' };
    const plan = await planHost(debianWith(files), allowing(desiredOf({ ...module('xt_owner'), advice: true })));
    expect(plan.actions).toEqual([]);
  });
});

describe('hostile hosts: no right to load', () => {
  const locked = { '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n' };
  const unsigned = { 'ask-signatures': `bridge /lib/modules/${kernel}/updates/dkms/bridge.ko\n` };
  const rows: readonly Row[] = [
    ...(
      [
        ['systemd-nspawn', '/run/systemd/container', 'systemd-nspawn\n', /a container of systemd-nspawn/],
        ['LXC', '/run/systemd/container', 'lxc\n', /a container of LXC \(\/run\/systemd\/container\)/],
        ['Docker without systemd', '/.dockerenv', '', /a container of Docker/],
        ['podman', '/run/.containerenv', 'engine="podman"\n', /a container of podman/],
      ] as const
    ).map(([kind, path, text, reason]): Row => ({
      host: `${kind}: the finding says which container it is, and that its host must do it`,
      files: { [path]: text, '/proc/self/status': containerCaps },
      wants: 'xt_owner',
      verdict: 'blocked',
      reason,
      remedy: /machine that owns the kernel/,
    })),
    {
      host: 'kernel.modules_disabled=1 names the line that sets it at every boot',
      files: {
        '/proc/sys/kernel/modules_disabled': '1\n',
        '/usr/lib/sysctl.d/10-x.conf': 'kernel.modules_disabled = 0\n',
        '/etc/sysctl.d/99-cis.conf': '# cis\nkernel.modules_disabled = 1\n',
      },
      wants: 'xt_owner',
      verdict: 'blocked',
      remedy: /\/etc\/sysctl\.d\/99-cis\.conf:2 sets it at every boot/,
    },
    {
      host: 'kernel.modules_disabled=1 that no file sets is said to be set by something else',
      files: { '/proc/sys/kernel/modules_disabled': '1\n' },
      wants: 'xt_owner',
      verdict: 'blocked',
      remedy: /No file of sysctl\.d sets it/,
    },
    {
      host: 'under lockdown, a module whose dependency is not signed is blocked with that file',
      files: locked,
      recipe: { scripts: unsigned },
      wants: 'br_netfilter',
      verdict: 'blocked',
      reason: /locked down \(integrity\).*lockdown.*updates\/dkms\/bridge\.ko has no signature/,
      remedy: /Sign bridge with a key/,
    },
    {
      host: 'module.sig_enforce is named as well',
      files: { '/sys/module/module/parameters/sig_enforce': 'Y\n' },
      recipe: { scripts: unsigned },
      wants: 'bridge',
      verdict: 'blocked',
      reason: /signed modules only.*sig_enforce/,
    },
    {
      host: 'under lockdown, signed modules are a change like any other',
      files: locked,
      recipe: { scripts: unsigned },
      wants: 'xt_owner',
      verdict: 'change',
    },
    {
      host: 'an unsigned module that is loaded already needs nothing',
      files: { ...locked, '/etc/modules-load.d/a.conf': 'bridge\n' },
      recipe: { scripts: unsigned, loaded: ['bridge', 'stp', 'llc'] },
      wants: 'bridge',
      verdict: 'ok',
    },
  ];
  test.each(rows)('$host', (row) => stands(row));

  test('a file that closes the kernel at the next boot is advice: what is listed still comes, nothing else ever does', async () => {
    const host = debianWith({ '/etc/sysctl.d/99-cis.conf': 'kernel.modules_disabled = 1\n' });
    const desired = desiredOf(module('xt_owner'));
    const { before, after } = await applyTo(host, desired);
    expect(findingOf(before, 'module/modules_disabled')).toMatchObject({
      verdict: 'advice',
      boot: { ok: false, from: '/etc/sysctl.d/99-cis.conf:1' },
    });
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(host.files.get('/proc/sys/kernel/modules_disabled')).toBe('1\n');
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });
});

describe('hostile hosts: what speaks about a module', () => {
  const claims = async (files: Files, name: string, recipe: Partial<Recipe> = {}): Promise<readonly Claim[]> => {
    const desired = desiredOf(module(name));
    const answers = await debianWith(files, recipe).probe(queriesFor(desired));
    const host = { answers, system: readSystem(answers), askedBy: [], verdicts: new Map(), allow: desired.allow };
    return moduleKind.claims?.(module(name), host) ?? [];
  };

  test('lines that list it, keep it out, are hidden or come from the kernel arguments each have a role', async () => {
    const files = {
      '/etc/modules-load.d/a.conf': 'bridge\n',
      '/etc/modules-load.d/b.conf': '# x\nbridge\n',
      '/usr/lib/modules-load.d/a.conf': 'bridge\n',
      '/usr/lib/modprobe.d/c.conf': 'blacklist bridge\n',
      '/etc/modprobe.d/c.conf': 'softdep bridge pre: dummy\n',
      '/proc/cmdline': 'module_blacklist=bridge\n',
      '/etc/default/grub': 'GRUB_CMDLINE_LINUX="module_blacklist=bridge"\n',
    };
    expect(await claims(files, 'bridge')).toEqual([
      { from: '/etc/modules-load.d/a.conf:1', says: 'bridge', role: 'lists it for boot in vain' },
      { from: '/etc/modules-load.d/b.conf:2', says: 'bridge', role: 'lists it for boot in vain' },
      { from: '/usr/lib/modules-load.d/a.conf:1', says: 'bridge', role: 'hidden by /etc/modules-load.d/a.conf' },
      { from: '/etc/modprobe.d/c.conf:1', says: 'softdep bridge pre: dummy', role: 'loads other modules along with it' },
      { from: '/usr/lib/modprobe.d/c.conf:1', says: 'blacklist bridge', role: 'hidden by /etc/modprobe.d/c.conf' },
      { from: '/proc/cmdline', says: 'module_blacklist=bridge', role: 'makes the kernel refuse it' },
      { from: '/etc/default/grub:1', says: 'bridge', role: 'puts that kernel argument there at the next boot' },
    ]);
  });

  test('a module that comes with another one says through which line', async () => {
    expect(await claims({ '/etc/modules-load.d/k8s.conf': 'br_netfilter\n' }, 'bridge')).toEqual([
      {
        from: '/etc/modules-load.d/k8s.conf:1',
        says: 'br_netfilter',
        role: 'brings it at boot, as needed by br_netfilter',
      },
    ]);
  });

  test('an old name that somebody lists counts for the module that answers to it', async () => {
    const host = debianWith({ '/etc/modules-load.d/old.conf': 'ipt_MASQUERADE\n' }, { loaded: ['xt_MASQUERADE'] });
    expect(findingOf(await planHost(host, desiredOf(module('xt_MASQUERADE'))), 'module/xt_MASQUERADE')).toMatchObject({
      verdict: 'ok',
      boot: { from: '/etc/modules-load.d/old.conf:1' },
    });
  });
});

describe('hostile hosts: modules that the running kernel lacks', () => {
  const ubuntu = '6.8.0-31-generic';
  const extra = `linux-modules-extra-${ubuntu}`;
  const dep = `/lib/modules/${ubuntu}/modules.dep`;
  const without = (name: string, text: string): string =>
    text
      .split('\n')
      .filter((line) => !line.includes(`/${name}.ko`))
      .join('\n');
  const whole = hostFrom(hosts['ubuntu-24.04']!).files.get(dep) as string;
  const thin: Recipe = { ...hosts['ubuntu-24.04']!, files: { [dep]: without('vxlan', whole) } };
  const rocky = hosts['rocky-10']!;
  const rockyExtra = `kernel-modules-extra-${rocky.kernel}`;
  const packages = (recipe: Recipe) => recipe.packages ?? { manager: 'none' as const, installed: {} };

  test('an Ubuntu whose cloud kernel keeps vxlan in linux-modules-extra gets that package, pinned, then the module', async () => {
    const more = { [extra]: { version: '6.8.0-31.31', files: { [dep]: whole } } };
    const host = hostFrom({ ...thin, packages: withAvailable(packages(thin), more) });
    const { before, after } = await applyTo(host, desiredOf(module('vxlan')));
    expect(findingOf(before, 'module/vxlan')).toMatchObject({
      verdict: 'change',
      now: { have: `not in kernel ${ubuntu}` },
      after: { ok: true, from: `${own}:4` },
    });
    expect(commandsOf(before).map((c) => c.split(' ').at(-1))).toEqual([extra, 'vxlan']);
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desiredOf(module('vxlan'))))).toBe(true);
  });

  const lacks: readonly (Omit<Row, 'recipe'> & { readonly recipe: Recipe })[] = [
    {
      host: 'the package is installed and the module is missing all the same: the kernel package does not bring it',
      recipe: { ...thin, packages: { ...packages(thin), installed: { ...packages(thin).installed, [extra]: '6.8.0-31.31' } } },
      wants: 'vxlan',
      verdict: 'blocked',
      reason: /the kernel package does not bring it: linux-modules-extra-6\.8\.0-31-generic is installed/,
    },
    {
      host: 'no source has the package for the running kernel any more: a newer kernel and a reboot are needed',
      recipe: thin,
      wants: 'vxlan',
      verdict: 'blocked',
      reason: /no package source has linux-modules-extra-6\.8\.0-31-generic/,
      remedy: /a reboot is needed/,
    },
    {
      host: 'an EL 10 whose repositories have moved on to a newer kernel says so',
      recipe: { ...rocky, packages: { ...packages(rocky), available: {} } },
      wants: 'br_netfilter',
      verdict: 'blocked',
      reason: /no package source has kernel-modules-extra-6\.12\.0-211/,
      remedy: /newest kernels only.*a reboot is needed/,
    },
    {
      host: 'a host without lists of packages is not promised anything',
      recipe: { ...rocky, packages: { ...packages(rocky), listed: false } },
      wants: 'br_netfilter',
      verdict: 'blocked',
      remedy: /dnf makecache/,
    },
    {
      host: 'sctp of EL 10 comes together with a file that keeps it out',
      recipe: rocky,
      wants: 'sctp',
      verdict: 'blocked',
      reason: /\/etc\/modprobe\.d\/sctp-blacklist\.conf, which keeps it out/,
      remedy: /--take-over/,
    },
    {
      host: 'an invented name does not have a kernel package installed for it',
      recipe: rocky,
      wants: 'br_netfliter',
      verdict: 'blocked',
      reason: /is not known to bring it/,
    },
    {
      host: 'a container is not told to install kernel packages',
      recipe: { ...rocky, files: { '/run/systemd/container': 'lxc\n', '/proc/self/status': containerCaps } },
      wants: 'br_netfilter',
      verdict: 'blocked',
    },
  ];
  test.each(lacks)('$host', async ({ recipe, ...row }) => {
    const host = hostFrom(recipe);
    await stands(row, host);
    expect((await planHost(host, desiredOf(module(row.wants)))).actions).toEqual([]);
  });

  test('a dpkg that was cut off is brought to its end before it is asked to install modules', async () => {
    const host = hostFrom({
      ...thin,
      packages: withAvailable(packages(thin), { [extra]: { version: '6.8.0-31.31' } }),
      files: { ...thin.files, '/var/lib/dpkg/updates/0001': 'Package: x\n' },
    });
    const { actions } = await planHost(host, desiredOf(module('vxlan')));
    const commands = actions.flatMap((action) => (action.do === 'run' ? [action.argv.join(' ')] : []));
    expect(commands.slice(0, 3)).toEqual([
      expect.stringMatching(/dpkg .*--configure -a$/),
      expect.stringMatching(/--no-remove -f install$/),
      expect.stringContaining(`install --no-install-recommends ${extra}`),
    ]);
  });

  test('a legacy table that EL 10 does not have is not promised: what iptables-nft uses in its place is installed', async () => {
    const host = hostFrom(rocky);
    const { before, after } = await applyTo(host, desiredOf(module('iptable_nat')));
    expect(commandsOf(before)[0]).toContain(rockyExtra);
    expect(linesOf(written(before, own))).toEqual(['nft_compat', 'nf_tables', 'nft_chain_nat']);
    expect(isConverged(after)).toBe(true);
  });

  test('the file that came with the package is taken over in a second run', async () => {
    const host = hostFrom(rocky);
    await applyTo(host, desiredOf(module('br_netfilter')));
    const { before, after } = await applyTo(host, allowing(desiredOf(module('sctp'))));
    expect(written(before, '/etc/modprobe.d/sctp-blacklist.conf')).toContain('# taken over by node-prep: blacklist sctp');
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, allowing(desiredOf(module('sctp')))))).toBe(true);
  });

  test('a host that lost the folder of its kernel gets the packages of that kernel, if no other one waits for a reboot', async () => {
    const { index: _index, ...gone } = rocky;
    const { before, after } = await applyTo(hostFrom(gone), desiredOf(module('br_netfilter')));
    expect(commandsOf(before)[0]).toContain(rockyExtra);
    expect(isConverged(after)).toBe(true);
  });
});

describe('hostile hosts: SELinux', () => {
  const enforcing = { '/sys/fs/selinux/enforce': '1', '/usr/sbin/restorecon': 'ELF' };
  const container = 'system_u:system_r:container_t:s0:c1,c2';
  const denials = [
    `7 xt_owner ${container} xt_owner kernel/net/netfilter/x_tables.ko`,
    `9 ipt_MASQUERADE ${container} xt_MASQUERADE kernel/net/netfilter/nf_nat.ko kernel/net/netfilter/x_tables.ko`,
    `12 net-pf-31 ${container} bluetooth kernel/net/rfkill/rfkill.ko`,
  ].join('\n');

  test('what a container was denied is wanted as well, with the line of the log; a module nobody knows is mere advice', async () => {
    const host = debianWith(enforcing, { scripts: { 'ask-module-denials': denials } });
    const { before, after } = await applyTo(host, desiredOf(module('xt_owner')));
    expect(findingOf(before, 'module/xt_owner').because).toMatchObject([
      { profile: 'test' },
      { profile: 'this host', why: expect.stringContaining('container_t'), source: '/var/log/audit/audit.log:7' },
    ]);
    expect(findingOf(before, 'module/xt_MASQUERADE')).toMatchObject({
      verdict: 'change',
      because: [{ why: expect.stringContaining('ipt_MASQUERADE'), source: '/var/log/audit/audit.log:9' }],
    });
    expect(findingOf(before, 'module/bluetooth').verdict).toBe('advice');
    expect(linesOf(written(before, own))).toEqual(['xt_owner', 'xt_MASQUERADE']);
    expect(isConverged(after)).toBe(true);
  });

  test('a denied module that is waived stays out', async () => {
    const host = debianWith(enforcing, { scripts: { 'ask-module-denials': denials } });
    const waivers = [{ id: 'module/xt_MASQUERADE', reason: 'a test' }];
    const plan = await planHost(host, { ...desiredOf(module('xt_owner')), waivers });
    expect(findingOf(plan, 'module/xt_MASQUERADE').verdict).toBe('waived');
    expect(linesOf(written(plan, own))).toEqual(['xt_owner']);
  });

  test('written files get their labels right after the last write, before anything reads them', async () => {
    const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;
    const plan = await planHost(debianWith(enforcing), desiredOf(module('xt_owner'), forward));
    expect(commandsOf(plan).map((c) => c.split(' ')[0])).toEqual(['modprobe', 'restorecon', 'sysctl']);
    expect(commandsOf(plan)[1]).toBe(`restorecon ${own} /etc/sysctl.d/node-prep.conf`);
    const served = [...new Set(plan.actions.flatMap((a) => a.for))];
    expect(served.sort()).toEqual(idsWith(plan, 'change').sort());
  });

  test('a host without SELinux, or without restorecon, gets no such step', async () => {
    for (const files of [{}, { '/sys/fs/selinux/enforce': '1' }]) {
      expect(commandsOf(await planHost(debianWith(files), desiredOf(module('xt_owner'))))).toEqual(['modprobe -a xt_owner']);
    }
  });
});
