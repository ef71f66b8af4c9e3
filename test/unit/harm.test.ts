import { describe, expect, test } from 'vitest';
import { isConverged, makePlan, queriesFor } from '../../src/plan.ts';
import type { Answer, Desired, Plan } from '../../src/model.ts';
import { planHost } from '../../src/apply.ts';
import { applyTo, commandsOf, debianWith, desiredFrom, desiredOf, findingOf, linesOf, written } from './support.ts';

const ownSysctl = '/etc/sysctl.d/node-prep.conf';
const ownModules = '/etc/modules-load.d/node-prep.conf';
const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;
const bridge = { kind: 'sysctl', key: 'net.bridge.bridge-nf-call-iptables', value: '1' } as const;
const overcommit = { kind: 'sysctl', key: 'vm.overcommit_memory', value: '1' } as const;
const brNetfilter = { kind: 'module', name: 'br_netfilter' } as const;

/** A plan of answers of which some are others. */
const planWith = async (
  desired: Desired,
  host: ReturnType<typeof debianWith>,
  change: (answers: Map<string, Answer>) => void,
): Promise<Plan> => {
  const answers = new Map(await host.probe(queriesFor(desired)));
  change(answers);
  return makePlan(desired, answers);
};

describe('what must never happen to a host', () => {
  test.each([
    [ownSysctl, desiredOf(forward), 'sysctl/net.ipv4.ip_forward'],
    [ownModules, desiredOf(brNetfilter), 'module/br_netfilter'],
  ])('%s, masked by a link to /dev/null, is not written through: the need is blocked', async (path, desired, id) => {
    const plan = await planHost(debianWith({ [path]: { link: '/dev/null' } }), desired);
    expect(findingOf(plan, id)).toMatchObject({ verdict: 'blocked', reason: `${path} is no regular file` });
    expect(written(plan, path)).toBeUndefined();
  });

  test('setting one key does not take another one back: a line that sysctl --system reads last blocks the plan', async () => {
    const host = debianWith({});
    const desired = desiredOf(forward, overcommit);
    await applyTo(host, desired);
    host.files.set('/etc/sysctl.conf', 'net.ipv4.ip_forward = 0\n');
    expect(findingOf(await planHost(host, desired), 'sysctl/net.ipv4.ip_forward').verdict).toBe('ok');
    host.files.set('/proc/sys/vm/overcommit_memory', '0\n');
    expect(findingOf(await planHost(host, desired), 'sysctl/net.ipv4.ip_forward')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/sysctl.conf:1'),
    });
  });

  test('a key that is waived stays in our file as an earlier run wrote it', async () => {
    const host = debianWith({});
    await applyTo(host, desiredOf(forward));
    const later: Desired = {
      ...desiredOf(forward, overcommit),
      waivers: [{ id: 'sysctl/net.ipv4.ip_forward', reason: 'a test' }],
    };
    host.files.set('/proc/sys/net/ipv4/ip_forward', '0\n');
    const text = written(await planHost(host, later), ownSysctl);
    expect(linesOf(text)).toEqual(['vm.overcommit_memory = 1', 'net.ipv4.ip_forward = 1']);
  });

  test('waiving a module does not make the keys that come with it fail for ever', async () => {
    const desired: Desired = { ...desiredOf(brNetfilter, bridge), waivers: [{ id: 'module/br_netfilter', reason: 'a test' }] };
    const { after } = await applyTo(debianWith({}), desired);
    expect(findingOf(after, 'sysctl/net.bridge.bridge-nf-call-iptables')).toMatchObject({
      verdict: 'advice',
      reason: expect.stringContaining('br_netfilter'),
    });
    expect(after.actions).toEqual([]);
  });

  test('an fstab that is not UTF-8 is not edited, and that is said before anything is done', async () => {
    const desired = desiredOf({ kind: 'swap', policy: 'off' });
    const fstab = '# \ufffdt\ufffd\n/swap none swap sw 0 0\n';
    const plan = await planWith(desired, debianWith({ '/etc/fstab': fstab }), (answers) => {
      answers.set('read /etc/fstab', { status: 0, text: fstab, garbled: true });
    });
    expect(findingOf(plan, 'swap/off')).toMatchObject({ verdict: 'blocked', reason: expect.stringContaining('not UTF-8') });
    expect(plan.actions).toEqual([]);
  });

  test('a package manager that does not answer is no proof that packages are missing', async () => {
    const desired = desiredOf({ kind: 'package', capability: 'socat' });
    const plan = await planWith(desired, debianWith({}), (answers) => {
      for (const key of answers.keys()) if (key.startsWith('run ["sh"')) answers.set(key, { status: 124, text: '' });
    });
    expect(findingOf(plan, 'package/socat')).toMatchObject({ verdict: 'blocked', now: { have: 'unknown' } });
    expect(plan.actions).toEqual([]);
  });

  test('a dpkg that was cut off is brought to its end before anything is installed, without removing a thing', async () => {
    const cutOff = debianWith({ '/var/lib/dpkg/updates/0001': 'Package: socat\n' });
    const { before, steps, after } = await applyTo(cutOff, desiredOf({ kind: 'package', capability: 'socat' }));
    expect(
      commandsOf(before).map((command) => /(--configure -a|--no-remove -f install|install .*socat)$/.exec(command)?.[1]),
    ).toEqual(['--configure -a', '--no-remove -f install', 'install --no-install-recommends socat']);
    expect(steps.map((step) => step.status)).toEqual(['done', 'done', 'done']);
    expect(isConverged(after)).toBe(true);
  });

  test('a switch that a later file turns off under its other name is not promised for boot', async () => {
    const host = debianWith({ '/etc/sysctl.d/zz-site.conf': 'net.ipv4.conf.all.forwarding = 0\n' });
    expect(findingOf(await planHost(host, desiredOf(forward)), 'sysctl/net.ipv4.ip_forward')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/etc/sysctl.d/zz-site.conf:1'),
    });
    const early = debianWith({ '/etc/sysctl.d/10-site.conf': 'net.ipv4.conf.all.forwarding = 0\n' });
    expect(findingOf(await planHost(early, desiredOf(forward)), 'sysctl/net.ipv4.ip_forward').verdict).toBe('change');
  });

  test('a name with a line end in it does not become a line of a file', async () => {
    const plan = await planHost(debianWith({}), { ...desiredOf(forward), askedBy: ['b\nkernel.panic=1'] });
    expect(linesOf(written(plan, ownSysctl))).toEqual(['net.ipv4.ip_forward = 1']);
  });

  test('a folder of keys is no key: it is blocked, and no line is written for it', async () => {
    const plan = await planHost(
      debianWith({ '/proc/sys/net/ipv4/ip_forward': '0\n' }),
      desiredOf({ kind: 'sysctl', key: 'net.ipv4', value: '1' }),
    );
    expect(findingOf(plan, 'sysctl/net.ipv4').verdict).toBe('blocked');
    expect(plan.actions).toEqual([]);
  });

  test('the profiles still converge where all of this is in force', async () => {
    const { after } = await applyTo(debianWith({}), desiredFrom(['kubernetes', 'istio', 'calico']));
    expect(after.findings.filter((f) => f.verdict === 'change' || f.verdict === 'blocked').map((f) => f.id)).toEqual([]);
  });
});
