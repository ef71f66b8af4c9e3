import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { gzipped } from '../../scripts/package.d/contents.ts';
import { executable, targets } from '../../scripts/package.d/executable.ts';
import { because, has } from '../needs.ts';
import { builtExecutable } from './executable.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-executable-'));
afterAll(() => rmSync(folder, { recursive: true }));

const notHere =
  process.arch === 'x64' ? !has('strip') && 'there is no strip here' : 'the executable that is made here is for x86-64';

test.skipIf(notHere !== false)(
  because('nothing in the environment of the caller has Node do something else', notHere),
  async () => {
    const broken = join(folder, 'openssl.cnf');
    writeFileSync(broken, '[x');
    const env = { ...process.env, NODE_OPTIONS: '--require /nowhere.cjs', NODE_PATH: folder, OPENSSL_CONF: broken };
    const ran = spawnSync(await builtExecutable(), ['--version'], { encoding: 'utf8', env });
    rmSync(broken);
    expect(ran).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/), stderr: '' });
  },
  240_000,
);

test.skipIf(notHere !== false)(
  because('the executable is the same from another build, byte for byte, and takes the place of one that runs', notHere),
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
