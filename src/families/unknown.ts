import { compareDebian } from '../knowledge/versions.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Family, PackageFacts } from './family.ts';

/** The program that shows that a capability is there, for hosts whose package manager node-prep does not know. */
const binaries: { readonly [capability: string]: readonly string[] } = {
  socat: ['socat'],
  conntrack: ['conntrack'],
  nftables: ['nft'],
  iptables: ['iptables'],
  ipset: ['ipset'],
  iproute2: ['ip'],
  ethtool: ['ethtool'],
  'util-linux': ['nsenter'],
  mount: ['mount'],
  kmod: ['modprobe'],
  procps: ['sysctl'],
  ipvsadm: ['ipvsadm'],
  'wireguard-tools': ['wg'],
  iputils: ['ping'],
};

/** Any other distribution: programs are looked for by name, nothing is installed. */
export const unknown: Family = {
  name: 'unknown',
  ids: [],
  packages: binaries,
  compare: compareDebian,
  refresh: '',
  ask: (asked) =>
    `PATH=$PATH:/usr/sbin:/sbin; for b in ${quoteAll(asked.flatMap((a) => a.names))}; do command -v "$b" >/dev/null 2>&1 && echo "$b"; done; exit 0`,
  read: (output) => {
    const installed = new Map(
      output
        .split('\n')
        .filter(Boolean)
        .map((name) => [name, '']),
    );
    return { installed, candidates: new Map(), sources: true } satisfies PackageFacts;
  },
  install: () => [],
  noCandidate: () => 'Install what brings these programs yourself, then plan again.',
  missingModule: ({ kernel }) =>
    `Install the package of your distribution with the modules of kernel ${kernel}, then plan again.`,
};
