import { build } from 'esbuild';
import { chmodSync, readFileSync } from 'node:fs';

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

// One CommonJS file: loose modules start ten times slower. What is imported with import() is only run when it is used.
await build({
  entryPoints: ['src/main.ts'],
  outfile: 'dist/node-prep.cjs',
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'cjs',
  minifySyntax: true,
  minifyWhitespace: true,
  legalComments: 'none',
  define: { NODE_PREP_VERSION: JSON.stringify(version), 'import.meta.url': 'thisFile' },
  // What some libraries want of an ES module's import.meta.url.
  banner: { js: '#!/usr/bin/env node\nconst thisFile = require("node:url").pathToFileURL(__filename).href;' },
  logLevel: 'warning',
});
chmodSync('dist/node-prep.cjs', 0o755);
