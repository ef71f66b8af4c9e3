import { kernelOptions, modules, profile } from './profile.ts';
import type { Chosen, Row } from './profile.ts';
import {
  ISTIO_CAPTURE,
  ISTIO_HOST_RULES,
  ISTIO_IPTABLES_CHOICE,
  ISTIO_NFT,
  ISTIO_NFT_CRASH,
  ISTIO_NFT_JSON,
  ISTIO_PLATFORM,
  ISTIO_ROUTES,
} from './sources.ts';

type Option = 'mode' | 'backend' | 'interception' | 'dnsCapture';
type Choice = Chosen<Option>;
type Test = (o: Choice) => boolean;

const all =
  (...tests: readonly Test[]): Test =>
  (o) =>
    tests.every((t) => t(o));
const iptables: Test = (o) => o.backend === 'iptables';
const nftables: Test = (o) => o.backend === 'nftables';
const ipv6: Test = (o) => o.ipv6;
const ambient: Test = (o) => o.mode === 'ambient';
// Not tied to the mode: a mesh in ambient mode may still have sidecars, and who asks for TPROXY has some.
const tproxy: Test = (o) => o.interception === 'tproxy';
const marks: Test = (o) => ambient(o) || tproxy(o);
const dns: Test = (o) => o.dnsCapture === 'true' || (o.dnsCapture === 'auto' && ambient(o));

/**
 * Istio programs its IPv4 rules in every cluster and the IPv6 ones on top of them (executeCommands of ISTIO_CAPTURE and
 * ISTIO_HOST_RULES), so only IPv6 names depend on the families.
 */
const iptablesBackend: readonly Row<Option>[] = [
  {
    need: { kind: 'iptables' },
    why: 'Istio takes the legacy variant where it finds legacy rules, whatever the others use',
    source: ISTIO_IPTABLES_CHOICE,
    when: iptables,
  },
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: iptables },
    {
      br_netfilter: 'bridged pod traffic must pass iptables; nothing loads it by itself',
      bridge: 'br_netfilter works on bridges',
      x_tables: 'the core of all iptables modules',
      ip_tables: 'iptables rules; not needed where iptables is the nft variant',
      iptable_nat: 'the nat table, where traffic turns to the proxy',
      iptable_mangle: 'the mangle table, where traffic is marked',
      nf_conntrack: 'connection tracking',
      nf_nat: 'address translation, redirection included',
      xt_REDIRECT: 'turns traffic to the proxy',
      xt_conntrack: 'tells new connections from known ones',
      xt_owner: 'lets the traffic of the proxy itself pass',
      xt_tcpudp: 'matches ports',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, since: 'Istio 1.18', when: iptables },
    {
      xt_multiport: 'matches lists of ports; its absence broke upgrades from 1.17',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: all(iptables, dns) },
    {
      iptable_raw: 'the raw table, where DNS traffic gets its own conntrack zone',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: all(iptables, marks) },
    {
      xt_connmark: 'keeps the mark of a connection (ambient, TPROXY)',
      xt_mark: 'tells proxied traffic from the rest (ambient, TPROXY)',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: all(iptables, ambient) },
    {
      ip_set: 'the set of pod addresses whose health probes pass',
      ip_set_hash_ip: 'the type of that set',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: all(iptables, ipv6) },
    {
      ip6_tables: 'ip6tables rules; not needed where ip6tables is the nft variant',
      ip6table_nat: 'the nat table for IPv6',
      ip6table_mangle: 'the mangle table for IPv6',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, when: all(iptables, ipv6, dns) },
    {
      ip6table_raw: 'the raw table for IPv6, where DNS gets its own conntrack zone',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_CAPTURE, undocumented: true, when: all(iptables, dns) },
    {
      xt_CT: 'puts DNS traffic in its own conntrack zone (-j CT --zone)',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_CAPTURE, undocumented: true, when: all(iptables, tproxy) },
    {
      xt_TPROXY: 'hands connections to the proxy with their real addresses',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_HOST_RULES, undocumented: true, when: all(iptables, ambient) },
    {
      xt_set: 'rules that ask the set of pod addresses',
      xt_nat: 'gives health probes of kubelet a known source (-j SNAT)',
    },
  ),
];

/** In this backend ambient mode keeps its addresses in nftables sets: no ip_set (ISTIO_NFT). */
const nftablesBackend: readonly Row<Option>[] = [
  {
    need: { kind: 'nft', about: 'json', users: ['istio'] },
    why: 'without JSON Istio falls back to iptables',
    source: ISTIO_NFT_JSON,
    when: nftables,
    advice: true,
  },
  {
    need: { kind: 'nft', about: 'version', users: ['istio'] },
    why: 'an older nft crashes on sets that a newer one wrote',
    source: ISTIO_NFT_CRASH,
    when: nftables,
    advice: true,
  },
  {
    need: { kind: 'kernel', min: '5.13' },
    why: 'the nftables backend needs 5.13',
    source: ISTIO_PLATFORM,
    since: 'Istio 1.27',
    when: nftables,
  },
  {
    need: { kind: 'package', capability: 'nftables', min: '1.0.1' },
    why: 'the nftables backend needs nft 1.0.1, built with JSON',
    source: ISTIO_PLATFORM,
    since: 'Istio 1.27',
    when: nftables,
  },
  ...modules<Option>(
    { source: ISTIO_PLATFORM, since: 'Istio 1.27', when: nftables },
    {
      nf_tables: 'the core of nftables',
      nf_conntrack: 'connection tracking',
      nft_ct: 'connection state, marks and the zone for DNS',
      nf_defrag_ipv4: 'puts fragments together before they are tracked',
      nft_nat: 'gives health probes of kubelet a known source',
      nft_redir: 'turns traffic to the proxy',
      nft_tproxy: 'hands connections to the proxy with their real addresses',
      nft_socket: 'listed by Istio; no rule of today uses it',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_PLATFORM, since: 'Istio 1.27', when: all(nftables, ipv6) },
    {
      nf_defrag_ipv6: 'puts IPv6 fragments together before they are tracked',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_NFT, undocumented: true, when: nftables },
    {
      nft_chain_nat: 'nat chains: without it no redirection at all',
    },
  ),
];

/** The same on both backends. */
const routing: readonly Row<Option>[] = [
  ...modules<Option>(
    { source: ISTIO_CAPTURE, undocumented: true, when: tproxy },
    {
      nf_tproxy_ipv4: 'the work behind TPROXY',
    },
  ),
  ...modules<Option>(
    { source: ISTIO_CAPTURE, undocumented: true, when: all(tproxy, ipv6) },
    {
      nf_tproxy_ipv6: 'the work behind TPROXY for IPv6',
    },
  ),
  ...kernelOptions<Option>(
    { source: ISTIO_ROUTES, undocumented: true, when: tproxy },
    {
      IP_MULTIPLE_TABLES: 'TPROXY routes marked traffic by a table of its own',
    },
  ),
  ...kernelOptions<Option>(
    { source: ISTIO_ROUTES, undocumented: true, when: all(tproxy, ipv6) },
    {
      IPV6_MULTIPLE_TABLES: 'TPROXY routes marked IPv6 traffic by a table of its own',
    },
  ),
];

export const istio = profile<Option>({
  name: 'istio',
  summary: 'What Istio needs to take in the traffic of pods',
  options: {
    mode: { about: 'sidecar: a proxy in each pod; ambient: one per node', default: 'sidecar', values: ['sidecar', 'ambient'] },
    backend: { about: 'what Istio writes its rules with', default: 'iptables', values: ['iptables', 'nftables'] },
    interception: { about: 'how sidecars take in traffic', default: 'redirect', values: ['redirect', 'tproxy'] },
    dnsCapture: {
      about: 'whether Istio answers DNS; auto: in ambient (its default since 1.25), not in sidecar',
      default: 'auto',
      values: ['auto', 'true', 'false'],
    },
  },
  rows: [...iptablesBackend, ...nftablesBackend, ...routing],
});
