import { numbered } from '../answers.ts';
import { sysctlPath, sysctlValue } from './sysctl.ts';

/**
 * A line that sets a key. `path`: below /proc/sys, may be a glob; `value` is undefined where the line takes a key out of globs.
 * `only`: it raises a smaller value, or lowers a greater one, and leaves others alone.
 */
export type Setting = {
  readonly path: string;
  readonly value: string | undefined;
  readonly from: string;
  readonly only?: 'up' | 'down';
};

/**
 * Who reads the files: systemd-sysctl (the same from 247 to 257), sysctl of procps 4 (4.0.2 and 4.0.4 are the same), or that of
 * procps 3 (3.3.17: Debian 11, Ubuntu 22.04, RHEL 9), which knows neither globs nor exclusions. All held against the real
 * programs in test/resolvers.
 */
export type Program = 'systemd' | 'procps4' | 'procps3';

/**
 * The lines of a sysctl.d file that a program takes for settings; it passes over all others and reads on. `#` and `;` begin
 * comments, but only at the start of a line; a `-` before a key with a value only forgives failure (sysctl.d(5)).
 */
export const parseSysctl = (text: string, file: string, program: Program = 'systemd'): readonly Setting[] => {
  const key = `${program} ${file}`;
  const seen = parsed.get(key);
  if (seen?.text === text) return seen.settings;
  const settings = parse(text, file, program);
  parsed.set(key, { text, settings });
  return settings;
};

/** The same files are asked about again and again while a plan is made. */
const parsed = new Map<string, { readonly text: string; readonly settings: readonly Setting[] }>();

const parse = (text: string, file: string, program: Program): Setting[] => {
  const settings: Setting[] = [];
  const plain = !/[\r\0]/.test(text);
  for (const { line, text: raw } of numbered(program === 'systemd' ? withoutEndlessLine(text) : text)) {
    // Most lines: what ends a line for a program could have a setting behind it.
    if (plain && (raw === '' || raw.startsWith('#'))) continue;
    for (const part of ends[program](raw)) settings.push(...settingOf(part, `${file}:${line}`, program));
  }
  return settings;
};

/** systemd reads a file no further than a line of a MiB (LONG_LINE_MAX of src/basic/fileio.h). */
const endless = 1048576;
const withoutEndlessLine = (text: string): string => {
  if (text.length < endless) return text;
  let begin = 0;
  for (const { index } of text.matchAll(/[\r\n\0]/g)) {
    if (index - begin >= endless) return text.slice(0, begin);
    begin = index + 1;
  }
  return text.length - begin >= endless ? text.slice(0, begin) : text;
};

/** For systemd a line ends at a return or a NUL too (read_line of src/basic/fileio.c); for C programs a NUL ends the text. */
const ends: { readonly [program in Program]: (line: string) => string[] } = {
  systemd: (line) => line.split(/[\r\0]/),
  procps4: (line) => line.split('\0', 1),
  procps3: (line) => line.split('\0', 1),
};

/** What a program strips from the end of a line, a key and a value; from their start procps 3 strips less. */
const spaces: { readonly [program in Program]: string } = { systemd: ' \t\n\r', procps4: ' \t\n\r\v\f', procps3: ' \t\n\r' };

const settingOf = (raw: string, from: string, program: Program): Setting[] => {
  const strip = stripper(spaces[program], program === 'procps3' ? ' \t' : spaces[program]);
  const line = strip(raw);
  if (line.length < 2 || /^[#;]/.test(line)) return [];
  const equals = line.indexOf('=');
  const dash = line.startsWith('-');
  if (equals < 0 && (!dash || program === 'procps3')) return [];
  const name = line.slice(dash ? 1 : 0, equals < 0 ? undefined : equals);
  const path = program === 'systemd' ? simplified(sysctlPath(strip(name))) : literal(stripEnd(name, spaces[program]), program);
  const value = equals < 0 ? undefined : sysctlValue(strip(valueOf(line.slice(equals + 1), program)));
  return path === '' ? [] : [{ path, value, from }];
};

/** procps 3 reads a value with strtok(3): it passes over returns before it and ends at the first after. */
const valueOf = (text: string, program: Program): string =>
  program === 'procps3' ? (text.replace(/^\r+/, '').split('\r', 1)[0] ?? '') : text;

/** systemd takes repeated, leading and closing slashes for none (sysctl_normalize of src/shared/sysctl-util.c). */
const simplified = (path: string): string =>
  path
    .split('/')
    .filter((part) => part !== '' && part !== '.')
    .join('/');

/** procps leaves a key as it is written: after "- " it begins with a space, and no file does. Of a second `-` procps 4 knows nothing. */
const literal = (name: string, program: Program): string => sysctlPath(program === 'procps4' ? name.replace(/^-/, '') : name);

const stripper =
  (of: string, atStart: string) =>
  (text: string): string => {
    const kept = stripEnd(text, of);
    let start = 0;
    while (start < kept.length && atStart.includes(kept[start] ?? '')) start += 1;
    return kept.slice(start);
  };

const stripEnd = (text: string, of: string): string => {
  let end = text.length;
  while (end > 0 && of.includes(text[end - 1] ?? '')) end -= 1;
  return text.slice(0, end);
};
