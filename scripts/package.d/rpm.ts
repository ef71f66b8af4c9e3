import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { About } from './about.ts';
import { contents, copyright, file, template } from './contents.ts';
import type { Packing } from './deb.ts';
import { stage } from './stage.ts';

/** RPM's name of a processor. */
const archs = { x64: 'x86_64', arm64: 'aarch64' } as const;

const licenses = '/usr/share/licenses/node-prep';

/** Makes an .rpm with rpmbuild and gives its path. The same inputs give the same bytes. */
export const makeRpm = (packing: Packing): string => {
  const { about, folder, executable } = packing;
  const work = mkdtempSync(join(tmpdir(), 'node-prep-rpm-'));
  try {
    const entries = [
      ...contents(executable, about, { zsh: '/usr/share/zsh/site-functions', doc: '/usr/share/doc/node-prep' }),
      file(`${licenses}/LICENSE`, copyright(about, `${licenses}/NOTICES`)),
      file(`${licenses}/NOTICES`, packing.notices),
    ];
    stage(join(work, 'files'), entries, about.epoch);
    writeFileSync(
      join(work, 'node-prep.spec'),
      spec(
        about,
        entries.map((e) => e.path),
      ),
    );
    const name = `node-prep-${about.version}-1.${archs[packing.arch]}.rpm`;
    rpmbuild(work, packing);
    copyFileSync(join(work, 'rpms', name), join(folder, name));
    return join(folder, name);
  } finally {
    rmSync(work, { recursive: true });
  }
};

const rpmbuild = (work: string, { about, arch, compression }: Packing): void => {
  const defines = {
    _topdir: work,
    _rpmdir: join(work, 'rpms'),
    _build_name_fmt: '%%{NAME}-%%{VERSION}-%%{RELEASE}.%%{ARCH}.rpm',
    // Two threads whatever the machine has: their number tells in the bytes.
    _binary_payload: compression === 'quick' ? 'w1.gzdio' : 'w6T2.xzdio',
    staged: join(work, 'files'),
  };
  const words = Object.entries(defines).flatMap(([name, value]) => ['--define', `${name} ${value}`]);
  execFileSync('rpmbuild', ['-bb', '--quiet', '--target', `${archs[arch]}-linux`, ...words, join(work, 'node-prep.spec')], {
    env: { ...process.env, SOURCE_DATE_EPOCH: String(about.epoch) },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
};

/** Nothing of rpmbuild's clean-up touches the executable: stripping it would cut off what Node finds at its end. */
const spec = (about: About, paths: readonly string[]): string => `%global debug_package %{nil}
%global __os_install_post %{nil}
%global _build_id_links none
%global _buildhost reproducible
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global source_date_epoch_from_changelog 0

Name: node-prep
Version: ${about.version}
Release: 1
Summary: Prepare hosts for Kubernetes with Istio and Calico
License: ${about.license} AND MIT AND ISC AND BSD-3-Clause
Recommends: kmod
Recommends: procps-ng

%description
Compares this host with what a Kubernetes node that runs Istio and Calico
needs (kernel modules, kernel settings, packages, cgroup v2, swap,
NetworkManager, firewalld), shows a plan, does it when told so, and verifies
the result, now and for the next boot.

node-prep-verify.timer verifies after every boot and writes metrics for
node-exporter; it is off until it is enabled.

%install
cp -a %{staged}/. %{buildroot}/

%post
${scriptlet('post')}
%preun
${scriptlet('preun')}
%postun
${scriptlet('postun')}
%files
%defattr(-,root,root)
${paths.map((path) => `${attribute(path)}${path}`).join('\n')}
%dir /usr/share/node-prep
%dir /usr/share/doc/node-prep
%dir /usr/share/doc/node-prep/examples
%dir ${licenses}
`;

const attribute = (path: string): string =>
  path.startsWith(licenses) ? '%license ' : path.startsWith('/usr/share/doc/') ? '%doc ' : '';

const scriptlet = (name: string): string =>
  template(`rpm-${name}`)
    .replace(/^#!.*\n/, '')
    .replaceAll('%', '%%');
