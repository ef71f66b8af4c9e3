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
import { requireWritable, writeFile } from '../../src/hosts/write.ts';
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
  test('a write that fails leaves no temporary file behind', () => {
    const path = join(folder, 'a');
    mkdirSync(path);
    expect(() => writeFile(writeOf(path, null, 'x'))).toThrow();
    expect(readdirSync(folder)).toEqual(['a']);
  });

  test('a temporary file that is in the way is not written over', () => {
    const temporary = join(folder, `.a.${process.pid}.node-prep.tmp`);
    symlinkSync('/nonexistent/elsewhere', temporary);
    expect(() => writeFile(writeOf(join(folder, 'a'), null, 'x'))).toThrow();
    expect(existsSync(join(folder, 'a'))).toBe(false);
  });

  test('the new file is a new inode: who has the old one open keeps reading that', () => {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const before = statSync(path).ino;
    writeFile(writeOf(path, 'old', 'new'));
    expect(statSync(path).ino).not.toBe(before);
  });

  test('a mode that the umask would cut is given all the same', () => {
    const umask = process.umask(0o077);
    try {
      writeFile(writeOf(join(folder, 'd/a'), null, 'x', '0664'));
    } finally {
      process.umask(umask);
    }
    expect(statSync(join(folder, 'd/a')).mode & 0o777).toBe(0o664);
  });

  test('text that is not UTF-8 never matches what was read, and is left alone byte for byte', () => {
    const path = join(folder, 'a');
    const bytes = Buffer.from([0x61, 0xff, 0xfe, 0x0a]);
    writeFileSync(path, bytes);
    expect(() => writeFile(writeOf(path, bytes.toString('utf8'), 'x'))).toThrow(/is not what it was/);
    expect(readFileSync(path).equals(bytes)).toBe(true);
  });

  test.each(['nowhere', '/dev/null'])('a link to %s, which somebody put there as a mask, is refused and stays', (target) => {
    const path = join(folder, 'a');
    symlinkSync(target, path);
    for (const before of [null, '']) {
      expect(() => requireWritable([writeOf(path, before, 'x')])).toThrow(/does not lead to a regular file/);
      expect(() => writeFile(writeOf(path, before, 'x'))).toThrow(/does not lead to a regular file/);
    }
    expect(readlinkSync(path)).toBe(target);
    expect(statSync('/dev/null').isCharacterDevice()).toBe(true);
  });

  test('a folder in the place of the file is refused before anything is done', () => {
    mkdirSync(join(folder, 'a'));
    expect(() => requireWritable([writeOf(join(folder, 'a'), null, 'x')])).toThrow(/no regular file/);
  });

  test('a reader at any moment sees the old text or the new one, never a part', async () => {
    const path = join(folder, 'a');
    const texts = ['a', 'b'].map((sign) => `${sign.repeat(200_000)}\n`);
    writeFileSync(path, texts[0] ?? '');
    const reader = new Worker(
      `const { readFileSync } = require('node:fs');
       const { parentPort, workerData } = require('node:worker_threads');
       let [reads, torn] = [0, 0];
       const end = Date.now() + 1000;
       while (Date.now() < end) {
         const text = readFileSync(workerData, 'utf8');
         reads += 1;
         if (text.length !== 200001 || (text[0] + '\\n') !== text.slice(-2)) torn += 1;
       }
       parentPort.postMessage({ reads, torn });`,
      { eval: true, workerData: path },
    );
    const seen = new Promise<{ reads: number; torn: number }>((resolve, reject) => {
      reader.once('message', resolve);
      reader.once('error', reject);
    });
    let writes = 0;
    for (const end = Date.now() + 900; Date.now() < end; writes++) {
      writeFile(writeOf(path, texts[writes % 2] ?? '', texts[(writes + 1) % 2] ?? ''));
      await new Promise((resolve) => setImmediate(resolve));
    }
    const { reads, torn } = await seen;
    expect(torn).toBe(0);
    expect(Math.min(reads, writes)).toBeGreaterThan(5);
  });
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
