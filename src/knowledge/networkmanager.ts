import { parse } from 'ini';
import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';

/** The file that node-prep owns. */
export const ownNetworkManager = '/etc/NetworkManager/conf.d/node-prep.conf';

const mainFile = '/etc/NetworkManager/NetworkManager.conf';
const folders = ['/usr/lib/NetworkManager/conf.d', '/run/NetworkManager/conf.d', '/etc/NetworkManager/conf.d'] as const;
const program = '/usr/sbin/NetworkManager';

export const networkManagerQueries: readonly Query[] = [
  { ask: 'list', glob: program, lines: [] },
  { ask: 'read', path: mainFile },
  { ask: 'read', path: ownNetworkManager },
  ...folders.map((folder) => ({ ask: 'list' as const, glob: `${folder}/*.conf` })),
];

export const hasNetworkManager = (answers: Answers): boolean => listed(answers, program).length > 0;

/** One device pattern that NetworkManager leaves alone, and the file that says so. */
type Unmanaged = { readonly pattern: string; readonly from: string };

/**
 * The device patterns in force: files are read in order, `unmanaged-devices=` replaces what came before, `+=` adds and `-=`
 * takes away (NetworkManager.conf(5)). /run does not survive a reboot and is left out.
 */
export const unmanagedDevices = (answers: Answers): Unmanaged[] =>
  filesInOrder(answers).reduce<Unmanaged[]>((sofar, file) => {
    const section = keyfileSection(file.text);
    const patterns = (key: string) =>
      (section[key] ?? '')
        .split(/[;,]/)
        .map((p) => p.trim())
        .filter(Boolean);
    const base =
      'unmanaged-devices' in section ? patterns('unmanaged-devices').map((pattern) => ({ pattern, from: file.path })) : sofar;
    const added = patterns('unmanaged-devices+').map((pattern) => ({ pattern, from: file.path }));
    const removed = new Set(patterns('unmanaged-devices-'));
    return [...base, ...added].filter((u) => !removed.has(u.pattern));
  }, []);

/** /usr/lib first, then the main file, then /etc; a file hides those of the same name in the folders before. */
const filesInOrder = (answers: Answers): FoundFile[] => {
  const [lib, , etc] = folders.map((folder) => listed(answers, `${folder}/*.conf`));
  const later = new Set(etc?.map((f) => baseName(f.path)));
  const main = fileText(answers, mainFile);
  return [
    ...(lib ?? []).filter((f) => !later.has(baseName(f.path))),
    ...(main === undefined ? [] : [{ path: mainFile, text: main }]),
    ...(etc ?? []),
  ];
};

/** `;` separates patterns here, but begins a comment for the parser: only at the start of a line does it do so for NetworkManager. */
const keyfileSection = (text: string): { readonly [key: string]: string | undefined } => {
  const escaped = text
    .split('\n')
    .filter((line) => !/^\s*[;#]/.test(line))
    .map((line) => line.replace(/[;#]/g, '\\$&'))
    .join('\n');
  const section: unknown = parse(escaped)['keyfile'];
  return typeof section === 'object' && section !== null
    ? Object.fromEntries(Object.entries(section).map(([k, v]) => [k, String(v)]))
    : {};
};
