import { describe, expect, test } from 'vitest';
import { chooseProfile } from '../../src/config.ts';
import { kinds } from '../../src/kinds/table.ts';
import type { Need, Requirement } from '../../src/model.ts';
import type { Profile } from '../../src/profiles/profile.ts';
import { desiredState, idOf } from '../../src/requirements.ts';
import type { ChosenProfile } from '../../src/requirements.ts';
import { desiredFrom } from './support.ts';

/** A made-up profile with these needs. */
const asks = (name: string, ...needs: (Need & { readonly advice?: true })[]): ChosenProfile => {
  const requirements = (): Requirement[] =>
    needs.map((n) => ({ ...n, because: [{ profile: name, why: `${name} says so`, source: 'x' }] }));
  const profile: Profile = { name, summary: '', options: {}, requirements };
  return { profile, chosen: chooseProfile('kubernetes', ['ipv4']).chosen, asked: name };
};
const nobody = { needs: [], from: '' };
const wanted = (chosen: readonly ChosenProfile[], own: { needs: readonly Need[]; from: string } = nobody) =>
  new Map(desiredState(chosen, own, []).requirements.map((r) => [idOf(r), r]));
const sysctl = (value: string, more: { atLeast?: true } = {}): Need => ({
  kind: 'sysctl',
  key: 'vm.max_map_count',
  value,
  ...more,
});
const id = 'sysctl/vm.max_map_count';

describe('one requirement per id', () => {
  test('two profiles that want the same are one requirement with both reasons', () => {
    const found = wanted([asks('a', sysctl('1')), asks('b', sysctl('1'))]).get(id);
    expect(found?.because.map((b) => b.profile)).toEqual(['a', 'b']);
  });

  test('no id is there twice, whatever profiles are chosen', () => {
    const ids = desiredFrom(
      ['kubernetes:kubeProxy=ipvs', 'istio:mode=ambient', 'calico:dataplane=ebpf,ipvs=true'],
      ['ipv4', 'ipv6'],
    ).requirements.map(idOf);
    expect(new Set(ids).size).toBe(ids.length);
  });

  test('requirements stand in the order of the kinds, in which their actions run', () => {
    const order = desiredFrom(['calico', 'kubernetes']).requirements.map((r) => kinds.findIndex((k) => k.name === r.kind));
    expect(order).toEqual([...order].sort((a, b) => a - b));
  });

  test('of two minima the greater one holds, with both reasons', () => {
    const pkg = (min?: string): Need => ({ kind: 'package', capability: 'nftables', ...(min && { min }) });
    expect(wanted([asks('a', pkg('1.0.10')), asks('b', pkg('1.0.9')), asks('c', pkg())]).get('package/nftables')).toMatchObject({
      min: '1.0.10',
    });
    expect(
      wanted([asks('a', { kind: 'kernel', min: '5.8' }), asks('b', { kind: 'kernel', min: '5.13' })]).get('kernel/version'),
    ).toMatchObject({ min: '5.13' });
  });

  test('a lower bound and a value that meets it are the value', () => {
    expect(wanted([asks('a', sysctl('100', { atLeast: true })), asks('b', sysctl('200'))]).get(id)).toMatchObject({
      value: '200',
    });
    expect(wanted([asks('a', sysctl('200')), asks('b', sysctl('100', { atLeast: true }))]).get(id)).not.toHaveProperty('atLeast');
    expect(
      wanted([asks('a', sysctl('100', { atLeast: true })), asks('b', sysctl('90', { atLeast: true }))]).get(id),
    ).toMatchObject({ value: '100', atLeast: true });
  });

  test('device patterns of two profiles are put together', () => {
    const nm = (...unmanaged: string[]): Need => ({ kind: 'networkmanager', unmanaged });
    expect(wanted([asks('a', nm('x', 'y')), asks('b', nm('y', 'z'))]).get('networkmanager/unmanaged')).toMatchObject({
      unmanaged: ['x', 'y', 'z'],
    });
  });

  test('must beats advice, from whichever side it comes, and keeps both reasons', () => {
    for (const order of [
      [0, 1],
      [1, 0],
    ] as const) {
      const both = [asks('must', sysctl('2')), asks('advice', { ...sysctl('1'), advice: true })] as const;
      const found = wanted(order.map((i) => both[i])).get(id);
      expect(found).toMatchObject({ value: '2' });
      expect(found).not.toHaveProperty('advice');
      expect(found?.because).toHaveLength(2);
    }
  });
});

describe('contradictions', () => {
  test('two profiles that want different values are a message that names both and the way out', () => {
    expect(() => wanted([asks('a', sysctl('1')), asks('b', sysctl('2'))])).toThrow(/vm\.max_map_count: a wants 1, b wants 2/);
    expect(() => wanted([asks('a', sysctl('300', { atLeast: true })), asks('b', sysctl('2'))])).toThrow(
      /a wants >= 300, b wants 2/,
    );
    const swap = (policy: 'off' | 'ignore'): Need => ({ kind: 'swap', policy });
    expect(() => wanted([asks('a', swap('off')), asks('b', swap('ignore'))])).toThrow(/swap\/off: a wants off, b wants anything/);
  });

  test("the operator's own file wins over a profile, and the profile's reason stays to be seen", () => {
    const found = wanted([asks('a', sysctl('1'))], { needs: [sysctl('7')], from: '/etc/node-prep.yaml' }).get(id);
    expect(found).toMatchObject({ value: '7', because: [{ profile: '/etc/node-prep.yaml' }, { profile: 'a' }] });
  });

  test("the operator's own file makes a must of what was advice", () => {
    const own = { needs: [sysctl('7')], from: 'f' };
    expect(wanted([asks('a', { ...sysctl('1'), advice: true })], own).get(id)).not.toHaveProperty('advice');
  });

  test('the file settles what two profiles contradict each other about, as the message says', () => {
    const own = { needs: [sysctl('7')], from: 'f' };
    expect(wanted([asks('a', sysctl('1')), asks('b', sysctl('2'))], own).get(id)).toMatchObject({ value: '7' });
  });
});

describe('what comes along', () => {
  const bridge: Need = { kind: 'sysctl', key: 'net.bridge.bridge-nf-call-iptables', value: '1' };

  test('a key of a module brings the module, which brings modprobe; a key brings sysctl', () => {
    const ids = [...wanted([asks('a', bridge)]).keys()].sort();
    expect(ids).toEqual(['module/br_netfilter', 'package/kmod', 'package/procps', 'sysctl/net.bridge.bridge-nf-call-iptables']);
  });

  test('it tells who brought it', () => {
    expect(wanted([asks('a', bridge)]).get('module/br_netfilter')?.because).toMatchObject([
      { profile: 'a', why: expect.stringContaining('sysctl/net.bridge') },
    ]);
  });

  test('advice brings mere advice, and gives way to a must', () => {
    const advice = asks('a', { ...bridge, advice: true });
    expect(wanted([advice]).get('module/br_netfilter')).toMatchObject({ advice: true });
    expect(wanted([advice, asks('b', { kind: 'module', name: 'xt_owner' })]).get('package/kmod')).not.toHaveProperty('advice');
  });

  test('what was asked for outright keeps its own reasons', () => {
    const found = wanted([asks('a', bridge), asks('b', { kind: 'module', name: 'br_netfilter' })]).get('module/br_netfilter');
    expect(found?.because.map((b) => b.profile)).toEqual(['b']);
  });
});

test('the desired state says how it was asked for', () => {
  const chosen = [chooseProfile('istio:mode=ambient', ['ipv4']), chooseProfile('calico', ['ipv4'])];
  expect(desiredState(chosen, { needs: [sysctl('1')], from: 'f.yaml' }, []).askedBy).toEqual([
    'istio:mode=ambient',
    'calico',
    'f.yaml',
  ]);
});
