import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { memoryHost } from '../../src/hosts/memory.ts';
import { moduleKind } from '../../src/kinds/module.ts';
import { isConverged } from '../../src/plan.ts';
import type { Claim, Verdict } from '../../src/model.ts';
import { queriesFor } from '../../src/plan.ts';
import { readSystem } from '../../src/knowledge/system.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { allowing, applyTo, debianWith, desiredOf, findingOf, linesOf, written } from '../unit/support.ts';

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
        '/etc/modprobe.d/vendor.conf': '# taken over by node-prep: blacklist xt_owner\noptions x y=1\n',
      },
    ],
    [
      'two lines of one vendor file become one copy',
      { '/usr/lib/modprobe.d/vendor.conf': 'blacklist br_netfilter\ninstall bridge /bin/false\n' },
      'br_netfilter',
      {
        '/etc/modprobe.d/vendor.conf':
          '# taken over by node-prep: blacklist br_netfilter\n# taken over by node-prep: install bridge /bin/false\n',
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

void memoryHost;
void linesOf;
void written;
