import type { Action, HostView } from '../model.ts';
import { header, keptLines } from '../../templates/own-file.ts';
import type { Obstacle } from './verdicts.ts';

/** Why a file cannot be written back as it was read, if so: a mask or a folder in its place, no right to read it, or no text. */
export const unwritable = (path: string, { answers }: HostView): Obstacle | undefined => {
  const answer = answers.get(`read ${path}`);
  const remedy = `Look at ${path}, mend or remove it, then plan again.`;
  if (answer?.status === 2) return { reason: answer.text, remedy };
  return answer?.garbled ? { reason: `${path} is not UTF-8 text, so it cannot be changed without harm`, remedy } : undefined;
};

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
