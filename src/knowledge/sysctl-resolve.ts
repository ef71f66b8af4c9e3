import { fileText, linkTarget, listed, remembered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { bootServiceQueries, maskOfService } from './boot-services.ts';
import { dropinQueries, dropinsOf, hiddenDropinQueries } from './dropins.ts';
import { globbed, isGlob } from './sysctl-globs.ts';
import { lateQueries, lateSettings } from './sysctl-late.ts';
import { parseSysctl } from './sysctl-lines.ts';
import type { Program, Setting } from './sysctl-lines.ts';
import { kernelInteger } from './sysctl.ts';

/** The file that node-prep owns. */
export const ownSysctl = '/etc/sysctl.d/node-prep.conf';

/**
 * The line that decides a key, and what the key holds afterwards; undefined where that line is why nothing is set. `order`: greater
 * for what is written later. `by`: who writes it, where it is neither systemd-sysctl nor sysctl.
 */
export type Winner = { readonly value: string | undefined; readonly from: string; readonly order: number; readonly by?: string };

/**
 * What a program leaves in a key, given as its path below /proc/sys; undefined where no line is about it. `integer`: the
 * key holds one integer, so the kernel refuses other texts, and the value is given as the kernel shows it.
 */
export type Resolver = (path: string, kind?: 'integer') => Winner | undefined;

/** What `sysctl --system` and systemd-sysctl read. */
export const sysctlFileQueries: readonly Query[] = [
  ...dropinQueries('sysctl'),
  ...hiddenDropinQueries('sysctl'),
  { ask: 'read', path: '/etc/sysctl.conf' },
];

/** All that sets keys. */
export const settingQueries: readonly Query[] = [
  ...sysctlFileQueries,
  ...bootServiceQueries('systemd-sysctl.service'),
  { ask: 'read', path: '/proc/cmdline' },
  ...lateQueries,
];

/**
 * What a key holds once the host has booted: sysctl.*= of the kernel command line comes first, then systemd-sysctl(8), which reads
 * sysctl.d alone, /etc/sysctl.conf only through a link, then whoever writes later. /run is empty then, so a file there neither sets
 * nor masks anything. Hidden files are passed over (files_add of systemd's src/basic/conf-files.c). `own`: the text to judge with
 * in place of the file that node-prep owns.
 */
export const bootResolver = (answers: Answers, own?: string): Resolver =>
  own === undefined ? asItIs(answers) : atBoot(answers, own);

const asItIs = remembered((answers) => atBoot(answers));

const atBoot = (answers: Answers, own?: string): Resolver => {
  const lasting = dropinsOf(sysctlFiles(answers, own).filter((file) => !file.path.startsWith('/run/')));
  const settings = lasting.flatMap((f) => (leadsToRun(f) ? [] : parseSysctl(f.text, f.path, 'systemd')));
  return resolver([
    { settings: argumentSettings(fileText(answers, '/proc/cmdline') ?? ''), writes: isNamed },
    systemd(maskOfService(answers, 'systemd-sysctl.service') === undefined ? settings : []),
    { settings: lateSettings(answers, [...lasting, sysctlConf(answers)]), writes: isNamed },
  ]);
};

/**
 * What `sysctl --system` of procps leaves: sysctl.d with hidden files and /run, then /etc/sysctl.conf last of all
 * (PreloadSystem of procps's src/sysctl.c). Globs count from procps 4 on. Version 3 is the careful choice where the version is
 * not known: a key that is named is set by both, and so is a key that nobody mentions.
 */
export const systemResolver = (answers: Answers, own?: string, program: Exclude<Program, 'systemd'> = 'procps3'): Resolver => {
  const hidden = hiddenDropinQueries('sysctl').flatMap((q) => (q.ask === 'list' ? listed(answers, q.glob) : []));
  const files = dropinsOf([...sysctlFiles(answers, own), ...hidden.filter((file) => file.path.endsWith('.conf'))]);
  const settings = [...files, sysctlConf(answers)].flatMap((f) => parseSysctl(f.text, f.path, program));
  return resolver([procps(settings, program)]);
};

/** The file that sysctl --system reads last of all, and systemd-sysctl not at all. */
export const sysctlConf = (answers: Answers): FoundFile => ({
  path: '/etc/sysctl.conf',
  text: fileText(answers, '/etc/sysctl.conf') ?? '',
});

/** The kernel itself writes these just before it starts init, from Linux 5.8 on (kernel-parameters.txt, sysctl.*=). */
export const argumentSettings = (cmdline: string): Setting[] =>
  cmdline.split(/\s+/).flatMap((word): Setting[] => {
    const [, key, value] = /^sysctl[./]([^=]+)=(.*)$/.exec(word) ?? [];
    return key === undefined ? [] : [{ path: key.replaceAll('.', '/'), value, from: '/proc/cmdline' }];
  });

/** The files of sysctl.d in all directories, hidden ones aside. */
export const sysctlFiles = (answers: Answers, own?: string): FoundFile[] => {
  const files = dropinQueries('sysctl').flatMap((q) => (q.ask === 'list' ? listed(answers, q.glob) : []));
  if (own === undefined) return files;
  return [{ path: ownSysctl, text: own }, ...files.filter((file) => file.path !== ownSysctl)];
};

/** A link into /run leads nowhere at boot; it still masks its name. */
export const leadsToRun = (file: FoundFile): boolean => /^(\/var)?\/run\//.test(linkTarget(file) ?? '');

/** Settings in the order in which they are written, and which of them write a key. */
type Phase = {
  readonly settings: readonly (Setting & { readonly by?: string })[];
  readonly writes: (path: string, setting: Setting) => boolean;
};

const isNamed = (path: string, setting: Setting): boolean => resolved(setting.path) === path;

/**
 * systemd keeps one setting per key or pattern, in the order of their last *change*: a repeated line with the same value stays
 * where it was. Then it writes in that order, and a pattern spares every key that has a setting of its own, be it an exclusion
 * that came after (parse_file, apply_glob_option_with_prefix of systemd's src/sysctl/sysctl.c).
 */
const systemd = (settings: readonly Setting[]): Phase => {
  const options = new Map<string, Setting>();
  for (const setting of settings) {
    if (options.get(setting.path)?.value !== setting.value) options.delete(setting.path);
    options.set(setting.path, setting);
  }
  const writes = (path: string, option: Setting): boolean =>
    isGlob(option.path) ? !options.has(path) && globbed(option.path, path) !== undefined : option.path === path;
  return { settings: [...options.values()], writes };
};

/**
 * procps 4 keeps every line and writes in order; a pattern spares the keys that any line names, spelt as the pattern spells them
 * (write_setting_list, settinglist_findpath of procps's src/sysctl.c). An exclusion stops no line that names the key.
 * procps 3 has no patterns.
 */
const procps = (settings: readonly Setting[], program: Program): Phase => {
  const named = new Set(settings.map((setting) => setting.path));
  const writes = (path: string, setting: Setting): boolean => {
    if (!isGlob(setting.path)) return isNamed(path, setting);
    const spelt = program === 'procps4' ? globbed(setting.path, path) : undefined;
    return spelt !== undefined && !named.has(spelt);
  };
  return { settings, writes };
};

/** The last write counts that the kernel does not refuse. Where there is none, the last line that names the key is why. */
const resolver =
  (phases: readonly Phase[]): Resolver =>
  (path, kind) => {
    let [order, winner, last]: [number, Winner | undefined, Winner | undefined] = [0, undefined, undefined];
    for (const { settings, writes } of phases) {
      for (const setting of settings) {
        order += 1;
        const { from, by } = setting;
        if (isNamed(path, setting)) last = { value: undefined, from, order, ...(by && { by }) };
        if (setting.value === undefined || !writes(path, setting)) continue;
        const value = kind === 'integer' ? kernelInteger(setting.value) : setting.value;
        if (value !== undefined && moves(setting, winner?.value)) winner = { value, from, order, ...(by && { by }) };
      }
    }
    return winner ?? last;
  };

const moves = ({ only, value }: Setting, before: string | undefined): boolean =>
  only === undefined || before === undefined || (only === 'up' ? Number(value) > Number(before) : Number(value) < Number(before));

/** Where the kernel finds a path as procps opens it; a closing slash leads to no file. */
const resolved = (path: string): string => (isPlain(path) ? path : simplest(path));

const isPlain = (path: string): boolean =>
  !path.startsWith('/') && !path.startsWith('.') && !path.includes('//') && !path.includes('/.');

const simplest = (path: string): string =>
  path
    .split('/')
    .reduce<string[]>(
      (kept, part, i, parts) =>
        part === '..' ? kept.slice(0, -1) : (part === '' && i < parts.length - 1) || part === '.' ? kept : [...kept, part],
      [],
    )
    .join('/');
