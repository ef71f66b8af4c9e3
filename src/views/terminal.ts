/** How text is laid out: in colour or not, and how wide. */
export type Style = { readonly color: boolean; readonly width: number };

export type Tint = 'red' | 'green' | 'yellow' | 'cyan' | 'bold' | 'dim';

/** Text in a colour where the style has colours. */
export const tint = (style: Style, how: Tint, text: string): string =>
  style.color ? process.getBuiltinModule('node:util').styleText(how, text, { validateStream: false }) : text;

/**
 * Text from a host as a terminal may see it: control characters and escapes, marks that turn the direction or cannot be seen, and
 * separators of lines are replaced. Tabs and line ends stay.
 */
export const safe = (text: string): string =>
  /^[\t\n\x20-\x7e]*$/.test(text) ? text : text.replace(/(?![\t\n])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, '?');

/** The same for text that is one line: what a name or a value holds cannot begin another one. */
export const safeLine = (text: string): string => safe(text).replace(/[\t\n]/g, '?');

/** Whether the locale's characters are UTF-8, as setlocale(3) finds it. */
export const speaksUtf8 = (env: { readonly [name: string]: string | undefined }): boolean =>
  /utf-?8/i.test(env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || 'C');

/** Text for people with nothing in it that their locale has not: where that is not UTF-8, plain ASCII. */
export const forLocale = (text: string, env: { readonly [name: string]: string | undefined }): string =>
  speaksUtf8(env) ? text : text.replace(/[^\x00-\x7f]/gu, '?');

/** Breaks text at spaces so that it fits, every line indented; words longer than a line stay whole. `join` ends each broken line. */
export const wrap = (text: string, width: number, indent: string, join = ''): string[] => {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    if (line !== '' && indent.length + line.length + 1 + word.length + join.length > width) {
      lines.push(`${indent}${line}${join}`);
      line = word;
    } else line = line === '' ? word : `${line} ${word}`;
  }
  return [...lines, `${indent}${line}`];
};

/** Whether to colour: the flag decides, then NO_COLOR and FORCE_COLOR (no-color.org), then whether a person's terminal is there. */
export const wantsColor = (
  flag: string | undefined,
  env: { readonly [name: string]: string | undefined },
  isTty: () => boolean,
): boolean => {
  if (flag === 'always') return true;
  if (flag === 'never' || env['NO_COLOR']) return false;
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0';
  return env['TERM'] !== 'dumb' && isTty();
};
