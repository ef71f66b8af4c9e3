import { build } from 'esbuild';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';

/** A library whose code is in the bundle. `integrity`: of its package in the registry, as package-lock.json has it. */
export type Library = {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  readonly integrity: string;
  readonly folder: string;
};

type Lock = { readonly packages: { readonly [path: string]: { readonly version: string; readonly integrity?: string } } };
type Manifest = { readonly name: string; readonly version: string; readonly license: string };

/** Every library with a byte in the bundle, as esbuild counts them for the same entry points; each version once. */
export const bundledLibraries = async (): Promise<Library[]> => {
  const apart = globSync('dist/lib/*.cjs').map((path) => basename(path, '.cjs'));
  const { metafile } = await build({
    entryPoints: { main: 'src/main.ts', library: 'src/library.ts', ...Object.fromEntries(apart.map((name) => [name, name])) },
    bundle: true,
    write: false,
    metafile: true,
    outdir: 'dist',
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    logLevel: 'error',
  });
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? [path] : [])),
  );
  const folders = inputs.flatMap((path) => /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0] ?? []);
  const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8')) as Lock;
  const libraries = [...new Set(folders)].sort().map((folder): Library => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest;
    const locked = packages[folder];
    if (locked?.version !== version || !locked.integrity) throw new Error(`${folder} is not what package-lock.json names`);
    return { name, version, license, integrity: locked.integrity, folder };
  });
  return [...new Map(libraries.map((l) => [`${l.name}@${l.version}`, l])).values()];
};

/** The terms under which each part is used, as their licences ask to be passed on: the libraries', then Node's. */
export const notices = (libraries: readonly Library[]): string =>
  [
    ...libraries.map((l) => part(`${l.name} ${l.version} (${l.license})`, licenseIn(l.folder))),
    part(`Node.js ${process.versions.node}`, nodeLicense()),
  ].join('\n');

const part = (title: string, text: string): string => `${'-'.repeat(78)}\n${title}\n${'-'.repeat(78)}\n\n${text.trim()}\n`;

const licenseIn = (folder: string): string => {
  const [file] = globSync('{LICEN[SC]E,licen[sc]e}*', { cwd: folder }).sort();
  return file === undefined ? 'No text of its licence is in the package.' : readFileSync(join(folder, file), 'utf8');
};

const nodeLicense = (): string => {
  const path = ['x64', 'arm64'].map((arch) => `node_modules/node-linux-${arch}/LICENSE`).find((file) => existsSync(file));
  if (!path) throw new Error('the package of Node brings no LICENSE');
  return readFileSync(path, 'utf8');
};
