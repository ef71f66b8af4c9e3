import { spawnSync } from 'node:child_process';
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '../..');
const bundle = join(root, 'dist/node-prep.cjs');
const folder = mkdtempSync(join(tmpdir(), 'node-prep-startup-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Says at the end which files were required, which modules of Node were loaded after it, and which of its streams were made. */
const hook = join(folder, 'hook.cjs');
writeFileSync(
  hook,
  `const before = new Set(process.moduleLoadList);
  const streams = [];
  for (const name of ['stdout', 'stderr']) {
    const { get } = Object.getOwnPropertyDescriptor(process, name);
    Object.defineProperty(process, name, { configurable: true, get: () => (streams.push(name), get.call(process)) });
  }
  process.once('exit', () => require('node:fs').writeSync(2, 'loaded ' + JSON.stringify({
    files: Object.keys(require.cache).filter((path) => path !== __filename).map((path) => require('node:path').relative(${JSON.stringify(join(root, 'dist'))}, path)),
    streams,
    modules: process.moduleLoadList.filter((name) => !before.has(name)),
  })));`,
);

type Loaded = { readonly files: readonly string[]; readonly modules: readonly string[]; readonly streams: readonly string[] };

const loaded = (words: readonly string[], stdio: readonly ['ignore', 'pipe' | number, 'pipe']): Loaded => {
  const { stderr } = spawnSync(process.execPath, ['--require', hook, bundle, ...words], { encoding: 'utf8', stdio: [...stdio] });
  return JSON.parse(stderr.slice(stderr.indexOf('loaded ') + 'loaded '.length)) as Loaded;
};
const loadedBy = (...words: readonly string[]): Loaded => loaded(words, ['ignore', 'pipe', 'pipe']);

describe('what is loaded', () => {
  test('--version loads nothing but the loader', () => {
    const { files, modules } = loadedBy('--version');
    expect(files).toEqual(['node-prep.cjs']);
    expect(modules.filter((name) => !name.startsWith('NativeModule internal/'))).toEqual([]);
  });

  test.each([['verify'], ['plan', '-q'], ['plan', '--format', 'json'], ['facts']])('%s %s %s loads no library', (...words) => {
    expect(loadedBy(...words.filter((word) => word !== undefined)).files).toEqual(['node-prep.cjs']);
  });

  test('a plan that shows changes loads what compares texts, and nothing else', () => {
    expect(['lib/diff.cjs', 'node-prep.cjs']).toEqual(expect.arrayContaining([...loadedBy('plan').files]));
  });

  test.each(['pipe', 'file'])("a result goes to a %s without Node's streams for it", (to) => {
    const path = join(folder, 'result');
    const result = openSync(path, 'w');
    const stdio = ['ignore', to === 'pipe' ? 'pipe' : result, 'pipe'] as const;
    const { streams } = loaded(['plan', '-q'], stdio);
    closeSync(result);
    if (to === 'file') expect(readFileSync(path, 'utf8')).toMatch(/^local: /);
    expect(streams).not.toContain('stdout');
  });
});

describe('what is written', () => {
  const shell = (script: string) =>
    spawnSync('sh', ['-c', script, process.execPath, bundle], { encoding: 'utf8', env: { PATH: process.env['PATH'] ?? '' } });

  test('a full disk is said, with exit code 1', () => {
    const { status, stderr } = shell('"$0" "$1" profiles > /dev/full');
    expect([status, stderr]).toEqual([1, 'node-prep: the result could not be written: ENOSPC\n']);
  });

  test('what a slow reader of a non-blocking pipe does not take at once comes later, and whole', () => {
    const inherit =
      'process.stdout; require("node:child_process").spawnSync(process.execPath, process.argv.slice(1), { stdio: "inherit" })';
    const whole = shell('"$0" "$1" facts | wc -l').stdout.trim();
    const slow = shell(`"$0" -e '${inherit}' "$1" facts | (sleep 0.5; wc -l)`).stdout.trim();
    expect([Number(slow) > 100, slow]).toEqual([true, whole]);
  });

  test('messages to a closed standard error are lost, and the result stays right', () => {
    expect(shell('"$0" "$1" plan -q --waive "module/nobody=x" 2>&-').stdout).toMatch(/^local: /);
    expect(shell('"$0" "$1" paln 2>/dev/full').status).toBe(1);
  });
});

test('the same sources give the same bundle and the same compiled code, and disturb nobody who builds meanwhile', () => {
  const worlds = join(root, '.cache/worlds.json');
  const reader = openSync(worlds, 'r');
  const text = readFileSync(worlds, 'utf8');
  const built = ['one', 'two'].map((name) => {
    const to = join(folder, name);
    const { status, stderr } = spawnSync(process.execPath, ['scripts/build.ts', to], { cwd: root, encoding: 'utf8' });
    expect([status, stderr]).toEqual([0, '']);
    return readdirSync(to, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => [entry.name, readFileSync(join(entry.parentPath, entry.name)).toString('base64')])
      .sort();
  });
  expect(built[0]?.map(([name]) => name)).toContain('app.cache');
  expect(statSync(worlds).ino).not.toBe(fstatSync(reader).ino);
  expect(readFileSync(reader, 'utf8')).toBe(text);
  closeSync(reader);
  expect(built[1]?.filter(([name, bytes], i) => built[0]?.[i]?.[0] !== name || built[0]?.[i]?.[1] !== bytes)).toEqual([]);
});
