import { Ajv } from 'ajv';
import { build } from 'esbuild';
import { execFileSync, spawnSync } from 'node:child_process';
import { copyFileSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { readAbout } from '../../scripts/package.d/about.ts';
import { bashCompletion, fishCompletion, zshCompletion } from '../../scripts/package.d/completions.ts';
import { makeDeb } from '../../scripts/package.d/deb.ts';
import { bundledLibraries, notices } from '../../scripts/package.d/libraries.ts';
import type { Library } from '../../scripts/package.d/libraries.ts';
import { manPage } from '../../scripts/package.d/man.ts';
import { makeRpm } from '../../scripts/package.d/rpm.ts';
import { sbomJson } from '../../scripts/package.d/sbom.ts';
import { commands } from '../../src/commands/table.ts';
import { has, withReason } from '../needs.ts';

// Packing and npm are slow where other tests use the machine as well.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'node-prep-packages-'));
const about = readAbout();
let libraries: readonly Library[] = [];
beforeAll(async () => void (libraries = await bundledLibraries()));
afterAll(() => rmSync(folder, { recursive: true }));

const withUmask = <T>(mask: number, make: () => T): T => {
  const before = process.umask(mask);
  try {
    return make();
  } finally {
    process.umask(before);
  }
};

describe('the packages', () => {
  /** A program of this machine in the executable's place: what packing does is the same, and quick. */
  const made = (name: string, make: typeof makeDeb, when: number): Buffer => {
    const to = join(folder, name);
    mkdirSync(to);
    const executable = join(to, 'executable');
    copyFileSync('/bin/true', executable);
    utimesSync(executable, when, when);
    return readFileSync(make({ about, notices: notices(libraries), executable, arch: 'x64', folder: to, compression: 'quick' }));
  };

  test.skipIf(!has('dpkg-deb'))(withReason('a .deb that is made twice is the same, byte for byte', 'dpkg-deb'), () => {
    const first = made('deb-1', makeDeb, 1_000_000_000);
    expect(first.length).toBeGreaterThan(10_000);
    expect(withUmask(0o077, () => made('deb-2', makeDeb, 1_700_000_000)).equals(first)).toBe(true);
    const listed = execFileSync('dpkg-deb', ['-c', globSync(join(folder, 'deb-2/*.deb'))[0] ?? ''], { encoding: 'utf8' });
    expect(listed.split('\n').filter((line) => line !== '' && !line.includes(' root/root '))).toEqual([]);
    expect(listed).toMatch(/^-rwxr-xr-x root\/root +\d+ \S+ \S+ \.\/usr\/bin\/node-prep$/m);
    expect(listed).not.toMatch(/^d?[-rwx]+(?<!r-x|r--) root/m);
  });

  test.skipIf(!has('rpmbuild'))(withReason('an .rpm that is made twice is the same, byte for byte', 'rpmbuild'), () => {
    const first = made('rpm-1', makeRpm, 1_000_000_000);
    expect(made('rpm-2', makeRpm, 1_700_000_000).equals(first)).toBe(true);
    const path = globSync(join(folder, 'rpm-2/*.rpm'))[0] ?? '';
    const listed = execFileSync('rpm', ['-qp', '--qf', '[%{FILENAMES} %{FILEUSERNAME} %{FILEGROUPNAME}\n]', path], {
      encoding: 'utf8',
    });
    expect(listed.split('\n').filter((line) => line !== '' && !line.endsWith(' root root'))).toEqual([]);
    expect(listed).not.toContain('build-id');
  });
});

describe('the bill of materials', () => {
  test('is valid CycloneDX', () => {
    const ajv = new Ajv({ strict: false, validateFormats: false });
    const folder = join(root, 'node_modules/@cyclonedx/cyclonedx-library/res/schema');
    const schema = (name: string) => JSON.parse(readFileSync(join(folder, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
    for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
      ajv.addSchema(schema(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
    const validate = ajv.compile(schema('bom-1.6'));
    expect([validate(JSON.parse(sbomJson(about, libraries))), validate.errors]).toEqual([true, null]);
  });

  test('names Node and every library that is in the bundle, and nothing else', async () => {
    type Bom = { components: { name: string; version: string }[] };
    const { components } = JSON.parse(sbomJson(about, libraries)) as Bom;
    expect(components[0]).toMatchObject({ name: 'node', version: process.versions.node });
    // esbuild says above each part where it came from, where it is not told to save room.
    const { outputFiles } = await build({
      entryPoints: ['src/main.ts', ...globSync('dist/lib/*.cjs', { cwd: root }).map((path) => basename(path, '.cjs'))],
      ...{ absWorkingDir: root, outdir: 'dist', bundle: true, write: false, platform: 'node', logLevel: 'error' },
    });
    const text = outputFiles.map((file) => file.text);
    const seen = new Set(
      text.flatMap((t) => [...t.matchAll(/^ *\/\/ (?:\S*\/)?node_modules\/((?:@[^/\n]+\/)?[^/\n]+)\//gm)].map((m) => m[1] ?? '')),
    );
    expect(seen.size).toBeGreaterThan(5);
    expect([...new Set(components.slice(1).map((c) => c.name))].sort()).toEqual([...seen].sort());
  });

  test('is the same when it is made again', async () => {
    expect(sbomJson(about, await bundledLibraries())).toBe(sbomJson(about, libraries));
  });

  test('and the terms of each of them are passed on', () => {
    const text = notices(libraries);
    for (const { name, version } of libraries) expect(text).toContain(`\n${name} ${version} (`);
    expect(text).not.toContain('No text of its licence');
  });
});

describe('the man page', () => {
  const page = manPage(about);

  test('has every command and every option of --help', () => {
    for (const command of commands) {
      expect(page).toContain(`.It Cm ${command.name}`);
      for (const name of Object.keys(command.options)) expect(page).toContain(`Fl Fl ${name.replaceAll('-', '\\-')}`);
    }
  });

  test.skipIf(!has('man'))(withReason('is rendered without a warning', 'man'), () => {
    const path = join(folder, 'node-prep.1');
    writeFileSync(path, page);
    const shown = spawnSync('man', ['-l', '--warnings=w', path], {
      encoding: 'utf8',
      env: { ...process.env, MANWIDTH: '80', LC_ALL: 'C' },
    });
    expect([shown.status, shown.stderr]).toEqual([0, '']);
    for (const part of ['SYNOPSIS', 'COMMANDS', 'OPTIONS', 'ENVIRONMENT', 'FILES', 'EXIT STATUS', 'EXAMPLES'])
      expect(shown.stdout).toContain(part);
  });
});

describe('completion', () => {
  const script = join(folder, 'completion.bash');
  const completed = (...words: string[]): string[] => {
    writeFileSync(script, bashCompletion());
    const call =
      'compopt() { :; }; . "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); $(complete -p node-prep | sed "s/.*-F //; s/ .*//"); printf "%s\\n" "${COMPREPLY[@]}"';
    return execFileSync('bash', ['--norc', '-c', call, script, ...words], { encoding: 'utf8' })
      .trim()
      .split('\n');
  };

  test('in bash completes commands, options, their values and ids', () => {
    expect(completed('node-prep', 'pl')).toEqual(['plan']);
    expect(completed('node-prep', '').slice(0, commands.length)).toEqual(commands.map((c) => c.name));
    expect(completed('node-prep', 'verify', '--text')).toEqual(['--textfile']);
    expect(completed('node-prep', 'plan', '-p', 'k')).toEqual(['kubernetes']);
    expect(completed('node-prep', 'plan', '--format', '=', 'j')).toEqual(['json']);
    expect(completed('node-prep', 'plan', '--color', '=')).toEqual(['auto', 'always', 'never']);
    expect(completed('node-prep', 'explain', 'module/br_')).toEqual(['module/br_netfilter']);
    expect(completed('node-prep', 'plan', '-c', '/etc/hostn')).toEqual(['/etc/hostname']);
    expect(completed('node-prep', 'plan', '--out', '/etc/hostn')).toEqual(['/etc/hostname']);
    expect(completed('node-prep', 'apply', '/etc/hostn')).toEqual(['/etc/hostname']);
    expect(completed('node-prep', 'apply', '--part')).toEqual(['--partial']);
  });

  test('that the program itself prints completes as well', () => {
    const answered = spawnSync(
      process.execPath,
      [join(root, 'dist/node-prep.cjs'), '--get-yargs-completions', 'node-prep', 'verify', '--text'],
      { encoding: 'utf8' },
    );
    expect(answered.stdout).toContain('--textfile');
  });

  test.skipIf(!has('zsh'))(withReason('for zsh is a script', 'zsh'), () => {
    expect(spawnSync('zsh', ['-n'], { input: zshCompletion(), encoding: 'utf8' })).toMatchObject({ status: 0, stderr: '' });
  });

  test('for zsh and fish names every command and option', () => {
    for (const { name, options } of commands) {
      expect(zshCompletion()).toContain(`      ${name}) _arguments`);
      expect(fishCompletion()).toContain(`-a ${name} -d`);
      for (const option of Object.keys(options)) {
        expect(zshCompletion()).toContain(`--${option}[`);
        expect(fishCompletion()).toContain(`-l ${option} `);
      }
    }
  });
});

describe('a release', () => {
  test('has an entry in the changelog, and one version everywhere', () => {
    expect(readFileSync(join(root, 'CHANGELOG.md'), 'utf8')).toContain(`\n## [${about.version}] - `);
    const asked = spawnSync(process.execPath, [join(root, 'dist/node-prep.cjs'), '--version'], { encoding: 'utf8' });
    expect(asked.stdout).toBe(`${about.version}\n`);
    expect(JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))).toMatchObject({ version: about.version });
    expect(JSON.parse(sbomJson(about, libraries))).toMatchObject({ metadata: { component: { version: about.version } } });
  });
});
