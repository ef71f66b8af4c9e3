import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { because, has } from '../needs.ts';
import { builtExecutable } from '../package/executable.ts';
import { runProgram } from './machine.ts';

/** What the oldest hosts have that it shall run on: RHEL 8 and Debian 10, with glibc 2.28 and the libstdc++ of GCC 8. */
const oldest: { readonly [library: string]: string } = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '8.0.0' };
const libraries = ['libc', 'libdl', 'libgcc_s', 'libm', 'libpthread', 'libstdc++'];
const nobody = 65534;

/** What makes and runs programs for arm64 here. */
const cross = '/usr/aarch64-linux-gnu';
const wanting = [
  ...['aarch64-linux-gnu-strip', 'qemu-aarch64-static'].filter((program) => !has(program)),
  ...['libc.so.6', 'libgcc_s.so.1', 'libstdc++.so.6'].map((name) => `${cross}/lib/${name}`).filter((path) => !existsSync(path)),
];
const noArm64 = wanting.length > 0 && `there is no ${wanting.join(', no ')} here`;

let x64: string;
let arm64: string;
let folder: string;
beforeAll(async () => {
  x64 = await builtExecutable();
  if (noArm64 !== false) return;
  // Not every user may look into the checkout.
  folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  arm64 = join(folder, 'node-prep');
  copyFileSync(await builtExecutable('arm64'), arm64);
  spawnSync('chmod', ['-R', 'a+rx', folder]);
});
afterAll(() => noArm64 === false && rmSync(folder, { recursive: true }));

describe('the executable', () => {
  const asksNothingNew = async (path: string): Promise<void> => {
    const { stdout } = await runProgram('readelf', ['--wide', '--dynamic', '--version-info', path]);
    const versions = [...stdout.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)].map(([, library = '', version = '']) => ({
      library,
      version,
    }));
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(({ library, version }) => !isAtMost(version, oldest[library] ?? '0'))).toEqual([]);
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.*)\.so\.\d+\]/g)].map((match) => match[1] ?? '');
    expect(needed.filter((name) => !name.startsWith('ld-linux')).sort()).toEqual(libraries);
  };

  const named = (arch: string) => `for ${arch} asks nothing of a library that RHEL 8 does not have`;
  test(named('x64'), () => asksNothingNew(x64));
  test.skipIf(noArm64 !== false)(because(named('arm64'), noArm64), () => asksNothingNew(arm64));
});

describe.skipIf(noArm64 !== false)(because('the executable for arm64, emulated, as a user without rights', noArm64), () => {
  const emulated = (...words: readonly string[]) =>
    spawnSync('qemu-aarch64-static', ['-L', cross, arm64, ...words], {
      cwd: '/',
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
      ...(process.getuid?.() === 0 && { uid: nobody, gid: nobody }),
    });

  test('says its version', async () => {
    const { stdout } = await runProgram(x64, ['--version']);
    expect(emulated('--version')).toMatchObject({ status: 0, stdout, stderr: '' });
  });

  test('plans', () => {
    const planned = emulated('plan', '--format', 'json');
    expect(planned).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(planned.stdout)).toMatchObject({
      version: 1,
      outcomes: [{ status: 'planned', plan: { system: { arch: 'aarch64' }, findings: expect.anything() } }],
    });
  });
});

const isAtMost = (version: string, bound: string): boolean => {
  const [a, b] = [version, bound].map((v) => v.split('.').map(Number));
  for (let i = 0; i < Math.max(a?.length ?? 0, b?.length ?? 0); i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return true;
};
