import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { dropinQueries, dropinsOf, hiddenDropinQueries } from './dropins.ts';
import { globbed, isGlob } from './sysctl-globs.ts';
import { parseSysctl } from './sysctl-lines.ts';
import type { Program, Setting } from './sysctl-lines.ts';
import { kernelInteger } from './sysctl.ts';

/** The file that node-prep owns. */
export const ownSysctl = '/etc/sysctl.d/node-prep.conf';

/** The line that decides a key, and what the key holds afterwards; undefined where that line is why nothing is set. */
export type Winner = { readonly value: string | undefined; readonly from: string };

/**
 * What a program leaves in a key, given as its path below /proc/sys; undefined where no line is about it. `integer`: the
 * key holds one integer, so the kernel refuses other texts, and the value is given as the kernel shows it.
 */
export type Resolver = (path: string, kind?: 'integer') => Winner | undefined;

export const settingQueries: readonly Query[] = [
  ...dropinQueries('sysctl'),
  ...hiddenDropinQueries('sysctl'),
  { ask: 'read', path: '/etc/sysctl.conf' },
];

/**
 * What systemd-sysctl(8) does at boot: sysctl.d alone, /etc/sysctl.conf only through a link. /run is empty then, so a file there
 * neither sets nor masks anything. Hidden files are passed over (files_add of systemd's src/basic/conf-files.c).
 * `own`: the text to judge with in place of the file that node-prep owns.
 */
export const bootResolver = (answers: Answers, own?: string): Resolver => {
  const lasting = sysctlFiles(answers, own).filter((file) => !file.path.startsWith('/run/'));
  return systemd(dropinsOf(lasting).flatMap((f) => (leadsToRun(f) ? [] : parseSysctl(f.text, f.path, 'systemd'))));
};

/**
 * What `sysctl --system` of procps leaves: sysctl.d with hidden files and /run, then /etc/sysctl.conf last of all
 * (PreloadSystem of procps's src/sysctl.c). Globs count from procps 4 on. Version 3 is the careful choice where the version is
 * not known: a key that is named is set by both, and so is a key that nobody mentions.
 */
export const systemResolver = (answers: Answers, own?: string, program: Exclude<Program, 'systemd'> = 'procps3'): Resolver => {
  const hidden = hiddenDropinQueries('sysctl').flatMap((q) => (q.ask === 'list' ? listed(answers, q.glob) : []));
  const files = dropinsOf([...sysctlFiles(answers, own), ...hidden.filter((file) => file.path.endsWith('.conf'))]);
  const last = { path: '/etc/sysctl.conf', text: fileText(answers, '/etc/sysctl.conf') ?? '' };
  return procps(
    [...files, last].flatMap((f) => parseSysctl(f.text, f.path, program)),
    program,
  );
};

const sysctlFiles = (answers: Answers, own: string | undefined): FoundFile[] => {
  const files = dropinQueries('sysctl').flatMap((q) => (q.ask === 'list' ? listed(answers, q.glob) : []));
  if (own === undefined) return files;
  return [{ path: ownSysctl, text: own }, ...files.filter((file) => file.path !== ownSysctl)];
};

/** A link into /run leads nowhere at boot; it still masks its name. */
const leadsToRun = ({ path, link }: FoundFile): boolean =>
  link !== undefined && new URL(link, `file://${path}`).pathname.match(/^(\/var)?\/run\//) !== null;

/**
 * systemd keeps one setting per key or pattern, in the order of their last *change*: a repeated line with the same value stays
 * where it was. Then it writes in that order, and a pattern spares every key that has a setting of its own, be it an exclusion
 * that came after (parse_file, apply_glob_option_with_prefix of systemd's src/sysctl/sysctl.c).
 */
const systemd = (settings: readonly Setting[]): Resolver => {
  const options = new Map<string, Setting>();
  for (const setting of settings) {
    if (options.get(setting.path)?.value !== setting.value) options.delete(setting.path);
    options.set(setting.path, setting);
  }
  return resolver([...options.values()], (path, option) =>
    isGlob(option.path) ? !options.has(path) && globbed(option.path, path) !== undefined : option.path === path,
  );
};

/**
 * procps 4 keeps every line and writes in order; a pattern spares the keys that any line names, spelt as the pattern spells them
 * (write_setting_list, settinglist_findpath of procps's src/sysctl.c). An exclusion stops no line that names the key.
 * procps 3 has no patterns.
 */
const procps = (settings: readonly Setting[], program: Program): Resolver => {
  const named = new Set(settings.map((setting) => setting.path));
  return resolver(settings, (path, setting) => {
    if (!isGlob(setting.path)) return resolved(setting.path) === path;
    const spelt = program === 'procps4' ? globbed(setting.path, path) : undefined;
    return spelt !== undefined && !named.has(spelt);
  });
};

/** The last write counts that the kernel does not refuse. Where there is none, the last line that names the key is why. */
const resolver =
  (settings: readonly Setting[], writes: (path: string, setting: Setting) => boolean): Resolver =>
  (path, kind) => {
    for (const setting of [...settings].reverse()) {
      if (setting.value === undefined || !writes(path, setting)) continue;
      const value = kind === 'integer' ? kernelInteger(setting.value) : setting.value;
      if (value !== undefined) return { value, from: setting.from };
    }
    const named = settings.findLast((setting) => resolved(setting.path) === path);
    return named && { value: undefined, from: named.from };
  };

/** Where the kernel finds a path as procps opens it; a closing slash leads to no file. */
const resolved = (path: string): string =>
  path
    .split('/')
    .reduce<string[]>(
      (kept, part, i, parts) =>
        part === '..' ? kept.slice(0, -1) : (part === '' && i < parts.length - 1) || part === '.' ? kept : [...kept, part],
      [],
    )
    .join('/');
