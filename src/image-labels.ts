import { fileText, listed } from './answers.ts';
import { whyClosed } from './knowledge/image.ts';
import { targetsOf } from './knowledge/selinux.ts';
import type { Action, Answers, Image, Query } from './model.ts';

const config = '/etc/selinux/config';
const request = '/.autorelabel';
const setfiles = ['/usr/sbin/setfiles', '/sbin/setfiles', '/usr/bin/setfiles'] as const;
const policies = '/etc/selinux/*/contexts/files/file_contexts';

/** What to ask of an image about labels: the kernel here says nothing about the one that boots there. */
export const imageLabelQueries: readonly Query[] = [
  { ask: 'read', path: config },
  { ask: 'read', path: request, lines: [] },
  ...[policies, ...setfiles].map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
];

/**
 * The same actions, and for an image that boots with SELinux a last one that gives labels: files get none where SELinux does not run.
 * The tree's own setfiles(8) does it where that can be run, else the first boot is asked to (fixfiles(8): /.autorelabel), which takes
 * its time and one more reboot.
 */
export const withImageLabels = (actions: readonly Action[], answers: Answers, image: Image): readonly Action[] => {
  const contexts = contextsOf(answers);
  if (contexts === undefined || answers.get(`read ${request}`)?.status === 0) return actions;
  const made = actions.filter((action) => action.do !== 'remove');
  if (made.length === 0) return actions;
  const ids = [...new Set(made.flatMap((action) => action.for))];
  const closed = whyClosed(image, answers) !== undefined || !setfiles.some((path) => listed(answers, path).length > 0);
  const last: Action = closed
    ? { do: 'write', path: request, mode: '0644', before: null, after: '', for: ids }
    : { ...labelling(image, contexts, foldersOf(made, answers)), for: ids };
  return [...actions, last];
};

/** -m: all mounts are good for labels, whatever kernel runs here. What cannot be labelled here is left to the first boot. */
const labelling = ({ root }: Image, contexts: string, folders: readonly string[]) => ({
  do: 'run' as const,
  argv: ['chroot', root, 'sh', '-c', `setfiles -m "$0" "$@" || : > ${request}`, contexts, ...folders] as const,
  why: `give what is below ${folders.join(' and ')} its SELinux labels`,
});

/**
 * Folders are made together with files, so what is labelled is all below the first of a path; and what a package brings can be
 * anywhere.
 */
const foldersOf = (made: readonly Action[], answers: Answers): readonly string[] => {
  const paths = made.flatMap((action) => (action.do === 'write' ? [action.path, ...targetsOf(action.path, answers)] : ['/']));
  const folders = new Set(paths.map((path) => `/${path.split('/')[1] ?? ''}`));
  return folders.has('/') ? ['/'] : [...folders];
};

/** The labels of the policy that the image boots with; undefined where SELinux is off there, or has no policy (selinux_config(5)). */
const contextsOf = (answers: Answers): string | undefined => {
  const text = fileText(answers, config) ?? '';
  if (!/^[ \t]*SELINUX=[ \t]*(?:enforcing|permissive)\b/im.test(text)) return undefined;
  const type = /^[ \t]*SELINUXTYPE=[ \t]*(\S+)/im.exec(text)?.[1] ?? 'targeted';
  return listed(answers, policies).find(({ path }) => path === policies.replace('*', type))?.path;
};
