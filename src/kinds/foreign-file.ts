import { fileText, linkTarget } from '../answers.ts';
import { hasText } from '../knowledge/shell-lines.ts';
import type { Action, Answers, FoundFile } from '../model.ts';

type Write = Omit<Extract<Action, { do: 'write' }>, 'for'>;

/** What stands before a line that was taken out of somebody else's file: the line itself stays, for a person to put back. */
const takenOver = '# taken over by node-prep: ';

/**
 * Comments lines out, each given as "/path:line", one write per file. A file of the distribution under /usr stays as it is: a
 * copy of the same name in /etc hides it, without the line. Undefined where one of them is no line of a file that was read.
 */
export const commentedOut = (froms: readonly string[], answers: Answers): readonly Write[] | undefined => {
  const byFile = new Map<string, { file: FoundFile; lines: Set<number> }>();
  for (const from of froms) {
    const place = placeOf(from, answers);
    if (!place) return undefined;
    const known = byFile.get(place.file.path) ?? { file: place.file, lines: new Set<number>() };
    byFile.set(place.file.path, { ...known, lines: known.lines.add(place.line) });
  }
  const writes = [...byFile.values()].map(({ file, lines }) => withoutLines(file, lines, answers));
  return writes.some((write) => write === undefined) ? undefined : writes.filter((write) => write !== undefined);
};

const placeOf = (from: string, answers: Answers): { readonly file: FoundFile; readonly line: number } | undefined => {
  const [, path, line] = /^(\/.*):(\d+)(?:,[^/:]*)?$/s.exec(from) ?? [];
  const file = path === undefined || path.startsWith('/proc/') ? undefined : realFile(path, answers);
  return file && line ? { file, line: Number(line) } : undefined;
};

/** The file that a path leads to, as far as it was read: two names of one file must not become two writes. */
const realFile = (path: string, answers: Answers): FoundFile | undefined => {
  const found = foundFile(path, answers);
  const target = found && linkTarget(found);
  if (!found || target === undefined) return found;
  const text = fileText(answers, target) ?? foundFile(target, answers)?.text;
  return text === found.text ? { path: target, text } : { path, text: found.text };
};

const foundFile = (path: string, answers: Answers): FoundFile | undefined => {
  const text = fileText(answers, path);
  for (const [key, answer] of answers) {
    const file = key.startsWith('list ') ? answer.files?.find((f) => f.path === path) : undefined;
    if (file) return file;
  }
  return text === undefined ? undefined : { path, text };
};

const withoutLines = ({ path, text }: FoundFile, lines: ReadonlySet<number>, answers: Answers): Write | undefined => {
  const texts = text.split('\n').map((line, i) => (lines.has(i + 1) ? takenOut(path, line, text) : line));
  // What is not text cannot be written back unharmed.
  if (text.includes('\ufffd') || texts.includes(undefined)) return undefined;
  const after = texts.join('\n');
  const vendor = /^(?:\/usr(?:\/local)?)?\/lib\//.exec(path);
  if (!vendor) return { do: 'write', path, mode: 'keep', before: text, after };
  const own = `/etc/${path.slice(vendor[0].length)}`;
  return fileText(answers, own) === undefined && foundFile(own, answers) === undefined
    ? { do: 'write', path: own, mode: '0644', before: null, after: `# copied by node-prep; hides ${path}\n${after}` }
    : undefined;
};

/**
 * A line as it is once it was taken out. What is run at boot (scripts, crontabs, ifupdown's files) only loses a line that is one
 * simple command for one key or one swap: anything else on it would be lost with it. In a script a command that does nothing takes its
 * place, as a branch must not be empty. Undefined also for units, which are broken without their command, for what cloud-init
 * fetches anew, and for profiles of tuned's package, which use files beside them.
 */
const takenOut = (path: string, line: string, text: string): string | undefined => {
  const isUnit = /\.(?:service|rules)$|^\/etc\/systemd\/system\//.test(path);
  if (isUnit || /^\/var\/lib\/cloud\/|^\/usr\/lib\/tuned\//.test(path) || line.includes(takenOver)) return undefined;
  const script = text.startsWith('#!') || /^\/etc\/rc\./.test(path);
  if (!script && !/^\/etc\/(?:cron|network\/)/.test(path)) return `${takenOver}${line}`;
  if (!simple.test(line) || hasText(text)) return undefined;
  return script ? `: ${takenOver}${line}` : `${takenOver}${line}`;
};

/** One command that sets one key, or turns one swap on, with nothing before or after it that counts. */
const simple =
  /^\s*(?:(?:pre-|post-)?up\s+|@reboot\s+\S+\s+)?(?:\/\S*\/)?(?:sysctl(?:\s+-[a-z]+)*\s+[\w./*-]+=[^\s;&|<>\\]+|swapon(?:\s+-a|\s+[^\s;&|<>\\-]\S*)|echo\s+[\w-]+\s*>\s*\/proc\/sys\/\S+)(?:\s+[12]?>\s*\/dev\/null|\s+2>&1)*\s*$/;
