import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { About } from './about.ts';
import { contents, copyright, file, gzipped, template } from './contents.ts';
import type { Entry } from './contents.ts';
import { stage } from './stage.ts';

/** What a package is made of. `compression`: less of it for tests, who have no time. */
export type Packing = {
  readonly about: About;
  readonly notices: string;
  readonly executable: string;
  readonly arch: 'x64' | 'arm64';
  readonly folder: string;
  readonly compression?: 'quick';
};

/** Debian's name of a processor. */
const archs = { x64: 'amd64', arm64: 'arm64' } as const;

/** Makes a .deb with dpkg-deb and gives its path. The same inputs give the same bytes. */
export const makeDeb = (packing: Packing): string => {
  const { about, folder, arch } = packing;
  const root = mkdtempSync(join(tmpdir(), 'node-prep-deb-'));
  try {
    layOut(root, packing);
    const path = join(folder, `node-prep_${about.version}_${archs[arch]}.deb`);
    const compression = packing.compression === 'quick' ? ['-Zgzip', '-z1'] : ['-Zxz'];
    execFileSync('dpkg-deb', ['--root-owner-group', ...compression, '--build', root, path], {
      env: { ...process.env, SOURCE_DATE_EPOCH: String(about.epoch) },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return path;
  } finally {
    rmSync(root, { recursive: true });
  }
};

const layOut = (root: string, { about, arch, executable, notices }: Packing): void => {
  const doc = '/usr/share/doc/node-prep';
  const entries = [
    ...contents(executable, about, { zsh: '/usr/share/zsh/vendor-completions', doc }),
    file(`${doc}/copyright`, copyright(about, `${doc}/NOTICES.gz`)),
    file(`${doc}/NOTICES.gz`, gzipped(notices)),
    file(`${doc}/changelog.gz`, gzipped(debianChangelog(about))),
    file('/usr/share/lintian/overrides/node-prep', template('lintian-overrides')),
  ];
  stage(root, entries, about.epoch);
  const control = [
    file('/DEBIAN/control', controlText(about, archs[arch], root)),
    file('/DEBIAN/md5sums', md5sums(root)),
    ...['postinst', 'prerm', 'postrm'].map((name): Entry => ({
      path: `/DEBIAN/${name}`,
      mode: 0o755,
      bytes: template(`deb-${name}`),
    })),
  ];
  stage(root, [...entries, ...control], about.epoch);
};

/** libc6: the newest symbols that Node asks for are of 2.28; libstdc++6: CXXABI_1.3.11 came with GCC 7. A test reads the executable. */
const controlText = (about: About, arch: string, root: string): string => `Package: node-prep
Version: ${about.version}
Architecture: ${arch}
Maintainer: ${about.maintainer}
Installed-Size: ${installedSize(root)}
Depends: libc6 (>= 2.28), libgcc-s1 | libgcc1, libstdc++6 (>= 7)
Recommends: kmod, procps
Section: admin
Priority: optional
Description: prepare hosts for Kubernetes with Istio and Calico
 Compares this host with what a Kubernetes node that runs Istio and Calico
 needs (kernel modules, kernel settings, packages, cgroup v2, swap,
 NetworkManager, firewalld), shows a plan, does it when told so, and verifies
 the result, now and for the next boot.
 .
 node-prep-verify.timer verifies after every boot and writes metrics for
 prometheus-node-exporter; it is off until it is enabled.
`;

/** In KiB, as dpkg-gencontrol counts: each file rounded up, 1 for everything else. */
const installedSize = (root: string): number =>
  globSync('**/*', { cwd: root })
    .map((path) => statSync(join(root, path)))
    .reduce((sum, s) => sum + (s.isFile() ? Math.ceil(s.size / 1024) : 1), 0);

const md5sums = (root: string): string =>
  globSync('**/*', { cwd: root })
    .sort()
    .filter((path) => statSync(join(root, path)).isFile())
    .map(
      (path) =>
        `${createHash('md5')
          .update(readFileSync(join(root, path)))
          .digest('hex')}  ${path}\n`,
    )
    .join('');

/** The package is made by the project itself: its own CHANGELOG.md is what Debian's file of that name points to. */
const debianChangelog = ({ version, maintainer, epoch }: About): string => `node-prep (${version}) unstable; urgency=medium

  * Version ${version}; what is new is told in the project's CHANGELOG.md.

 -- ${maintainer}  ${new Date(epoch * 1000).toUTCString().replace('GMT', '+0000')}
`;
