import { fileText } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { bootServiceQueries, maskOfService } from './boot-services.ts';
import { dropinQueries, dropins } from './dropins.ts';
import { bootArguments } from './modprobe-cmdline.ts';
import { moduleName } from './module-names.ts';

/** A module that is loaded at boot, and the file and line (or kernel argument) that says so. */
export type BootEntry = { readonly name: string; readonly from: string };

/** The file that node-prep owns. */
export const ownModulesLoad = '/etc/modules-load.d/node-prep.conf';

export const bootEntryQueries: readonly Query[] = [
  ...bootServiceQueries('systemd-modules-load.service'),
  ...dropinQueries('modules-load'),
  { ask: 'read', path: '/proc/cmdline' },
];

/** What systemd-modules-load(8) will be told at the next boot. `skip`: a file to leave out. */
export const bootEntries = (answers: Answers, skip?: string): BootEntry[] =>
  maskOfService(answers, 'systemd-modules-load.service') === undefined ? listedEntries(withoutRun(answers), skip) : [];

/**
 * What systemd-modules-load(8) is told to load by the files that are there now, in its order: modules_load= of the kernel
 * command line, then modules-load.d. rd.modules_load= is for the initial RAM disk and not read afterwards.
 */
export const listedEntries = (answers: Answers, skip?: string): BootEntry[] => [
  ...bootArguments(fileText(answers, '/proc/cmdline') ?? '').map((name) => ({
    name: moduleName(name),
    from: '/proc/cmdline',
  })),
  ...dropins(answers, 'modules-load', skip).flatMap((file) =>
    parseModulesLoad(file.text).map(({ name, line }) => ({ name, from: `${file.path}:${line}` })),
  ),
];

/**
 * The same answers from a host whose /run is empty, as it is when it has booted: its drop-in files are neither read nor do they
 * mask those of /usr/lib any more.
 */
export const withoutRun = (answers: Answers): Answers => new Map([...answers].filter(([key]) => !key.startsWith('list /run/')));

/** A text without spaces and tabs around it; a regular expression looks at each of them again and again. */
const withoutBlanks = (text: string): string => {
  let [start, end] = [0, text.length];
  while (start < end && ' \t'.includes(text[start] ?? '')) start += 1;
  while (end > start && ' \t'.includes(text[end - 1] ?? '')) end -= 1;
  return text.slice(start, end);
};

/**
 * The names in a modules-load.d file: one per line; lines that start with # or ; are comments (modules-load.d(5)). systemd ends a
 * line at a carriage return or a NUL too (its read_line(), measured with 252).
 */
export const parseModulesLoad = (text: string): { readonly name: string; readonly line: number }[] =>
  text
    .split('\n')
    .flatMap((line, i) => line.split(/[\r\0]/).map((part) => ({ line: i + 1, name: withoutBlanks(part) })))
    .filter(({ name }) => name !== '' && !/^[#;]/.test(name))
    .map(({ line, name }) => ({ line, name: moduleName(name) }));
