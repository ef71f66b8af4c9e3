import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gzipped } from '../../scripts/package.d/contents.ts';
import { executable, targets } from '../../scripts/package.d/executable.ts';
import { has, withReason } from '../needs.ts';
import { builtExecutable } from './executable.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-executable-'));
afterAll(() => rmSync(folder, { recursive: true }));

test.skipIf(process.arch !== 'x64' || !has('strip'))(
  withReason('the executable is the same from another build, byte for byte, and takes the place of one that runs', 'strip'),
  async () => {
    const first = readFileSync(await builtExecutable());
    const path = join(folder, 'node-prep-linux-x64');
    copyFileSync('/bin/sleep', path);
    const running = spawn(path, ['300']);
    try {
      const [target] = targets.filter(({ arch }) => arch === 'x64');
      const dist = join(folder, 'dist');
      execFileSync(process.execPath, ['scripts/build.ts', dist], { cwd: resolve(import.meta.dirname, '../..') });
      if (target) executable(target, folder, dist);
    } finally {
      running.kill();
    }
    const second = readFileSync(path);
    expect(second.equals(first)).toBe(true);
    expect(readdirSync(folder).sort()).toEqual(['dist', 'node-prep-linux-x64']);
    // What goes into the .gz is the same then: left is what gzip may say of the time, in bytes 4 to 7 (RFC 1952).
    expect([...gzipped(first.subarray(0, 100_000)).subarray(4, 8)]).toEqual([0, 0, 0, 0]);
  },
  240_000,
);
