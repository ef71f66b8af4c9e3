import { kindNamed } from '../kinds/table.ts';
import type { Unread } from '../model.ts';
import { safe, wrap } from './terminal.ts';

/** What was not judged for want of rights, and how to have it judged; nothing where all could be read. */
export const unreadText = (unread: readonly Unread[] = [], width: number): string[] => {
  if (unread.length === 0) return [];
  const named = some(unread.map(({ path, kinds }) => `${path}${kinds.length > 0 ? ` (${kinds.map(titleOf).join(', ')})` : ''}`));
  const what = unread.length === 1 ? 'What it says' : 'What they say';
  return wrap(safe(`Not read, for want of rights: ${named}. ${what} is not judged: run it with sudo to be sure.`), width, '');
};

/** The same as the end of a line. */
export const unreadEnd = (unread: readonly Unread[] = []): string =>
  unread.length === 0 ? '' : `; not read, for want of rights: ${some(unread.map(({ path }) => path))}`;

const titleOf = (kind: Unread['kinds'][number]): string => {
  const { title } = kindNamed(kind);
  return /^[A-Z][a-z ]+$/.test(title) ? title.toLowerCase() : title;
};

/** The names of the first few: with a folder of a thousand, the rest are in the JSON. */
const some = (names: readonly string[]): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const most = 4;
