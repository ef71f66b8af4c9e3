import { fileText, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { dropinQueries, dropins } from './dropins.ts';
import { moduleName } from './module-names.ts';

/**
 * Why a module is kept out although its file is there. `blacklist`: modprobe loads it by name all the same, systemd-modules-load
 * skips it at boot. `install`: another command runs in its place, now and at boot. `kernel`: the kernel itself refuses it.
 */
export type Denial = { readonly how: 'blacklist' | 'install' | 'kernel'; readonly from: string; readonly text: string };

export const denialQueries: readonly Query[] = [...dropinQueries('modprobe'), { ask: 'read', path: '/proc/cmdline' }];

/** The denials of a host by module name, the strongest of each. Sources: modprobe.d(5), kernel-command-line(7). */
export const denials = (answers: Answers): ReadonlyMap<string, Denial> => {
  const found = new Map<string, Denial>();
  const rank = { blacklist: 0, install: 1, kernel: 2 };
  for (const [name, denial] of [...fromFiles(answers), ...fromCmdline(fileText(answers, '/proc/cmdline') ?? '')]) {
    const seen = found.get(name);
    if (!seen || rank[denial.how] > rank[seen.how]) found.set(name, denial);
  }
  return found;
};

const fromFiles = (answers: Answers): [string, Denial][] =>
  dropins(answers, 'modprobe').flatMap((file) =>
    numbered(file.text).flatMap(({ line, text }): [string, Denial][] => {
      const match = /^\s*(blacklist|install)\s+(\S+)(?:\s+(.*))?$/.exec(text);
      if (!match?.[1] || !match[2]) return [];
      if (match[1] === 'install' && !/^(\/usr)?\/s?bin\/(true|false|nologin)\b/.test(match[3] ?? '')) return [];
      return [
        [moduleName(match[2]), { how: match[1] as 'blacklist' | 'install', from: `${file.path}:${line}`, text: text.trim() }],
      ];
    }),
  );

const fromCmdline = (cmdline: string): [string, Denial][] =>
  cmdline
    .trim()
    .split(/\s+/)
    .flatMap((word): [string, Denial][] => {
      const match = /^(module_blacklist|modprobe\.blacklist)=(.*)$/.exec(word);
      const how = match?.[1] === 'module_blacklist' ? 'kernel' : 'blacklist';
      return (match?.[2]?.split(',') ?? []).map((name) => [moduleName(name), { how, from: '/proc/cmdline', text: word }]);
    });
