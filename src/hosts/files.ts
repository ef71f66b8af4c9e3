import { isUtf8 } from 'node:buffer';
import { accessSync, constants, lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { globPattern } from '../answers.ts';
import type { Answer, FoundFile } from '../model.ts';
import { wantedOf } from './wanted.ts';

/**
 * Where a host's files are on this machine. `at`: the place of a path whose last part may be a link, `behind`: of what it leads to;
 * both throw as lstat(2) would where a part on the way is not there. `modes`: lists tell what may be executed.
 */
export type Place = {
  readonly at: (path: string) => string;
  readonly behind: (path: string) => string;
  readonly modes?: true;
};

/** This machine itself. */
export const here: Place = { at: (path) => path, behind: (path) => path };

/** Answers a `read`. */
export const readAnswer = (place: Place, path: string, lines?: readonly string[], paragraphs?: true): Answer => {
  try {
    const real = place.behind(path);
    const stats = statSync(real, { throwIfNoEntry: false });
    return stats ? fileAnswer(real, path, stats, lines, paragraphs) : { status: 1, text: '' };
  } catch (error) {
    const code = codeOf(error);
    if (code === 'ERR_BUFFER_TOO_LARGE') return { status: 2, text: `${path} unpacks to more than 16 MiB` };
    if (code === 'ENOENT' || code === 'ENOTDIR') return { status: 1, text: '' };
    return { status: 2, text: `${path}: ${code}`, ...(isDenied(error) && { unread: [path] }) };
  }
};

/** Whether it is the rights that are wanting. */
const isDenied = (error: unknown): boolean => ['EACCES', 'EPERM'].includes(codeOf(error));

/**
 * What was found out about folders while many lists are answered: the names in each that was read, and the folders that a pattern
 * leads to. `real`: where a folder is that was reached through a link, as /lib is /usr/lib on most. `denied`: folders that could not be
 * looked into, as they were asked for.
 */
export type Looked = {
  readonly names: Map<string, readonly string[]>;
  readonly folders: Map<string, readonly string[]>;
  readonly real: Map<string, string>;
  readonly denied: Set<string>;
};

/** Nothing looked at yet. */
export const unlooked = (): Looked => ({ names: new Map(), folders: new Map(), real: new Map(), denied: new Set() });

/** Answers a `list`. A file that is there but cannot be read counts as empty, and is named in `unread`. */
export const listAnswer = (place: Place, glob: string, lines?: readonly string[], looked: Looked = unlooked()): Answer => {
  const unread: string[] = [];
  const files = expand(place, glob, looked).flatMap((path) => found(place, path, lines, looked, unread) ?? []);
  if (looked.denied.size > 0) unread.push(...deniedOn(glob, looked));
  return { status: 0, text: '', files, ...(unread.length > 0 && { unread }) };
};

/** The folders on a pattern's way that could not be looked into. */
const deniedOn = (glob: string, { denied }: Looked): string[] =>
  [...denied].filter((folder) => {
    const [parts, depth] = [glob.split('/'), folder.split('/').length];
    return depth < parts.length && globPattern(parts.slice(0, depth).join('/')).test(folder);
  });

/** The regular files of this machine that globs match and that the caller may execute. */
export const executables = (globs: readonly string[], looked: Looked): string[] =>
  globs.flatMap((glob) => expand(here, glob, looked)).filter(mayExecute);

const mayExecute = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
};

/** Reading a device or a pipe could block, and a folder has no text. */
const fileAnswer = (real: string, path: string, stats: Stats, lines?: readonly string[], paragraphs?: true): Answer => {
  if (!stats.isFile()) return { status: 2, text: `${path} is no regular file` };
  if (lines?.length === 0) return { status: 0, text: '' };
  if (stats.size > mostRead) return { status: 2, text: `${path} is larger than 64 MiB` };
  if (!lines && !path.endsWith('.gz')) {
    const text = readFileSync(real, 'utf8');
    return text.includes('\ufffd') && !isUtf8(readFileSync(real)) ? { status: 0, text, garbled: true } : { status: 0, text };
  }
  const content = contentOf(real, path);
  const text = lines ? wantedOf(content, lines, paragraphs) : content.toString('utf8');
  return { status: 0, text, ...(!isUtf8(content) && { garbled: true }) };
};

const MiB = 1024 * 1024;

/** Nothing that is read has a hundredth of that: whoever puts more there wants memory to run out. */
const mostRead = 64 * MiB;

/** A file's content, unpacked where its name ends in .gz: 16 MiB at most, where a kernel's configuration has a third of one. */
const contentOf = (real: string, path: string): Buffer => {
  const content = readFileSync(real);
  return path.endsWith('.gz')
    ? process.getBuiltinModule('node:zlib').gunzipSync(content, { maxOutputLength: 16 * MiB })
    : content;
};

const found = (
  place: Place,
  path: string,
  lines: readonly string[] | undefined,
  looked: Looked,
  unread: string[],
): FoundFile | undefined => {
  const stats = statsAt(place, path, looked);
  if (!stats) return undefined;
  const link = stats.isSymbolicLink() ? readlinkSync(place.at(path)) : undefined;
  return {
    path,
    ...(link !== undefined && { link }),
    text:
      lines?.length === 0
        ? ''
        : textOf(link === undefined ? answerAt(place, path, stats, lines) : readAnswer(place, path, lines), unread),
    ...(place.modes && { executable: isExecutable(place, path) }),
  };
};

const answerAt = (place: Place, path: string, stats: Stats, lines?: readonly string[]): Answer => {
  try {
    return fileAnswer(place.at(path), path, stats, lines);
  } catch (error) {
    return { status: 2, text: '', ...(isDenied(error) && { unread: [path] }) };
  }
};

/** Whether anybody may execute it: of an image's files, the one who asks is not the one who will. */
const isExecutable = (place: Place, path: string): boolean => {
  try {
    return (statSync(place.behind(path)).mode & 0o111) !== 0;
  } catch {
    return false;
  }
};

const textOf = ({ status, text, unread = [] }: Answer, allUnread: string[]): string => {
  allUnread.push(...unread);
  return status === 0 ? text : '';
};

const expand = (place: Place, glob: string, looked: Looked): string[] => {
  const cut = glob.lastIndexOf('/');
  const last = glob.slice(cut + 1);
  const paths: string[] = [];
  for (const folder of foldersOf(place, glob.slice(0, cut), looked)) addChildren(paths, place, folder, last, looked);
  return paths.length > 1 ? paths.sort() : paths;
};

const foldersOf = (place: Place, glob: string, looked: Looked): readonly string[] => {
  const known = looked.folders.get(glob);
  if (known) return known;
  const cut = glob.lastIndexOf('/');
  const paths: string[] = [];
  if (cut < 0) paths.push('');
  else {
    const maybe: string[] = [];
    for (const path of foldersOf(place, glob.slice(0, cut), looked)) addChildren(maybe, place, path, glob.slice(cut + 1), looked);
    for (const path of maybe) if (isFolder(place, path, looked)) paths.push(path);
  }
  looked.folders.set(glob, paths);
  return paths;
};

/** Whether a folder is there, or a link; where a link to a folder beside it leads is kept in mind. */
const isFolder = (place: Place, path: string, looked: Looked): boolean => {
  const stats = statsAt(place, path, looked);
  if (!stats) return false;
  const cut = path.lastIndexOf('/');
  const above = realOf(path.slice(0, cut), looked);
  const target = stats.isSymbolicLink() ? targetOf(place.at(path)) : path.slice(cut + 1);
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
const addChildren = (paths: string[], place: Place, path: string, segment: string, looked: Looked): void => {
  const folder = realOf(path, looked);
  const known = looked.names.get(folder);
  const star = segment.indexOf('*');
  if (star < 0) {
    if (!known || known.includes(segment)) paths.push(`${path}/${segment}`);
    return;
  }
  const names = known ?? namesIn(place, folder, path, looked);
  if (!known) looked.names.set(folder, names);
  const [first, last] = [segment.slice(0, star), segment.slice(segment.lastIndexOf('*') + 1)];
  for (const name of names) {
    if (!name.startsWith(first) || !name.endsWith(last) || (star === 0 && name.startsWith('.'))) continue;
    // With one star that is all; it must not be shorter than its two ends.
    const fits = segment.indexOf('*', star + 1) < 0 ? name.length >= segment.length - 1 : globPattern(segment).test(name);
    if (fits) paths.push(`${path}/${name}`);
  }
};

const statsAt = (place: Place, path: string, looked: Looked): Stats | undefined => {
  try {
    return lstatSync(place.at(path), { throwIfNoEntry: false });
  } catch (error) {
    if (isDenied(error)) looked.denied.add(path.slice(0, path.lastIndexOf('/')));
    return undefined;
  }
};

const namesIn = (place: Place, folder: string, asked: string, looked: Looked): string[] => {
  try {
    return readdirSync(place.behind(`${folder}/`));
  } catch (error) {
    if (isDenied(error)) looked.denied.add(asked);
    return [];
  }
};

/** The error's code, such as ENOENT. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
