import { isRoot } from './knowledge/rights.ts';
import { queryKey } from './answers.ts';
import type { Answer, Answers, KindName, Query, Unread } from './model.ts';

/** A kind and what it asks, which is only looked at where something was not read. */
type Asks = { readonly name: KindName; readonly queries: () => readonly Query[] };

/**
 * What is there but could not be read, and why, in order: what stands in those files is not in the plan. The kernel's own files are
 * left out, as what they would tell is judged where it is asked for, unless it is an ordinary user who may not read them. What is below a
 * folder that is named goes without saying.
 */
export const unreadIn = (answers: Answers, asked: readonly Asks[]): readonly Unread[] => {
  const all = new Map([...answers].flatMap(([key, answer]) => missedBy(key, answer)));
  if (all.size === 0) return [];
  const asRoot = isRoot(answers);
  const told = [...all.keys()].filter((path) => {
    const own = /^\/(?:proc|sys)\//.test(path);
    return !hasAbove(path, all) && (!own || (!asRoot && isDenied(all.get(path) ?? '')));
  });
  if (told.length === 0) return [];
  const wanted = asked.map(({ name, queries }) => ({ name, paths: pathsMissed(queries(), answers) }));
  return told.sort().map((path) => ({
    path,
    why: all.get(path) ?? '',
    kinds: wanted.filter(({ paths }) => paths.has(path)).map(({ name }) => name),
  }));
};

/** Whether it is the rights of the one who asks that are wanting. */
export const isDenied = (why: string): boolean => why === 'EACCES' || why === 'EPERM';

/** Paths and reasons of one answer; a reason begins with its path where it stands alone. */
const missedBy = (key: string, { status, text, unread = [] }: Answer): [string, string][] => {
  const listed = unread.map(({ path, why }): [string, string] => [path, withoutPath(why, path)]);
  const path = key.slice('read '.length);
  return status === 2 && text !== '' && key.startsWith('read ') ? [...listed, [path, withoutPath(text, path)]] : listed;
};

const withoutPath = (why: string, path: string): string =>
  why.startsWith(path) ? why.slice(path.length).replace(/^:? /, '') : why;

const hasAbove = (path: string, all: ReadonlyMap<string, string>): boolean => {
  for (let cut = path.lastIndexOf('/'); cut > 0; cut = path.lastIndexOf('/', cut - 1))
    if (all.has(path.slice(0, cut))) return true;
  return false;
};

const pathsMissed = (queries: readonly Query[], answers: Answers): ReadonlySet<string> =>
  new Set(
    queries.flatMap((query) => {
      const answer = answers.get(queryKey(query));
      return answer ? missedBy(queryKey(query), answer).map(([path]) => path) : [];
    }),
  );
