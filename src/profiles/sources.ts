/** The documents and code that the profiles cite: owner/repository:path, owner/repository#issue, or a page. */

export const K8S_RUNTIMES = 'kubernetes/website:content/en/docs/setup/production-environment/container-runtimes.md';
export const K8S_CGROUPS = 'kubernetes/website:content/en/docs/concepts/architecture/cgroups.md';
export const K8S_CGROUP_V1_END = 'kubernetes/kubernetes#134298';
export const K8S_SWAP = 'kubernetes/website:content/en/docs/concepts/cluster-administration/swap-memory-management.md';
export const K8S_KERNELS = 'kubernetes/website:content/en/docs/reference/node/kernel-version-requirements.md';
export const K8S_VALIDATORS = 'kubernetes/system-validators:validators/types_unix.go';
export const K8S_KERNEL_DEFAULTS = 'kubernetes/kubernetes:staging/src/k8s.io/component-helpers/node/util/sysctl/sysctl.go';
export const KUBEADM_PREFLIGHT = 'kubernetes/kubernetes:cmd/kubeadm/app/preflight/checks_linux.go';
/** From 1.33 on kubeadm no longer looks for ip, iptables, ethtool and tc. */
export const KUBEADM_IPTABLES_END = 'kubernetes/kubernetes#129131';
export const KUBE_PROXY_IPTABLES = 'kubernetes/kubernetes:pkg/proxy/iptables/proxier.go';
export const KUBE_PROXY_NFTABLES = 'kubernetes/kubernetes:pkg/proxy/nftables/proxier.go';
export const KUBE_PROXY_IPVS = 'kubernetes/kubernetes:pkg/proxy/ipvs/proxier.go';
export const KUBE_PROXY_CONNTRACK = 'kubernetes/kops#17968';
export const KUBESPRAY_NODE = 'kubernetes-sigs/kubespray:roles/kubernetes/node/defaults/main.yml';
export const IMAGE_BUILDER = 'kubernetes-sigs/image-builder:images/capi/ansible/roles/node/tasks/main.yml';

/** kubelet leaves a hint in the variant that the host's iptables has, and the images of kube-proxy and others go by it. */
export const IPTABLES_WRAPPERS = 'kubernetes-sigs/iptables-wrappers:iptables-wrapper-installer.sh';
export const KUBE_PROXY_NFT_CRASH = 'kubernetes/kubernetes#136786';

export const ISTIO_PLATFORM = 'istio/istio.io:content/en/docs/ops/deployment/platform-requirements/index.md';
export const ISTIO_CAPTURE = 'istio/istio:tools/istio-iptables/pkg/capture/run.go';
export const ISTIO_ROUTES = 'istio/istio:tools/istio-iptables/pkg/capture/run_linux.go';
export const ISTIO_HOST_RULES = 'istio/istio:cni/pkg/iptables/iptables.go';
export const ISTIO_NFT = 'istio/istio:cni/pkg/nftables/nftables.go';

export const ISTIO_IPTABLES_CHOICE = 'istio/istio:tools/istio-iptables/pkg/dependencies/implementation_linux.go';
export const ISTIO_NFT_JSON = 'istio/istio:releasenotes/notes/60328.yaml';
export const ISTIO_NFT_CRASH = 'istio/istio:releasenotes/notes/58492.yaml';

export const CALICO_SYSTEM = 'tigera/docs:calico/_includes/partials/_system-requirements.mdx';
export const CALICO_NFT = 'tigera/docs:calico/getting-started/kubernetes/nftables.mdx';
export const CALICO_EBPF = 'tigera/docs:calico/operations/ebpf/install.mdx';
export const CALICO_TROUBLESHOOTING = 'tigera/docs:calico/operations/troubleshoot/troubleshooting.mdx';
export const CALICO_CHECKSYSTEM = 'projectcalico/calico:calicoctl/calicoctl/commands/node/checksystem.go';
export const FELIX_DATAPLANE = 'projectcalico/calico:felix/dataplane/linux/int_dataplane.go';
export const FELIX_FEATURES = 'projectcalico/calico:felix/environment/feature_detect_linux.go';
export const FELIX_IPSETS = 'projectcalico/calico:felix/ipsets/ipset_defs.go';
export const FELIX_MATCHES = 'projectcalico/calico:felix/iptables/match_builder.go';
export const FELIX_ACTIONS = 'projectcalico/calico:felix/iptables/actions.go';
export const FELIX_NFT = 'projectcalico/calico:felix/nftables/actions.go';
export const XT_NFLOG = 'torvalds/linux:net/netfilter/xt_NFLOG.c';
export const CALICO_NFT_CRASH = 'projectcalico/calico#11750';
/** The page for Calico 2.x, the only one that gave minima for the tools that calico/node runs. */
export const CALICO_MATRIX = 'docs.projectcalico.org/v2.6/reference/requirements';
export const NETWORKD_FOREIGN = 'kubernetes/kops#17438';
export const KUBEKEY_NETWORKD = 'kubesphere/kubekey:roles/native/network/tasks/calico.yaml';
export const FIREWALLD_RELOAD = 'rancher/rke2#10469';
export const FIREWALL_FORWARD = 'projectcalico/calico#4382';
export const K8S_PORTS = 'kubernetes/website:content/en/docs/reference/networking/ports-and-protocols.md';
export const KUBE_PROXY_HEALTH = 'kubernetes/kubernetes:cmd/kube-proxy/app/server.go';
export const NM_CLOUD_SETUP = 'rancher/rke2-docs:docs/known_issues.md';
