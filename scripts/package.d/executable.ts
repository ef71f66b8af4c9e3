import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { compile } from '../build.d/compile.ts';

/** A machine that an executable is made for: Node's name of its processor, and what runs and strips its programs here. */
export type Target = { readonly arch: 'x64' | 'arm64'; readonly strip: string; readonly emulator: readonly string[] };

export const targets: readonly Target[] = [
  { arch: 'x64', strip: 'strip', emulator: [] },
  {
    arch: 'arm64',
    strip: 'aarch64-linux-gnu-strip',
    emulator: ['qemu-aarch64-static', '-L', '/usr/aarch64-linux-gnu'],
  },
];

type Lock = { readonly packages: { readonly [path: string]: { readonly version: string; readonly integrity: string } } };

const fuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2';

/**
 * Makes one file that holds Node, the bundle (in the folder `dist`) and its compiled code, and gives its path. The code is compiled on
 * the target's processor or an emulator of it: V8 takes none that another kind of processor made. The file appears at one stroke, so
 * that it is never half made and whoever runs the old one goes on; it is dated with when it was begun, as its sources may change.
 */
export const executable = (target: Target, folder: string, dist = 'dist'): string => {
  const begun = new Date();
  const kept = join('.cache/package', target.arch);
  mkdirSync(kept, { recursive: true });
  const work = mkdtempSync(join(kept, 'work-'));
  const file = join(folder, `node-prep-linux-${target.arch}`);
  const made = `${file}.${process.pid}`;
  try {
    copyFileSync(nodeFor(target, kept), made);
    quietly(target.strip, [made]);
    chmodSync(made, 0o755);
    const cache = join(work, 'app.cache');
    compile([...target.emulator, resolve(made)] as unknown as readonly [string, ...string[]], join(dist, 'app.cjs'), cache);
    inject(made, dist, work, cache);
    utimesSync(made, begun, begun);
    renameSync(made, file);
  } finally {
    rmSync(made, { force: true });
    rmSync(work, { recursive: true });
  }
  return file;
};

/** Node's fields for a single executable, `execArgvExtension` among them, are in nodejs.org/docs: nothing in the caller's NODE_OPTIONS counts. */
const inject = (file: string, dist: string, work: string, cache: string): void => {
  const blob = resolve(work, 'blob');
  const config = resolve(work, 'sea.json');
  const wrapped = resolve(work, 'app.cjs');
  writeFileSync(
    wrapped,
    `(function (exports, require, module, __filename, __dirname) {${readFileSync(join(dist, 'app.cjs'), 'latin1')}\n})`,
  );
  writeFileSync(
    config,
    JSON.stringify({
      // Without its folder: the name is in the bytes.
      main: 'executable.cjs',
      output: blob,
      disableExperimentalSEAWarning: true,
      // Else Node reads the host's OpenSSL configuration, and ends where there is a mistake in it.
      execArgv: ['--openssl-config=/dev/null'],
      execArgvExtension: 'none',
      // Wrapped as the loader wraps it elsewhere: it takes longer to copy text than to read it.
      assets: { ...libraries(dist), 'app.cjs': wrapped, 'app.cache': resolve(cache) },
    }),
  );
  quietly(process.execPath, ['--experimental-sea-config', config], dist);
  quietly('node_modules/.bin/postject', [file, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
  chmodSync(file, 0o755);
};

/** What these programs say matters only where they fail: postject warns of names in Node's own sections each time. */
const quietly = (program: string, words: readonly string[], cwd = '.'): void => {
  const { status, stdout, stderr, error } = spawnSync(program, words, { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed:\n${stdout}${stderr}`, { cause: error });
};

const libraries = (dist: string): Record<string, string> =>
  Object.fromEntries(
    globSync('lib/*.cjs', { cwd: dist })
      .sort()
      .map((name) => [name, resolve(dist, name)]),
  );

/** Node's binary for the target: the one that is installed here, or the package of the same version, held against the lock file. */
const nodeFor = ({ arch }: Target, work: string): string => {
  const installed = `node_modules/node-linux-${arch}/bin/node`;
  if (existsSync(installed)) return installed;
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  const wanted = packages[`node_modules/node-linux-${arch}`];
  if (!wanted) throw new Error(`package-lock.json names no node-linux-${arch}`);
  const unpacked = join(work, wanted.version);
  if (existsSync(join(unpacked, 'package/bin/node'))) return join(unpacked, 'package/bin/node');
  mkdirSync(unpacked, { recursive: true });
  const packed = execFileSync(
    'npm',
    ['pack', '--silent', '--pack-destination', unpacked, `node-linux-${arch}@${wanted.version}`],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  ).trim();
  const archive = join(unpacked, packed);
  const sum = `sha512-${createHash('sha512').update(readFileSync(archive)).digest('base64')}`;
  if (sum !== wanted.integrity) throw new Error(`${archive} is not what package-lock.json names: ${sum}`);
  execFileSync('tar', ['-xzf', archive, '-C', unpacked]);
  return join(unpacked, 'package/bin/node');
};
