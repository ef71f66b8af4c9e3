import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

// Adds the library to a bundle's folder (node scripts/library.ts [FOLDER]): dist/library.js, an ES module, and its types in dist/types/. The libraries of dist/lib are shared with
// the command line; what reads a configuration file stays a file of its own, read when there is one.
const dist = process.argv[2] ?? 'dist';
mkdirSync('.cache', { recursive: true });
const emitted = mkdtempSync('.cache/types-');

for (const old of globSync('library*.js', { cwd: dist })) rmSync(join(dist, old));

await build({
  entryPoints: ['src/library.ts'],
  outdir: dist,
  bundle: true,
  splitting: true,
  platform: 'node',
  target: 'node24',
  format: 'esm',
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  chunkNames: 'library-[hash]',
  plugins: [
    {
      name: 'libraries-shared',
      setup: (b) =>
        b.onResolve({ filter: /^[a-z][a-z0-9]*$/ }, ({ path }) =>
          existsSync(join(dist, `lib/${path}.cjs`)) ? { path: `./lib/${path}.cjs`, external: true } : undefined,
        ),
    },
  ],
});

execFileSync('node_modules/.bin/tsc', ['--project', 'scripts/library.tsconfig.json', '--outDir', emitted], { stdio: 'inherit' });

/** A declaration and all that it names, so that no type of the program's inside is shipped without need. */
const ship = (path: string, shipped: Set<string>): void => {
  if (shipped.has(path)) return;
  shipped.add(path);
  const text = readFileSync(join(emitted, 'src', `${path}.d.ts`), 'utf8');
  const to = join(dist, 'types', `${path}.d.ts`);
  mkdirSync(dirname(to), { recursive: true });
  // The files that the compiler wrote are called .js by those who import them.
  writeFileSync(to, text.replace(/((?:from|import\()\s*['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'));
  for (const [, named = ''] of text.matchAll(/(?:from|import\()\s*['"](\.[^'"]*)\.ts['"]/g))
    ship(join(dirname(path), named), shipped);
};

rmSync(join(dist, 'types'), { recursive: true, force: true });
ship('library', new Set());
rmSync(emitted, { recursive: true });
