import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { queryKey } from '../../src/answers.ts';
import { fileOfImage, imageHost } from '../../src/hosts/image.ts';
import { localHost } from '../../src/hosts/local.ts';
import type { Action, Answer, Host, Query, Step } from '../../src/model.ts';
import { recorded } from '../recordings/hosts.ts';
import { desiredFrom, desiredOf, execute, findingOf } from '../unit/support.ts';
import { treeWith } from '../unit/trees.ts';
import type { TreeFile } from '../unit/trees.ts';
import { because } from '../needs.ts';

/** What the builder has and no image may reach. */
const outside = mkdtempSync(join(tmpdir(), 'node-prep-outside-'));
afterAll(() => rmSync(outside, { recursive: true }));
beforeEach(() => {
  rmSync(outside, { recursive: true });
  mkdirSync(outside);
  writeFileSync(join(outside, 'secret.conf'), 'secret of the builder\n');
});
afterEach(() => {
  for (const end of made.splice(0)) end();
  expect(readdirSync(outside), 'what is outside').toEqual(['secret.conf']);
  expect(readFileSync(join(outside, 'secret.conf'), 'utf8')).toBe('secret of the builder\n');
});

const made: (() => void)[] = [];
const release = '6.1.0-50-amd64';
const climb = `${'../'.repeat(30)}${outside.slice(1)}`;

const tree = (files: { readonly [path: string]: TreeFile }, options = {}): { host: Host; root: string } => {
  const { root, end } = treeWith(
    {
      '/etc/os-release': 'ID=debian\nVERSION_ID=12\n',
      [`/lib/modules/${release}/modules.dep`]: recorded('debian-6.1.dep'),
      [`/lib/modules/${release}/modules.builtin`]: recorded('debian-6.1.builtin'),
      ...files,
    },
    options,
  );
  made.push(end);
  return { host: imageHost(root), root };
};

const ask = async (host: Host, query: Query): Promise<Answer | undefined> => (await host.probe([query])).get(queryKey(query));
const write = (path: string, before: string | null = null): Action => ({
  do: 'write',
  path,
  mode: '0644',
  before,
  after: 'x\n',
  for: [],
});
const tried = async (host: Host, ...actions: Action[]): Promise<Step[] | string> => {
  try {
    return await execute(host, actions);
  } catch (error) {
    return String(error);
  }
};

describe('a link out of the tree', () => {
  const ways = [
    ['absolute', outside],
    ['climbing', climb],
    ['by way of another', '/etc/step'],
  ] as const;

  test.each(ways)('is not read through: %s', async (_way, target) => {
    const { host } = tree({
      '/etc/step': { link: climb },
      '/etc/sysctl.d': { link: target },
      '/etc/file.conf': { link: `${target}/secret.conf` },
    });
    expect(await ask(host, { ask: 'read', path: '/etc/sysctl.d/secret.conf' })).toEqual({ status: 1, text: '' });
    expect(await ask(host, { ask: 'read', path: '/etc/file.conf' })).toEqual({ status: 1, text: '' });
    expect((await ask(host, { ask: 'list', glob: '/etc/sysctl.d/*' }))?.files).toEqual([]);
    expect((await ask(host, { ask: 'list', glob: '/etc/*.conf' }))?.files).toMatchObject([{ path: '/etc/file.conf', text: '' }]);
  });

  test.each(ways)('is not written through, but leads to a place in the tree: %s', async (_way, target) => {
    const { host, root } = tree({ '/etc/step': { link: climb }, '/etc/sysctl.d': { link: target } });
    expect(await tried(host, write('/etc/sysctl.d/node-prep.conf'))).toMatchObject([{ status: 'done' }]);
    expect(readFileSync(`${root}${outside}/node-prep.conf`, 'utf8')).toBe('x\n');
  });

  test.each(ways)('in the place of our own file is refused before anything is touched: %s', async (_way, target) => {
    const { host, root } = tree({
      '/etc/step': { link: climb },
      '/etc/sysctl.d/node-prep.conf': { link: `${target}/secret.conf` },
    });
    const refused = await tried(host, write('/etc/first.conf'), write('/etc/sysctl.d/node-prep.conf'));
    expect(refused).toMatch(/link that does not lead to a regular file.*Nothing was touched/);
    expect(existsSync(join(root, 'etc/first.conf'))).toBe(false);
  });

  test('is removed itself, and what it leads to is not', async () => {
    const { host, root } = tree({ '/etc/systemd/system/x.wants/u.service': { link: `${outside}/secret.conf` } });
    const remove: Action = { do: 'remove', path: '/etc/systemd/system/x.wants/u.service', before: '', for: [] };
    expect(await tried(host, remove)).toMatchObject([{ status: 'done' }]);
    expect(readdirSync(join(root, 'etc/systemd/system/x.wants'))).toEqual([]);
  });

  test('is not the configuration of an image, nor its os-release', () => {
    const { root } = tree({ '/etc/node-prep.yaml': { link: `${outside}/secret.conf` } });
    expect(fileOfImage(root, '/etc/node-prep.yaml')).toBeUndefined();
    rmSync(join(root, 'etc/os-release'));
    symlinkSync(`${outside}/secret.conf`, join(root, 'etc/os-release'));
    expect(() => imageHost(root)).toThrow('holds no system');
  });

  test('that is absolute leads where it would lead in the image', async () => {
    const { host } = tree({
      '/usr/lib/x.conf': 'its own\n',
      '/etc/x.conf': { link: '/usr/lib/x.conf' },
      '/usr/lib/y': { link: '../../../../etc/x.conf' },
    });
    expect(await ask(host, { ask: 'read', path: '/etc/x.conf' })).toEqual({ status: 0, text: 'its own\n' });
    expect(await ask(host, { ask: 'read', path: '/usr/lib/y' })).toEqual({ status: 0, text: 'its own\n' });
  });

  test('through a folder that is not there leads nowhere, as for the kernel', async () => {
    const { host } = tree({ '/etc/x.conf': { link: '/none/../etc/os-release' } });
    expect(await ask(host, { ask: 'read', path: '/etc/x.conf' })).toEqual({ status: 1, text: '' });
  });
});

describe('a file that is made to fill the memory', () => {
  const packed = (): Buffer => gzipSync(Buffer.alloc(64 * 1024 * 1024));

  test('is not unpacked any further than the largest that is real', async () => {
    const { host, root } = tree({ '/boot/x': '' });
    writeFileSync(join(root, 'boot/config-6.1.gz'), packed());
    expect(await ask(host, { ask: 'read', path: '/boot/config-6.1.gz' })).toEqual({
      status: 2,
      text: '/boot/config-6.1.gz unpacks to more than 16 MiB',
    });
    expect((await ask(host, { ask: 'list', glob: '/boot/config-*' }))?.files).toMatchObject([{ text: '' }]);
  });

  test('is not read where it is larger than all that are real, here neither', async () => {
    const { host, root } = tree({ '/etc/sysctl.conf': '' });
    truncateSync(join(root, 'etc/sysctl.conf'), 65 * 1024 * 1024);
    expect(await ask(host, { ask: 'read', path: '/etc/sysctl.conf' })).toMatchObject({
      status: 2,
      text: '/etc/sysctl.conf is larger than 2 MiB',
    });
    const path = join(root, 'etc/sysctl.conf');
    expect(await ask(localHost(), { ask: 'read', path })).toMatchObject({ status: 2 });
  });
});

describe('what the builder mounted in for its chroot', () => {
  const mounted: { readonly [path: string]: TreeFile } = {
    '/proc/modules': 'br_netfilter 1 0 - Live 0x0\n',
    '/proc/cmdline': 'BOOT_IMAGE=/x module_blacklist=overlay\n',
    '/proc/swaps': 'Filename Type Size Used Priority\n/dev/sda2 partition 1 0 -2\n',
    '/proc/sys/kernel/osrelease': '3.10.0-builder\n',
    '/proc/sys/net/ipv4/ip_forward': '1\n',
    '/proc/self/status': 'Uid:\t0\t0\t0\t0\nCapEff:\t0000000000000000\n',
    '/sys/fs/cgroup/cgroup.controllers': 'cpu\n',
    '/sys/kernel/security/lockdown': 'none [integrity] confidentiality\n',
    '/run/systemd/container': 'docker\n',
    '/run/modules-load.d/x.conf': 'overlay\n',
    '/etc/modules-load.d/run.conf': { link: '/run/modules-load.d/x.conf' },
    '/etc/sysctl.d/proc.conf': { link: '../../proc/modules' },
    '/var/run': { link: '../run' },
  };

  test('is not looked at: the plan is the same with and without it', async () => {
    const desired = desiredFrom(['kubernetes', 'istio:mode=ambient', 'calico']);
    const [bare, full] = [tree({}), tree(mounted)];
    const [one, other] = await Promise.all([planHost(bare.host, desired), planHost(full.host, desired)]);
    const text = (value: unknown): string => JSON.stringify(value).replaceAll(bare.root, 'ROOT').replaceAll(full.root, 'ROOT');
    expect(text(other.findings)).toBe(text(one.findings));
    expect(text(other.actions)).toBe(text(one.actions));
    expect(JSON.stringify(other)).not.toContain('3.10.0-builder');
  });

  test('is absent under other names too, and nothing is written there', async () => {
    const { host } = tree(mounted);
    for (const path of [
      '/proc/modules',
      '/proc/self/status',
      '/var/run/systemd/container',
      '/etc/sysctl.d/proc.conf',
      '/dev/null',
    ])
      expect(await ask(host, { ask: 'read', path }), path).toEqual({ status: 1, text: '' });
    expect(await tried(host, write('/proc/sys/net/ipv4/ip_forward', '1\n'))).toMatch(/Nothing was touched/);
    expect(await tried(host, write('/var/run/x'))).toMatch(/Nothing was touched/);
  });
});

describe('commands', () => {
  test('that do not say themselves that they run in the tree are not run', async () => {
    const { host } = tree({});
    const flag = join(outside, 'flag');
    const run = (argv: [string, ...string[]]): Action => ({ do: 'run', argv, why: '', for: [] });
    expect(await tried(host, run(['touch', flag]))).toMatchObject([{ status: 'failed', exitCode: 127 }]);
    expect(await tried(host, run(['chroot', '/', 'touch', flag]))).toMatchObject([{ status: 'failed', exitCode: 127 }]);
  });

  const asRoot = process.geteuid?.() === 0;
  const named = (name: string) => because(name, !asRoot && 'this is not root');

  test.runIf(asRoot)(named('cannot be led out by links in the place of folders'), async () => {
    const { host, root } = tree({ '/usr/sbin': { link: outside }, '/var/lib/dpkg/status': '' }, { shell: true });
    for (const folder of ['proc', 'dev', 'run', 'sys']) {
      rmSync(join(root, folder), { recursive: true });
      symlinkSync(outside, join(root, folder));
    }
    const touch: Action = { do: 'run', argv: ['chroot', root, 'touch', `${outside}/flag`, '/usr/sbin/flag'], why: '', for: [] };
    expect(await tried(host, touch)).toMatchObject([{ status: 'failed' }]);
    expect(readFileSync('/proc/self/mountinfo', 'utf8')).not.toContain(root);
  });

  test.runIf(asRoot)(named('that only ask are run as nobody, on a tree that they cannot change'), async () => {
    const { host, root } = tree({}, { shell: true });
    const query: Query = { ask: 'run', argv: ['sh', '-c', 'id -u; touch /tmp/x /etc/x; echo > /srv/x; exit 7'], of: 'files' };
    expect(await ask(host, query)).toEqual({ status: 7, text: '65534\n' });
    expect([existsSync(join(root, 'tmp/x')), existsSync(join(root, 'srv/x'))]).toEqual([false, false]);
  });

  test('about what runs are answered as of a machine on which nothing does', async () => {
    const { host } = tree({ '/usr/lib/systemd/system/firewalld.service': '[Unit]\n' });
    const plan = await planHost(host, desiredOf({ kind: 'service', name: 'firewalld', state: 'inactive' }));
    expect(findingOf(plan, 'service/firewalld')).toMatchObject({ verdict: 'ok', boot: { have: 'disabled' } });
    expect(await ask(host, { ask: 'run', argv: ['sh', '-c', 'echo builder', 'ask-x'] })).toEqual({ status: 0, text: '' });
  });
});
