import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { publint } from 'publint';
import { formatMessage } from 'publint/utils';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

// Packing and npm are slow where other tests use the machine as well.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const root = resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'node-prep-npm-'));
const installed = join(folder, 'node_modules/node-prep');
afterAll(() => rmSync(folder, { recursive: true }));

const node = (...words: string[]) => spawnSync(process.execPath, words, { cwd: folder, encoding: 'utf8' });

describe('the npm package, packed and installed into an empty folder without any network', () => {
  beforeAll(() => {
    // The library is added to a copy: dist/ is what other tests use at the same time.
    const copy = join(folder, 'copy');
    for (const part of ['package.json', 'README.md', 'CHANGELOG.md', 'dist', 'docs', 'schemas', 'toolchain/package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true });
    execFileSync(process.execPath, ['scripts/library.ts', join(copy, 'dist')], { cwd: root });
    execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], { cwd: copy });
    const packed = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? '';
    writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
    mkdirSync(join(folder, 'cache'));
    execFileSync('npm', ['install', '--offline', '--cache', 'cache', '--no-audit', '--no-fund', '--silent', `./${packed}`], {
      cwd: folder,
    });
  }, 120_000);

  test('brings nothing else along: no library, and no Node', () => {
    expect(readdirSync(join(folder, 'node_modules')).filter((name) => !name.startsWith('.'))).toEqual(['node-prep']);
  });

  test('has what it needs and nothing that is for the executable or for building', () => {
    const files = readdirSync(installed, { recursive: true, encoding: 'utf8' });
    expect(files).toEqual(
      expect.arrayContaining(['dist/node-prep.cjs', 'dist/library.js', 'dist/types/library.d.ts', 'README.md', 'CHANGELOG.md']),
    );
    expect(files.filter((name) => /executable|^src|^scripts|^test|release|\.test\./.test(name))).toEqual([]);
  });

  test('npx node-prep plan works', () => {
    const ran = spawnSync('npx', ['--offline', 'node-prep', 'plan', '-q'], { cwd: folder, encoding: 'utf8' });
    expect([ran.status, ran.stdout]).toEqual([0, expect.stringMatching(/^local: \d+ ok/)]);
  });

  test('publint has nothing to say', async () => {
    const { messages, pkg } = await publint({ pkgDir: installed, pack: false, strict: true });
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([]);
  });

  test('the example of its documentation fits its types, strictly, and runs', () => {
    const [, example = ''] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'docs/library.md'), 'utf8')) ?? [];
    expect(example).toContain("from 'node-prep'");
    writeFileSync(join(folder, 'example.ts'), example);
    const options = {
      module: 'nodenext',
      target: 'es2024',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files: ['example.ts'] }));
    const checked = spawnSync(join(root, 'node_modules/.bin/tsc'), ['-p', '.'], { cwd: folder, encoding: 'utf8' });
    expect([checked.status, checked.stdout]).toEqual([0, '']);
    expect(node('example.ts')).toMatchObject({ status: 0, stderr: '', stdout: expect.stringMatching(/\d+ to change\n$/) });
  });

  test('importing and requiring it does nothing, and gives the same names', () => {
    const names = "Object.keys(m).filter((k) => k !== 'default' && k !== 'module.exports').sort().join()";
    const imported = node('--input-type=module', '-e', `import * as m from 'node-prep'; console.log(${names})`);
    const required = node('--input-type=commonjs', '-e', `const m = require('node-prep'); console.log(${names})`);
    expect(imported.stdout).toContain('makePlan');
    expect([required.stdout, required.stderr, imported.stderr]).toEqual([imported.stdout, '', '']);
  });

  test('a configuration file is read by the library too', () => {
    writeFileSync(join(folder, 'c.yaml'), 'modules: [tun]\n');
    const script =
      "import { loadSettings } from 'node-prep'; const s = await loadSettings({ profiles: [], waive: [], config: 'c.yaml' }, new Date()); console.log(JSON.stringify(s.desired.requirements))";
    expect(node('--input-type=module', '-e', script).stdout).toContain('"name":"tun"');
  });
});
