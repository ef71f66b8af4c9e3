import { said } from '../answers.ts';
import type { Answers, Argv, NftUser, Query } from '../model.ts';
import { compareDebian, compareRpm, upstreamVersion } from './versions.ts';

/** The nft of a host. `version`: the authors' one. `package`: the distribution's. `json`: whether it was built with JSON; undefined where that cannot be told. */
export type Nft = { readonly path: string; readonly version?: string; readonly package?: string; readonly json?: boolean };

/**
 * Asks for the version of nft and whether it has JSON. nft opens a netfilter socket before it prints even its version, which
 * loads nfnetlink: so it is run only where a socket of that protocol (12) exists already; elsewhere the package and the
 * libraries that libnftables wants must tell.
 */
const script = `for p in /usr/local/sbin/nft /usr/sbin/nft /usr/bin/nft /sbin/nft; do [ -x "$p" ] && break; p=; done
[ -n "$p" ] || exit 0
echo "program $p"
up=
while read -r _ proto _; do case $proto in 12) up=1; break ;; esac; done < /proc/net/netlink
if [ -n "$up" ]; then "$p" -V 2>/dev/null || "$p" -v 2>/dev/null; fi
case $p in /usr/local/*) root=/usr/local ;; *) root=/usr ;; esac
if [ -z "$up" ]; then for f in "$root"/lib/*/libnftables.so.1 "$root"/lib64/libnftables.so.1 "$root"/lib/libnftables.so.1; do
  [ -e "$f" ] || continue
  if grep -q libjansson "$f"; then echo 'json: yes'; else echo 'json: no'; fi
  break
done; fi
[ "$root" = /usr ] || exit 0
if [ -e /var/lib/dpkg/status ]; then dpkg-query -W -f='package \${Version}\\n' nftables
elif command -v rpm >/dev/null; then rpm -q --qf 'package %{VERSION}-%{RELEASE}\\n' nftables; fi 2>/dev/null
exit 0`;

const argv = ['sh', '-c', script, 'ask-nft'] as const satisfies Argv;

export const nftQuery: Query = { ask: 'run', argv, of: 'files' };

/** Whether the question for nft was answered at all. */
export const nftAnswered = (answers: Answers): boolean => said(answers, argv) !== undefined;

/** The nft that was found, if one was. */
export const hostNft = (answers: Answers): Nft | undefined => {
  const text = said(answers, argv) ?? '';
  const find = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const path = find(/^program (\S+)$/m);
  if (path === undefined) return undefined;
  const built = find(/^package (\d\S*)$/m);
  const version = find(/^nftables v(\S+)/m) ?? (built && upstreamVersion(built));
  const json = find(/^[ \t]*json:[ \t]*(yes|no)\b/m);
  return { path, ...(version && { version }), ...(built && { package: built }), ...(json && { json: json === 'yes' }) };
};

/**
 * Whether an nft writes sets with a description of their types that older ones crash on: from 1.1.2 on, and 1.0.6.1 and its
 * successors in that series (table of writers and readers in kubernetes/kubernetes#136786).
 */
export const writesTypes = (version: string): boolean => isAtLeast(version, '1.1.2') || isRepaired106(version);

/** Builds of older versions that have the repair (nftables commit be737a1986bf, in 1.1.4), by what their release ends in. */
const repaired = [{ release: /\.el9(?:_\d+)?$/, from: '1.0.9-7.el9', source: 'Red Hat RHEL-153461' }] as const;

/**
 * Whether an nft crashes on such sets: every version before them, unless its build has the repair. Seen: 1.0.6-2+deb12u2 ends by
 * SIGSEGV when it lists a set that 1.1.3 wrote.
 */
export const crashesOnTypes = ({ version, package: built }: Nft): boolean => {
  if (version === undefined || writesTypes(version)) return false;
  return !repaired.some((r) => built && r.release.test(built) && compareRpm(built, r.from) >= 0);
};

const isRepaired106 = (version: string): boolean => isAtLeast(version, '1.0.6.1') && !isAtLeast(version, '1.0.7');

const isAtLeast = (version: string, least: string): boolean => compareDebian(version, least) >= 0;

/**
 * The nft that images bring. `crash`: those that crash on sets of a host whose nft is newer, and what to run instead. `write`:
 * those that write such sets, for a host whose nft crashes on them.
 */
type ImageNft = {
  readonly name: string;
  readonly crash: { readonly which: string; readonly instead: string; readonly source: string };
  readonly write?: { readonly which: string; readonly source: string };
};

export const imageNft: { readonly [user in NftUser]: ImageNft } = {
  calico: {
    name: 'calico/node',
    crash: {
      which: 'calico/node before 3.32.1 and 3.31.6, and builds of others with nft 1.1.0 in them',
      instead: 'run Calico 3.32.1, 3.31.6 or later',
      source: 'projectcalico/calico#11750, #13068, #13987',
    },
  },
  'kube-proxy': {
    name: 'kube-proxy',
    crash: {
      which: 'kube-proxy with nft 1.0.6, in Kubernetes before 1.36 and its patches of spring 2026',
      instead: 'run a kube-proxy with the repair of kubernetes/kubernetes#137501',
      source: 'kubernetes/kubernetes#136786, k0sproject/k0s#7293',
    },
    write: { which: 'newer images of kube-proxy (nft 1.0.6.1)', source: 'kubernetes/kubernetes#140405' },
  },
  istio: {
    name: 'istio-cni',
    crash: {
      which: 'istio-cni with nft 1.1.1 or older, which Istio brought until 1.31',
      instead: 'run an Istio whose images are no longer pinned to nft 1.1.1',
      source: 'istio/istio#58492',
    },
    write: { which: 'Istio images that are no longer pinned to nft 1.1.1', source: 'istio/istio:releasenotes/notes/58492.yaml' },
  },
};
