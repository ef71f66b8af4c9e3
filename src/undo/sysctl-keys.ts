import { listed } from '../answers.ts';
import { globbed, isGlob } from '../knowledge/sysctl-globs.ts';
import { parseSysctl } from '../knowledge/sysctl-lines.ts';
import { sysctlConf, sysctlFileQueries, sysctlFiles } from '../knowledge/sysctl-resolve.ts';
import { hiddenDropinQueries } from '../knowledge/dropins.ts';
import { sysctlPath, sysctlValue } from '../knowledge/sysctl.ts';
import type { Action, Answers, FoundFile, Query } from '../model.ts';
import { argvsOf } from './part.ts';

/** A path below /proc/sys that may be set, perhaps a pattern, and the value that it is given. */
type Meant = { readonly path: string; readonly value: string };

/** Whether these actions set kernel settings. */
export const setsKeys = (actions: readonly Action[]): boolean => argvsOf(actions).some(([program]) => program === 'sysctl');

/**
 * All that these actions may set: what stands on the command line, and for `sysctl --system` every line of every file, as it sets them all
 * whoever wants them.
 */
export const meantBy = (actions: readonly Action[], answers: Answers): Meant[] => [
  ...argvsOf(actions)
    .filter((argv) => argv[0] === 'sysctl' && argv.includes('-w'))
    .flatMap((argv) => argv.slice(1).flatMap((word) => assigned(word))),
  ...(isSystemWide(actions) ? fileLines(actions, answers) : []),
];

/** What to ask in order to know `meantBy` again, and the values of these keys with all those that are set along with them. */
export const keyQueries = (actions: readonly Action[], answers: Answers): Query[] => {
  if (!setsKeys(actions)) return [];
  const paths = [...new Set(meantBy(actions, answers).map(({ path }) => path))].filter(isPlain);
  return [...(isSystemWide(actions) ? sysctlFileQueries : []), ...[...paths, ...alongWith(paths)].map(queryFor)];
};

/** Whether these actions may set the key of a path: one of theirs, or one that is set along with it. */
export const maySet = (actions: readonly Action[], answers: Answers): ((path: string) => boolean) => {
  if (isSystemWide(actions)) return () => true;
  const paths = meantBy(actions, answers).map(({ path }) => path);
  const all = [...paths, ...alongWith(paths)];
  return (path) => all.some((one) => isNamedBy(one, path));
};

/** Whether a path, perhaps a pattern, stands for another. */
export const isNamedBy = (pattern: string, path: string): boolean => pattern === path || globbed(pattern, path) !== undefined;

/** The question for one path, or for all that a pattern may match. */
export const queryFor = (path: string): Query =>
  isGlob(path)
    ? { ask: 'list', glob: `/proc/sys/${path.replace(/\[[^\]]*\]|\?/g, '*')}` }
    : { ask: 'read', path: `/proc/sys/${path}` };

const isSystemWide = (actions: readonly Action[]): boolean =>
  argvsOf(actions).some((argv) => argv[0] === 'sysctl' && argv.includes('--system'));

const assigned = (word: string): Meant[] => {
  const [, key, value] = /^([^-=][^=]*)=(.*)$/s.exec(word) ?? [];
  return key === undefined ? [] : [{ path: sysctlPath(key), value: sysctlValue(value ?? '') }];
};

/** The files as they are, and as the actions write them. */
const fileLines = (actions: readonly Action[], answers: Answers): Meant[] => {
  const hidden = hiddenDropinQueries('sysctl').flatMap((query) => (query.ask === 'list' ? listed(answers, query.glob) : []));
  const written = actions.flatMap((action): FoundFile[] =>
    action.do === 'write' && /\/sysctl\.(?:d\/|conf$)/.test(action.path) ? [{ path: action.path, text: action.after }] : [],
  );
  return [...sysctlFiles(answers), ...hidden, sysctlConf(answers), ...written].flatMap((file) =>
    (['systemd', 'procps4'] as const).flatMap((program) =>
      parseSysctl(file.text, file.path, program).flatMap(({ path, value }) => (value === undefined ? [] : [{ path, value }])),
    ),
  );
};

/** Neither a way out of /proc/sys nor signs that no key has. */
const isPlain = (path: string): boolean =>
  /^[\w.:@*?[\]!^-]+(?:\/[\w.:@*?[\]!^-]+)+$/.test(path) && !path.split('/').some((part) => part === '..' || part === '.');

/** Keys that a write to these sets as well (driverOf of knowledge/sysctl.ts says how). */
const alongWith = (paths: readonly string[]): string[] => [
  ...(paths.some((path) => path === 'net/ipv4/ip_forward' || /^net\/ipv4\/conf\/[^/]+\/forwarding$/.test(path))
    ? ['net/ipv4/ip_forward', 'net/ipv4/conf/all/accept_redirects', 'net/ipv4/conf/*/forwarding']
    : []),
  ...['forwarding', 'disable_ipv6'].flatMap((key) =>
    paths.some((path) => path.startsWith('net/ipv6/conf/') && path.endsWith(`/${key}`)) ? [`net/ipv6/conf/*/${key}`] : [],
  ),
  ...['vm/dirty_ratio', 'vm/dirty_background_ratio', 'vm/overcommit_ratio'].flatMap((ratio) => {
    const rivals = [ratio, ratio.replace(/ratio$/, 'bytes'), ratio.replace(/ratio$/, 'kbytes')];
    return paths.some((path) => rivals.includes(path)) ? rivals : [];
  }),
];
