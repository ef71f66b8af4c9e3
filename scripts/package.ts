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

// Makes what is shipped, in release/, from the bundle in dist/:  npm run package [ARCH..]
//   --executables  only these, without packages, downloads and checksums
const words = process.argv.slice(2);
const wanted = words.filter((word) => !word.startsWith('--'));
const folder = 'release';

const tell = (path: string): void => void process.stdout.write(`${path}\n`);

mkdirSync(folder, { recursive: true });
const made = targets
  .filter(({ arch }) => wanted.length === 0 || wanted.includes(arch))
  .map((target) => ({ arch: target.arch, file: executable(target, folder) }));
for (const { file } of made) tell(file);

if (!words.includes('--executables')) {
  const about = readAbout();
  const libraries = await bundledLibraries();
  for (const { arch, file } of made) {
    const packing = { about, notices: notices(libraries), executable: file, arch, folder };
    tell(makeDeb(packing));
    tell(makeRpm(packing));
    writeFileSync(`${file}.gz`, gzipped(readFileSync(file)));
    tell(`${file}.gz`);
  }
  const sbom = join(folder, `node-prep-${about.version}.cdx.json`);
  writeFileSync(sbom, sbomJson(about, libraries));
  tell(sbom);
  rmSync(join(folder, 'SHA256SUMS'), { force: true });
  tell(writeChecksums(folder));
}
