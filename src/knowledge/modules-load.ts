import { fileText, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { dropinQueries, dropins } from './dropins.ts';
import { moduleName } from './module-names.ts';

/** A module that is loaded at boot, and the file and line (or kernel argument) that says so. */
export type BootEntry = { readonly name: string; readonly from: string };

/** The file that node-prep owns. */
export const ownModulesLoad = '/etc/modules-load.d/node-prep.conf';

export const bootEntryQueries: readonly Query[] = [...dropinQueries('modules-load'), { ask: 'read', path: '/proc/cmdline' }];

/**
 * What systemd-modules-load(8) is told to load: modules_load= and rd.modules_load= of the kernel command line, then
 * modules-load.d. /run does not survive a reboot, so its files never count here. `skip`: a file to leave out.
 */
export const bootEntries = (answers: Answers, skip?: string): BootEntry[] => [
  ...cmdlineEntries(fileText(answers, '/proc/cmdline') ?? ''),
  ...dropins(answers, 'modules-load', skip)
    .filter((file) => !file.path.startsWith('/run/'))
    .flatMap((file) => parseModulesLoad(file.text).map(({ name, line }) => ({ name, from: `${file.path}:${line}` }))),
];

/** The names in a modules-load.d file: one per line; lines that start with # or ; are comments (modules-load.d(5)). */
export const parseModulesLoad = (text: string): { readonly name: string; readonly line: number }[] =>
  numbered(text)
    .map(({ line, text: raw }) => ({ line, name: raw.trim() }))
    .filter(({ name }) => name !== '' && !/^[#;]/.test(name))
    .map(({ line, name }) => ({ line, name: moduleName(name) }));

const cmdlineEntries = (cmdline: string): BootEntry[] =>
  cmdline
    .trim()
    .split(/\s+/)
    .flatMap((word) => /^(?:rd\.)?modules[-_]load=(.*)$/.exec(word)?.[1]?.split(',') ?? [])
    .map((name) => ({ name: moduleName(name), from: '/proc/cmdline' }));
