import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { builtExecutable } from '../package/executable.ts';
import { runProgram } from './machine.ts';

/** What the oldest hosts have that it shall run on: RHEL 8 and Debian 10, with glibc 2.28 and the libstdc++ of GCC 8. */
const oldest: { readonly [library: string]: string } = { GLIBC: '2.28', GLIBCXX: '3.4.25', CXXABI: '1.3.11', GCC: '8.0.0' };
const libraries = ['libc', 'libdl', 'libgcc_s', 'libm', 'libpthread', 'libstdc++'];
const nobody = 65534;

let x64: string;
let arm64: string;
let folder: string;
beforeAll(async () => {
  x64 = await builtExecutable();
  // Not every user may look into the checkout.
  folder = mkdtempSync(join(tmpdir(), 'arm64-'));
  arm64 = join(folder, 'node-prep');
  copyFileSync(await builtExecutable('arm64'), arm64);
  spawnSync('chmod', ['-R', 'a+rx', folder]);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('the executable', () => {
  test.each(['x64', 'arm64'])('for %s asks nothing of a library that RHEL 8 does not have', async (arch) => {
    const { stdout } = await runProgram('readelf', ['--wide', '--dynamic', '--version-info', arch === 'x64' ? x64 : arm64]);
    const versions = [...stdout.matchAll(/Name: ([A-Z]+)_([\d.]+)/g)].map(([, library = '', version = '']) => ({
      library,
      version,
    }));
    expect(versions.length).toBeGreaterThan(10);
    expect(versions.filter(({ library, version }) => !isAtMost(version, oldest[library] ?? '0'))).toEqual([]);
    const needed = [...stdout.matchAll(/\(NEEDED\).*\[(.*)\.so\.\d+\]/g)].map((match) => match[1] ?? '');
    expect(needed.filter((name) => !name.startsWith('ld-linux')).sort()).toEqual(libraries);
  });
});

describe('the executable for arm64, emulated, as a user without rights', () => {
  const emulated = (...words: readonly string[]) =>
    spawnSync('qemu-aarch64-static', ['-L', '/usr/aarch64-linux-gnu', arm64, ...words], {
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
