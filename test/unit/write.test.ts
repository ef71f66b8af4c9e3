import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { here } from '../../src/hosts/place.ts';
import { sweep } from '../../src/hosts/leftovers.ts';
import { requireWritable } from '../../src/hosts/writable.ts';
import { writeFile } from '../../src/hosts/write.ts';
import type { Action } from '../../src/model.ts';

type Write = Extract<Action, { do: 'write' }>;

let folder = '';
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'node-prep-write-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const writeOf = (path: string, before: string | null, after: string, mode: Write['mode'] = '0644'): Write => ({
  do: 'write',
  path,
  mode,
  before,
  after,
  for: [],
});

describe('a file is replaced whole or not at all', () => {
  test('a write that fails leaves no temporary file behind', async () => {
    const path = join(folder, 'a');
    mkdirSync(path);
    await expect(writeFile(writeOf(path, null, 'x'))).rejects.toThrow();
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('what is in the way of the temporary file and was not made by node-prep is not written over or through', async () => {
    const temporary = join(folder, '.a.node-prep.tmp');
    symlinkSync('/nonexistent/elsewhere', temporary);
    await expect(writeFile(writeOf(join(folder, 'a'), null, 'x'))).rejects.toThrow(/node-prep did not make it/);
    expect(() => requireWritable([writeOf(join(folder, 'a'), null, 'x')])).toThrow(/node-prep did not make it/);
    expect(existsSync(join(folder, 'a'))).toBe(false);
    expect(readlinkSync(temporary)).toBe('/nonexistent/elsewhere');
  });

  test('what a killed run left there is replaced', async () => {
    writeFileSync(join(folder, '.a.node-prep.tmp'), 'half of a te');
    await writeFile(writeOf(join(folder, 'a'), null, 'x'));
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test.each(['a'.repeat(255), 'ä'.repeat(127)])('a name as long as names may be is written as well: %s', async (name) => {
    await writeFile(writeOf(join(folder, name), null, 'x'));
    expect(readdirSync(folder)).toEqual([name]);
  });

  test('leftovers of killed runs beside the files of a plan are swept away, and nothing else is', () => {
    mkdirSync(join(folder, 'real'));
    for (const name of ['.x.node-prep.tmp', 'real/.y.node-prep.tmp', '.foreign.tmp', 'b.node-prep.tmp'])
      writeFileSync(join(folder, name), '');
    symlinkSync('b.node-prep.tmp', join(folder, '.z.node-prep.tmp'));
    writeFileSync(join(folder, 'real/a'), '');
    symlinkSync('real/a', join(folder, 'a'));
    sweep([join(folder, 'a'), join(folder, 'gone/a')], here);
    expect(readdirSync(folder).sort()).toEqual(['.foreign.tmp', '.z.node-prep.tmp', 'a', 'b.node-prep.tmp', 'real']);
    expect(readdirSync(join(folder, 'real'))).toEqual(['a']);
  });

  test('the new file is a new inode: who has the old one open keeps reading that', async () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const before = statSync(path).ino;
    await writeFile(writeOf(path, 'old', 'new'));
    expect(statSync(path).ino).not.toBe(before);
  });

  test('a mode that the umask would cut is given all the same', async () => {
    const umask = process.umask(0o077);
    try {
      await writeFile(writeOf(join(folder, 'd/e/a'), null, 'x', '0664'));
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(folder, 'd/e/a')).mode & 0o777).toBe(0o664);
    for (const made of ['d', 'd/e']) expect(statSync(join(folder, made)).mode & 0o777).toBe(0o755);
  });

  test('text that is not UTF-8 never matches what was read, and is left alone byte for byte', async () => {
    const path = join(folder, 'a');
    const bytes = Buffer.from([0x61, 0xff, 0xfe, 0x0a]);
    writeFileSync(path, bytes);
    await expect(writeFile(writeOf(path, bytes.toString('utf8'), 'x'))).rejects.toThrow(/is not what it was/);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test.each(['nowhere', '/dev/null'])(
    'a link to %s, which somebody put there as a mask, is refused and stays',
    async (target) => {
      const path = join(folder, 'a');
      symlinkSync(target, path);
      for (const before of [null, '']) {
        expect(() => requireWritable([writeOf(path, before, 'x')])).toThrow(/does not lead to a regular file/);
        await expect(writeFile(writeOf(path, before, 'x'))).rejects.toThrow(/does not lead to a regular file/);
      }
      expect(readlinkSync(path)).toBe(target);
      expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
    },
  );

  test('a folder in the place of the file is refused before anything is done', () => {
    mkdirSync(join(folder, 'a'));
    expect(() => requireWritable([writeOf(join(folder, 'a'), null, 'x')])).toThrow(/no regular file/);
  });

  test(
    'a reader at any moment sees the old text or the new one, never a part, 1000 replacements long',
    { timeout: 120_000 },
    async () => {
      const path = join(folder, 'a');
      const texts = ['a', 'b'].map((sign) => `${sign.repeat(200_000)}\n`);
      const [times, ended] = [1000, join(folder, 'ended')];
      writeFileSync(path, texts[0] ?? '');
      const reader = new Worker(
        `const { existsSync, readFileSync } = require('node:fs');
       const { parentPort, workerData } = require('node:worker_threads');
       let [reads, torn] = [0, 0];
       while (!existsSync(workerData.ended)) {
         const text = readFileSync(workerData.path, 'utf8');
         reads += 1;
         if (text.length !== 200001 || (text[0] + '\\n') !== text.slice(-2)) torn += 1;
       }
       parentPort.postMessage({ reads, torn });`,
        { eval: true, workerData: { path, ended } },
      );
      const seen = new Promise<{ reads: number; torn: number }>((resolve, reject) => {
        reader.once('message', resolve);
        reader.once('error', reject);
      });
      for (let writes = 0; writes < times; writes++)
        await writeFile(writeOf(path, texts[writes % 2] ?? '', texts[(writes + 1) % 2] ?? ''));
      writeFileSync(ended, '');
      const { reads, torn } = await seen;
      console.log(`readers: ${times} replacements, ${reads} reads, ${torn} torn`);
      expect(torn).toBe(0);
      expect(reads).toBeGreaterThan(100);
    },
  );
});

describe('what cannot be written is said before anything is done', () => {
  const isRoot = process.geteuid?.() === 0;

  test('a folder to be made below one that can be written is no problem', () => {
    expect(() => requireWritable([writeOf(join(folder, 'x/y/z'), null, '')])).not.toThrow();
  });

  test.skipIf(isRoot)(
    `a folder without the right to write is named${isRoot ? ' [skipped: root may write everywhere]' : ''}`,
    () => {
      chmodSync(folder, 0o555);
      expect(() => requireWritable([writeOf(join(folder, 'a'), null, '')])).toThrow(/Nothing was touched/);
      chmodSync(folder, 0o755);
    },
  );
});
