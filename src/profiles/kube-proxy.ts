import { modules } from './profile.ts';
import type { Chosen, Row } from './profile.ts';
import {
  IPTABLES_WRAPPERS,
  K8S_KERNELS,
  KUBESPRAY_NODE,
  KUBE_PROXY_IPTABLES,
  KUBE_PROXY_IPVS,
  KUBE_PROXY_NFTABLES,
  KUBE_PROXY_NFT_CRASH,
} from './sources.ts';

/** The options of the profile. */
export type Option = 'version' | 'kubeProxy' | 'swap' | 'protectKernelDefaults' | 'firewall' | 'role';
type Choice = Chosen<Option>;

const proxy =
  (mode: string) =>
  (o: Choice): boolean =>
    o.kubeProxy === mode;
export const usesIptables = (o: Choice): boolean => o.kubeProxy !== 'nftables';

/** What kube-proxy's rules need; the documents name none of these modules. */
const iptablesProxy: readonly Row<Option>[] = [
  {
    need: { kind: 'iptables' },
    why: 'kube-proxy uses the variant of iptables that kubelet found on the host',
    source: IPTABLES_WRAPPERS,
    when: usesIptables,
  },
  ...modules<Option>(
    { source: KUBE_PROXY_IPTABLES, undocumented: true, when: usesIptables },
    {
      xt_comment: 'every rule of kube-proxy has a comment',
      xt_mark: 'marks packets for masquerading',
      xt_conntrack: 'drops invalid packets, accepts replies',
      xt_addrtype: 'finds traffic to addresses of the node itself (NodePort)',
      xt_tcpudp: 'matches the ports of Services',
      xt_MASQUERADE: 'gives traffic that leaves the node its address',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_IPTABLES, undocumented: true, when: proxy('iptables') },
    {
      xt_nat: 'sends a Service address to a pod (DNAT)',
      xt_statistic: 'picks one of the pods of a Service at random',
      xt_recent: 'keeps a client on one pod (sessionAffinity)',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_IPTABLES, undocumented: true, when: (o) => usesIptables(o) && o.ipv4 },
    {
      iptable_filter: 'the filter table of kube-proxy',
      iptable_nat: 'the nat table of kube-proxy',
      iptable_mangle: 'kubelet keeps a canary chain there to notice flushes',
      ipt_REJECT: 'refuses Services that have no pod',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_IPTABLES, undocumented: true, when: (o) => usesIptables(o) && o.ipv6 },
    {
      ip6table_filter: 'the filter table of kube-proxy for IPv6',
      ip6table_nat: 'the nat table of kube-proxy for IPv6',
      ip6table_mangle: 'kubelet keeps a canary chain there to notice flushes',
      ip6t_REJECT: 'refuses IPv6 Services that have no pod',
    },
  ),
];

const nftablesProxy: readonly Row<Option>[] = [
  {
    need: { kind: 'nft', about: 'version', users: ['kube-proxy'] },
    why: 'an older nft crashes on sets that a newer one wrote',
    source: KUBE_PROXY_NFT_CRASH,
    when: proxy('nftables'),
    advice: true,
  },
  {
    need: { kind: 'kernel', min: '5.13' },
    why: 'kube-proxy refuses the nftables mode on older kernels',
    source: K8S_KERNELS,
    when: proxy('nftables'),
  },
  {
    need: { kind: 'package', capability: 'nftables', min: '1.0.1' },
    why: 'kube-proxy needs nft 1.0.1 for its nftables mode',
    source: K8S_KERNELS,
    when: proxy('nftables'),
  },
  ...modules<Option>(
    { source: KUBE_PROXY_NFTABLES, undocumented: true, when: proxy('nftables') },
    {
      nf_tables: 'the core of nftables',
      nft_chain_nat: 'nat chains',
      nft_ct: 'connection state and marks',
      nft_nat: 'sends a Service address to a pod',
      nft_masq: 'gives traffic that leaves the node its address',
      nft_numgen: 'picks one of the pods of a Service at random',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_NFTABLES, undocumented: true, when: (o) => proxy('nftables')(o) && o.ipv4 },
    {
      nft_fib_ipv4: 'finds traffic to addresses of the node itself (NodePort)',
      nft_reject_ipv4: 'refuses Services that have no pod',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_NFTABLES, undocumented: true, when: (o) => proxy('nftables')(o) && o.ipv6 },
    {
      nft_fib_ipv6: 'finds IPv6 traffic to addresses of the node itself',
      nft_reject_ipv6: 'refuses IPv6 Services that have no pod',
    },
  ),
];

const ipvsProxy: readonly Row<Option>[] = [
  ...modules<Option>(
    { source: KUBESPRAY_NODE, when: proxy('ipvs') },
    {
      ip_vs: 'IPVS itself; this mode is deprecated since 1.35, plan for nftables',
      ip_vs_rr: 'round robin, the default scheduler',
      ip_vs_wrr: 'weighted round robin scheduler',
      ip_vs_sh: 'source hashing scheduler',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_IPVS, undocumented: true, when: proxy('ipvs') },
    {
      dummy: 'kube-ipvs0, which holds the Service addresses, is a dummy interface',
      xt_set: 'iptables rules that ask the IP sets',
      ip_set: 'kube-proxy keeps Service addresses in IP sets',
      ip_set_hash_ip: 'sets of node ports and load balancers',
      ip_set_hash_ipport: 'sets of address and port',
      ip_set_hash_ipportip: 'sets for hairpin traffic',
      ip_set_hash_ipportnet: 'sets for loadBalancerSourceRanges',
      ip_set_bitmap_port: 'sets of node ports',
    },
  ),
  {
    need: { kind: 'package', capability: 'ipset' },
    why: 'kube-proxy keeps its ipvs addresses in IP sets',
    source: KUBE_PROXY_IPVS,
    when: proxy('ipvs'),
  },
  {
    need: { kind: 'package', capability: 'ipvsadm' },
    why: 'shows what IPVS does; nothing else can',
    source: KUBESPRAY_NODE,
    when: proxy('ipvs'),
    advice: true,
  },
];

/** What kube-proxy needs in each of its modes. */
export const kubeProxy: readonly Row<Option>[] = [...iptablesProxy, ...nftablesProxy, ...ipvsProxy];
