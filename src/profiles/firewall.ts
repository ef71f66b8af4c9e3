import { all, encapsulation, ipv6, on } from './calico-dataplanes.ts';
import type { Option as CalicoOption } from './calico-dataplanes.ts';
import type { Option as KubernetesOption } from './kube-proxy.ts';
import type { Row } from './profile.ts';
import { CALICO_SYSTEM, FIREWALLD_RELOAD, FIREWALL_FORWARD, K8S_PORTS, KUBEADM_PREFLIGHT, KUBE_PROXY_HEALTH } from './sources.ts';

type Test<O extends string> = NonNullable<Row<O>['when']>;

const keeps = (o: { readonly firewall: string }): boolean => o.firewall === 'keep';

/** What holds for any firewall that stays on: nobody turns it off, and its traps are named. */
const kept = <O extends string>(when: Test<O>): Row<O>[] => [
  ...['firewalld', 'ufw'].map((name): Row<O> => ({
    need: { kind: 'service', name, state: 'kept' },
    why: 'the operator keeps the firewall on',
    source: K8S_PORTS,
    when,
  })),
  {
    need: { kind: 'firewall', about: 'reload' },
    why: 'a reload wipes the rules of kube-proxy and Calico',
    source: FIREWALLD_RELOAD,
    advice: true,
    when,
  },
  {
    need: { kind: 'firewall', about: 'forward' },
    why: 'packets of pods pass through the node, which firewalls refuse at first',
    source: FIREWALL_FORWARD,
    advice: true,
    when,
  },
];

const port = <O extends string>(port: string, protocol: 'tcp' | 'udp', why: string, source: string, when: Test<O>): Row<O> => ({
  need: { kind: 'port', port, protocol },
  why,
  source,
  when,
});

const controlPlane: Test<KubernetesOption> = (o) => keeps(o) && o.role === 'control-plane';

/** What kubernetes:firewall=keep asks for. */
export const kubernetesFirewall: readonly Row<KubernetesOption>[] = [
  ...kept<KubernetesOption>(keeps),
  {
    need: { kind: 'service', name: 'firewalld', state: 'inactive' },
    why: 'its rules may drop pod traffic; kubeadm warns',
    source: KUBEADM_PREFLIGHT,
    advice: true,
    when: (o) => !keeps(o),
  },
  port('10250', 'tcp', 'the control plane asks kubelet for logs and exec', K8S_PORTS, keeps),
  port('10256', 'tcp', 'load balancers ask kube-proxy whether the node is well', KUBE_PROXY_HEALTH, keeps),
  port('30000-32767', 'tcp', 'Services of type NodePort', K8S_PORTS, keeps),
  port('30000-32767', 'udp', 'Services of type NodePort', K8S_PORTS, keeps),
  port('6443', 'tcp', 'the API server', K8S_PORTS, controlPlane),
  port('2379-2380', 'tcp', 'etcd: its clients and its other members', K8S_PORTS, controlPlane),
  port('10257', 'tcp', 'the controller manager', K8S_PORTS, controlPlane),
  port('10259', 'tcp', 'the scheduler', K8S_PORTS, controlPlane),
];

const off = (name: string, why: string, mask?: true): Row<CalicoOption> => ({
  need: { kind: 'service', name, state: 'inactive', ...(mask && { mask }) },
  why,
  source: CALICO_SYSTEM,
  when: (o) => !keeps(o),
});

const wireguard = on('wireguard');

/** What calico asks of a firewall: that it is off, or that it lets Calico through. */
export const calicoFirewall: readonly Row<CalicoOption>[] = [
  off('firewalld', 'its reload wipes or blocks the rules of Calico', true),
  off('ufw', 'it drops what it does not know, traffic between pods too'),
  ...kept<CalicoOption>(keeps),
  port(
    '179',
    'tcp',
    'BGP tells nodes where pods are',
    CALICO_SYSTEM,
    all(keeps, (o) => !encapsulation('vxlan')(o)),
  ),
  {
    need: { kind: 'port', protocol: '4' },
    why: 'IP-in-IP packets between nodes',
    source: CALICO_SYSTEM,
    when: all(keeps, encapsulation('ipip')),
  },
  port('4789', 'udp', 'VXLAN packets between nodes', CALICO_SYSTEM, all(keeps, encapsulation('vxlan'))),
  port('5473', 'tcp', 'calico-node asks Typha, which runs on some of the nodes', CALICO_SYSTEM, keeps),
  port(
    '51820',
    'udp',
    'WireGuard packets between nodes',
    CALICO_SYSTEM,
    all(keeps, wireguard, (o) => o.ipv4),
  ),
  port('51821', 'udp', 'WireGuard packets between nodes, for IPv6', CALICO_SYSTEM, all(keeps, wireguard, ipv6)),
];
