import { dataPlanes, encapsulation, iptables, ipv6, on } from './calico-dataplanes.ts';
import type { Option } from './calico-dataplanes.ts';
import { calicoFirewall } from './firewall.ts';
import { kernelOptions, modules, profile, settings } from './profile.ts';
import type { Row } from './profile.ts';
import {
  CALICO_CHECKSYSTEM,
  CALICO_MATRIX,
  CALICO_SYSTEM,
  CALICO_TROUBLESHOOTING,
  FELIX_DATAPLANE,
  FELIX_FEATURES,
  KUBEKEY_NETWORKD,
  NETWORKD_FOREIGN,
  NM_CLOUD_SETUP,
} from './sources.ts';

const host: readonly Row<Option>[] = [
  { need: { kind: 'kernel', min: '5.10' }, why: 'the oldest kernel that Calico 3.32 supports', source: CALICO_SYSTEM },
  {
    need: {
      kind: 'networkmanager',
      unmanaged: [
        'interface-name:cali*',
        'interface-name:tunl*',
        'interface-name:vxlan.calico',
        'interface-name:vxlan-v6.calico',
        'interface-name:wireguard.cali',
        'interface-name:wg-v6.cali',
      ],
    },
    why: 'NetworkManager takes routes off interfaces that it thinks are its own',
    source: CALICO_TROUBLESHOOTING,
  },
  ...calicoFirewall,
  {
    need: { kind: 'networkd', leave: 'foreign' },
    why: 'networkd takes out routes and rules that it did not make, those of BIRD and Felix too',
    source: NETWORKD_FOREIGN,
  },
  {
    need: {
      kind: 'networkd',
      leave: 'unmanaged',
      names: ['cali*', 'tunl*', 'vxlan.calico', 'vxlan-v6.calico', 'wireguard.cali', 'wg-v6.cali'],
    },
    why: 'a .network file that takes every device takes addresses off those of Calico',
    source: KUBEKEY_NETWORKD,
  },
  {
    need: { kind: 'service', name: 'nm-cloud-setup', state: 'inactive' },
    why: 'rewrites routes of pods on cloud machines',
    source: NM_CLOUD_SETUP,
  },
  {
    need: { kind: 'service', name: 'nm-cloud-setup.timer', state: 'inactive' },
    why: 'starts nm-cloud-setup again and again',
    source: NM_CLOUD_SETUP,
  },
  ...settings<Option>(
    { source: FELIX_DATAPLANE, when: (o) => o.ipv4 },
    {
      'net.ipv4.ip_forward': ['1', 'the node routes for its pods'],
    },
  ),
  ...settings<Option>(
    { source: FELIX_DATAPLANE, when: ipv6 },
    {
      'net.ipv6.conf.all.forwarding': ['1', 'the node routes IPv6 for its pods'],
    },
  ),
  ...modules<Option>(
    { source: CALICO_SYSTEM },
    {
      nf_conntrack: 'policy follows connections',
    },
  ),
  ...modules<Option>(
    { source: CALICO_CHECKSYSTEM },
    {
      nf_conntrack_netlink: 'Felix removes connections of pods that are gone',
      nfnetlink: 'how conntrack and ipset talk to the kernel',
    },
  ),
  ...tools(),
];

/** calico/node brings these tools along; on the host they are for people who look for a fault. */
function tools(): Row<Option>[] {
  const until = 'Calico 2.6';
  const tool = (capability: string, min: string | undefined, why: string, more: Partial<Row<Option>>): Row<Option> => ({
    need: { kind: 'package', capability, ...(min && { min }) },
    why,
    source: CALICO_MATRIX,
    ...more,
  });
  return [
    tool('iproute2', undefined, 'shows the routes, tunnels and rules of Calico', { until }),
    // calico/node brings its own ping; on the host it only helps people who look for a fault.
    tool('iputils', undefined, 'ping: is the other node there at all?', { until, advice: true }),
    tool('conntrack', '1.4.1', 'shows and clears tracked connections', { until }),
    tool('iptables', '1.4.7', 'shows the rules of Felix; the oldest it knows', { source: FELIX_FEATURES, when: iptables }),
    tool('ipset', '6.11', 'shows which addresses a policy means', { until, when: iptables }),
  ];
}

const links: readonly Row<Option>[] = [
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: (o) => encapsulation('ipip')(o) && o.ipv4 },
    {
      ipip: 'IP-in-IP tunnels between nodes',
      ip_tunnel: 'the common part of tunnels',
      tunnel4: 'receives what comes out of IPv4 tunnels',
    },
  ),
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: encapsulation('vxlan') },
    {
      vxlan: 'VXLAN tunnels between nodes',
    },
  ),
  {
    need: { kind: 'kernel', min: '5.6' },
    why: 'WireGuard is in the kernel from 5.6 on',
    source: CALICO_SYSTEM,
    when: on('wireguard'),
  },
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: on('wireguard') },
    {
      wireguard: 'encrypts traffic between nodes',
    },
  ),
  {
    need: { kind: 'package', capability: 'wireguard-tools' },
    why: 'wg shows whether peers talk',
    source: CALICO_SYSTEM,
    when: on('wireguard'),
    advice: true,
  },
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: on('ipvs') },
    {
      ip_vs: 'kube-proxy in IPVS mode',
    },
  ),
  ...modules<Option>(
    { source: CALICO_SYSTEM, when: on('sctp') },
    {
      sctp: 'pods that speak SCTP; some distributions deny it',
    },
  ),
  ...kernelOptions<Option>(
    { source: CALICO_SYSTEM, when: on('sctp') },
    {
      NF_CT_PROTO_SCTP: 'connection tracking for SCTP',
    },
  ),
];

export const calico = profile<Option>({
  name: 'calico',
  summary: 'What Calico needs for pod networking and policy',
  options: {
    dataplane: { about: 'what Felix writes its rules with', default: 'iptables', values: ['iptables', 'nftables', 'ebpf'] },
    encapsulation: { about: 'how packets travel between nodes', default: 'ipip', values: ['ipip', 'vxlan', 'none'] },
    wireguard: { about: 'encryption between nodes', default: 'false', values: ['true', 'false'] },
    ipvs: { about: 'kube-proxy runs in IPVS mode', default: 'false', values: ['true', 'false'] },
    sctp: { about: 'pods speak SCTP', default: 'false', values: ['true', 'false'] },
    firewall: {
      about: 'firewalld and ufw: off, or kept with the ports of Calico open',
      default: 'disable',
      values: ['disable', 'keep'],
    },
    optionalRules: { about: 'rate and connection limits, flow logs, DSCP', default: 'false', values: ['true', 'false'] },
  },
  rows: [...host, ...dataPlanes, ...links],
});
