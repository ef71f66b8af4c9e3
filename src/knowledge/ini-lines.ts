import { numbered } from '../answers.ts';
import type { FoundFile } from '../model.ts';

/** A line `KEY=VALUE` of a file with sections. `from`: "/path:line". */
export type IniLine = { readonly section: string; readonly key: string; readonly value: string; readonly from: string };

/** The settings of a file with sections, in order; white space around keys and values does not count, `comments` begin one. */
export const iniLines = ({ path, text }: FoundFile, comments = '#;'): IniLine[] => {
  const lines: IniLine[] = [];
  let section = '';
  for (const { line, text: raw } of numbered(text)) {
    const trimmed = raw.trim();
    if (trimmed === '' || comments.includes(trimmed.charAt(0))) continue;
    const header = /^\[(.*)\]$/.exec(trimmed)?.[1];
    const equals = trimmed.indexOf('=');
    if (header !== undefined) section = header;
    else if (equals > 0) lines.push({ section, ...pairOf(trimmed, equals), from: `${path}:${line}` });
  }
  return lines;
};

const pairOf = (text: string, equals: number): { key: string; value: string } => ({
  key: text.slice(0, equals).trim(),
  value: text.slice(equals + 1).trim(),
});
