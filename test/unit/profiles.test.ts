import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import facts from '../../src/knowledge/module-facts.json' with { type: 'json' };
import type { ModuleFact } from '../../src/knowledge/module-names.ts';
import type { Need, Requirement } from '../../src/model.ts';
import type { Profile } from '../../src/profiles/profile.ts';
import { profiles } from '../../src/profiles/table.ts';
import { idOf, idsOf, minimumOf, profileNamed, wanted } from '../seeds/wanted.ts';
import type { Choices } from '../seeds/wanted.ts';

const known: { readonly [name: string]: ModuleFact | undefined } = facts;
const families = [['ipv4'], ['ipv6'], ['ipv4', 'ipv6']] as const;

/** Every combination of the options of a profile, with all IP families. */
const combinations = (profile: Profile): Choices[] => {
  const values = (name: string): readonly string[] => profile.options[name]?.values ?? ['1.24', '1.28', '1.33', '1.35', '1.40'];
  const start: Choices[] = families.map((ipFamilies) => ({ ipFamilies }));
  const withEach = (all: Choices[], name: string): Choices[] =>
    all.flatMap((choices) => values(name).map((value) => ({ ...choices, [name]: value })));
  return Object.keys(profile.options).reduce(withEach, start);
};

const find = (name: string, id: string, choices: Choices = {}): Requirement[] =>
  wanted(name, choices).filter((r) => idOf(r) === id);
const modulesOf = (name: string, choices: Choices = {}): string[] =>
  idsOf(name, choices)
    .filter((id) => id.startsWith('module/'))
    .map((id) => id.slice(7));

describe('kubernetes', () => {
  test('cgroup v1 is advice below 1.35 and stands in the way from 1.35 on', () => {
    expect(find('kubernetes', 'cgroup/v2', { version: '1.34' })).toMatchObject([{ v1: 'advice' }]);
    const from135 = { v1: 'blocked', because: [{ since: 'Kubernetes 1.35' }] };
    expect(find('kubernetes', 'cgroup/v2', { version: '1.35' })).toMatchObject([from135]);
  });

  test('swap is off by default, may stay with cgroup v2 from 1.28 on, and can be left alone', () => {
    expect(find('kubernetes', 'swap/off')).toMatchObject([{ policy: 'off' }]);
    expect(find('kubernetes', 'swap/off', { swap: 'limited' })).toMatchObject([{ policy: 'cgroup-v2' }]);
    expect(find('kubernetes', 'swap/off', { swap: 'limited', version: '1.27' })).toMatchObject([{ policy: 'off' }]);
    expect(find('kubernetes', 'swap/off', { swap: 'no-swap' })).toMatchObject([{ policy: 'cgroup-v2' }]);
    expect(find('kubernetes', 'swap/off', { swap: 'no-swap', version: '1.29' })).toMatchObject([{ policy: 'off' }]);
    expect(find('kubernetes', 'swap/off', { swap: 'ignore' })).toMatchObject([{ policy: 'ignore' }]);
  });

  test('the nftables proxy needs kernel 5.13 and nft 1.0.1, and from 1.33 on no iptables', () => {
    const choices = { kubeProxy: 'nftables' };
    expect(minimumOf('kubernetes', 'kernel/version', choices)).toBe('5.13');
    expect(minimumOf('kubernetes', 'package/nftables', choices)).toBe('1.0.1');
    expect(idsOf('kubernetes', choices)).not.toContain('package/iptables');
    expect(idsOf('kubernetes', { ...choices, version: '1.32' })).toContain('package/iptables');
    expect(modulesOf('kubernetes', choices).filter((name) => /^(xt_|iptable_|ip_tables)/.test(name))).toEqual([]);
  });

  test('ipvs brings its modules and says that it is deprecated', () => {
    const names = modulesOf('kubernetes', { kubeProxy: 'ipvs' });
    expect(names).toEqual(expect.arrayContaining(['ip_vs', 'ip_vs_rr', 'ip_vs_wrr', 'ip_vs_sh', 'ip_set']));
    expect(find('kubernetes', 'module/ip_vs', { kubeProxy: 'ipvs' })[0]?.because[0]?.why).toMatch(/deprecated since 1\.35/);
    expect(modulesOf('kubernetes')).not.toContain('ip_vs');
  });

  test('protectKernelDefaults adds the six settings of kubelet', () => {
    const added = idsOf('kubernetes', { protectKernelDefaults: 'true' }).filter((id) => !idsOf('kubernetes').includes(id));
    expect(added).toHaveLength(6);
    expect(added.every((id) => /^sysctl\/(vm|kernel)\./.test(id))).toBe(true);
  });

  test('forwarding follows the IP families', () => {
    const forwarding = (ipFamilies: readonly string[]): string[] =>
      idsOf('kubernetes', { ipFamilies }).filter((id) => id.includes('forward'));
    expect(forwarding(['ipv4'])).toEqual(['sysctl/net.ipv4.ip_forward']);
    expect(forwarding(['ipv6'])).toEqual(['sysctl/net.ipv6.conf.all.forwarding', 'sysctl/net.ipv6.conf.default.forwarding']);
  });

  test('what upstream no longer asks for says until when it did', () => {
    for (const id of ['module/br_netfilter', 'sysctl/net.bridge.bridge-nf-call-iptables', 'package/conntrack', 'package/socat']) {
      expect(find('kubernetes', id)[0]?.because[0]?.until, id).toMatch(/^Kubernetes 1\./);
    }
  });

  const versions = [
    ['1.35', true],
    ['1.24', true],
    ['1.100', true],
    ['v1.35', false],
    ['1.35.2', false],
    ['1.23', false],
    ['', false],
  ] as const;
  test.each(versions)('version "%s": accepted %s', (version, accepted) => {
    expect(profileNamed('kubernetes').options['version']?.check?.(version) === undefined).toBe(accepted);
  });
});

describe('istio', () => {
  test('ambient brings IP sets and, with its DNS capture, the raw table; a sidecar mesh has neither', () => {
    const extra = ['ip_set', 'ip_set_hash_ip', 'xt_set', 'xt_nat', 'xt_mark', 'xt_connmark', 'iptable_raw', 'xt_CT'];
    expect(modulesOf('istio', { mode: 'ambient' })).toEqual(expect.arrayContaining(extra));
    expect(modulesOf('istio').filter((name) => extra.includes(name))).toEqual([]);
  });

  test('DNS capture can be turned off in ambient and on in sidecar mode', () => {
    expect(modulesOf('istio', { mode: 'ambient', dnsCapture: 'false' })).not.toContain('iptable_raw');
    expect(modulesOf('istio', { dnsCapture: 'true' })).toContain('iptable_raw');
  });

  test('TPROXY brings modules that no document names, and they say so', () => {
    expect(find('istio', 'module/xt_TPROXY', { interception: 'tproxy' })[0]?.because[0]?.undocumented).toBe(true);
    expect(modulesOf('istio', { interception: 'tproxy' })).toContain('nf_tproxy_ipv4');
    expect(modulesOf('istio')).not.toContain('xt_TPROXY');
  });

  test('the nftables backend needs no iptables module and no IP set, even in ambient', () => {
    const names = modulesOf('istio', { backend: 'nftables', mode: 'ambient' });
    expect(names.filter((name) => /^(xt_|ip_|ip6|iptable)/.test(name))).toEqual([]);
    expect(names).toContain('nft_chain_nat');
    expect(minimumOf('istio', 'kernel/version', { backend: 'nftables' })).toBe('5.13');
  });
});

describe('calico', () => {
  test('every data plane wants 5.10, the nftables one 5.13 and nft 1.0.1', () => {
    expect(minimumOf('calico', 'kernel/version')).toBe('5.10');
    expect(minimumOf('calico', 'kernel/version', { dataplane: 'ebpf', wireguard: 'true' })).toBe('5.10');
    expect(minimumOf('calico', 'kernel/version', { dataplane: 'nftables' })).toBe('5.13');
    expect(minimumOf('calico', 'package/nftables', { dataplane: 'nftables' })).toBe('1.0.1');
  });

  test('ip_set is needed in nftables mode too, which only the code says', () => {
    expect(find('calico', 'module/ip_set', { dataplane: 'nftables' })[0]?.because[0]?.undocumented).toBe(true);
    expect(find('calico', 'module/ip_set')[0]?.because[0]?.undocumented).toBeUndefined();
  });

  test('each encapsulation brings its own modules', () => {
    const tunnels = (encapsulation: string): string[] =>
      modulesOf('calico', { encapsulation }).filter((name) => ['ipip', 'ip_tunnel', 'tunnel4', 'vxlan'].includes(name));
    expect([tunnels('ipip'), tunnels('vxlan'), tunnels('none')]).toEqual([['ipip', 'ip_tunnel', 'tunnel4'], ['vxlan'], []]);
  });

  test('NetworkManager keeps off all six kinds of interface', () => {
    const unmanaged = wanted('calico').flatMap((r) => (r.kind === 'networkmanager' ? r.unmanaged : []));
    const names = ['cali*', 'tunl*', 'vxlan.calico', 'vxlan-v6.calico', 'wireguard.cali', 'wg-v6.cali'];
    expect(unmanaged).toEqual(names.map((name) => `interface-name:${name}`));
  });
});

describe.each(profiles.map((p) => [p.name, p] as const))('%s, in every combination of its options', (name, profile) => {
  const all = combinations(profile).map((choices) => ({ choices, requirements: wanted(name, choices) }));
  const rows = [...new Map(all.flatMap((c) => c.requirements).map((r) => [JSON.stringify(r), r])).values()];

  test('the defaults are allowed', () => {
    const defaults = Object.fromEntries(Object.entries(profile.options).map(([option, spec]) => [option, spec.default]));
    expect(() => wanted(name, defaults)).not.toThrow();
    for (const spec of Object.values(profile.options)) expect(spec.about.length).toBeGreaterThan(5);
  });

  test('every row says why, in few words, and who says so', () => {
    for (const r of rows) {
      for (const { why, source } of r.because) {
        expect(why.trim(), idOf(r)).not.toBe('');
        expect(why.length, why).toBeLessThanOrEqual(90);
        expect(why, idOf(r)).not.toMatch(/\.$|\n/);
        expect(source, idOf(r)).toMatch(/^[\w.-]+\/[\w.-]+(:\S|#\d+$)|^docs\.\S+$/);
      }
    }
  });

  test('every module goes by the name that kernels of today have', () => {
    for (const r of rows.filter((row) => row.kind === 'module')) {
      expect(known[r.name], r.name).toBeDefined();
      expect([known[r.name]?.into, known[r.name]?.alias], r.name).toEqual([undefined, undefined]);
    }
  });

  test('a need is stated once, or its statements agree', () => {
    for (const { choices, requirements } of all) {
      const needs = new Map<string, Need>();
      for (const r of requirements) {
        const { because: _because, advice: _advice, ...need } = r;
        const before = needs.get(idOf(r));
        const mergeable = r.kind === 'kernel' || r.kind === 'package';
        if (before && !mergeable) expect(need, `${idOf(r)} with ${JSON.stringify(choices)}`).toEqual(before);
        needs.set(idOf(r), need);
      }
    }
  });

  test('without IPv6 nothing is asked for that is for IPv6 alone', () => {
    const ids = all.filter((c) => !c.choices.ipFamilies?.includes('ipv6')).flatMap((c) => c.requirements.map(idOf));
    expect([...new Set(ids.filter((id) => /module\/(ip6|.*(ipv6|_v6))|net\.ipv6|IPV6/.test(id)))]).toEqual([]);
  });
});

test('two profiles never want different values of one setting', () => {
  const values = new Map<string, Set<string>>();
  for (const r of profiles.flatMap((p) => combinations(p).flatMap((choices) => wanted(p.name, choices)))) {
    if (r.kind === 'sysctl') values.set(r.key, (values.get(r.key) ?? new Set()).add(r.value));
  }
  expect([...values].filter(([, v]) => v.size > 1)).toEqual([]);
});

// The table that the facts were made from is not in this repository; where it lies beside it, every module must be on Debian.
const table = resolve(import.meta.dirname, '../../../shared/facts/kernel-modules.tsv');
const reason = existsSync(table) ? '' : ` [skipped: ${table} is not here]`;
test.skipIf(!existsSync(table))(`Debian 12 and 13 have every module that a profile can ask for${reason}`, () => {
  const lines = readFileSync(table, 'utf8')
    .split('\n')
    .map((line) => line.split('\t'))
    .filter((cells) => cells[1] === 'module');
  const states = new Map(lines.map((cells) => [cells[0], [cells[4], cells[5]]]));
  const isThere = (name: string): boolean => states.get(name)?.every((state) => /^(module|builtin)$/.test(state ?? '')) ?? false;
  const names = new Set(profiles.flatMap((p) => combinations(p).flatMap((choices) => modulesOf(p.name, choices))));
  expect(names.size).toBeGreaterThan(80);
  expect([...names].filter((name) => !isThere(name))).toEqual([]);
});
