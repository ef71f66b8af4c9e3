import { kernelOptions, modules } from './profile.ts';
import type { Chosen, Row } from './profile.ts';
import {
  CALICO_EBPF,
  CALICO_NFT,
  CALICO_NFT_CRASH,
  CALICO_SYSTEM,
  FELIX_ACTIONS,
  FELIX_DATAPLANE,
  FELIX_FEATURES,
  FELIX_IPSETS,
  FELIX_MATCHES,
  FELIX_NFT,
  XT_NFLOG,
} from './sources.ts';

export type Option = 'dataplane' | 'encapsulation' | 'wireguard' | 'ipvs' | 'sctp' | 'optionalRules' | 'firewall';
type Choice = Chosen<Option>;
type Test = (o: Choice) => boolean;

export const all =
  (...tests: readonly Test[]): Test =>
  (o) =>
    tests.every((t) => t(o));
export const ipv6: Test = (o) => o.ipv6;
export const nftables: Test = (o) => o.dataplane === 'nftables';
export const ebpf: Test = (o) => o.dataplane === 'ebpf';
// The eBPF data plane still has iptables rules on the host, for what does not pass its programs (felix/rules/static.go).
export const iptables: Test = (o) => !nftables(o);
export const encapsulation =
  (kind: string): Test =>
  (o) =>
    o.encapsulation === kind;
export const on =
  (option: Option): Test =>
  (o) =>
    o[option] === 'true';

/** Felix programs its IPv4 rules in every cluster; IPv6 comes on top. */
const iptablesRules: readonly Row<Option>[] = [
  {
    need: { kind: 'iptables' },
    why: 'Felix goes by the rules that it finds on the host: legacy or nft, not both',
    source: FELIX_FEATURES,
    when: iptables,
  },
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: iptables },
    {
      x_tables: 'the core of all iptables modules',
      ip_tables: 'iptables rules; not needed where iptables is the nft variant',
      xt_set: 'rules that ask IP sets',
      xt_addrtype: 'tells local addresses from others',
      xt_comment: 'comments on rules',
      xt_conntrack: 'lets replies pass',
      xt_tcpudp: 'matches tcp, udp and icmp',
      xt_mark: 'Felix passes verdicts between chains as marks',
      xt_multiport: 'policies with lists of ports',
      xt_sctp: 'policies for SCTP ports',
      ipt_rpfilter: 'drops packets with forged source addresses',
      ipt_REJECT: 'refuses instead of dropping',
      xt_LOG: 'policies with the Log action',
      ip_set: 'policies are sets of addresses',
    },
  ),
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: all(iptables, ipv6) },
    {
      ip6_tables: 'ip6tables rules; not needed where ip6tables is the nft variant',
      ip6t_rpfilter: 'drops IPv6 packets with forged source addresses',
      ip6t_REJECT: 'refuses instead of dropping, for IPv6',
    },
  ),
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: all(iptables, on('ipvs')) },
    {
      xt_ipvs: 'tells traffic that kube-proxy sent through IPVS',
    },
  ),
  ...modules<Option>(
    { source: FELIX_IPSETS, undocumented: true, when: (o) => o.dataplane === 'iptables' },
    {
      ip_set_hash_ip: 'sets of pod addresses',
      ip_set_hash_ipport: 'sets for named ports',
      ip_set_hash_net: 'sets of networks',
      ip_set_hash_netnet: 'sets of pairs of networks',
      ip_set_bitmap_port: 'sets of ports',
    },
  ),
  ...modules<Option>(
    { source: FELIX_DATAPLANE, undocumented: true, when: iptables },
    {
      iptable_filter: 'Felix has chains in the filter table',
      iptable_nat: 'Felix has chains in the nat table',
      iptable_mangle: 'Felix has chains in the mangle table',
      iptable_raw: 'Felix has chains in the raw table',
    },
  ),
  ...modules<Option>(
    { source: FELIX_DATAPLANE, undocumented: true, when: all(iptables, ipv6) },
    {
      ip6table_filter: 'Felix has chains in the IPv6 filter table',
      ip6table_nat: 'Felix has chains in the IPv6 nat table',
      ip6table_mangle: 'Felix has chains in the IPv6 mangle table',
      ip6table_raw: 'Felix has chains in the IPv6 raw table',
    },
  ),
  ...modules<Option>(
    { source: FELIX_ACTIONS, undocumented: true, when: iptables },
    {
      xt_nat: 'address translation of pods',
      xt_MASQUERADE: 'traffic that leaves the cluster gets the node address',
      xt_CT: 'traffic that is not tracked (NOTRACK, encapsulated packets)',
    },
  ),
  ...modules<Option>(
    { source: XT_NFLOG, undocumented: true, when: all(iptables, on('optionalRules')) },
    {
      nfnetlink_log: 'hands on what flow logs say',
    },
  ),
  ...modules<Option>(
    { source: FELIX_MATCHES, undocumented: true, when: all(iptables, on('optionalRules')) },
    {
      xt_limit: 'rate limits',
      xt_connlimit: 'limits on connections per pod',
    },
  ),
  ...modules<Option>(
    { source: FELIX_ACTIONS, undocumented: true, when: all(iptables, on('optionalRules')) },
    {
      xt_connmark: 'marks on connections',
      xt_NFLOG: 'flow logs',
      xt_DSCP: 'DSCP marks on outgoing traffic',
    },
  ),
];

const nftablesRules: readonly Row<Option>[] = [
  {
    need: { kind: 'nft', about: 'version', users: ['calico'] },
    why: 'an older nft crashes on sets that a newer one wrote',
    source: CALICO_NFT_CRASH,
    when: nftables,
    advice: true,
  },
  { need: { kind: 'kernel', min: '5.13' }, why: 'the nftables data plane needs 5.13', source: CALICO_NFT, when: nftables },
  {
    need: { kind: 'package', capability: 'nftables', min: '1.0.1' },
    why: 'the nftables data plane needs nft 1.0.1',
    source: CALICO_NFT,
    when: nftables,
  },
  ...modules<Option>(
    { source: CALICO_NFT, when: nftables },
    {
      nf_tables: 'the core of nftables',
    },
  ),
  ...modules<Option>(
    { source: FELIX_NFT, undocumented: true, when: nftables },
    {
      nft_chain_nat: 'nat chains',
      nft_ct: 'connection state and marks',
      nft_nat: 'address translation of pods',
      nft_masq: 'traffic that leaves the cluster gets the node address',
      nft_fib: 'drops packets with forged source addresses',
      nft_fib_ipv4: 'the same, IPv4',
      nft_reject: 'refuses instead of dropping',
      nft_reject_ipv4: 'the same, IPv4',
      nft_log: 'policies with the Log action',
    },
  ),
  ...modules<Option>(
    { source: FELIX_NFT, undocumented: true, when: all(nftables, ipv6) },
    {
      nft_fib_ipv6: 'drops IPv6 packets with forged source addresses',
      nft_reject_ipv6: 'refuses instead of dropping, for IPv6',
    },
  ),
  ...modules<Option>(
    { source: FELIX_DATAPLANE, undocumented: true, when: nftables },
    {
      ip_set: 'Felix runs "ipset list" in every mode and restarts for ever without it',
    },
  ),
  ...modules<Option>(
    { source: FELIX_NFT, undocumented: true, when: all(nftables, on('optionalRules')) },
    {
      nft_limit: 'rate limits',
      nft_connlimit: 'limits on connections per pod',
      nf_flow_table: 'short cut for established connections',
    },
  ),
];

const ebpfPrograms: readonly Row<Option>[] = [
  {
    need: { kind: 'kernel', min: '5.10' },
    why: 'the eBPF data plane needs 5.10, or RHEL 4.18.0-305',
    source: CALICO_EBPF,
    when: ebpf,
  },
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: ebpf },
    {
      sch_ingress: 'the tc hook (clsact) on every interface',
      cls_bpf: 'runs the programs at that hook',
    },
  ),
  ...kernelOptions<Option>(
    { source: CALICO_SYSTEM, when: ebpf },
    {
      BPF: 'the BPF machine',
      BPF_SYSCALL: 'loads programs and maps; XDP is part of it',
      BPF_JIT: 'programs run at the speed of native code',
      CGROUP_BPF: 'connect-time load balancing',
      NET_CLS_ACT: 'actions at the tc hook',
    },
  ),
];

/** What Felix's rules and programs need in each data plane. */
export const dataPlanes: readonly Row<Option>[] = [...iptablesRules, ...nftablesRules, ...ebpfPrograms];
