import { expand, textOf } from './memory-files.ts';
import type { Machine } from './memory-machine.ts';

/**
 * Sets kernel settings from files as sysctl(8) and systemd-sysctl(8) do: line by line, a key that some line names is taken out
 * of every glob, what does not exist is passed over in silence.
 */
export const applySettings = (machine: Machine, files: readonly string[]): void => {
  if (/^\S+ \/proc\/sys \S+ ro\b/m.test(textOf(machine.files, '/proc/self/mounts'))) return;
  const lines = files.flatMap((path) => textOf(machine.files, path).split('\n').map(parse)).filter((line) => line !== undefined);
  const named = new Set(lines.map((line) => line.path));
  for (const { path, value } of lines) {
    if (value === undefined) continue;
    const found = path.includes('*') ? expand(machine.files, path).filter((match) => !named.has(match)) : [path];
    for (const key of found) if (machine.files.has(key)) machine.files.set(key, `${value.split(' ').join('\t')}\n`);
  }
};

/** The files of NAME.d that count, in the order in which they are read. */
export const dropinPaths = (machine: Pick<Machine, 'files'>, name: string): string[] => {
  const paths = ['/lib', '/usr/lib', '/usr/local/lib', '/run', '/etc'].flatMap((root) =>
    expand(machine.files, `${root}/${name}.d/*.conf`),
  );
  const byName = new Map(paths.map((path) => [path.split('/').at(-1) ?? '', path]));
  return [...byName.keys()].sort().map((key) => byName.get(key) ?? '');
};

type Line = { readonly path: string; readonly value: string | undefined };

const parse = (line: string): Line | undefined => {
  const text = line.trim();
  if (text === '' || text.startsWith('#') || text.startsWith(';')) return undefined;
  const [left = '', ...right] = text.replace(/^-/, '').split('=');
  if (right.length === 0 && !text.startsWith('-')) return undefined;
  return { path: `/proc/sys/${slashes(left.trim())}`, value: right.length === 0 ? undefined : right.join('=').trim() };
};

/** The first separator of a key decides which one it is. */
const slashes = (key: string): string => {
  const [dot, slash] = [key.indexOf('.'), key.indexOf('/')];
  if (slash >= 0 && (dot < 0 || slash < dot)) return key;
  return [...key].map((sign) => (sign === '.' ? '/' : sign === '/' ? '.' : sign)).join('');
};
