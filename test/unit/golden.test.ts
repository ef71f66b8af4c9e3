import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { isConverged, has } from '../../src/plan.ts';
import type { Desired } from '../../src/model.ts';
import { planText } from '../../src/views/plan-text.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { applyTo, desiredFrom, idsWith } from './support.ts';

const both = ['ipv4', 'ipv6'] as const;

/** Sets of profiles that between them reach every kind and most rows. */
const wishes: { readonly [name: string]: () => Desired } = {
  kubernetes: () => desiredFrom(['kubernetes']),
  defaults: () => desiredFrom(['kubernetes', 'istio', 'calico']),
  'nftables-dual': () =>
    desiredFrom(
      ['kubernetes:kubeProxy=nftables', 'istio:mode=ambient,backend=nftables', 'calico:dataplane=nftables,encapsulation=vxlan'],
      both,
    ),
  'much-dual': () =>
    desiredFrom(
      [
        'kubernetes:kubeProxy=ipvs,swap=limited,protectKernelDefaults=true',
        'istio:mode=ambient,interception=tproxy,dnsCapture=true',
        'calico:wireguard=true,ipvs=true,sctp=true,optionalRules=true',
      ],
      both,
    ),
  'ebpf-old': () => desiredFrom(['kubernetes:version=1.28', 'calico:dataplane=ebpf,encapsulation=none']),
};

const cases = Object.entries(hosts).flatMap(([host, recipe]) =>
  Object.entries(wishes).map(([wish, desired]): [string, string, Recipe, () => Desired] => [host, wish, recipe, desired]),
);

describe.each(cases)('%s, %s', (name, wish, recipe, desired) => {
  test('the plan reads as it did before', async () => {
    const wanted = desired();
    const text = await planText('local', await planHost(hostFrom(recipe), wanted), wanted.askedBy, 'normal', {
      color: false,
      width: 80,
    });
    await expect(`${text}\n`).toMatchFileSnapshot(`../golden/${name}.${wish}.txt`);
  });

  test('the plan fits 80 columns, but for diffs and single long words', async () => {
    const wanted = desired();
    const text = await planText('local', await planHost(hostFrom(recipe), wanted), wanted.askedBy, 'verbose', {
      color: false,
      width: 80,
    });
    const isDiff = (line: string): boolean => /^ {7}([-+ @]|\\ No newline)/.test(line);
    const long = text.split('\n').filter((line) => line.length > 80 && !isDiff(line) && / \S+ /.test(line.trim()));
    expect(long).toEqual([]);
  });

  test('a plan that has been done leaves nothing to do, and what was blocked stays blocked', async () => {
    const { before, after, steps } = await applyTo(hostFrom(recipe), desired());
    expect(steps.filter((s) => s.status === 'failed')).toEqual([]);
    expect(after.actions).toEqual([]);
    expect(idsWith(after, 'change')).toEqual([]);
    expect(idsWith(after, 'blocked')).toEqual(idsWith(before, 'blocked'));
    expect(isConverged(after)).toBe(!has(before, 'blocked'));
  });

  test('a reboot after apply takes nothing away', async () => {
    const host = hostFrom({ ...recipe, nextKernel: recipe.kernel });
    const { after } = await applyTo(host, desired());
    host.reboot();
    const rebooted = await planHost(host, desired());
    expect(idsWith(rebooted, 'change')).toEqual([]);
    expect(idsWith(rebooted, 'blocked')).toEqual(idsWith(after, 'blocked'));
    expect(rebooted.actions).toEqual([]);
  });

  test('every change has a step that serves it, and every step serves a change', async () => {
    const plan = await planHost(hostFrom(recipe), desired());
    const served = new Set(plan.actions.flatMap((a) => a.for));
    expect([...served].sort()).toEqual(idsWith(plan, 'change').sort());
  });
});

test('a host whose kernel was updated is ready after a reboot and one apply, and the reboot is what the plan asks for', async () => {
  const recipe = hosts['kernel-updated-not-rebooted'] as Recipe;
  const desired = desiredFrom(['kubernetes', 'istio', 'calico']);
  const host = hostFrom(recipe);
  const plan = await planHost(host, desired);
  const module = plan.findings.find((f) => f.id === 'module/xt_conntrack');
  expect(module).toMatchObject({ verdict: 'blocked', remedy: expect.stringMatching(/6\.1\.0-50-amd64.*reboot/) });
  host.reboot();
  const { after } = await applyTo(host, desired);
  expect(isConverged(after)).toBe(true);
  host.reboot();
  expect(isConverged(await planHost(host, desired))).toBe(true);
});
