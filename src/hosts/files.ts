import { isUtf8 } from 'node:buffer';
import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { globPattern } from '../answers.ts';
import type { Answer, FoundFile } from '../model.ts';
import { wantedOf } from './wanted.ts';

/** Answers a `read` below `root` ("" for the host itself). */
export const readAnswer = (root: string, path: string, lines?: readonly string[], paragraphs?: true): Answer => {
  try {
    const stats = statSync(root + path, { throwIfNoEntry: false });
    return stats ? fileAnswer(root, path, stats, lines, paragraphs) : { status: 1, text: '' };
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? { status: 1, text: '' } : { status: 2, text: `${path}: ${code}` };
  }
};

/**
 * What was found out about folders while many lists are answered: the names in each that was read, and the folders that a pattern
 * leads to. `real`: where a folder is that was reached through a link, as /lib is /usr/lib on most.
 */
export type Looked = {
  readonly names: Map<string, readonly string[]>;
  readonly folders: Map<string, readonly string[]>;
  readonly real: Map<string, string>;
};

/** Nothing looked at yet. */
export const unlooked = (): Looked => ({ names: new Map(), folders: new Map(), real: new Map() });

/** Answers a `list` below `root`. A file that is there but cannot be read counts as empty. */
export const listAnswer = (root: string, glob: string, lines?: readonly string[], looked: Looked = unlooked()): Answer => ({
  status: 0,
  text: '',
  files: expand(root, glob, looked).flatMap((path) => found(root, path, lines) ?? []),
});

/** The regular files that globs match and that the caller may execute. */
export const executables = (globs: readonly string[], looked: Looked): string[] =>
  globs.flatMap((glob) => expand('', glob, looked)).filter(isExecutable);

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Reading a device or a pipe could block, and a folder has no text. */
const fileAnswer = (root: string, path: string, stats: Stats, lines?: readonly string[], paragraphs?: true): Answer => {
  if (!stats.isFile()) return { status: 2, text: `${path} is no regular file` };
  if (lines?.length === 0) return { status: 0, text: '' };
  if (!lines && !path.endsWith('.gz')) {
    const text = readFileSync(root + path, 'utf8');
    return text.includes('\ufffd') && !isUtf8(readFileSync(root + path))
      ? { status: 0, text, garbled: true }
      : { status: 0, text };
  }
  const content = contentOf(root + path);
  const text = lines ? wantedOf(content, lines, paragraphs) : content.toString('utf8');
  return { status: 0, text, ...(!isUtf8(content) && { garbled: true }) };
};

/** A file's content, unpacked where its name ends in .gz. */
const contentOf = (path: string): Buffer => {
  const content = readFileSync(path);
  return path.endsWith('.gz') ? process.getBuiltinModule('node:zlib').gunzipSync(content) : content;
};

const found = (root: string, path: string, lines?: readonly string[]): FoundFile | undefined => {
  const stats = statsAt(root + path);
  if (!stats) return undefined;
  if (stats.isSymbolicLink()) {
    return { path, link: readlinkSync(root + path), text: lines?.length === 0 ? '' : textOf(readAnswer(root, path, lines)) };
  }
  if (lines?.length === 0) return { path, text: '' };
  try {
    return { path, text: textOf(fileAnswer(root, path, stats, lines)) };
  } catch {
    return { path, text: '' };
  }
};

const textOf = ({ status, text }: Answer): string => (status === 0 ? text : '');

const expand = (root: string, glob: string, looked: Looked): string[] => {
  const cut = glob.lastIndexOf('/');
  const last = glob.slice(cut + 1);
  const paths: string[] = [];
  for (const folder of foldersOf(root, glob.slice(0, cut), looked)) addChildren(paths, root, folder, last, looked);
  return paths.length > 1 ? paths.sort() : paths;
};

const foldersOf = (root: string, glob: string, looked: Looked): readonly string[] => {
  const known = looked.folders.get(glob);
  if (known) return known;
  const cut = glob.lastIndexOf('/');
  const paths: string[] = [];
  if (cut < 0) paths.push('');
  else {
    const maybe: string[] = [];
    for (const path of foldersOf(root, glob.slice(0, cut), looked)) addChildren(maybe, root, path, glob.slice(cut + 1), looked);
    for (const path of maybe) if (isFolder(root, path, looked)) paths.push(path);
  }
  looked.folders.set(glob, paths);
  return paths;
};

/** Whether a folder is there, or a link; where a link to a folder beside it leads is kept in mind. */
const isFolder = (root: string, path: string, looked: Looked): boolean => {
  const stats = statsAt(root + path);
  if (!stats) return false;
  const cut = path.lastIndexOf('/');
  const above = realOf(path.slice(0, cut), looked);
  const target = stats.isSymbolicLink() ? targetOf(root + path) : path.slice(cut + 1);
  // Other links are left to the kernel.
  looked.real.set(path, /^[\w-]+(\/[\w-]+)*$/.test(target) ? `${above}/${target}` : path);
  return true;
};

const realOf = (path: string, looked: Looked): string => looked.real.get(path) ?? path;

const targetOf = (path: string): string => {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
};

/** The paths that a segment of a pattern may lead to; whether something is at a name without a star is not looked at here. */
const addChildren = (paths: string[], root: string, path: string, segment: string, looked: Looked): void => {
  const folder = root + realOf(path, looked);
  const known = looked.names.get(folder);
  const star = segment.indexOf('*');
  if (star < 0) {
    if (!known || known.includes(segment)) paths.push(`${path}/${segment}`);
    return;
  }
  const names = known ?? namesIn(`${folder}/`);
  if (!known) looked.names.set(folder, names);
  const [first, last] = [segment.slice(0, star), segment.slice(segment.lastIndexOf('*') + 1)];
  for (const name of names) {
    if (!name.startsWith(first) || !name.endsWith(last) || (star === 0 && name.startsWith('.'))) continue;
    // With one star that is all; it must not be shorter than its two ends.
    const fits = segment.indexOf('*', star + 1) < 0 ? name.length >= segment.length - 1 : globPattern(segment).test(name);
    if (fits) paths.push(`${path}/${name}`);
  }
};

const statsAt = (path: string): Stats | undefined => {
  try {
    return lstatSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
};

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/** The error's code, such as ENOENT. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
