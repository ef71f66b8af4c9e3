import { moduleFact } from '../knowledge/module-names.ts';
import type { ModuleSource } from './family.ts';

/**
 * The RHEL family parts a kernel into core, modules and extra; the latter needs the former, so it brings them along. Real-time
 * kernels, Oracle's and Amazon's newer ones have a name of their own for the same.
 */
export const rhelModules: ModuleSource = {
  // kernel-core of any version proves that dnf knows its repositories at all.
  ask: `v=\${k%+*}
for f in kernel kernel-rt kernel-uek kernel6.12; do set -- "$@" "$f-modules-extra-$v" "$f-modules-$v"; done
rpm -q --qf 'installed %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH} 0\\n' "$@" 2>/dev/null
if command -v dnf >/dev/null 2>&1; then
  dnf -q -C repoquery --latest-limit 1 --qf 'candidate %{name}-%{version}-%{release}.%{arch} 0\\n' kernel-core "$@" 2>/dev/null
fi
exit 0`,
  packages: ({ kernel }) => {
    const flavour = /\+rt/.test(kernel)
      ? 'kernel-rt'
      : /uek/.test(kernel)
        ? 'kernel-uek'
        : /^6\.12.*amzn/.test(kernel)
          ? 'kernel6.12'
          : 'kernel';
    const version = kernel.replace(/\+.*$/, '');
    return [`${flavour}-modules-extra-${version}`, `${flavour}-modules-${version}`];
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
