import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readAbout } from './package.d/about.ts';
import { writeChecksums } from './package.d/checksums.ts';
import { gzipped } from './package.d/contents.ts';
import { makeDeb } from './package.d/deb.ts';
import { executable, targets } from './package.d/executable.ts';
import { bundledLibraries, notices } from './package.d/libraries.ts';
import { makeRpm } from './package.d/rpm.ts';
import { sbomJson } from './package.d/sbom.ts';

// Makes what is shipped, in release/, from what is in dist/:
//   node scripts/package.ts          everything
//   node scripts/package.ts x64 ..   the executables of these processors, nothing else
const wanted = process.argv.slice(2);
const folder = 'release';

const tell = (path: string): void => void process.stdout.write(`${path}\n`);

const makePackages = async (executables: readonly { readonly arch: 'x64' | 'arm64'; readonly path: string }[]): Promise<void> => {
  const about = readAbout();
  const libraries = await bundledLibraries();
  for (const { arch, path } of executables) {
    const packing = { about, notices: notices(libraries), executable: path, arch, folder };
    tell(makeDeb(packing));
    tell(makeRpm(packing));
    writeFileSync(`${path}.gz`, gzipped(readFileSync(path)));
    tell(`${path}.gz`);
  }
  const sbom = join(folder, `node-prep-${about.version}.cdx.json`);
  writeFileSync(sbom, sbomJson(about, libraries));
  tell(sbom);
  // Not its prepack, which would build dist/ anew.
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    encoding: 'utf8',
  });
  tell(join(folder, packed.trim()));
  tell(writeChecksums(folder));
};

if (wanted.length === 0) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const executables = targets
  .filter(({ arch }) => wanted.length === 0 || wanted.includes(arch))
  .map((target) => ({ arch: target.arch, path: executable(target, folder) }));
for (const { path } of executables) tell(path);
if (wanted.length === 0) await makePackages(executables);
