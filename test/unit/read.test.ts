import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { here } from '../../src/hosts/place.ts';
import { fileAnswer, fullRoom, readAnswer } from '../../src/hosts/read.ts';
import { treeWith } from './trees.ts';

const { root, end } = treeWith({ '/empty': '' });
afterAll(end);

const read = resolve(import.meta.dirname, '../../src/hosts/read.ts');

/** What an expression with `read`, the module, and `stats`, those of an empty file, comes to in a process of its own. */
const apart = (expression: string): unknown => {
  const script = `const read = await import(process.argv[1]);
    const stats = process.getBuiltinModule('node:fs').statSync(${JSON.stringify(join(root, 'empty'))});
    console.log(JSON.stringify(${expression}));`;
  const { stdout, error } = spawnSync(process.execPath, ['--max-old-space-size=200', '--input-type=module', '-e', script, read], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return error ? String(error) : JSON.parse(stdout || '"nothing"');
};

describe('a file that is read', () => {
  test('and is a pipe since it was looked at is not waited for', () => {
    execFileSync('mkfifo', [join(root, 'pipe')]);
    expect(apart(`read.fileAnswer(${JSON.stringify(join(root, 'pipe'))}, '/pipe', stats, read.fullRoom())`)).toEqual({
      status: 0,
      text: '',
    });
  });

  test('and has grown without end since it was looked at is read no further than any other', () => {
    expect(apart(`read.fileAnswer('/dev/zero', '/zero', stats, read.fullRoom())`)).toEqual({
      status: 2,
      text: '/zero is larger than 2 MiB',
    });
    expect(apart(`read.fileAnswer('/dev/zero', '/zero', stats, read.fullRoom(), ['x'])`)).toEqual({
      status: 2,
      text: '/zero is larger than 32 MiB',
    });
  });

  test('through a link into /proc where nothing is to be read yet is not waited for', () => {
    symlinkSync('/proc/kmsg', join(root, 'kmsg.conf'));
    const place = `{ at: (path) => path, behind: (path) => path }`;
    expect(apart(`read.readAnswer(${place}, ${JSON.stringify(join(root, 'kmsg.conf'))})`)).toHaveProperty('status');
  });

  test.each([0, 1, 4095, 4096, 4097, 65_535, 65_536, 65_537, 200_001, 900_000])('of %d bytes is whole', (size) => {
    const path = join(root, 'sized');
    writeFileSync(path, `${'b'.repeat(99)}\n`.repeat(size / 100 + 1).slice(0, size));
    expect(readAnswer(here, path).text).toBe(readFileSync(path, 'utf8'));
    // A size that was told too small, as /proc tells 0 of every file.
    expect(fileAnswer(path, path, statSync(join(root, 'empty')), fullRoom()).text.length).toBe(size);
  });

  test.each([
    '/proc/cpuinfo',
    '/proc/self/status',
    '/proc/mounts',
    '/proc/sys/kernel/ostype',
    '/proc/kallsyms',
    '/sys/kernel/notes',
  ])('of the kernel is whole: %s', (path) => {
    let whole: string;
    try {
      whole = readFileSync(path, 'utf8');
    } catch {
      return;
    }
    const { status, text } = readAnswer(here, path);
    if (whole.length > 2 * 1024 * 1024) expect(status).toBe(2);
    else expect(text.split('\n').length).toBe(whole.split('\n').length);
  });

  test('with bytes that are no UTF-8 is said to be garbled, one with U+FFFD itself is not', () => {
    const path = join(root, 'bytes');
    writeFileSync(path, Buffer.from([0x61, 0xff]));
    expect(readAnswer(here, path)).toEqual({ status: 0, text: 'a\ufffd', garbled: true });
    writeFileSync(path, 'a\ufffd');
    expect(readAnswer(here, path)).toEqual({ status: 0, text: 'a\ufffd' });
  });
});
