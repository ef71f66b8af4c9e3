import type { Action, HostView } from '../model.ts';
import { header, keptLines } from '../../templates/own-file.ts';

/** The write of a file that node-prep owns whole: header, what is wanted, then what earlier runs wanted. */
export const ownFile = (
  path: string,
  host: HostView,
  content: {
    readonly purpose: string;
    readonly lines: readonly string[];
    readonly kept: readonly string[];
    readonly before: string | undefined;
  },
): Omit<Extract<Action, { do: 'write' }>, 'for'> => ({
  do: 'write',
  path,
  mode: '0644',
  before: content.before ?? null,
  after: `${[...header(content.purpose, host.askedBy), ...content.lines, ...keptLines(content.kept)].join('\n')}\n`,
});
