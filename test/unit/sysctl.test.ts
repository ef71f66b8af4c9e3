import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { parseSysctl } from '../../src/knowledge/sysctl-lines.ts';
import { bootResolver, settingQueries, systemResolver } from '../../src/knowledge/sysctl-resolve.ts';
import type { Winner } from '../../src/knowledge/sysctl-resolve.ts';
import { isSysctlKey, sysctlKey, sysctlPath } from '../../src/knowledge/sysctl.ts';
import { isConverged } from '../../src/plan.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { applyTo, commandsOf, debianWith, desiredOf, findingOf, judge, linesOf, written } from './support.ts';

const own = '/etc/sysctl.d/node-prep.conf';
const sysctl = (key: string, value: string) => ({ kind: 'sysctl', key, value }) as const;
const forward = sysctl('net.ipv4.ip_forward', '1');
const path = '/proc/sys/net/ipv4/ip_forward';
type Files = { readonly [path: string]: MemoryFile };

describe('now and boot', () => {
  test('a value that is right now, but set nowhere, is a change', async () => {
    const plan = await planHost(debianWith({ [path]: '1\n' }), desiredOf(forward));
    expect(findingOf(plan, 'sysctl/net.ipv4.ip_forward')).toMatchObject({
      verdict: 'change',
      now: { ok: true },
      boot: { ok: false, have: 'not set' },
    });
  });

  test('a value that is set for boot, but not now, is applied, and no file is written', async () => {
    const plan = await planHost(debianWith({ '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward = 1\n' }), desiredOf(forward));
    expect(plan.actions).toHaveLength(1);
    expect(commandsOf(plan)).toEqual(['sysctl --system']);
  });

  test('k8s.conf by hand is accepted and not repeated', async () => {
    const host = debianWith({ '/etc/sysctl.d/k8s.conf': 'net.ipv4.ip_forward=1\n', [path]: '1\n' });
    expect(await judge(host, forward)).toMatchObject({ verdict: 'ok', boot: { from: '/etc/sysctl.d/k8s.conf:1' } });
  });

  test('a setting that only /etc/sysctl.conf makes is repeated: systemd does not read that file at boot', async () => {
    const host = debianWith({ '/etc/sysctl.conf': 'net.ipv4.ip_forward=1\n', [path]: '1\n' });
    expect((await judge(host, forward)).boot.ok).toBe(false);
    const { after } = await applyTo(host, desiredOf(forward));
    host.reboot();
    expect(isConverged(after) && isConverged(await planHost(host, desiredOf(forward)))).toBe(true);
  });

  test('a file in /run does not survive a reboot', async () => {
    const host = debianWith({ '/run/sysctl.d/x.conf': 'net.ipv4.ip_forward=1\n', [path]: '1\n' });
    expect((await judge(host, forward)).boot.ok).toBe(false);
  });

  test('several numbers are equal whatever separates them', async () => {
    const host = debianWith({
      '/proc/sys/net/ipv4/tcp_rmem': '4096\t131072\t6291456\n',
      [own]: 'net.ipv4.tcp_rmem = 4096 131072   6291456\n',
    });
    expect((await judge(host, sysctl('net.ipv4.tcp_rmem', '4096 131072 6291456'))).verdict).toBe('ok');
  });
});

describe('who wins', () => {
  const losing: readonly (readonly [string, Files, string])[] = [
    ['a file that sorts later', { '/etc/sysctl.d/zz.conf': '# x\nnet.ipv4.ip_forward = 0\n' }, '/etc/sysctl.d/zz.conf:2'],
    [
      'a vendor file that sorts later',
      { '/usr/lib/sysctl.d/zz.conf': 'net.ipv4.ip_forward = 0\n' },
      '/usr/lib/sysctl.d/zz.conf:1',
    ],
    [
      '/etc/sysctl.conf, which sysctl --system reads last',
      { '/etc/sysctl.conf': '\nnet.ipv4.ip_forward=0\n' },
      '/etc/sysctl.conf:2',
    ],
    ['a later file with slashes', { '/etc/sysctl.d/zz.conf': 'net/ipv4/ip_forward = 0\n' }, '/etc/sysctl.d/zz.conf:1'],
    ['a later file that forgives failure', { '/etc/sysctl.d/zz.conf': '-net.ipv4.ip_forward = 0\n' }, '/etc/sysctl.d/zz.conf:1'],
  ];
  test.each(losing)('%s is an obstacle that is named with its line', async (_name, files, from) => {
    const host = debianWith(files);
    expect(await judge(host, forward)).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining(`${from} sets it to 0`),
    });
    host.files.set(own, 'net.ipv4.ip_forward = 1\n');
    const at = from.startsWith('/etc/sysctl.conf') ? 'now' : 'boot';
    if (at === 'boot') host.reboot();
    else for await (const _ of host.execute([{ do: 'run', argv: ['sysctl', '--system'], why: '', for: [] }]));
    expect(host.files.get(path), 'what really happens').toBe('0\n');
  });

  const winning: readonly (readonly [string, Files])[] = [
    ['a file that sorts earlier', { '/etc/sysctl.d/99-x.conf': 'net.ipv4.ip_forward = 0\n' }],
    ['a glob that matches the key', { '/etc/sysctl.d/zz.conf': 'net.ipv4.* = 0\n' }],
    ['a comment', { '/etc/sysctl.d/zz.conf': '#net.ipv4.ip_forward = 0\n;net.ipv4.ip_forward = 0\n' }],
    ['another key', { '/etc/sysctl.d/zz.conf': 'net.ipv4.ip_forward_use_pmtu = 0\n' }],
    [
      'a masked file',
      { '/usr/lib/sysctl.d/zz.conf': 'net.ipv4.ip_forward = 0\n', '/etc/sysctl.d/zz.conf': { link: '/dev/null' } },
    ],
    [
      'a file that is replaced by one of the same name',
      { '/usr/lib/sysctl.d/zz.conf': 'net.ipv4.ip_forward=0\n', '/etc/sysctl.d/zz.conf': 'a.b=1\n' },
    ],
    ['a later file that agrees', { '/etc/sysctl.d/zz.conf': 'net.ipv4.ip_forward = 1\n' }],
    [
      "Debian's link to a silent /etc/sysctl.conf",
      { '/etc/sysctl.conf': '# nothing\n', '/etc/sysctl.d/99-sysctl.conf': { link: '../sysctl.conf' } },
    ],
  ];
  test.each(winning)('%s is no obstacle, now or after a reboot', async (_name, files) => {
    const host = debianWith(files);
    const { before, after } = await applyTo(host, desiredOf(forward));
    expect(findingOf(before, 'sysctl/net.ipv4.ip_forward').verdict).toBe('change');
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(host.files.get(path)).toBe('1\n');
    expect(isConverged(await planHost(host, desiredOf(forward)))).toBe(true);
  });

  test('a glob alone decides a key that nobody names, and a line "-key" takes the key out of it', async () => {
    const key = sysctl('net.ipv4.conf.all.rp_filter', '2');
    const rp = '/proc/sys/net/ipv4/conf/all/rp_filter';
    const glob = 'net.ipv4.conf.*.rp_filter = 2\n';
    const with2 = debianWith({ '/etc/sysctl.d/50.conf': glob, [rp]: '2\n' });
    expect((await judge(with2, key)).verdict).toBe('ok');
    const without = debianWith({ '/etc/sysctl.d/50.conf': `-net.ipv4.conf.all.rp_filter\n${glob}`, [rp]: '2\n' });
    expect((await judge(without, key)).boot).toMatchObject({ ok: false, have: 'not set' });
  });

  test('a glob in /etc/sysctl.conf, which sysctl --system reads last, does not keep apply from setting a key that another glob sets at boot', async () => {
    const files = { '/etc/sysctl.conf': 'net.ipv4.* = 0\n', '/etc/sysctl.d/10-a.conf': 'net.*.ip_forward = 1\n' };
    expect(isConverged((await applyTo(debianWith(files), desiredOf(forward))).after)).toBe(true);
  });

  test('an earlier line of our own file is replaced, not repeated', async () => {
    const plan = await planHost(debianWith({ [own]: 'net.ipv4.ip_forward = 0\n' }), desiredOf(forward));
    expect(linesOf(written(plan, own))).toEqual(['net.ipv4.ip_forward = 1']);
  });

  test('lines of an earlier run that nobody asks for today are kept', async () => {
    const plan = await planHost(debianWith({ [own]: 'vm.max_map_count = 262144\n' }), desiredOf(forward));
    expect(linesOf(written(plan, own))).toEqual(['net.ipv4.ip_forward = 1', 'vm.max_map_count = 262144']);
  });
});

describe('values that may be greater', () => {
  const atLeast = { kind: 'sysctl', key: 'fs.inotify.max_user_instances', value: '8192', atLeast: true } as const;
  const file = '/proc/sys/fs/inotify/max_user_instances';

  test('a greater value is as good, and is not lowered', async () => {
    const host = debianWith({ [file]: '10000\n', '/etc/sysctl.d/x.conf': 'fs.inotify.max_user_instances=10000\n' });
    expect((await judge(host, atLeast)).verdict).toBe('ok');
  });

  test('a smaller value is raised', async () => {
    const { after } = await applyTo(debianWith({ [file]: '128\n' }), desiredOf(atLeast));
    expect(findingOf(after, 'sysctl/fs.inotify.max_user_instances')).toMatchObject({ verdict: 'ok', now: { have: '8192' } });
  });

  test('9000 is more than 8192 although it is less as text, and 128 is less', async () => {
    for (const [value, ok] of [
      ['9000', true],
      ['10000', true],
      ['8192', true],
      ['900', false],
    ] as const) {
      expect((await judge(debianWith({ [file]: `${value}\n` }), atLeast)).now.ok, value).toBe(ok);
    }
  });

  test('as advice it is said and never done', async () => {
    const plan = await planHost(debianWith({ [file]: '128\n' }), desiredOf({ ...atLeast, advice: true }));
    expect([findingOf(plan, 'sysctl/fs.inotify.max_user_instances').verdict, plan.actions]).toEqual(['advice', []]);
  });

  test('advice is met where the kernel has enough by default, with no file that says so', async () => {
    expect((await judge(debianWith({ [file]: '8192\n' }), { ...atLeast, advice: true })).verdict).toBe('ok');
  });
});

describe('keys that are not there', () => {
  const bridge = sysctl('net.bridge.bridge-nf-call-iptables', '1');

  test('a key that comes with a module is set after the module is loaded, and survives a reboot', async () => {
    const desired = desiredOf({ kind: 'module', name: 'br_netfilter' }, bridge);
    const host = debianWith({});
    const { before, after } = await applyTo(host, desired);
    expect(findingOf(before, 'sysctl/net.bridge.bridge-nf-call-iptables').now.have).toBe('no such key');
    expect(isConverged(after)).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  test('a key whose module this kernel lacks is blocked and points at the module', async () => {
    const finding = await judge(hostFrom(hosts['rocky-10']!), bridge);
    expect(finding).toMatchObject({ verdict: 'blocked', remedy: 'See module/br_netfilter.' });
  });

  test('a key whose module is kept out is blocked too', async () => {
    const host = debianWith({ '/etc/modprobe.d/no.conf': 'install br_netfilter /bin/false\n' });
    const plan = await planHost(host, desiredOf({ kind: 'module', name: 'br_netfilter' }, bridge));
    expect(findingOf(plan, 'sysctl/net.bridge.bridge-nf-call-iptables').verdict).toBe('blocked');
  });

  test('a misspelt key is blocked, and an IPv6 key says that IPv6 may be off', async () => {
    const misspelt = await judge(debianWith({}), sysctl('net.ipv4.ip_forwards', '1'));
    expect(misspelt).toMatchObject({ verdict: 'blocked', remedy: expect.stringContaining('spelling') });
    const host = debianWith({ '/proc/sys/net/ipv6/conf/all/forwarding': { link: '/nowhere' } });
    const v6 = await judge(host, sysctl('net.ipv6.conf.all.forwarding', '1'));
    expect(v6).toMatchObject({ verdict: 'blocked', remedy: expect.stringContaining('ipv6.disable') });
  });

  test('a key that cannot be read is not taken for an absent one', async () => {
    const finding = await judge(debianWith({ [path]: { unreadable: 'EACCES' } }), forward);
    expect(finding.now).toMatchObject({ ok: false, have: 'not readable' });
  });

  test('a read-only /proc/sys is a container, and says so', async () => {
    const host = debianWith({ '/proc/self/mounts': 'proc /proc/sys proc ro,relatime 0 0\n' });
    expect(await judge(host, forward)).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining('read-only') });
  });
});

describe('how keys are written', () => {
  const cases = [
    ['net.ipv4.ip_forward', 'net/ipv4/ip_forward'],
    ['net/ipv4/ip_forward', 'net/ipv4/ip_forward'],
    ['net.ipv4.conf.eth0/100.forwarding', 'net/ipv4/conf/eth0.100/forwarding'],
    ['net/ipv4/conf/eth0.100/forwarding', 'net/ipv4/conf/eth0.100/forwarding'],
  ] as const;
  test.each(cases)('%s is %s below /proc/sys', (key, below) => {
    expect(sysctlPath(key)).toBe(below);
    expect(sysctlPath(sysctlKey(below))).toBe(below);
  });

  test('a dotted key and its path turn into each other for any segments', () => {
    const segment = fc.stringMatching(/^[a-z0-9_-]+(\.[0-9]{1,4})?$/);
    const paths = fc.tuple(fc.stringMatching(/^[a-z]+$/), fc.array(segment, { minLength: 1, maxLength: 5 }));
    fc.assert(
      fc.property(paths, ([first, rest]) => {
        const below = [first, ...rest].join('/');
        expect(sysctlPath(sysctlKey(below))).toBe(below);
      }),
    );
  });

  test.each([
    '',
    'a',
    'a b.c',
    'a.b\n',
    '../etc',
    'net/../../etc/passwd',
    '/proc/sys/a',
    'a..b',
    'net.ipv4.',
    'net.ipv4.*.x',
    'a.b;c',
    'a.b=1',
  ])('an odd key is refused: %j', (key) => expect(isSysctlKey(key)).toBe(false));

  test.each([
    'net.ipv4.ip_forward',
    'net/ipv4/ip_forward',
    'net.bridge.bridge-nf-call-iptables',
    'net.ipv4.conf.eth0/100.forwarding',
  ])('an ordinary key is taken: %s', (key) => expect(isSysctlKey(key)).toBe(true));

  test('comments, empty lines and lines without a value set nothing; the others tell their line', () => {
    const text = '# a = 1\n; b = 2\n\n  c.d  =  1   2 \n-e.f = 3\n-g.h\nnonsense\n=5\n';
    expect(parseSysctl(text, 'F')).toEqual([
      { path: 'c/d', value: '1 2', from: 'F:4' },
      { path: 'e/f', value: '3', from: 'F:5' },
      { path: 'g/h', value: undefined, from: 'F:6' },
    ]);
  });
});

/** What the resolvers say of net.ipv4.conf.lo.rp_filter: at boot, and by sysctl --system of procps 4 and 3. */
type Said = Pick<Winner, 'value' | 'from'>;

const resolved = async (files: Files): Promise<{ boot?: Said; system?: Said; system3?: Said }> => {
  const answers = await debianWith(files).probe(settingQueries);
  const lo = 'net/ipv4/conf/lo/rp_filter';
  const [boot, system, system3] = [
    bootResolver(answers),
    systemResolver(answers, undefined, 'procps4'),
    systemResolver(answers),
  ].map((resolve) => said(resolve(lo, 'integer')));
  return { ...(boot && { boot }), ...(system && { system }), ...(system3 && { system3 }) };
};

const said = (winner: Winner | undefined): Said | undefined => winner && { value: winner.value, from: winner.from };

describe('what the real programs taught the resolvers', () => {
  const [a, usr, run] = ['/etc/sysctl.d/a.conf', '/usr/lib/sysctl.d/a.conf', '/run/sysctl.d/a.conf'];
  const lo = 'net.ipv4.conf.lo.rp_filter';
  const glob = 'net.ipv4.conf.*.rp_filter';
  const at = (value: string | undefined, from = `${a}:1`): Said => ({ value, from });
  const both = (winner: Said) => ({ boot: winner, system: winner, system3: winner });
  const globbed = (winner: Said) => ({ boot: winner, system: winner });

  const cases: readonly (readonly [string, Files, Awaited<ReturnType<typeof resolved>>])[] = [
    ['procps 3 knows no globs', { [a]: `${glob} = 2\n` }, globbed(at('2'))],
    ['an explicit key beats a later glob', { [a]: `${lo} = 1\n${glob} = 2\n` }, both(at('1'))],
    ['a later glob beats an earlier one', { [a]: `${glob} = 1\nnet.ipv4.conf.?o.rp_filter = 2\n` }, globbed(at('2', `${a}:2`))],
    [
      'for systemd a glob repeated with the same value stays where it was, for procps it is written again',
      { [a]: `${glob} = 1\nnet.ipv4.conf.l*.rp_filter = 2\n${glob} = 1\n` },
      { boot: at('2', `${a}:2`), system: at('1', `${a}:3`) },
    ],
    [
      'an exclusion after a setting of the same key takes it back at boot, but not for procps',
      { [a]: `${lo} = 1\n-${lo}\n` },
      { boot: at(undefined, `${a}:2`), system: at('1'), system3: at('1') },
    ],
    ['a setting after an exclusion counts', { [a]: `-${lo}\n${lo} = 1\n` }, both(at('1', `${a}:2`))],
    [
      'an exclusion takes a key out of globs, wherever it is',
      { [a]: `${glob} = 1\n`, '/usr/lib/sysctl.d/z.conf': `-${lo}\n` },
      globbed(at(undefined, '/usr/lib/sysctl.d/z.conf:1')),
    ],
    [
      'an exclusion that is a glob takes no key out of another glob',
      { [a]: `-net.ipv4.conf.l*.rp_filter\n${glob} = 1\n` },
      globbed(at('1', `${a}:2`)),
    ],
    [
      'an exclusion of the very same glob takes the glob back at boot only',
      { [a]: `${glob} = 1\n-${glob}\n` },
      { system: at('1') },
    ],
    [
      'a value that the kernel refuses leaves what an earlier line set for procps, and nothing at boot',
      { [a]: `${lo} = 1\n${lo} = yes\n` },
      { boot: at(undefined, `${a}:2`), system: at('1'), system3: at('1') },
    ],
    [
      'an empty value is refused too',
      { [a]: `${lo} =\n` },
      { boot: at(undefined), system: at(undefined), system3: at(undefined) },
    ],
    [
      'what follows a number is no comment, but the kernel reads the number alone',
      { [a]: `${lo} = 2 # strict\n` },
      both(at('2')),
    ],
    ['hexadecimal and octal numbers are shown as decimal ones', { [a]: `${lo} = 0x2\n` }, both(at('2'))],
    [
      'a hidden file counts for procps alone',
      { '/etc/sysctl.d/.a.conf': `${lo} = 1\n` },
      { system: at('1', '/etc/sysctl.d/.a.conf:1'), system3: at('1', '/etc/sysctl.d/.a.conf:1') },
    ],
    [
      'a file in /run masks one in /usr/lib now, but not at boot',
      { [run]: `${lo} = 1\n`, [usr]: `${lo} = 2\n` },
      { boot: at('2', `${usr}:1`), system: at('1', `${run}:1`), system3: at('1', `${run}:1`) },
    ],
    ['a link to nowhere masks', { [a]: { link: '/nowhere' }, [usr]: `${lo} = 2\n` }, {}],
    [
      'a link into /run sets nothing at boot, and masks',
      { [a]: { link: '/run/x' }, '/run/x': `${lo} = 1\n`, [usr]: `${lo} = 2\n` },
      { system: at('1'), system3: at('1') },
    ],
    ['a file with returns before line ends is read as any other', { [a]: `-${lo}\r\n${lo} = 1\r\n` }, both(at('1', `${a}:2`))],
    [
      'a return within a line ends it for systemd; procps 3 drops the rest, procps 4 keeps it in the value, which the kernel refuses',
      { [a]: `${lo} = 1\r${lo} = 2\n` },
      { boot: at('2'), system: at(undefined), system3: at('1') },
    ],
    ['junk, a lone "-" and a lone "=" stop no program', { [a]: `junk\n-\n=\n=1\n${lo} = 1\n` }, both(at('1', `${a}:5`))],
    ['a space after the "-" hides the key from procps', { [a]: `- ${lo} = 1\n` }, { boot: at('1') }],
    [
      'a leading slash is nothing to systemd, and lets a glob win for procps',
      { [a]: `/net/ipv4/conf/lo/rp_filter = 1\n${glob} = 2\n` },
      { boot: at('1'), system: at('2', `${a}:2`), system3: at('1') },
    ],
    [
      'a closing slash is nothing to systemd, and leads procps nowhere',
      { [a]: 'net/ipv4/conf/lo/rp_filter/ = 1\n' },
      { boot: at('1') },
    ],
    ['a star does not cross a slash', { [a]: 'net.ipv4.*.rp_filter = 2\n' }, {}],
    ['a last line without an end counts', { [a]: `${lo} = 1` }, both(at('1'))],
    [
      'a line of more than a MiB ends the file for systemd',
      { [a]: `#${'x'.repeat(1 << 20)}\n${lo} = 1\n` },
      { system: at('1', `${a}:2`), system3: at('1', `${a}:2`) },
    ],
  ];
  test.each(cases)('%s', async (_name, files, expected) => expect(await resolved(files)).toEqual(expected));

  test('an exclusion that would take our own line back at boot is an obstacle', async () => {
    expect(await judge(debianWith({ '/etc/sysctl.d/zz.conf': '-net.ipv4.ip_forward\n' }), forward)).toMatchObject({
      verdict: 'blocked',
      reason: '/etc/sysctl.d/zz.conf:1 keeps it from being set and is read after /etc/sysctl.d/node-prep.conf at boot',
    });
  });
});

test('whatever other files say, a plan that is not blocked is converged after apply and after a reboot', async () => {
  const name = fc.constantFrom(
    '/etc/sysctl.d/10-a.conf',
    '/etc/sysctl.d/zz.conf',
    '/usr/lib/sysctl.d/50-b.conf',
    '/run/sysctl.d/zz.conf',
    '/etc/sysctl.conf',
    own,
  );
  const line = fc.constantFrom(
    'net.ipv4.ip_forward = 0',
    'net.ipv4.ip_forward=1',
    '-net.ipv4.ip_forward',
    '-net/ipv4/ip_forward = 0',
    'net.ipv4.* = 0',
    'net.*.ip_forward = 1',
    '# x',
    '',
    'junk',
  );
  const files = fc.dictionary(
    name,
    fc.array(line, { maxLength: 4 }).map((lines) => `${lines.join('\n')}\n`),
    { maxKeys: 4 },
  );
  await fc.assert(
    fc.asyncProperty(files, fc.constantFrom('0\n', '1\n'), async (extra, now) => {
      const host = debianWith({ ...extra, [path]: now });
      const { before, after } = await applyTo(host, desiredOf(forward));
      if (before.findings[0]?.verdict === 'blocked') return;
      expect(isConverged(after)).toBe(true);
      host.reboot();
      expect(host.files.get(path)).toBe('1\n');
    }),
    { numRuns: 500, seed: 20260101 },
  );
});
