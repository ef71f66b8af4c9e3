import { isUtf8 } from 'node:buffer';
import { lstatSync, readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs';
import { globPattern } from '../answers.ts';
import type { Answer, FoundFile } from '../model.ts';

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
export const readAnswer = (place: Place, path: string, lines?: readonly string[]): Answer => {
  try {
    const real = place.behind(path);
    // Reading a device or a pipe could block, and a folder has no text.
    if (!statSync(real).isFile()) return { status: 2, text: `${path} is no regular file` };
    const content = contentOf(real, path, lines);
    return { status: 0, text: wanted(content.toString('utf8'), lines), ...(!isUtf8(content) && { garbled: true }) };
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? { status: 1, text: '' } : { status: 2, text: `${path}: ${code}` };
  }
};

/** What was found out about folders while many lists are answered: the names in each, and the folders that a pattern leads to. */
export type Looked = { readonly names: Map<string, readonly string[]>; readonly folders: Map<string, readonly string[]> };

/** Nothing looked at yet. */
export const unlooked = (): Looked => ({ names: new Map(), folders: new Map() });

/** Answers a `list`. A file that is there but cannot be read counts as empty. */
export const listAnswer = (place: Place, glob: string, lines?: readonly string[], looked: Looked = unlooked()): Answer => ({
  status: 0,
  text: '',
  files: expand(place, glob, looked).map((path) => found(place, path, lines)),
});

const found = (place: Place, path: string, lines?: readonly string[]): FoundFile => {
  const real = place.at(path);
  const link = lstatSync(real).isSymbolicLink() ? readlinkSync(real) : undefined;
  const answer = readAnswer(place, path, lines);
  return {
    path,
    ...(link !== undefined && { link }),
    text: answer.status === 0 ? answer.text : '',
    ...(place.modes && { executable: isExecutable(place, path) }),
  };
};

const isExecutable = (place: Place, path: string): boolean => {
  try {
    return (statSync(place.behind(path)).mode & 0o111) !== 0;
  } catch {
    return false;
  }
};

/** A file's content, unpacked where its name ends in .gz; not read at all where no line of it is wanted. */
const contentOf = (real: string, path: string, lines: readonly string[] | undefined): Buffer => {
  if (lines?.length === 0) return Buffer.alloc(0);
  return path.endsWith('.gz') ? process.getBuiltinModule('node:zlib').gunzipSync(readFileSync(real)) : readFileSync(real);
};

/** The lines that contain one of the texts. Indexes of kernel modules have thousands of lines, so each text is searched for once. */
const wanted = (text: string, lines: readonly string[] | undefined): string => {
  if (!lines) return text;
  if (lines.length === 0) return '';
  const pattern = anyOf(lines);
  const kept: string[] = [];
  for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
    const end = text.indexOf('\n', match.index);
    kept.push(text.slice(text.lastIndexOf('\n', match.index) + 1, end < 0 ? undefined : end));
    if (end < 0) break;
    pattern.lastIndex = end;
  }
  return kept.length === 0 ? '' : `${kept.join('\n')}\n`;
};

/** Matches any of the texts. What all of them begin with is looked for first: that is twice as fast with a hundred texts. */
const anyOf = (texts: readonly string[]): RegExp => {
  const literal = (text: string): string => text.replace(/[\\^$.|?*+()[\]{}]/g, '\\$&');
  const first = texts[0] ?? '';
  let common = first.length;
  while (!texts.every((text) => text.startsWith(first.slice(0, common)))) common -= 1;
  return new RegExp(`${literal(first.slice(0, common))}(?:${texts.map((text) => literal(text.slice(common))).join('|')})`, 'g');
};

const expand = (place: Place, glob: string, looked: Looked): string[] => {
  const cut = glob.lastIndexOf('/');
  const last = glob.slice(cut + 1);
  return foldersOf(place, glob.slice(0, cut), looked)
    .flatMap((folder) => children(place, folder, last, looked))
    .sort();
};

const foldersOf = (place: Place, glob: string, looked: Looked): readonly string[] => {
  const known = looked.folders.get(glob);
  if (known) return known;
  const cut = glob.lastIndexOf('/');
  const paths =
    cut < 0
      ? ['']
      : foldersOf(place, glob.slice(0, cut), looked).flatMap((path) => children(place, path, glob.slice(cut + 1), looked));
  looked.folders.set(glob, paths);
  return paths;
};

const children = (place: Place, path: string, segment: string, looked: Looked): string[] => {
  const known = looked.names.get(path);
  if (!segment.includes('*')) {
    return (known ? known.includes(segment) : isThere(place, `${path}/${segment}`)) ? [`${path}/${segment}`] : [];
  }
  const names = known ?? namesIn(place, `${path}/`);
  if (!known) looked.names.set(path, names);
  const pattern = globPattern(segment);
  return names
    .filter((name) => pattern.test(name) && !(name.startsWith('.') && segment.startsWith('*')))
    .map((name) => `${path}/${name}`);
};

const isThere = (place: Place, path: string): boolean => {
  try {
    return lstatSync(place.at(path), { throwIfNoEntry: false }) !== undefined;
  } catch {
    return false;
  }
};

const namesIn = (place: Place, folder: string): string[] => {
  try {
    return readdirSync(place.behind(folder));
  } catch {
    return [];
  }
};

/** The error's code, such as ENOENT. */
export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : String(error);
