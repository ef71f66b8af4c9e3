import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { debian } from '../../src/families/debian.ts';
import type { Family } from '../../src/families/family.ts';
import { rhel } from '../../src/families/rhel.ts';
import { has, withReason } from '../needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-removal-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Packages by what they need. A run brought a, b, d and l; c came later and needs b, as does a. */
const needs: { readonly [name: string]: string } = { a: 'b', b: 'l', c: 'b', d: 'l2', l: '', l2: '' };
const brought = ['a', 'b', 'd', 'l', 'l2', 'gone'];

const shell = (script: string, env: NodeJS.ProcessEnv): string[] =>
  spawnSync('sh', ['-c', script], { encoding: 'utf8', env: { ...process.env, LC_ALL: 'C', ...env } })
    .stdout.split('\n')
    .filter((line) => line !== '');

const removable = ({ removal }: Family, env: NodeJS.ProcessEnv): string[] =>
  shell(`set -- ${brought.join(' ')}\n${removal?.ask ?? ''}`, env).sort();

test.skipIf(!has('dpkg'))(withReason('dpkg tells what can go without anything else', 'dpkg'), () => {
  const database = join(folder, 'dpkg');
  for (const name of ['info', 'updates', 'triggers']) mkdirSync(join(database, name), { recursive: true });
  const paragraphs = Object.entries(needs).map(
    ([name, need]) =>
      `Package: ${name}\nStatus: install ok installed\nMaintainer: x <x@example.com>\nArchitecture: all\nVersion: 1:2-3\n${need && `Depends: ${need}\n`}Description: x\n`,
  );
  writeFileSync(join(database, 'status'), paragraphs.join('\n'));
  for (const name of Object.keys(needs)) writeFileSync(join(database, 'info', `${name}.list`), '/.\n');
  const before = readFileSync(join(database, 'status'), 'utf8');
  expect(removable(debian, { DPKG_ADMINDIR: database })).toEqual(['a', 'd', 'l2']);
  expect(readFileSync(join(database, 'status'), 'utf8')).toBe(before);
  expect(shell(debian.installedNow ?? '', { DPKG_ADMINDIR: database })).toEqual(
    Object.keys(needs).map((name) => `${name} 1:2-3`),
  );
});

test.skipIf(!has('dpkg'))(withReason('what dpkg had half-way before a run did not come with it', 'dpkg'), () => {
  const database = join(folder, 'half');
  for (const name of ['info', 'updates', 'triggers']) mkdirSync(join(database, name), { recursive: true });
  const states = ['unpacked', 'half-configured', 'half-installed', 'triggers-pending', 'triggers-awaited', 'installed'];
  const versionOf = (state: string) => (state === 'half-installed' ? '' : 'Version: 1-1\n');
  const paragraphs = [...states, 'config-files', 'not-installed'].map((state, at) => {
    const more =
      state === 'triggers-pending' ? 'Triggers-Pending: x\n' : state === 'triggers-awaited' ? 'Triggers-Awaited: s5\n' : '';
    const want = state === 'config-files' ? 'deinstall' : 'install';
    return `Package: s${at}\nStatus: ${want} ok ${state}\nMaintainer: x <x@example.com>\nArchitecture: all\n${versionOf(state)}${more}Description: x\n`;
  });
  writeFileSync(join(database, 'status'), paragraphs.join('\n'));
  expect(shell(debian.installedNow ?? '', { DPKG_ADMINDIR: database }).sort()).toEqual(
    states.map((state, at) => `s${at} ${state === 'half-installed' ? '?' : '1-1'}`),
  );
});

test.skipIf(!has('rpmbuild'))(withReason('rpm tells what can go without anything else', 'rpmbuild'), () => {
  writeFileSync(join(folder, '.rpmmacros'), `%_topdir ${folder}/top\n%_dbpath ${folder}/rpmdb\n`);
  const specs = Object.entries(needs).map(([name, need]) => {
    const path = join(folder, `${name}.spec`);
    const head = `Name: ${name}\nEpoch: 1\nVersion: 2\nRelease: 3\nSummary: x\nLicense: x\nBuildArch: noarch\n`;
    writeFileSync(path, `${head}${need && `Requires: ${need}\n`}%description\nx\n%files\n`);
    return path;
  });
  const env = { HOME: folder };
  shell(`rpmbuild -bb ${specs.join(' ')} >&2; rpm --initdb; rpm -i --justdb ${folder}/top/RPMS/noarch/*.rpm`, env);
  expect(shell(rhel.installedNow ?? '', env).sort()).toEqual(Object.keys(needs).map((name) => `${name} 1:2-3`));
  expect(removable(rhel, env)).toEqual(['a', 'd', 'l2']);
  expect(shell(rhel.installedNow ?? '', env)).toHaveLength(6);
});
