import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, copyFileSync, existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
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
 * Makes one file that holds Node, the bundle and its compiled code, and gives its path. The code is compiled on the target's
 * processor or an emulator of it: V8 takes none that another kind of processor made.
 */
export const executable = (target: Target, folder: string): string => {
  const work = join('.cache/package', target.arch);
  mkdirSync(work, { recursive: true });
  const bare = join(work, 'node');
  copyFileSync(nodeFor(target, work), bare);
  quietly(target.strip, [bare]);
  chmodSync(bare, 0o755);
  const cache = join(work, 'app.cache');
  compile([...target.emulator, bare] as unknown as readonly [string, ...string[]], 'dist/app.cjs', cache);
  const file = join(folder, `node-prep-linux-${target.arch}`);
  inject(bare, file, work, { 'app.cache': cache });
  return file;
};

/** Node's fields for a single executable, `execArgvExtension` among them, are in nodejs.org/docs: nothing in the caller's NODE_OPTIONS counts. */
const inject = (node: string, file: string, work: string, more: Readonly<Record<string, string>>): void => {
  const blob = join(work, 'blob');
  const config = join(work, 'sea.json');
  const wrapped = join(work, 'app.cjs');
  writeFileSync(
    wrapped,
    `(function (exports, require, module, __filename, __dirname) {${readFileSync('dist/app.cjs', 'latin1')}\n})`,
  );
  writeFileSync(
    config,
    JSON.stringify({
      main: 'dist/executable.cjs',
      output: blob,
      disableExperimentalSEAWarning: true,
      // Else Node reads the host's OpenSSL configuration, and ends where there is a mistake in it.
      execArgv: ['--openssl-config=/dev/null'],
      execArgvExtension: 'none',
      // Wrapped as the loader wraps it elsewhere: it takes longer to copy text than to read it.
      assets: { ...bundle(), 'app.cjs': wrapped, ...more },
    }),
  );
  quietly(process.execPath, ['--experimental-sea-config', config]);
  copyFileSync(node, file);
  quietly('node_modules/.bin/postject', [file, 'NODE_SEA_BLOB', blob, '--sentinel-fuse', fuse]);
  chmodSync(file, 0o755);
};

/** What these programs say matters only where they fail: postject warns of names in Node's own sections each time. */
const quietly = (program: string, words: readonly string[]): void => {
  const { status, stdout, stderr, error } = spawnSync(program, words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${program} failed:\n${stdout}${stderr}`, { cause: error });
};

const bundle = (): Record<string, string> =>
  Object.fromEntries(['app.cjs', ...globSync('lib/*.cjs', { cwd: 'dist' }).sort()].map((name) => [name, join('dist', name)]));

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
