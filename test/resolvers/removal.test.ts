import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { debian } from '../../src/families/debian.ts';
import type { Family } from '../../src/families/family.ts';
import { rhel } from '../../src/families/rhel.ts';
import type { Action } from '../../src/model.ts';
import { packagesPart } from '../../src/undo/packages.ts';
import { has, withReason } from '../needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-removal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/**
 * Packages by what they need. A run named a and d, of which b, l, l2, the mail server and `shared` came; somebody else named nginx and
 * `wanted` meanwhile, and c later.
 */
const needs: { readonly [name: string]: string } = {
  a: 'b, mail-server, shared, wanted, old',
  b: 'l',
  c: 'b',
  d: 'l2',
  l: '',
  l2: '',
  mailer: '',
  nginx: 'nginx-common, shared',
  'nginx-common': '',
  shared: '',
  wanted: '',
  old: 'lone',
  lone: '',
};
const byHand = ['a', 'd', 'nginx', 'wanted', 'c', 'old'];
const gives = (name: string, is = '= 1'): string =>
  name === 'mailer' ? 'Provides: mail-server\n' : name === 'nginx-common' ? `Provides: web-files ${is}\n` : '';
const givesDebian = (name: string): string => gives(name, '(= 1)');

const before = { old: '1:2-3', lone: '1:2-3' };
const after = Object.fromEntries([...Object.keys(needs).filter((name) => name !== 'c'), 'gone'].map((name) => [name, '1:2-3']));

/** Of the run's own, what c or nginx needs stays, and what that needs. */
const expected = { own: ['a', 'b', 'd', 'l', 'l2', 'mailer', 'shared'], free: ['a', 'd', 'l2', 'mailer'] };

const shell = (script: string, env: NodeJS.ProcessEnv): string[] =>
  spawnSync('sh', ['-c', script], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', ...env } })
    .stdout.split('\n')
    .filter((line) => line !== '');

/** Another program of that name, for those who look into this folder first. */
const program = (under: string, name: string, script: string): void => {
  mkdirSync(join(folder, under), { recursive: true });
  writeFileSync(join(folder, under, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, under, name), 0o755);
};
const pathWith = (under: string): string => `${join(folder, under)}:${process.env['PATH']}`;

/** The question as undo asks it, on a host with this ID. */
const asked = (id: string, { install }: Family, env: NodeJS.ProcessEnv): string[] => {
  const release = join(folder, `os-release-${id}`);
  writeFileSync(release, `NAME="X Y"\nID=${id}\n`);
  const actions: Action[] = install(['a', 'd'], false).map((action) => ({ do: 'run', ...action, for: [] }));
  const [query] = packagesPart.again?.(before, after, { actions, packages: true }) ?? [];
  const script = query?.ask === 'run' ? (query.argv[2] ?? '') : '';
  return shell(script.replaceAll('/usr/lib/os-release', release).replaceAll('/etc/os-release', '/nowhere'), env);
};

const sorted = (lines: readonly string[]) => {
  const of = (word: string) => lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : [])).sort();
  return { own: of('own'), free: of('free'), end: lines.at(-1) };
};

const dpkgDatabase = (name: string, status: string): string => {
  const database = join(folder, name);
  for (const under of ['info', 'updates', 'triggers']) mkdirSync(join(database, under), { recursive: true });
  writeFileSync(join(database, 'status'), status);
  return database;
};

/** An apt that knows only this database. */
const aptFor = (database: string): NodeJS.ProcessEnv => {
  for (const under of ['apt/lists/partial', 'cache/archives/partial']) mkdirSync(join(database, under), { recursive: true });
  const path = join(database, 'apt.conf');
  writeFileSync(
    path,
    `Dir::State "${database}/apt";\nDir::State::status "${database}/status";\nDir::Cache "${database}/cache";\nDir::Etc "${database}";\n`,
  );
  const auto = Object.keys(needs).filter((name) => !byHand.includes(name));
  const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
  writeFileSync(
    join(database, 'apt/extended_states'),
    auto.map((name) => `Package: ${name}\nArchitecture: ${architecture}\nAuto-Installed: 1\n\n`).join(''),
  );
  return { DPKG_ADMINDIR: database, APT_CONFIG: path };
};

const paragraph = (name: string, need: string, architecture: string, more = ''): string =>
  `Package: ${name}\nStatus: install ok installed\nMaintainer: x <x@example.com>\nArchitecture: ${architecture}\n${more}Version: 1:2-3\n${need && `Depends: ${need}\n`}Description: x\n`;

describe.skipIf(!has('apt-mark'))(withReason('dpkg and apt', 'apt-mark'), () => {
  const status = Object.entries(needs).map(([name, need]) =>
    paragraph(name, need.replace('shared', 'shared (= 1:2-3)'), 'all', givesDebian(name)),
  );
  const database = dpkgDatabase('dpkg', status.join('\n'));
  for (const name of Object.keys(needs)) writeFileSync(join(database, 'info', `${name}.list`), '/.\n');

  test('tell what came for the run and can go without anything else; what somebody else installed meanwhile is not of it', () => {
    expect(sorted(asked('debian', debian, aptFor(database)))).toEqual({ ...expected, end: 'end' });
    expect(readFileSync(join(database, 'status'), 'utf8')).toBe(status.join('\n'));
    const all = Object.keys(needs).map((name) => `${name} 1:2-3`);
    expect(shell(debian.installedNow ?? '', { DPKG_ADMINDIR: database })).toEqual([...all.sort(), 'end']);
  });

  test('an answer that failed on the way has no end', () => {
    program('failing', 'apt-mark', 'exit 100');
    expect(asked('debian', debian, { ...aptFor(database), PATH: pathWith('failing') })).not.toContain('end');
    const broken = dpkgDatabase('broken', `${paragraph('a', '', 'all')}\nnonsense\n`);
    expect(shell(debian.installedNow ?? '', { DPKG_ADMINDIR: broken })).not.toContain('end');
  });

  test('packages that can be there for two architectures are known by their names with and without them', () => {
    const architecture = execFileSync('dpkg', ['--print-architecture'], { encoding: 'utf8' }).trim();
    const same = Object.entries(needs).map(([name, need]) =>
      paragraph(
        name,
        need.replace('l2', 'l2:any (>= 1:1) | nothing'),
        architecture,
        `Multi-Arch: ${name === 'l2' ? 'allowed' : 'same'}\n${givesDebian(name)}`,
      ),
    );
    const here = dpkgDatabase('same', same.join('\n'));
    const fully = (names: readonly string[]) => names.map((name) => (name === 'l2' ? name : `${name}:${architecture}`));
    for (const name of fully(Object.keys(needs))) writeFileSync(join(here, 'info', `${name}.list`), '/.\n');
    const now = shell(debian.installedNow ?? '', { DPKG_ADMINDIR: here }).slice(0, -1);
    expect(now.map((line) => line.split(' ')[0]).sort()).toEqual(fully(Object.keys(needs)).sort());
    const actions: Action[] = debian.install(['a', 'd'], false).map((action) => ({ do: 'run', ...action, for: [] }));
    const came = Object.fromEntries(
      fully(Object.keys(needs).filter((name) => !['c', 'old', 'lone'].includes(name))).map((name) => [name, '1:2-3']),
    );
    const [query] = packagesPart.again?.({ x: '1' }, came, { actions, packages: true }) ?? [];
    const lines = shell((query?.ask === 'run' && query.argv[2]) || '', aptFor(here));
    expect(sorted(lines)).toEqual({ own: fully(expected.own).sort(), free: fully(expected.free).sort(), end: 'end' });
  });

  test('what dpkg had half-way before a run did not come with it', () => {
    const states = ['unpacked', 'half-configured', 'half-installed', 'triggers-pending', 'triggers-awaited', 'installed'];
    const versionOf = (state: string) => (state === 'half-installed' ? '' : 'Version: 1-1\n');
    const paragraphs = [...states, 'config-files', 'not-installed'].map((state, at) => {
      const more =
        state === 'triggers-pending' ? 'Triggers-Pending: x\n' : state === 'triggers-awaited' ? 'Triggers-Awaited: s5\n' : '';
      const want = state === 'config-files' ? 'deinstall' : 'install';
      return `Package: s${at}\nStatus: ${want} ok ${state}\nMaintainer: x <x@example.com>\nArchitecture: all\n${versionOf(state)}${more}Description: x\n`;
    });
    const half = dpkgDatabase('half', paragraphs.join('\n'));
    expect(shell(debian.installedNow ?? '', { DPKG_ADMINDIR: half })).toEqual([
      ...states.map((state, at) => `s${at} ${state === 'half-installed' ? '?' : '1-1'}`),
      'end',
    ]);
  });
});

describe.skipIf(!has('rpmbuild') || !has('dnf') || !has('createrepo_c'))(
  withReason('rpm and dnf', 'rpmbuild', 'dnf', 'createrepo_c'),
  () => {
    const root = join(folder, 'root');
    const env = { HOME: folder, PATH: pathWith('rooted') };
    const [rpm, dnf] = ['rpm', 'dnf'].map((name) =>
      has(name) ? execFileSync('which', [name], { encoding: 'utf8' }).trim() : '',
    );

    const furnish = (): void => {
      mkdirSync(root);
      writeFileSync(join(folder, '.rpmmacros'), `%_topdir ${folder}/top\n`);
      const specs = Object.entries(needs).map(([name, need]) => {
        const path = join(folder, `${name}.spec`);
        const head = `Name: ${name}\nEpoch: 1\nVersion: 2\nRelease: 3\nSummary: x\nLicense: x\nBuildArch: noarch\n`;
        writeFileSync(path, `${head}${gives(name)}${need && `Requires: ${need}\n`}%description\nx\n%files\n`);
        return path;
      });
      program('rooted', 'rpm', `exec ${rpm} --root ${root} "$@"`);
      program('rooted', 'dnf', `exec ${dnf} --installroot=${root} --releasever=1 "$@"`);
      const repository = `${folder}/top/RPMS/noarch`;
      const from = `--setopt=reposdir=/nowhere --repofrompath=x,file://${repository} --nogpgcheck --setopt=cachedir=${folder}/cache`;
      shell(
        `{ rpmbuild -bb ${specs.join(' ')} && createrepo_c -q ${repository} && dnf -q -y ${from} install ${byHand.join(' ')}; } >&2`,
        env,
      );
    };

    test('tell what came for the run and can go without anything else; what somebody else installed meanwhile is not of it', () => {
      furnish();
      const all = Object.keys(needs).map((name) => `${name} 1:2-3`);
      expect(shell(rhel.installedNow ?? '', env).sort()).toEqual([...all, 'end'].sort());
      expect(sorted(asked('rocky', rhel, env))).toEqual({ ...expected, end: 'end' });
      expect(shell(rhel.installedNow ?? '', env)).toHaveLength(all.length + 1);
    });

    test('the words of dnf 5 are understood as well', () => {
      const reasons = Object.keys(needs).map(
        (name) => `${name} ${byHand.includes(name) ? 'User' : name === 'l2' ? 'Weak Dependency' : 'Dependency'}`,
      );
      program('rooted', 'dnf', `printf '%s\\n' ${reasons.map((line) => `'${line}'`).join(' ')}`);
      expect(sorted(asked('fedora', rhel, env))).toEqual({ ...expected, end: 'end' });
    });

    test('an answer that failed on the way has no end', () => {
      program('rooted', 'dnf', 'exit 1');
      expect(asked('rocky', rhel, env)).not.toContain('end');
      program('rooted', 'rpm', 'echo "a 1:2-3"; exit 1');
      expect(shell(rhel.installedNow ?? '', env)).not.toContain('end');
    });
  },
);
