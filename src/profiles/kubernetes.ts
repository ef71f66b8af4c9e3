import { kubernetesFirewall } from './firewall.ts';
import { kubeProxy, usesIptables } from './kube-proxy.ts';
import type { Option } from './kube-proxy.ts';
import { swapRows } from './kubernetes-swap.ts';
import { atLeast, kernelOptions, modules, profile, settings } from './profile.ts';
import type { Chosen, Row } from './profile.ts';
import {
  IMAGE_BUILDER,
  K8S_CGROUPS,
  K8S_CGROUP_V1_END,
  K8S_KERNELS,
  K8S_KERNEL_DEFAULTS,
  K8S_RUNTIMES,
  K8S_VALIDATORS,
  KUBEADM_IPTABLES_END,
  KUBEADM_PREFLIGHT,
  KUBE_PROXY_CONNTRACK,
} from './sources.ts';

type Choice = Chosen<Option>;

const OLDEST = '1.24';

const checkVersion = (value: string): string | undefined => {
  if (!/^\d+\.\d+$/.test(value)) return 'a Kubernetes version is two numbers, such as "1.35": no "v", no patch level';
  return atLeast(value, OLDEST) ? undefined : `the oldest Kubernetes version known here is ${OLDEST}`;
};

const from =
  (version: string) =>
  (o: Choice): boolean =>
    atLeast(o.version, version);
const before =
  (version: string) =>
  (o: Choice): boolean =>
    !atLeast(o.version, version);

/** What kubelet, kubeadm and the container runtime want from every node. */
const node: readonly Row<Option>[] = [
  {
    need: { kind: 'kernel', min: '5.8' },
    why: 'cgroup v2 is complete from here on; vendors backport to older ones',
    source: K8S_KERNELS,
    advice: true,
  },
  {
    need: { kind: 'cgroup', v1: 'advice' },
    why: 'cgroup v1 only gets fixes; from 1.35 on kubelet refuses it',
    source: K8S_CGROUPS,
    since: 'Kubernetes 1.31',
    when: before('1.35'),
  },
  {
    need: { kind: 'cgroup', v1: 'blocked' },
    why: 'kubelet does not start on cgroup v1 unless failCgroupV1 is false',
    source: K8S_CGROUP_V1_END,
    since: 'Kubernetes 1.35',
    when: from('1.35'),
  },
  ...swapRows,

  ...modules<Option>(
    { source: K8S_RUNTIMES, until: 'Kubernetes 1.29' },
    {
      overlay: 'container images are stacked with overlayfs',
      br_netfilter: 'bridged pod traffic must pass iptables; nothing loads it by itself',
    },
  ),
  ...modules<Option>(
    { source: KUBE_PROXY_CONNTRACK },
    {
      nf_conntrack: 'kube-proxy dies without nf_conntrack_max, which it brings',
    },
  ),
  ...settings<Option>(
    { source: K8S_RUNTIMES, until: 'Kubernetes 1.29' },
    {
      'net.bridge.bridge-nf-call-iptables': ['1', 'else Services fail between pods on one bridge, in silence'],
      'net.bridge.bridge-nf-call-ip6tables': ['1', 'the same for IPv6; harmless where the cluster has none'],
    },
  ),
  ...settings<Option>(
    { source: K8S_RUNTIMES, when: (o) => o.ipv4 },
    {
      'net.ipv4.ip_forward': ['1', 'the node routes for its pods; kubeadm checks it'],
    },
  ),
  ...settings<Option>(
    { source: KUBEADM_PREFLIGHT, when: (o) => o.ipv6 },
    {
      'net.ipv6.conf.all.forwarding': ['1', 'the node routes IPv6; router adverts then need accept_ra=2'],
      'net.ipv6.conf.default.forwarding': ['1', 'new interfaces forward IPv6 too; the key that kubeadm checks'],
    },
  ),
  ...settings<Option>(
    { source: K8S_KERNEL_DEFAULTS, when: (o) => o.protectKernelDefaults === 'true' },
    {
      'vm.overcommit_memory': ['1', 'protectKernelDefaults: kubelet stops if this differs'],
      'vm.panic_on_oom': ['0', 'protectKernelDefaults: kubelet handles lack of memory'],
      'kernel.panic': ['10', 'protectKernelDefaults: reboot 10 s after a panic'],
      'kernel.panic_on_oops': ['1', 'protectKernelDefaults: an oops must not leave a half-dead node'],
      'kernel.keys.root_maxkeys': ['1000000', 'protectKernelDefaults: one key per container'],
      'kernel.keys.root_maxbytes': ['25000000', 'protectKernelDefaults: 25 bytes for each of those keys'],
    },
  ),
  {
    need: { kind: 'sysctl', key: 'fs.inotify.max_user_instances', value: '8192', atLeast: true },
    why: 'the default of 128 runs out with many pods: "too many open files"',
    source: IMAGE_BUILDER,
    advice: true,
  },
  {
    need: { kind: 'sysctl', key: 'fs.inotify.max_user_watches', value: '524288', atLeast: true },
    why: 'log collectors and kubelet watch many files',
    source: IMAGE_BUILDER,
    advice: true,
  },

  ...preflightTools(),
];

function preflightTools(): Row<Option>[] {
  const tool = (capability: string, why: string, more: Partial<Row<Option>> = {}): Row<Option> => ({
    need: { kind: 'package', capability },
    why,
    source: KUBEADM_PREFLIGHT,
    ...more,
  });
  return [
    tool('conntrack', 'clears stale UDP entries; older kubeadm insists, people debug with it', { until: 'Kubernetes 1.31' }),
    tool('socat', 'port-forward of older runtimes; older kubeadm warns without it', {
      until: 'Kubernetes 1.27 and early patches of 1.28 to 1.31',
    }),
    tool('iptables', 'kubeadm does not go on without it, whatever the proxy mode', {
      until: 'Kubernetes 1.32',
      when: before('1.33'),
    }),
    tool('iptables', 'kubelet and kube-proxy need it unless the proxy mode is nftables', {
      source: KUBEADM_IPTABLES_END,
      since: 'Kubernetes 1.33',
      when: (o) => usesIptables(o) && atLeast(o.version, '1.33'),
    }),
    tool('iproute2', 'kubeadm does not go on without ip', { until: 'Kubernetes 1.32', when: before('1.33') }),
    tool('util-linux', 'kubeadm does not go on without nsenter'),
    tool('mount', 'kubeadm does not go on without it'),
    tool('kmod', 'modprobe and lsmod: kube-proxy and node-prep load modules with it', { source: K8S_RUNTIMES }),
    tool('procps', 'sysctl: applies the settings from their files', { source: K8S_RUNTIMES }),
    tool('ethtool', 'kubeadm warns without it', { advice: true, until: 'Kubernetes 1.32', when: before('1.33') }),
  ];
}

const kernel: readonly Row<Option>[] = [
  ...kernelOptions<Option>(
    { source: K8S_VALIDATORS },
    {
      NAMESPACES: 'containers are namespaces',
      NET_NS: 'each pod has its own network',
      PID_NS: 'each container has its own processes',
      IPC_NS: 'each pod has its own shared memory',
      UTS_NS: 'each pod has its own host name',
      CGROUPS: 'resource limits',
      CGROUP_BPF: 'device rules of cgroup v2 are BPF programs',
      CGROUP_PIDS: 'limits the number of processes of a pod',
      CGROUP_SCHED: 'shares CPU time between pods',
      FAIR_GROUP_SCHED: 'CPU requests become scheduler weights',
      CPUSETS: 'pins pods to CPUs',
      MEMCG: 'memory limits',
      INET: 'TCP/IP',
      EXT4_FS: 'kubeadm asks for ext4',
      PROC_FS: 'nothing works without /proc',
      NETFILTER_XT_TARGET_REDIRECT: 'kubeadm asks for the REDIRECT target',
      NETFILTER_XT_MATCH_COMMENT: 'kubeadm asks for the comment match',
    },
  ),
  ...kernelOptions<Option>(
    { source: K8S_VALIDATORS, advice: true },
    {
      CFS_BANDWIDTH: 'without it CPU limits do nothing',
      SECCOMP: 'without it seccomp profiles do nothing',
      SECCOMP_FILTER: 'without it seccomp profiles do nothing',
      CGROUP_HUGETLB: 'without it huge pages cannot be limited',
    },
  ),
];

export const kubernetes = profile<Option>({
  name: 'kubernetes',
  summary: 'What kubelet, kube-proxy and kubeadm want from a node',
  options: {
    version: {
      about: 'Kubernetes version of the cluster, major.minor',
      default: '1.35',
      milestones: ['1.27', '1.32', '1.34'],
      check: checkVersion,
    },
    kubeProxy: {
      about: 'how kube-proxy works (ipvs: deprecated since 1.35)',
      default: 'iptables',
      values: ['iptables', 'nftables', 'ipvs'],
    },
    swap: {
      about:
        'off; limited: pods use it within limits; no-swap: on, but not for pods (both: cgroup v2, failSwapOn: false); ignore: not looked at',
      default: 'off',
      values: ['off', 'limited', 'no-swap', 'ignore'],
    },
    protectKernelDefaults: {
      about: 'the six settings that kubelet checks with protectKernelDefaults',
      default: 'false',
      values: ['true', 'false'],
    },
    firewall: {
      about: 'ignore: not looked at; keep: firewalld and ufw stay, with the ports of the node open',
      default: 'ignore',
      values: ['ignore', 'keep'],
    },
    role: { about: 'which ports firewall=keep opens', default: 'worker', values: ['worker', 'control-plane'] },
  },
  rows: [...node, ...kubernetesFirewall, ...kubeProxy, ...kernel],
});
