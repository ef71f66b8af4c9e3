import { compareRpm } from '../knowledge/versions.ts';
import { quoteAll } from '../knowledge/quote.ts';
import { rhelModules } from './rhel-modules.ts';
import { askRhelRemoval } from './rhel-removal.ts';
import type { Family, PackageFacts } from './family.ts';

/** RHEL, its clones, CentOS Stream, Fedora, Amazon Linux 2023: rpm and dnf. */
export const rhel: Family = {
  name: 'rhel',
  ids: ['rhel', 'fedora', 'centos', 'rocky', 'almalinux', 'ol', 'amzn'],
  packages: {
    socat: ['socat'],
    conntrack: ['conntrack-tools'],
    nftables: ['nftables'],
    iptables: ['iptables-nft', 'iptables-legacy', 'iptables'],
    ipset: ['ipset'],
    iproute2: ['iproute'],
    ethtool: ['ethtool'],
    'util-linux': ['util-linux'],
    mount: ['util-linux'],
    kmod: ['kmod'],
    procps: ['procps-ng'],
    ipvsadm: ['ipvsadm'],
    'wireguard-tools': ['wireguard-tools'],
    iputils: ['iputils'],
  },
  compare: compareRpm,
  refresh: 'dnf makecache',
  kernelArguments: {
    programs: ['/usr/sbin/grubby', '/sbin/grubby', '/usr/bin/grubby'],
    ownFile: false,
    byHand: 'grubby --update-kernel=ALL',
    command: ({ add, remove }) => [
      'grubby',
      '--update-kernel=ALL',
      ...(remove.length > 0 ? [`--remove-args=${remove.join(' ')}`] : []),
      ...(add.length > 0 ? [`--args=${add.join(' ')}`] : []),
    ],
  },
  // dnf is slow and may want the network: it is asked only where something is missing, and only what it has cached.
  ask: (asked) => {
    const names = asked.flatMap((a) => a.names);
    return `have=$(rpm -q --qf 'installed %{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\\n' ${quoteAll(names)} 2>/dev/null)
printf '%s\\n' "$have"
open=
want() { for name; do case $have in *"installed $name "*) return 0 ;; esac; done; open=1; }
${asked
  .filter((a) => !a.advice)
  .map((a) => `want ${quoteAll(a.names)}`)
  .join('\n')}
if [ -n "$open" ] && command -v dnf >/dev/null 2>&1; then
  dnf -q -C repoquery --latest-limit 1 --qf 'candidate %{name} %{epoch}:%{version}-%{release}\\n' ${quoteAll(names)} 2>/dev/null && echo sources
fi
exit 0`;
  },
  read: (output) => {
    const facts = { installed: new Map<string, string>(), candidates: new Map<string, string>(), sources: false };
    for (const line of output.split('\n')) {
      const [, what, pkg, version] = /^(installed|candidate) (\S+) (\S+)$/.exec(line) ?? [];
      if (pkg && version) (what === 'installed' ? facts.installed : facts.candidates).set(pkg, version);
      // Without a cache dnf knows nothing: only an answer with packages in it proves that the sources were read.
      if (what === 'candidate') facts.sources = true;
    }
    return facts satisfies PackageFacts;
  },
  install: (names) => [
    { argv: ['dnf', '-y', '-q', '--setopt=install_weak_deps=False', 'install', ...names], why: `install ${names.join(', ')}` },
  ],
  installedNow: `rpm -qa --qf '%{NAME} %{EPOCHNUM}:%{VERSION}-%{RELEASE}\n' && echo end`,
  // dnf would take along whatever needs them; rpm removes what is named or nothing.
  removal: {
    ask: askRhelRemoval,
    command: (names) => ({
      argv: ['rpm', '-e', ...names],
      why: `remove ${names.length === 1 ? names[0] : `${names.length} packages`}; changed configuration files stay`,
    }),
  },
  noCandidate: (name, { name: system }) =>
    `Enable a repository that has ${name} for ${system} (EPEL has what the base lacks), then plan again.`,
  modules: rhelModules,
  missingModule: (system) => {
    const [name] = rhelModules.packages(system, false);
    return name === undefined
      ? `Ask whoever built kernel ${system.kernel} for its modules, or boot a kernel of the distribution; then plan again.`
      : `Install ${name} (pinned to the running kernel, so that no newer kernel comes with it), then plan again.`;
  },
};
