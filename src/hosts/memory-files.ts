import { globPattern } from '../answers.ts';
import type { Answer } from '../model.ts';
import type { Machine, MemoryFile } from './memory-machine.ts';

type Files = ReadonlyMap<string, MemoryFile>;

/** Answers a `read`; a folder or a device is no file that could be read. */
export const readFile = (files: Files, path: string): Answer => {
  const real = resolve(files, path);
  if (real === undefined) return { status: 2, text: `${path}: ELOOP` };
  const file = files.get(real);
  if (file === undefined) {
    const other = isFolder(files, real) || real === '/dev/null';
    return other ? { status: 2, text: `${path} is no regular file` } : { status: 1, text: '' };
  }
  if (typeof file === 'string') return { status: 0, text: file };
  return { status: 2, text: `${path}: ${'unreadable' in file ? file.unreadable : 'ELOOP'}` };
};

/** A file's text, "" where there is none. */
export const textOf = (files: Files, path: string): string => {
  const read = readFile(files, path);
  return read.status === 0 ? read.text : '';
};

/** The target of a link as written; undefined where the path is no link. */
export const linkOf = (files: Files, path: string): string | undefined => {
  const file = files.get(inFolder(files, path) ?? path);
  return typeof file === 'object' && 'link' in file ? file.link : undefined;
};

/** Where a path leads, if something is there; else the path. */
export const realPath = (files: Files, path: string): string => {
  const real = resolve(files, path);
  return real !== undefined && files.has(real) ? real : path;
};

/** The paths that a glob matches, in byte order; a `*` at the start of a segment matches no hidden file. */
export const expand = (files: Files, glob: string): string[] =>
  glob
    .slice(1)
    .split('/')
    .reduce<string[]>((paths, segment) => paths.flatMap((path) => children(files, path, segment)), [''])
    .sort();

/** Writes a file; `keep` leaves the mode of one that is there. */
export const put = ({ files, modes }: Machine, path: string, text: string, mode: string): void => {
  if (mode !== 'keep') modes.set(path, mode);
  else if (!files.has(path)) modes.set(path, '0644');
  files.set(path, text);
};

export const remove = ({ files, modes }: Machine, path: string): void => {
  files.delete(path);
  modes.delete(path);
};

const children = (files: Files, path: string, segment: string): string[] => {
  const names = namesIn(files, path);
  if (!segment.includes('*')) return names.includes(segment) ? [`${path}/${segment}`] : [];
  const pattern = globPattern(segment);
  return names
    .filter((name) => pattern.test(name) && !(name.startsWith('.') && segment.startsWith('*')))
    .map((name) => `${path}/${name}`);
};

const namesIn = (files: Files, path: string): string[] => {
  const folder = path === '' ? '' : resolve(files, path);
  const below = [...files.keys()].filter((key) => folder !== undefined && key.startsWith(`${folder}/`));
  return [...new Set(below.map((key) => key.slice((folder ?? '').length + 1).split('/', 1)[0] ?? ''))];
};

const isFolder = (files: Files, path: string): boolean => [...files.keys()].some((key) => key.startsWith(`${path}/`));

/** The path with the links in its folders followed. */
const inFolder = (files: Files, path: string): string | undefined => {
  const cut = path.lastIndexOf('/');
  const folder = cut <= 0 ? '' : resolve(files, path.slice(0, cut));
  return folder === undefined ? undefined : `${folder}${path.slice(cut)}`;
};

/** The path with all links followed; undefined where they go round in circles. */
const resolve = (files: Files, path: string): string | undefined => {
  let parts = path.split('/').filter(Boolean);
  for (let followed = 0; followed < 40; followed++) {
    const at = parts.findIndex((_, i) => linkAt(files, parts.slice(0, i + 1)) !== undefined);
    if (at < 0) return `/${parts.join('/')}`;
    const target = linkAt(files, parts.slice(0, at + 1)) ?? '';
    const base = target.startsWith('/') ? [] : parts.slice(0, at);
    parts = flatten([...base, ...target.split('/'), ...parts.slice(at + 1)]);
  }
  return undefined;
};

const linkAt = (files: Files, parts: readonly string[]): string | undefined => {
  const file = files.get(`/${parts.join('/')}`);
  return typeof file === 'object' && 'link' in file ? file.link : undefined;
};

const flatten = (parts: readonly string[]): string[] =>
  parts.reduce<string[]>(
    (kept, part) => (part === '..' ? kept.slice(0, -1) : part === '' || part === '.' ? kept : [...kept, part]),
    [],
  );
