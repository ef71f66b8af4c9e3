import { listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';

/** Where Debian, Ubuntu and the others keep the library that carries systemd's version in its name. */
const libraryGlobs = [
  '/usr/lib/systemd/libsystemd-shared-*.so',
  '/lib/systemd/libsystemd-shared-*.so',
  '/usr/lib64/systemd/libsystemd-shared-*.so',
  '/usr/lib/*-linux-gnu*/systemd/libsystemd-shared-*.so',
] as const;

export const systemdVersionQueries: readonly Query[] = libraryGlobs.map((glob) => ({ ask: 'list', glob, lines: [] }));

/** The version of systemd, such as 252, from the name of its library: no process is started. Undefined where there is none. */
export const systemdVersion = (answers: Answers): number | undefined => {
  const names = libraryGlobs.flatMap((glob) => listed(answers, glob)).map((file) => baseName(file.path));
  const version = /^libsystemd-shared-(\d+)/.exec(names[0] ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
};

/** Folders of unit files that outlive a reboot, in falling order of precedence (systemd.unit(5)). */
export const unitRoots = ['/etc', '/usr/local/lib', '/usr/lib', '/lib'] as const;

/** The folder of a root that holds unit files. */
export const unitFolder = (root: string): string => `${root}/systemd/system`;

/** What to ask in order to know the unit files of such a name, and which of them are masks. */
export const unitFileQueries = (pattern: string): Query[] =>
  unitRoots.map((root) => ({ ask: 'list', glob: `${unitFolder(root)}/${pattern}` }));

/** The file that a unit is read from at boot, found with `unitFileQueries(pattern)`; undefined where none has it. */
export const unitFile = (answers: Answers, pattern: string, name: string): FoundFile | undefined =>
  unitRoots.flatMap((root) => listed(answers, `${unitFolder(root)}/${pattern}`)).find((file) => baseName(file.path) === name);

/** Whether a unit file is a mask: a link to /dev/null, or empty (systemd.unit(5)). */
export const isMask = (file: FoundFile): boolean => file.link === '/dev/null' || file.text === '';

/** Whether systemd can load a unit of that name; one that begins with `-` is no path of a device or file (systemd.unit(5)). */
export const isUnitName = (name: string): boolean => /^(?!-)[\w:.\\@-]{1,255}$/.test(name);

/** The name of the unit for a device or file, as systemd-escape --path makes it, without the suffix. */
export const escapedPath = (path: string): string =>
  path
    .split('/')
    .filter(Boolean)
    .map((part, i) => [...new TextEncoder().encode(part)].map((byte, j) => escapedByte(byte, i === 0 && j === 0)).join(''))
    .join('-');

const escapedByte = (byte: number, first: boolean): string => {
  const sign = String.fromCharCode(byte);
  return /[A-Za-z0-9:_.]/.test(sign) && !(first && sign === '.') ? sign : `\\x${byte.toString(16).padStart(2, '0')}`;
};
