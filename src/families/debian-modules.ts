import { moduleFact } from '../knowledge/module-names.ts';
import type { ModuleSource } from './family.ts';

/**
 * Ubuntu keeps some modules in linux-modules-extra up to 25.04, and all of them in linux-modules from 25.10 on; Debian in the image
 * itself, and from 6.19 on in linux-modules (checked in the packages).
 */
export const debianModules: ModuleSource = {
  ask: `set -- "linux-modules-extra-$k" "linux-modules-$k" "linux-image-$k"
dpkg-query -W -f='\${Package} \${db:Status-Status} \${Version}\\n' "$@" 2>/dev/null
apt-cache policy "$@"
for f in /var/lib/apt/lists/*Packages*; do [ -s "$f" ] && echo sources && break; done
exit 0`,
  packages: ({ id, kernel }, gone) => {
    const names = id === 'ubuntu' ? [`linux-modules-extra-${kernel}`, `linux-modules-${kernel}`] : [`linux-modules-${kernel}`];
    return gone ? [...names.slice(-1), `linux-image-${kernel}`] : names;
  },
  brings: (name) => moduleFact(name).kconfig !== undefined,
  newer: ({ id, kernel }) =>
    id === 'ubuntu'
      ? `Install linux-image-generic or linux-image-virtual in place of ${kernel}; a reboot is needed; then plan again.`
      : 'Install linux-image-amd64 or linux-image-arm64; a reboot is needed; then plan again.',
};
