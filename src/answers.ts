import type { Action, Answer, Answers, Argv, FoundFile, Query } from './model.ts';

/** A function of answers that is asked for again and again while a plan is made: it looks once at each, for each `of`. */
export const remembered = <T>(look: (answers: Answers, of: string) => T): ((answers: Answers, of?: string) => T) => {
  const known = new WeakMap<Answers, Map<string, T>>();
  return (answers, of = '') => {
    const seen = known.get(answers) ?? new Map<string, T>();
    if (seen.size === 0) known.set(answers, seen);
    const had = seen.get(of);
    if (had !== undefined || seen.has(of)) return had as T;
    const found = look(answers, of);
    seen.set(of, found);
    return found;
  };
};

/** The key under which a query's answer is kept. */
export const queryKey = (query: Query): string =>
  query.ask === 'read' ? `read ${query.path}` : query.ask === 'list' ? `list ${query.glob}` : runKey(query.argv);

/** Scripts are long, and most are asked about more than once. */
const runKey = (argv: Argv): string => {
  const known = runKeys.get(argv) ?? `run ${JSON.stringify(argv)}`;
  runKeys.set(argv, known);
  return known;
};
const runKeys = new WeakMap<Argv, string>();

/** Every query once; where several want lines of one file, it is asked for all those lines. */
export const mergeQueries = (queries: readonly Query[]): Query[] => {
  const byKey = new Map<string, Query>();
  for (const query of queries) {
    const key = queryKey(query);
    const seen = byKey.get(key);
    byKey.set(key, seen ? withLinesOf(seen, query) : query);
  }
  return [...byKey.values()];
};

const withLinesOf = (a: Query, b: Query): Query => {
  if (a.ask === 'run' || b.ask === 'run') return a;
  const lines = a.lines && b.lines && { lines: [...new Set([...a.lines, ...b.lines])] };
  if (a.ask === 'list' || b.ask === 'list') return a.ask === 'list' ? { ask: 'list', glob: a.glob, ...lines } : a;
  const paragraphs = (a.paragraphs || b.paragraphs) && { paragraphs: true as const };
  return { ask: 'read', path: a.path, ...lines, ...paragraphs, ...(a.unless && b.unless && { unless: a.unless }) };
};

/** A file's text, or undefined where it is not there or was unreadable. */
export const fileText = (answers: Answers, path: string): string | undefined => {
  const answer = answers.get(`read ${path}`);
  return answer?.status === 0 ? answer.text : undefined;
};

/** The files that a `list` found; none where nothing matched. */
export const listed = (answers: Answers, glob: string): readonly FoundFile[] => answers.get(`list ${glob}`)?.files ?? [];

/** What a `run` came to; 127 where it was not asked. */
export const ran = (answers: Answers, argv: Argv): Answer =>
  answers.get(queryKey({ ask: 'run', argv })) ?? { status: 127, text: '' };

/** What a `run` printed that came to a good end; undefined where it did not, as after the minute that all have, or was not asked. */
export const said = (answers: Answers, argv: Argv): string | undefined => {
  const { status, text } = ran(answers, argv);
  return status === 0 ? text : undefined;
};

/** What a shell script printed that has this name as its $0, whatever its arguments; undefined where none was asked. */
export const scriptAnswer = (answers: Answers, name: string): Answer | undefined => scriptNamed(answers, name);

const scriptNamed = remembered((answers, name) => {
  const word = `,${JSON.stringify(name)}`;
  for (const [key, answer] of answers) if (key.startsWith('run ["sh","-c",') && key.includes(word)) return answer;
  return undefined;
});

/** The lines of a text without their ends, each with its number from 1. */
export const numbered = (text: string): { readonly line: number; readonly text: string }[] =>
  text.split(/\r?\n/).map((line, i) => ({ line: i + 1, text: line }));

/** A glob, where `*` stands for anything within one path segment, as an anchored pattern. */
export const globPattern = (glob: string): RegExp => {
  const known = patterns.get(glob);
  if (known) return known;
  const pattern = new RegExp(`^${glob.replace(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '[^/]*')}$`);
  patterns.set(glob, pattern);
  return pattern;
};

/** The same globs are asked about again and again while a plan is made. */
const patterns = new Map<string, RegExp>();

/** The answers as they would be with the writes and removals of `actions` done. Commands are not imagined. */
export const overlay = (answers: Answers, actions: readonly Action[]): Answers => {
  const after = new Map(answers);
  for (const action of actions) {
    if (action.do === 'write') lay(after, action.path, action.after);
    if (action.do === 'remove') lay(after, action.path, undefined);
  }
  return after;
};

const lay = (answers: Map<string, Answer>, path: string, text: string | undefined): void => {
  for (const [key, answer] of answers) {
    if (key === `read ${path}`) answers.set(key, text === undefined ? { status: 1, text: '' } : { status: 0, text });
    else if (key.startsWith('list ')) {
      const linked = throughLinks(answer, path, text ?? '');
      answers.set(key, globPattern(key.slice(5)).test(path) ? withFile(linked, path, text) : linked);
    }
  }
};

/** A link shows what is written to the file that it leads to. */
const throughLinks = (answer: Answer, path: string, text: string): Answer =>
  answer.files?.some((file) => linkTarget(file) === path)
    ? { ...answer, files: answer.files.map((file) => (linkTarget(file) === path ? { ...file, text } : file)) }
    : answer;

/** Where a link leads in one step, as an absolute path; undefined where the file is no link. */
export const linkTarget = ({ path, link }: FoundFile): string | undefined =>
  link === undefined ? undefined : simplified(link.startsWith('/') ? link : `${path.slice(0, path.lastIndexOf('/'))}/${link}`);

const simplified = (path: string): string =>
  /\/\.|\/\//.test(path)
    ? `/${path
        .split('/')
        .reduce<string[]>(
          (kept, part) => (part === '..' ? kept.slice(0, -1) : part === '' || part === '.' ? kept : [...kept, part]),
          [],
        )
        .join('/')}`
    : path;

const withFile = (answer: Answer, path: string, text: string | undefined): Answer => {
  const others = (answer.files ?? []).filter((file) => file.path !== path);
  const files = text === undefined ? others : [...others, { path, text }].sort((a, b) => (a.path < b.path ? -1 : 1));
  return { ...answer, files };
};
