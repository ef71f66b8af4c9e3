import { fileText, listed } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { iniLines } from './ini-lines.ts';
import { sysctlValue } from './sysctl.ts';
import type { Setting } from './sysctl-lines.ts';

const activeFile = '/etc/tuned/active_profile';
const mainFile = '/etc/tuned/tuned-main.conf';
/** A profile of /etc hides the one of the same name in /usr (LOAD_DIRECTORIES of tuned's consts.py); newer ones have a folder for them. */
const profileGlobs = [
  '/etc/tuned/profiles/*/tuned.conf',
  '/etc/tuned/*/tuned.conf',
  '/usr/lib/tuned/profiles/*/tuned.conf',
  '/usr/lib/tuned/*/tuned.conf',
] as const;

export const tunedQueries: readonly Query[] = [
  { ask: 'read', path: activeFile },
  { ask: 'read', path: mainFile },
  ...profileGlobs.map((glob) => ({ ask: 'list' as const, glob })),
];

/**
 * The settings in the [sysctl] sections of tuned's active profile, those that it includes first (tuned.conf(5)). Sections that hold
 * only on some machines and values with variables are passed over.
 */
export const tunedSettings = (answers: Answers): Setting[] => {
  const active = (fileText(answers, activeFile) ?? '').split(/\s+/).filter(Boolean);
  const merged = new Map<string, Setting>();
  const seen = new Set<string>();
  for (const setting of active.flatMap((name) => profileSettings(name, answers, seen))) merged.set(setting.path, setting);
  return [...merged.values()];
};

/** Whether tuned, after its own, applies /etc/sysctl.d and then /etc/sysctl.conf once more: reapply_sysctl, on unless it is said. */
export const tunedReapplies = (answers: Answers): boolean =>
  !/^(?:0|false|no|off)$/i.test(
    iniLines({ path: mainFile, text: fileText(answers, mainFile) ?? '' }).findLast((l) => l.key === 'reapply_sysctl')?.value ??
      '1',
  );

/** `seen`: what was read already; tuned reads no profile twice (its processed_files). */
const profileSettings = (name: string, answers: Answers, seen: Set<string>): Setting[] => {
  const file = profileGlobs.flatMap((glob) => listed(answers, glob)).find((f) => f.path.endsWith(`/${name}/tuned.conf`));
  if (!file || seen.has(name)) return [];
  seen.add(name);
  const lines = iniLines(file);
  const included = lines.flatMap((l) =>
    l.section === 'main' && l.key === 'include' ? l.value.split(/[,;]/).map((name) => name.trim()) : [],
  );
  const conditional = new Set(lines.filter((l) => /_regex$|^virt$/.test(l.key)).map((l) => l.section));
  const types = new Map(lines.toReversed().flatMap((l) => (l.key === 'type' ? [[l.section, l.value] as const] : [])));
  const own = lines.filter((l) => isSysctl(l.section, types) && !conditional.has(l.section) && !isOption(l.key));
  return [
    ...included.flatMap((other) => profileSettings(other, answers, seen)),
    ...own.flatMap(({ key, value, from }) => settingOf(key, value, from)),
  ];
};

const isSysctl = (section: string, types: ReadonlyMap<string, string>): boolean => {
  const type = types.get(section);
  return type === undefined ? section === 'sysctl' : type === 'sysctl';
};

const isOption = (key: string): boolean => ['type', 'enabled', 'replace', 'priority', 'devices'].includes(key);

/** `=>N` raises a smaller value only, `=<N` lowers a greater one; a comment may follow the value. */
const settingOf = (key: string, raw: string, from: string): Setting[] => {
  const bare = raw.replace(/^(["'])(.*)\1$/, '$2');
  const only = /^[<>]/.exec(bare)?.[0];
  const comment = bare.search(/\s#/);
  const text = bare.slice(only === undefined ? 0 : 1, comment < 0 ? undefined : comment);
  if (text.includes('$')) return [];
  const setting = { path: key.replaceAll('.', '/'), value: sysctlValue(text), from };
  return [only === '>' ? { ...setting, only: 'up' } : only === '<' ? { ...setting, only: 'down' } : setting];
};
