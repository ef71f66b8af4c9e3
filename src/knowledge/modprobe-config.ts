import type { FoundFile } from '../model.ts';
import { globMatches } from './glob.ts';
import type { Cut } from './glob.ts';
import { moduleName } from './module-names.ts';

/** A line of modprobe.d that speaks of the modules whose names match `pattern`. */
export type ConfigLine = { readonly pattern: string; readonly from: string; readonly text: string };

/** What libkmod has read, each list in the order in which it is searched: the first line that matches counts, but every alias. */
export type ModprobeConfig = {
  readonly aliases: readonly (ConfigLine & { readonly module: string })[];
  /** Exact names, no patterns. */
  readonly blacklist: readonly ConfigLine[];
  readonly installs: readonly (ConfigLine & { readonly command: string })[];
  readonly removes: readonly ConfigLine[];
  readonly softdeps: readonly (ConfigLine & { readonly pre: readonly string[]; readonly post: readonly string[] })[];
};

/** Reads modprobe.d files, given in the order in which libkmod reads them (modprobe.d(5), libkmod-config.c of kmod 30). */
export const parseModprobe = (files: readonly FoundFile[]): ModprobeConfig => {
  const lines = files.flatMap(directivesOf);
  const named = (name: string): Directive[] => lines.filter((line) => line.directive === name);
  const withCommand = (name: string): Directive[] => named(name).filter(({ rest }) => rest !== '');
  return {
    aliases: named('alias').flatMap((line) => {
      const module = words(line.rest)[0];
      return module === undefined ? [] : [{ ...line, module: moduleName(module) }];
    }),
    blacklist: named('blacklist'),
    installs: withCommand('install').map((line) => ({ ...line, command: line.rest })),
    removes: withCommand('remove'),
    softdeps: withCommand('softdep').map((line) => ({ ...line, ...softdeps(line.rest) })),
  };
};

const directivesOf = (file: FoundFile): readonly Directive[] => {
  const known = read.get(file);
  if (known) return known;
  const directives = logicalLines(file).flatMap(directive);
  read.set(file, directives);
  return directives;
};

/** The same files are read for now and for the next boot, and by several kinds. */
const read = new WeakMap<FoundFile, readonly Directive[]>();

type Directive = ConfigLine & { readonly directive: string; readonly rest: string };

/**
 * Lines as libkmod joins them: a backslash takes the line's end away, and before anything else only itself; a comment is joined as
 * well, so that one which ends in a backslash swallows the next line. Each has the number of the line on which it began.
 */
const logicalLines = (file: FoundFile): { readonly from: string; readonly text: string }[] => {
  const found: { from: string; text: string }[] = [];
  let [begin, line, text] = [1, 1, ''];
  for (const part of file.text.split('\n')) {
    const [joined, open] = withoutBackslashes(part);
    text += joined;
    line += 1;
    if (open) continue;
    found.push({ from: `${file.path}:${begin}`, text });
    [begin, text] = [line, ''];
  }
  if (text !== '') found.push({ from: `${file.path}:${begin}`, text });
  return found;
};

/** A line as it reads, and whether its end is taken away. */
const withoutBackslashes = (part: string): readonly [string, boolean] => {
  if (!part.includes('\\')) return [part, false];
  const open = (part.length - 1 - lastOther(part)) % 2 === 1;
  return [(open ? part.slice(0, -1) : part).replace(/\\([^])/g, '$1'), open];
};

/** Where the last sign stands that is no backslash. */
const lastOther = (part: string): number => {
  let at = part.length - 1;
  while (at >= 0 && part[at] === '\\') at -= 1;
  return at;
};

/** Words are parted by spaces and tabs alone: the carriage return of a DOS line's end belongs to the last word. */
const directive = ({ from, text }: { readonly from: string; readonly text: string }): Directive[] => {
  const match = text.startsWith('#') ? null : /^[ \t]*([^ \t]+)[ \t]+([^ \t]+)(?:[ \t]([^]*))?$/.exec(text);
  if (!match?.[1] || !match[2]) return [];
  return [{ directive: match[1], pattern: underscored(match[2]), rest: match[3] ?? '', from, text: text.trim() }];
};

const words = (text: string): string[] => text.split(/[ \t]+/).filter(Boolean);

/**
 * libkmod takes one blank before the first word for a part of that word, so that `pre:` or `post:` after two blanks is none; after
 * three it is (kmod_config_add_softdep(), measured with kmod 30).
 */
const softdeps = (rest: string): { readonly pre: readonly string[]; readonly post: readonly string[] } => {
  const found: { readonly pre: string[]; readonly post: string[] } = { pre: [], post: [] };
  let list: string[] | undefined;
  const spoiled = /^[ \t\n\v\f\r](?![ \t\n\v\f\r])/.test(rest);
  for (const [i, word] of rest
    .split(/[ \t\n\v\f\r]+/)
    .filter(Boolean)
    .entries()) {
    if (spoiled && i === 0) continue;
    if (word === 'pre:' || word === 'post:') list = word === 'pre:' ? found.pre : found.post;
    else list?.push(word);
  }
  return found;
};

/** `-` is `_` in names, but not in a range such as [0-9]. */
const underscored = (pattern: string): string => pattern.replace(/\[[^\]]*\]?|-/g, (part) => (part === '-' ? '_' : part));

/** Whether a name matches a shell pattern, as fnmatch(3) without flags; a range that runs backwards matches nothing. */
export const matches = (pattern: string, name: string): boolean =>
  pattern === name || (isPattern(pattern) && globMatches(pattern, name, 'modprobe', cut));

/** The first of these lines whose pattern matches a name: looked up where it is no pattern, as there may be a great many. */
export const firstFor = <T extends ConfigLine>(lines: readonly T[], name: string): T | undefined => {
  const { exact, patterns } = indexOf(lines);
  const named = exact.get(name) ?? Number.POSITIVE_INFINITY;
  const matching = patterns.find((at) => at < named && matches(lines[at]?.pattern ?? '', name));
  return lines[matching ?? named];
};

/** The first of these lines that has just this name, pattern or not. */
export const exactFor = <T extends ConfigLine>(lines: readonly T[], name: string): T | undefined =>
  lines[indexOf(lines).exact.get(name) ?? lines.length];

/** All lines whose pattern matches a name, in their order. */
export const allFor = <T extends ConfigLine>(lines: readonly T[], name: string): readonly T[] => {
  const { every, patterns } = indexOf(lines);
  const found = [...(every.get(name) ?? []), ...patterns.filter((at) => matches(lines[at]?.pattern ?? '', name))];
  return [...new Set(found)].sort((a, b) => a - b).flatMap((at) => lines[at] ?? []);
};

type Index = {
  readonly exact: ReadonlyMap<string, number>;
  readonly every: ReadonlyMap<string, readonly number[]>;
  readonly patterns: readonly number[];
};

const indexOf = (lines: readonly ConfigLine[]): Index => {
  const seen = indexes.get(lines);
  if (seen) return seen;
  const every = new Map<string, number[]>();
  for (const [at, { pattern }] of lines.entries()) {
    const same = every.get(pattern);
    if (same) same.push(at);
    else every.set(pattern, [at]);
  }
  const exact = new Map([...every].map(([pattern, [at = 0]]) => [pattern, at]));
  const patterns = lines.flatMap(({ pattern }, at) => (isPattern(pattern) ? [at] : []));
  const index = { exact, every, patterns };
  indexes.set(lines, index);
  return index;
};
const indexes = new WeakMap<readonly ConfigLine[], Index>();

/** Whether something in it stands for more than itself. */
const isPattern = (pattern: string): boolean => /[*?[]/.test(pattern);

const cut: Cut = {
  token: /\[(!?)([^\]]+)\]|[^]/gu,
  piece: (token, [not, set]) => {
    if (set !== undefined) return { set: `[${not ? '^' : ''}${set.replace(/[\\\]^]/g, '\\$&')}]` };
    return token === '*' || token === '?' ? token : { sign: token };
  },
};
