import { moduleFact } from '../knowledge/module-names.ts';
import type { ModuleSource } from './family.ts';

/**
 * Kernels that are built beside the plain one: `uname -r` has the flavour after a plus sign, the package's name has it before
 * -modules (kernel.spec, which writes some of them with `_`). Whatever else stands there is somebody's own build.
 */
const flavours = ['debug', '64k', '64k-debug', '16k', '16k-debug', 'rt', 'rt-debug', 'rt-64k', 'rt-64k-debug'] as const;

const underscored = (flavour: string): string => flavour.replaceAll('-', '_');

/** Shell text that makes the names of kernels that $k can be of its words. */
const chooseNames = `case $k in
*+*+*) exit 0 ;;
${flavours.map((f) => `*+${f}|*+${underscored(f)}) set -- kernel-${f} ;;`).join('\n')}
*+*) exit 0 ;;
*) set -- kernel kernel-rt kernel-uek kernel6.12 ;;
esac`;

/**
 * The RHEL family parts a kernel into core, modules and extra; the latter needs the former, so it brings them along. Real-time
 * kernels, Oracle's and Amazon's newer ones have a name of their own for the same.
 */
export const rhelModules: ModuleSource = {
  // kernel-core of any version proves that dnf knows its repositories at all.
  ask: `${chooseNames}
for f; do shift; set -- "$@" "$f-modules-extra-\${k%%+*}" "$f-modules-\${k%%+*}"; done
rpm -q --qf 'installed %{NAME}-%{VERSION}-%{RELEASE}.%{ARCH} 0\\n' "$@" 2>/dev/null
if command -v dnf >/dev/null 2>&1; then
  dnf -q -C repoquery --latest-limit 1 --qf 'candidate %{name}-%{version}-%{release}.%{arch} 0\\n' kernel-core "$@" 2>/dev/null
fi
exit 0`,
  packages: ({ kernel }) => {
    const [version = '', ...suffixes] = kernel.split('+');
    const name = kernelName(version, suffixes);
    return name === undefined ? [] : [`${name}-modules-extra-${version}`, `${name}-modules-${version}`];
  },
  brings: (name, gone) => {
    const { kconfig, replacedBy } = moduleFact(name);
    return kconfig !== undefined && !never.test(name) && (gone || replacedBy === undefined);
  },
  deniedBy: (name) => (name === 'sctp' ? '/etc/modprobe.d/sctp-blacklist.conf' : undefined),
  newer: ({ kernel }) => {
    const [version = '', ...suffixes] = kernel.split('+');
    const name = kernelName(version, suffixes) ?? 'kernel';
    return `The repositories keep the newest kernels only: dnf install ${name} ${name}-modules-extra; a reboot is needed; then plan again.`;
  },
};

const kernelName = (version: string, [suffix, ...more]: readonly string[]): string | undefined => {
  const own = /uek/.test(version)
    ? 'kernel-uek'
    : /^6\.12.*amzn/.test(version)
      ? 'kernel6.12'
      : /\.rt\d+\./.test(version)
        ? 'kernel-rt'
        : undefined;
  if (suffix === undefined) return own ?? 'kernel';
  const flavour = flavours.find((f) => f === suffix || underscored(f) === suffix);
  return own || more.length > 0 || !flavour ? undefined : `kernel-${flavour}`;
};

/** What Red Hat's kernels are built without: legacy tables for bridges and ARP (from 10), and some that never were (9.x and 10 packages). */
const never = /^(xt_u32|ebtables?(_.*)?|arp_?tables?(_.*)?|nfnetlink_hook|libcrc32c|netfilter)$/;
