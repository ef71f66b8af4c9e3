import { fileText, numbered } from '../answers.ts';
import type { Action, Answers, Query } from '../model.ts';

export const ufwConf = '/etc/ufw/ufw.conf';
export const ufwDefaults = '/etc/default/ufw';

export const ufwConfigQueries: readonly Query[] = [ufwConf, ufwDefaults].map((path) => ({ ask: 'read', path }));

/** A setting of one of ufw's files of shell variables; the last line of a key counts. */
export const ufwSetting = (
  path: string,
  key: string,
  answers: Answers,
): { readonly value: string; readonly from: string } | undefined =>
  numbered(fileText(answers, path) ?? '')
    .flatMap(({ line, text }) => {
      const [, name, value] = /^\s*(\w+)=["']?([^"'#\s]*)/.exec(text) ?? [];
      return name === key ? [{ value: value ?? '', from: `${path}:${line}` }] : [];
    })
    .at(-1);

/** ENABLED=yes: whether ufw does anything when its unit is started. */
export const ufwEnabled = (answers: Answers): boolean => /^yes$/i.test(ufwSetting(ufwConf, 'ENABLED', answers)?.value ?? '');

/** What `ufw disable` does to its file. */
export const ufwTurnedOff = (answers: Answers): Extract<Action, { do: 'write' }> => {
  const before = fileText(answers, ufwConf) ?? '';
  const after = before.replace(/^([ \t]*ENABLED=).*$/gm, '$1no');
  return { do: 'write', path: ufwConf, mode: 'keep', before, after, for: [] };
};
