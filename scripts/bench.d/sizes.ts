import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';

const packers = { 'as it is': undefined, 'gzip -9': ['gzip', '-9', '-c'], 'xz -6': ['xz', '-6', '-T0', '-c'] } as const;

/** The sizes in MiB of programs, as they are and packed, one line each. Packing takes a minute or two. */
export const sizesText = (files: Readonly<Record<string, string>>): string => {
  const head = `${''.padEnd(16)}${Object.keys(packers)
    .map((name) => name.padStart(10))
    .join('')}   MiB`;
  const lines = Object.entries(files).map(([name, path]) => {
    const sizes = Object.values(packers).map((packer) => (packer ? packedSize([...packer, path]) : statSync(path).size));
    return `${name.padEnd(16)}${sizes.map((size) => (size / 1024 / 1024).toFixed(1).padStart(10)).join('')}`;
  });
  return [head, ...lines].join('\n');
};

const packedSize = ([program = '', ...words]: readonly string[]): number =>
  Number(
    execFileSync('sh', ['-c', '"$0" "$@" | wc -c', program, ...words], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
