import { kindNamed } from '../kinds/table.ts';
import type { Unread } from '../model.ts';
import { isDenied } from '../unread.ts';
import { safeLine, wrap } from './terminal.ts';

/** What was not judged, and for want of rights how to have it judged; nothing where all could be read. */
export const unreadText = (unread: readonly Unread[] = [], width: number): string[] => {
  const denied = unread.filter(({ why }) => isDenied(why));
  const others = unread.filter(({ why }) => !isDenied(why));
  return [
    ...(others.length > 0 ? sentence('Not read', others.map(withReason), others.length, '', width) : []),
    ...(denied.length > 0
      ? sentence('Not read, for want of rights', denied.map(withKinds), denied.length, ': run it with sudo to be sure', width)
      : []),
  ];
};

/** The same as the end of a line. */
export const unreadEnd = (unread: readonly Unread[] = []): string =>
  unread.length === 0
    ? ''
    : `; not read${unread.every(({ why }) => isDenied(why)) ? ', for want of rights' : ''}: ${some(unread.map(({ path }) => path))}`;

const sentence = (what: string, named: readonly string[], n: number, end: string, width: number): string[] =>
  wrap(safeLine(`${what}: ${some(named)}. ${n === 1 ? 'What it says' : 'What they say'} is not judged${end}.`), width, '');

const withReason = ({ path, why, kinds }: Unread): string => withKinds({ path: `${path}: ${why}`, why, kinds });

const withKinds = ({ path, kinds }: Unread): string => `${path}${kinds.length > 0 ? ` (${kinds.map(titleOf).join(', ')})` : ''}`;

const titleOf = (kind: Unread['kinds'][number]): string => {
  const { title } = kindNamed(kind);
  return /^[A-Z][a-z ]+$/.test(title) ? title.toLowerCase() : title;
};

/** The names of the first few: with a folder of a thousand, the rest are in the JSON. */
const some = (names: readonly string[]): string =>
  names.length <= most ? names.join(', ') : `${names.slice(0, most).join(', ')} and ${names.length - most} more`;

const most = 4;
