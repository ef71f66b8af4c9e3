import type { Option } from './kube-proxy.ts';
import { atLeast } from './profile.ts';
import type { Row } from './profile.ts';
import { K8S_SWAP } from './sources.ts';

/** What kubelet makes of swap, by how it is to be used. */
export const swapRows: readonly Row<Option>[] = [
  {
    need: { kind: 'swap', policy: 'off' },
    why: 'kubelet does not start while swap is on (failSwapOn)',
    source: K8S_SWAP,
    when: (o) => o.swap === 'off',
  },
  {
    need: { kind: 'swap', policy: 'off' },
    why: 'before 1.28 kubelet cannot limit swap well: off all the same',
    source: K8S_SWAP,
    when: (o) => o.swap === 'limited' && !atLeast(o.version, '1.28'),
  },
  {
    need: { kind: 'swap', policy: 'off' },
    why: 'before 1.30 kubelet has no NoSwap: off all the same',
    source: K8S_SWAP,
    when: (o) => o.swap === 'no-swap' && !atLeast(o.version, '1.30'),
  },
  {
    need: { kind: 'swap', policy: 'cgroup-v2' },
    why: 'NoSwap keeps pods off swap by cgroup v2; needs failSwapOn: false',
    source: K8S_SWAP,
    since: 'Kubernetes 1.30',
    when: (o) => o.swap === 'no-swap' && atLeast(o.version, '1.30'),
  },
  {
    need: { kind: 'swap', policy: 'cgroup-v2' },
    why: 'LimitedSwap needs cgroup v2, and failSwapOn: false for kubelet',
    source: K8S_SWAP,
    since: 'Kubernetes 1.28',
    when: (o) => o.swap === 'limited' && atLeast(o.version, '1.28'),
  },
  {
    need: { kind: 'swap', policy: 'ignore' },
    why: 'the operator looks after swap and failSwapOn',
    source: K8S_SWAP,
    when: (o) => o.swap === 'ignore',
  },
];
