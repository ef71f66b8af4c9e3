import { accessSync, constants, lstatSync, readdirSync, readlinkSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { globPattern } from '../answers.ts';
import type { Answer, FoundFile } from '../model.ts';
import { codeOf } from '../trouble.ts';
import { here } from './place.ts';
import type { Place } from './place.ts';
import { fileAnswer, fullRoom, problemAnswer, readAnswer } from './read.ts';
import type { Room } from './read.ts';

/**
 * What was found out about folders while many lists are answered: the names in each that was read, and the folders that a pattern
 * leads to. `real`: where a folder is that was reached through a link, as /lib is /usr/lib on most.
 */
export type Looked = {
  readonly names: Map<string, readonly string[]>;
  readonly folders: Map<string, readonly string[]>;
  readonly real: Map<string, string>;
  /** Folders, as they were asked for, that are there but could not be looked into, and why. */
  readonly closed: Map<string, string>;
  readonly room: Room;
};

/** Nothing looked at yet. */
export const unlooked = (): Looked => ({
  names: new Map(),
  folders: new Map(),
  real: new Map(),
  closed: new Map(),
  room: fullRoom(),
});

/** As many files of one name pattern are looked at: to do no more than that with each of a hundred thousand takes a minute. */
const mostListed = 5000;

/** Answers a `list`. A file that is there but cannot be read counts as empty, and is named in `unread`. */
export const listAnswer = (place: Place, glob: string, lines?: readonly string[], looked: Looked = unlooked()): Answer => {
  const unread: Missed[] = [];
  const paths = expand(place, glob, looked);
  if (paths.length > mostListed)
    unread.push({ path: glob, why: `${glob}: only ${mostListed} of ${paths.length} files were looked at` });
  const files = paths.slice(0, mostListed).flatMap((path) => found(place, path, unread, looked, lines) ?? []);
  if (looked.closed.size > 0) unread.push(...closedOn(glob, looked));
  return { status: 0, text: '', files, ...(unread.length > 0 && { unread }) };
};

type Missed = NonNullable<Answer['unread']>[number];

/** The folders on a pattern's way that could not be looked into. */
const closedOn = (glob: string, { closed }: Looked): Missed[] =>
  [...closed]
    .filter(([folder]) => {
      const [parts, depth] = [glob.split('/'), folder.split('/').length];
      return depth < parts.length && globPattern(parts.slice(0, depth).join('/')).test(folder);
    })
    .map(([path, why]) => ({ path, why }));

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

const found = (
  place: Place,
  path: string,
  unread: Missed[],
  looked: Looked,
  lines?: readonly string[],
): FoundFile | undefined => {
  const stats = statsAt(place, path, looked);
  // What Node could not make text of leads to no file under that name.
  if (!stats && path.includes('\ufffd')) unread.push({ path, why: `${path}: its name is not UTF-8` });
  if (!stats) return undefined;
  const link = stats.isSymbolicLink() ? targetOf(place.at(path)) : undefined;
  // Gone since it was looked at: systemd's links in /run come and go.
  if (link === '') return undefined;
  const read = lines?.length === 0 ? nothing : contentAt(place, path, stats, looked.room, lines);
  // A folder is passed over by all who read such files, and a link to /dev/null is a mask.
  if (read.status === 2 && link !== '/dev/null' && !stats.isDirectory()) unread.push({ path, why: read.text });
  return {
    path,
    ...(link !== undefined && { link }),
    text: read.status === 0 ? read.text : '',
    ...(place.modes && { executable: isExecutable(place, path) }),
  };
};

const nothing: Answer = { status: 0, text: '' };

const contentAt = (place: Place, path: string, stats: Stats, room: Room, lines?: readonly string[]): Answer => {
  if (stats.isSymbolicLink()) return readAnswer(place, path, lines, undefined, room);
  try {
    return fileAnswer(place.at(path), path, stats, room, lines);
  } catch (error) {
    return problemAnswer(path, codeOf(error));
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
    noteClosed(path.slice(0, path.lastIndexOf('/')), error, looked);
    return undefined;
  }
};

const noteClosed = (folder: string, error: unknown, { closed }: Looked): void => {
  const { status, text } = problemAnswer(folder, codeOf(error));
  if (status === 2) closed.set(folder, text);
};

const namesIn = (place: Place, folder: string, asked: string, looked: Looked): string[] => {
  try {
    return readdirSync(place.behind(`${folder}/`));
  } catch (error) {
    noteClosed(asked, error, looked);
    return [];
  }
};
