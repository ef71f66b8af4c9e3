import { fileText, linkTarget, listed } from '../answers.ts';
import type { Action, Answers, Query } from '../model.ts';

const enforceFile = '/sys/fs/selinux/enforce';
const programs = ['/usr/sbin/restorecon', '/sbin/restorecon'] as const;

export const labelQueries: readonly Query[] = [
  { ask: 'read', path: enforceFile },
  ...programs.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
];

/**
 * The same actions, and where the host has SELinux one more after the last write: files that are written anew get the label that
 * the policy has for their path (restorecon(8)), not the one of their folder.
 */
export const withLabels = (actions: readonly Action[], answers: Answers): readonly Action[] => {
  const last = actions.findLastIndex((action) => action.do === 'write');
  if (last < 0 || fileText(answers, enforceFile) === undefined) return actions;
  if (!programs.some((path) => listed(answers, path).length > 0)) return actions;
  const writes = actions.filter((action) => action.do === 'write');
  const label: Action = {
    do: 'run',
    argv: ['restorecon', ...new Set(writes.flatMap(({ path }) => [path, ...targetsOf(path, answers)]))],
    why: 'give the written files their SELinux labels',
    judgedBy: 'verify',
    for: [...new Set(writes.flatMap((write) => write.for))],
  };
  return [...actions.slice(0, last + 1), label, ...actions.slice(last + 1)];
};

/** A write goes through a link: it is the file behind it that is new. */
export const targetsOf = (path: string, answers: Answers): string[] => {
  const found = [...answers.values()].flatMap((answer) => answer.files ?? []).find((file) => file.path === path);
  return [found && linkTarget(found)].filter((target) => target !== undefined);
};
