import { build, transform } from 'esbuild';
import type { BuildOptions, Plugin } from 'esbuild';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { compile, writeWorlds } from './build.d/compile.ts';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** Where the bundle goes:  node scripts/build.ts [FOLDER] */
const dist = process.argv[2] ?? 'dist';

/** Libraries that most calls never need: each is a file of its own, read when it is first used. */
const libraries = ['diff', 'execa', 'listr2', 'yaml', 'yargs', 'zod'];

const common = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minify: true,
  supported: { 'dynamic-import': false },
  legalComments: 'none',
  logLevel: 'warning',
  define: { NODE_PREP_VERSION: JSON.stringify(version) },
} as const satisfies BuildOptions;

/** An import of a library becomes a require of its file, at the moment when it is needed. */
const librariesApart: Plugin = {
  name: 'libraries-apart',
  setup: (b) => {
    b.onResolve({ filter: new RegExp(`^(${libraries.join('|')})$`) }, ({ path }) => ({ path, namespace: 'library' }));
    b.onResolve({ filter: /^\.\/lib\//, namespace: 'library' }, ({ path }) => ({ path, external: true }));
    b.onLoad({ filter: /.*/, namespace: 'library' }, ({ path }) => ({
      contents: `export * from './lib/${path}.cjs'; export { default } from './lib/${path}.cjs';`,
    }));
  },
};

rmSync(dist, { recursive: true, force: true });
mkdirSync(dist, { recursive: true });
await build({
  ...common,
  // What some libraries want of an ES module's import.meta.url.
  define: { 'import.meta.url': 'thisFile' },
  banner: { js: 'const thisFile = require("node:url").pathToFileURL(__filename).href;' },
  entryPoints: Object.fromEntries(libraries.map((name) => [name, name])),
  outdir: join(dist, 'lib'),
  outExtension: { '.js': '.cjs' },
});
await build({ ...common, entryPoints: ['src/main.ts'], outfile: join(dist, 'app.cjs'), plugins: [librariesApart] });
for (const [name, inExecutable] of [
  ['node-prep.cjs', false],
  ['executable.cjs', true],
] as const) {
  const define = { NODE_PREP_VERSION: JSON.stringify(version), IN_EXECUTABLE: String(inExecutable) };
  const { code } = await transform(readFileSync('src/loader.cjs', 'utf8'), { define, minifySyntax: true, platform: 'node' });
  writeFileSync(join(dist, name), inExecutable ? code.replace(/^#!.*\n/, '') : code);
}
chmodSync(join(dist, 'node-prep.cjs'), 0o755);
await writeWorlds();
compile([process.execPath], join(dist, 'app.cjs'), join(dist, 'app.cache'));
