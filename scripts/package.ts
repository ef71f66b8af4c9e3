import { mkdirSync } from 'node:fs';
import { executable, targets } from './package.d/executable.ts';

// Makes what is shipped, in release/, from the bundle in dist/:  npm run package [ARCH..]
const wanted = process.argv.slice(2);
mkdirSync('release', { recursive: true });
for (const target of targets) {
  if (wanted.length === 0 || wanted.includes(target.arch)) process.stdout.write(`${executable(target, 'release')}\n`);
}
