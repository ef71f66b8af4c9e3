import { numbered } from '../answers.ts';
import type { FoundFile } from '../model.ts';

/** A line `KEY=VALUE` of a file with sections. `from`: "/path:line". */
export type IniLine = { readonly section: string; readonly key: string; readonly value: string; readonly from: string };

/**
 * The settings of a file with sections, in order; white space around keys and values does not count. `continued`: a backslash at
 * the end joins the next line, as systemd has it (systemd.syntax(7)).
 */
export const iniLines = ({ path, text }: FoundFile, continued = false): IniLine[] => {
  const lines: IniLine[] = [];
  let section = '';
  for (const { line, text: raw } of continued ? joined(text) : numbered(text)) {
    const trimmed = raw.trim();
    if (trimmed === '' || /^[#;]/.test(trimmed)) continue;
    const header = /^\[(.*)\]$/.exec(trimmed)?.[1];
    const equals = trimmed.indexOf('=');
    if (header !== undefined) section = header;
    else if (equals > 0) lines.push({ section, ...pairOf(trimmed, equals), from: `${path}:${line}` });
  }
  return lines;
};

const joined = (text: string): { readonly line: number; readonly text: string }[] => {
  const lines: { line: number; text: string }[] = [];
  let open = false;
  for (const { line, text: raw } of numbered(text)) {
    const last = lines.at(-1);
    const part = raw.replace(/\\$/, ' ');
    // Comments between the lines that belong together are passed over.
    if (open && last && /^\s*[#;]/.test(raw)) continue;
    if (open && last) last.text += part;
    else lines.push({ line, text: part });
    open = raw.endsWith('\\') && !/^\s*[#;]/.test(raw);
  }
  return lines;
};

const pairOf = (text: string, equals: number): { key: string; value: string } => ({
  key: text.slice(0, equals).trim(),
  value: text.slice(equals + 1).trim(),
});
