import { execFileSync } from 'node:child_process';
import { executableSources, isFresh } from '../fresh.ts';

// node test/package/make-executable.ts ARCH, from the repository's root and with the lock of those who make executables: whoever
// waited for it finds the executable made.
const [arch = ''] = process.argv.slice(2);
if (!isFresh([`release/node-prep-linux-${arch}`], executableSources))
  execFileSync(process.execPath, ['scripts/package.ts', arch], { stdio: ['ignore', 'ignore', 'inherit'] });
