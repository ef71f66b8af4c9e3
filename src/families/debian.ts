import { fileText, listed } from '../answers.ts';
import { compareDebian, upstreamVersion } from '../knowledge/versions.ts';
import { quote, quoteAll } from '../knowledge/quote.ts';
import type { Argv, System } from '../model.ts';
import { askUnfinished, dpkgUpdates, mendDpkg, patience, readUnfinished, unattended } from './debian-mend.ts';
import { debianModules } from './debian-modules.ts';
import { askDebianRemoval } from './debian-removal.ts';
import type { Asked, Family, PackageFacts } from './family.ts';

/** What dpkg writes down of every package (dpkg(1)). */
const record = '/var/lib/dpkg/status';

/** Debian, Ubuntu and what is made from them: dpkg and apt. */
export const debian: Family = {
  name: 'debian',
  ids: ['debian', 'ubuntu'],
  packages: {
    socat: ['socat'],
    conntrack: ['conntrack'],
    nftables: ['nftables'],
    iptables: ['iptables'],
    ipset: ['ipset'],
    iproute2: ['iproute2'],
    ethtool: ['ethtool'],
    'util-linux': ['util-linux'],
    mount: ['mount'],
    kmod: ['kmod'],
    procps: ['procps'],
    ipvsadm: ['ipvsadm'],
    'wireguard-tools': ['wireguard-tools'],
    iputils: ['iputils-ping'],
  },
  compare: compareDebian,
  refresh: 'apt-get update',
  kernelArguments: {
    programs: ['/usr/sbin/update-grub', '/sbin/update-grub'],
    ownFile: true,
    byHand: 'GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub',
    command: () => ['update-grub'],
  },
  interrupted: { glob: dpkgUpdates, says: 'dpkg was cut off', mend: mendDpkg },
  ask: (asked) => {
    const names = asked.flatMap((a) => a.names);
    return `have=$(dpkg-query -W -f='\${Package} \${db:Status-Status} \${Version}\\n' ${quoteAll(names)} 2>/dev/null)
nl='
'
printf '%s\\n' "$have"
open=
newer() { # numbers only, so at worst what can be installed is looked up in vain; the verdict is not made here
  a=\${1%%-*}. b=$2.
  while [ -n "$b" ]; do
    x=\${a%%.*} y=\${b%%.*} a=\${a#*.} b=\${b#*.}
    case \${x:-0}\${y:-0} in *[!0-9]*) return 1 ;; esac
    [ "\${x:-0}" -eq "\${y:-0}" ] || { [ "\${x:-0}" -gt "\${y:-0}" ]; return; }
  done
}
want() { # MIN NAME..
  min=$1; shift
  for name; do
    case $nl$have in *"$nl$name installed "*) ;; *) continue ;; esac
    [ -n "$min" ] || return 0
    v=$nl$have; v=\${v#*"$nl$name installed "}; v=\${v%%"$nl"*}
    newer "\${v#*:}" "$min" && return 0
  done
  open=1
}
${asked
  .filter((a) => !a.advice)
  .map(wantLine)
  .join('\n')}
if [ -n "$open" ]; then
  apt-cache policy ${quoteAll(names)}
  for f in /var/lib/apt/lists/*Packages*; do [ -s "$f" ] && echo sources && break; done
fi
for f in ${dpkgUpdates}; do [ ! -e "$f" ] || open=1; done
[ -z "$open" ] || {
${askUnfinished}
}
exit 0`;
  },
  record: { path: record, line: (name) => `Package: ${name}` },
  known: (asked, answers) => {
    const text = fileText(answers, record);
    if (text === undefined || listed(answers, dpkgUpdates).length > 0) return undefined;
    const { versions: have, twice } = installedIn(text);
    if (asked.some(({ names }) => names.some((name) => twice.has(name)))) return undefined;
    const met = ({ names, min, advice }: Asked): boolean =>
      advice === true || names.some((n) => have.has(n) && (!min || compareDebian(upstreamVersion(have.get(n) ?? ''), min) >= 0));
    return have.size > 0 && asked.every(met)
      ? [...have].map(([name, version]) => `${name} installed ${version}\n`).join('')
      : undefined;
  },
  read: (output) => {
    const facts = { installed: new Map<string, string>(), candidates: new Map<string, string>(), sources: false };
    let name = '';
    for (const line of output.split('\n')) {
      const [, pkg, version] = /^(\S+) installed (\S+)$/.exec(line) ?? [];
      if (pkg && version) facts.installed.set(pkg, version);
      name = /^(\S+):$/.exec(line)?.[1] ?? name;
      const candidate = /^ {2}Candidate: (\S+)$/.exec(line)?.[1];
      if (candidate && candidate !== '(none)') facts.candidates.set(name, candidate);
      if (line === 'sources') facts.sources = true;
    }
    return { ...facts, ...readUnfinished(output) } satisfies PackageFacts;
  },
  inFiles: (answers) => {
    const text = fileText(answers, record);
    return text === undefined ? undefined : { installed: installedIn(text).versions, candidates: new Map(), sources: false };
  },
  install: (names, stale) => [
    ...(stale ? [{ argv: refresh, why: 'fetch the lists of available packages', patience }] : []),
    {
      argv: [...unattended, 'install', '--no-install-recommends', ...names],
      why: `install ${names.join(', ')}`,
      patience,
      ...(stale ? {} : { rescue: refresh }),
    },
  ],
  // What is half-way now was there: somebody else began with it, and a run that mends it did not bring it. A pipe has the status of its
  // last command only, so the end goes through it as well.
  installedNow: `{ dpkg-query -W -f='\${db:Status-Status} \${binary:Package} \${Version}\n' && echo end; } |
  sed '/^not-installed /d;/^config-files /d;s/^[^ ]* //;s/ $/ ?/'`,
  // apt would take along whatever needs them; dpkg removes what is named or nothing.
  removal: {
    ask: askDebianRemoval,
    command: (names) => ({
      argv: ['dpkg', '--remove', ...names],
      why: `remove ${names.length === 1 ? names[0] : `${names.length} packages`}; configuration files stay`,
      patience: { says: 'is locked by another process', seconds: 300 },
    }),
  },
  noCandidate: (name, { versionId, name: system, id }) =>
    id === 'debian'
      ? `Enable a source that has it, such as the backports of Debian ${versionId}, or move to a newer release; then plan again.`
      : `Enable a source that has ${name} (on Ubuntu often "universe"), or move to a newer release than ${system}; then plan again.`,
  modules: debianModules,
  missingModule: (system) => missingModule(system),
};

/** Installed packages by name. `twice`: names that stand there more than once, as of two architectures; the last version counts. */
const installedIn = (text: string): { readonly versions: ReadonlyMap<string, string>; readonly twice: ReadonlySet<string> } => {
  const found = new Map<string, string>();
  const twice = new Set<string>();
  for (const paragraph of text.split(/\n\n+/)) {
    const name = /^Package: (\S+)$/m.exec(paragraph)?.[1] ?? '';
    const version = /^Version: (\S+)$/m.exec(paragraph)?.[1];
    if (!version || !/^Status: \S+ \S+ installed$/m.test(paragraph)) continue;
    if (found.has(name)) twice.add(name);
    found.set(name, version);
  }
  return { versions: found, twice };
};

const wantLine = ({ names, min }: Asked): string => `want ${quote(min ?? '')} ${quoteAll(names)}`;

const refresh = ['apt-get', '-q', 'update'] as const satisfies Argv;

/** Debian ships every netfilter module with the kernel itself; Ubuntu keeps some in linux-modules-extra (requirements checked on 6.8). */
const missingModule = ({ id, kernel }: System): string =>
  id === 'ubuntu'
    ? `Install linux-modules-extra-${kernel}; a -kvm kernel needs linux-image-generic and a reboot instead.`
    : "Debian's own kernels bring every netfilter module that exists: install linux-image-amd64 or linux-image-arm64 and reboot, or waive it.";
