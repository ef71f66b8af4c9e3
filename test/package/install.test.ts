import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAbout } from '../../scripts/package.d/about.ts';
import { template } from '../../scripts/package.d/contents.ts';
import { makeDeb } from '../../scripts/package.d/deb.ts';
import type { Packing } from '../../scripts/package.d/deb.ts';
import { bundledLibraries, notices } from '../../scripts/package.d/libraries.ts';
import { makeRpm } from '../../scripts/package.d/rpm.ts';
import { because, has, inFull, isFull, withReason } from '../needs.ts';
import { builtExecutable } from './executable.ts';

/**
 * A shell in a copy of this machine's file tree that is thrown away (an overlay in a mount namespace of its own), so that the real
 * apt, dpkg, dnf and rpm install for real and nothing here changes.
 */
const inThrowAway = (script: string, ...words: string[]) =>
  spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-euc', `${throwAway}${script}`, 'throw-away', ...words], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', DEBIAN_FRONTEND: 'noninteractive', HOME: '/root', MANWIDTH: '80' },
  });

const throwAway = `
mount -t tmpfs -o size=1g none /mnt
mkdir /mnt/upper /mnt/work /mnt/root
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work none /mnt/root
for d in proc dev; do mount --rbind /$d /mnt/root/$d; done
cp "$1" /mnt/root/var/tmp/
inside() { chroot /mnt/root "$@"; }
changed() { (cd /mnt/upper && find . ! -type d | sed 's/^.//' | grep -Ev '^/(var/(lib/(dpkg|apt|rpm|dnf)|cache|log|tmp)|tmp|root|mnt|run|usr/lib/sysimage)/' | sort) || :; }
`;

/** Why a package cannot be installed for real here, if so. */
const obstacle = (...commands: string[]): string | false => {
  if (process.arch !== 'x64') return 'this is no x86-64 machine';
  if (process.geteuid?.() !== 0) return 'this is not root';
  const missing = commands.filter((command) => !has(command));
  if (missing.length > 0) return `there is no ${missing.join(', no ')} here`;
  return inThrowAway(':', '/dev/null').status !== 0 && 'there can be no overlay here';
};
const noDeb = obstacle('apt-get', 'dpkg-deb', 'strip');
const noRpm = obstacle('dnf', 'rpmbuild', 'createrepo_c', 'strip');

const folder = mkdtempSync(join(tmpdir(), 'node-prep-install-'));
afterAll(() => rmSync(folder, { recursive: true }));
let packing: Packing;
beforeAll(async () => {
  if (noDeb !== false && noRpm !== false) return;
  const about = readAbout();
  const all = notices(await bundledLibraries());
  packing = { about, notices: all, executable: await builtExecutable(), arch: 'x64', folder, compression: 'quick' };
}, 300_000);

/** The commands of node-prep-verify.service, as systemd gives them to a shell. */
const asTheUnit = (): string => {
  const unit = template('node-prep-verify.service');
  const variables = [...unit.matchAll(/^Environment=(.*)$/gm)].map(([, variable]) => `export ${variable}\n`);
  const commands = [...unit.matchAll(/^ExecStart(Pre)?=\+?(.*)$/gm)].map(
    ([, before, words = '']) => `${words.replaceAll('$$', '$').replaceAll('%%', '%')} ${before ? '' : '|| :'}\n`,
  );
  return [...variables, ...commands].join('');
};

describe.skipIf(noDeb !== false)(because('the .deb', noDeb), () => {
  let deb: string;
  beforeAll(() => void (deb = makeDeb(packing)), 120_000);

  test('is installed by apt, runs, and is purged without a trace', () => {
    const ran = inThrowAway(
      `
inside apt-get -y -q install --no-install-recommends "/var/tmp/\${1##*/}" >&2
inside node-prep --version
inside node-prep plan -q
inside sh -c '[ ! -e /usr/bin/man ] || man node-prep' | head -n 1
inside bash -c '. /usr/share/bash-completion/completions/node-prep; complete -p node-prep'
[ ! -e /mnt/root/etc/systemd/system/timers.target.wants/node-prep-verify.timer ] || echo 'the timer is on'
inside sh -euc "$2" >&2
ls /mnt/root/var/lib/prometheus/node-exporter
inside apt-get -y -q purge node-prep >&2
echo left:; changed; ls -d /mnt/root/var/lib/prometheus 2>/dev/null || :`,
      deb,
      asTheUnit(),
    );
    expect(ran.stderr).not.toMatch(/^dpkg: (warning|error)/m);
    expect(ran.stdout).toMatch(
      new RegExp(
        `^${packing.about.version}\nlocal: .*\n(NODE-PREP\\(1\\).*\n)?complete -F _node_prep node-prep\nnode_prep.prom\nleft:\n$`,
      ),
    );
    expect(ran.status).toBe(0);
  }, 120_000);

  test.skipIf(!has('lintian') || !isFull)(
    inFull(withReason('is found without fault by lintian', 'lintian')),
    () => {
      const { status, stdout, stderr } = spawnSync('lintian', ['--fail-on', 'error,warning', deb], { encoding: 'utf8' });
      expect([status, stdout], stderr).toEqual([0, '']);
    },
    120_000,
  );
});

/** What RHEL 8, the oldest that is meant, brings: glibc 2.28, libstdc++ and libgcc of GCC 8, a shell. */
const rhel8 = (): string => {
  const names = (library: string, prefix: string, versions: readonly string[]) =>
    versions.map((v) => `${library}(${prefix}${v})(64bit)`);
  const glibc = ['2.2.5', '2.2.6', '2.3', '2.3.2', '2.3.3', '2.3.4', ...Array.from({ length: 25 }, (_, i) => `2.${i + 4}`)];
  const provides = [
    '/bin/sh',
    'rtld(GNU_HASH)',
    ...['ld-linux-x86-64.so.2', 'libc.so.6', 'libdl.so.2', 'libm.so.6', 'libpthread.so.0'].flatMap((l) => [
      `${l}()(64bit)`,
      ...names(l, 'GLIBC_', glibc),
    ]),
    'libgcc_s.so.1()(64bit)',
    ...names('libgcc_s.so.1', 'GCC_', ['3.0', '3.3', '3.3.1', '3.4', '3.4.2', '4.2.0', '4.3.0', '4.7.0', '4.8.0', '7.0.0']),
    'libstdc++.so.6()(64bit)',
    ...names('libstdc++.so.6', 'GLIBCXX_3.4', ['', ...Array.from({ length: 25 }, (_, i) => `.${i + 1}`)]),
    ...names('libstdc++.so.6', 'CXXABI_1.3', ['', ...Array.from({ length: 11 }, (_, i) => `.${i + 1}`)]),
  ];
  return `Name: rhel-8-stub\nVersion: 8\nRelease: 1\nSummary: What RHEL 8 provides\nLicense: none\n${provides.map((p) => `Provides: ${p}\n`).join('')}%description\nA stub.\n%files\n`;
};

/** A package that has the folder of the metrics, with another owner and mode, as node-exporter's has. */
const nodeExporter = `Name: node-exporter-stub
Version: 1
Release: 1
Summary: Owns the folder of the metrics
License: none
Provides: user(daemon)
Provides: group(daemon)
%description
A stub.
%install
mkdir -p %{buildroot}/var/lib/prometheus/node-exporter
%files
%dir %attr(0750, daemon, daemon) /var/lib/prometheus
%dir %attr(0770, daemon, daemon) /var/lib/prometheus/node-exporter
`;

describe.skipIf(noRpm !== false)(because('the .rpm', noRpm), () => {
  let rpm: string;
  beforeAll(() => void (rpm = makeRpm(packing)), 120_000);

  /** A folder of packages: ours and the stubs. */
  const repository = `
for stub in "$2" "$3"; do
  printf '%s' "$stub" > /mnt/root/var/tmp/stub.spec
  inside rpmbuild -bb --quiet --define '_topdir /var/tmp/stub' --define '_rpmdir /var/tmp/repo' /var/tmp/stub.spec >&2
done
mv /mnt/root/var/tmp/*.rpm /mnt/root/var/tmp/repo/
inside createrepo_c -q /var/tmp/repo >&2
dnf() { inside dnf -y -q --disablerepo='*' --repofrompath=here,file:///var/tmp/repo --releasever=8 --nogpgcheck --setopt=install_weak_deps=0 --setopt=reposdir=/none "$@" >&2; }
`;
  const withDnf = (script: string) => inThrowAway(`${repository}${script}`, rpm, rhel8(), nodeExporter, asTheUnit());

  test('is installed by dnf where there is what RHEL 8 provides, runs, and is removed without a trace', () => {
    const ran = withDnf(`
dnf install node-prep
inside rpm -q node-prep rhel-8-stub
inside rpm -V node-prep
inside node-prep --version
inside node-prep plan -q
inside sh -euc "$4" >&2
dnf remove node-prep
echo left:; changed; ls -d /mnt/root/var/lib/prometheus 2>/dev/null || :`);
    expect(ran.stdout, ran.stderr).toMatch(
      new RegExp(
        `^node-prep-${packing.about.version}-1.x86_64\nrhel-8-stub-8-1.x86_64\n${packing.about.version}\nlocal: .*\nleft:\n$`,
      ),
    );
    expect(ran.status, ran.stderr).toBe(0);
  }, 120_000);

  test('is installed beside the package that owns the folder of the metrics, and leaves that as it was', () => {
    const ran = withDnf(`
dnf install node-exporter-stub node-prep
inside sh -euc "$4" >&2
ls /mnt/root/var/lib/prometheus/node-exporter
inside rpm -V node-prep
dnf remove node-prep
inside rpm -V node-exporter-stub
ls -A /mnt/root/var/lib/prometheus/node-exporter
stat -c '%a %U' /mnt/root/var/lib/prometheus /mnt/root/var/lib/prometheus/node-exporter`);
    expect(ran.stdout, ran.stderr).toBe('node_prep.prom\n750 daemon\n770 daemon\n');
    expect(ran.status, ran.stderr).toBe(0);
  }, 120_000);
});
