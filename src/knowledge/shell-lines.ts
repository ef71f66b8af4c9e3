import { numbered } from '../answers.ts';

type Line = { readonly line: number; readonly text: string };

/**
 * The lines of a shell script that are commands, without comments: a backslash joins the next line, which keeps the first one's
 * number; here-documents, the insides of quotes that span lines, and what stands after an `exit` at the start of a line are left
 * out. Conditions are taken to hold.
 */
export const liveLines = (script: string): readonly Line[] => readScript(script).live;

/** Whether a script has text in it that may only look like commands. */
export const hasText = (script: string): boolean => readScript(script).text;

const readScript = (script: string): { readonly live: readonly Line[]; readonly text: boolean } => {
  const live: Line[] = [];
  let [end, found]: [((text: string) => boolean) | undefined, boolean] = [undefined, false];
  for (const { line, text } of joined(script)) {
    if (end) {
      if (end(text)) end = undefined;
      continue;
    }
    if (/^exit\b/.test(text)) break;
    if (/^\s*#/.test(text)) continue;
    const command = withoutComment(text);
    live.push({ line, text: command });
    end = endOfText(command);
    found ||= end !== undefined;
  }
  return { live, text: found };
};

const withoutComment = (text: string): string => {
  const at = text.search(/\s#/);
  return at < 0 ? text : text.slice(0, at);
};

/** How the text ends that begins on a line: a here-document, or a quote that is not closed there. */
const endOfText = (command: string): ((text: string) => boolean) | undefined => {
  const word = /<<-?\s*["']?(\w+)/.exec(command)?.[1];
  if (word !== undefined) return (text) => text.trim() === word;
  const bare = (sign: string): string => command.replaceAll(sign === '"' ? /'[^']*'/g : /"[^"]*"/g, '');
  const sign = ['"', "'"].find((quote) => isOpen(bare(quote), quote));
  return sign === undefined ? undefined : (text) => isOpen(text, sign);
};

const joined = (script: string): Line[] => {
  const lines: { line: number; text: string }[] = [];
  let open = false;
  for (const { line, text } of numbered(script)) {
    const last = lines.at(-1);
    const part = text.replace(/\\$/, ' ');
    if (open && last) last.text += part;
    else lines.push({ line, text: part });
    open = text.endsWith('\\') && !/^\s*#/.test(text);
  }
  return lines;
};

const isOpen = (text: string, sign: string): boolean => (text.split(sign).length - 1) % 2 === 1;
