import { moduleFact } from '../knowledge/module-names.ts';
import type { ModuleSource } from './family.ts';

/** What may stand behind the `+` of `uname -r`: each has packages of its own (RHEL 9 and later). */
const flavours = ['rt', 'rt-debug', 'debug', '64k', '64k-debug', 'rt-64k', 'rt-64k-debug'] as const;

/**
 * The RHEL family parts a kernel into core, modules and extra; the latter needs the former, so it brings them along. Real-time
 * kernels, Oracle's and Amazon's newer ones have a name of their own for the same.
 */
export const rhelModules: ModuleSource = {
  // kernel-core of any version proves that dnf knows its repositories at all.
  ask: `v=\${k%+*}
for f in kernel ${flavours.map((flavour) => `kernel-${flavour}`).join(' ')} kernel-uek kernel6.12; do set -- "$@" "$f-modules-extra-$v" "$f-modules-$v"; done
rpm -q --qf 'installed %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH} 0\\n' "$@" 2>/dev/null
if command -v dnf >/dev/null 2>&1; then
  dnf -q -C repoquery --latest-limit 1 --qf 'candidate %{name}-%{version}-%{release}.%{arch} 0\\n' kernel-core "$@" 2>/dev/null
fi
exit 0`,
  packages: ({ kernel }) => {
    const [version = '', flavour] = kernel.split('+');
    // The modules of another flavour belong to another kernel, which would come along.
    if (flavour !== undefined && !flavours.some((known) => known === flavour)) return [];
    const plain = /uek/.test(version) ? 'kernel-uek' : /^6\.12.*amzn/.test(version) ? 'kernel6.12' : 'kernel';
    const name = flavour === undefined ? plain : `kernel-${flavour}`;
    return [`${name}-modules-extra-${version}`, `${name}-modules-${version}`];
  },
  brings: (name, gone) => {
    const { kconfig, replacedBy } = moduleFact(name);
    return kconfig !== undefined && !never.test(name) && (gone || replacedBy === undefined);
  },
  deniedBy: (name) => (name === 'sctp' ? '/etc/modprobe.d/sctp-blacklist.conf' : undefined),
  newer: () =>
    'The repositories keep the newest kernels only: dnf install kernel kernel-modules-extra; a reboot is needed; then plan again.',
};

/** What Red Hat's kernels are built without: legacy tables for bridges and ARP (from 10), and some that never were (9.x and 10 packages). */
const never = /^(xt_u32|ebtables?(_.*)?|arp_?tables?(_.*)?|nfnetlink_hook|libcrc32c|netfilter)$/;
