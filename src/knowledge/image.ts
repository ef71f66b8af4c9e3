import { fileText, listed, ran } from '../answers.ts';
import type { Answers, Argv, Image, Query, Reading } from '../model.ts';
import { quoteAll } from './quote.ts';
import { compareDebian } from './versions.ts';

/** What `now` is of an image, where nothing runs: it never counts against it. */
export const imageNow: Reading = { ok: true, have: 'an image, not running' };

/** What a folder of /lib/modules has when a kernel is installed: depmod's indexes, or the kernel itself. Modules built for it are not enough. */
const kernelGlobs = ['modules.dep', 'modules.builtin', 'vmlinuz'].map((name) => `/lib/modules/*/${name}`);

/** Kernels that a boot loader starts, with modules or without (kernel-install(8); Debian's kernel-img.conf(5)). */
const bootGlob = '/boot/vmlinuz-*';

/** What to ask of an image beside what every host is asked. */
export const imageQueries = ({ root }: Image): readonly Query[] => [
  ...kernelGlobs.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  { ask: 'list', glob: bootGlob, lines: [] },
  { ask: 'run', argv: closedQuestion(root) },
  { ask: 'read', path: '/etc/machine-id' },
];

/**
 * The kernels that are installed in an image, the newest first: that one boots unless somebody says otherwise. RHEL's rescue image is
 * a copy of one of them.
 */
export const kernelsIn = (answers: Answers): readonly string[] =>
  [
    ...new Set([
      ...kernelGlobs.flatMap((glob) => listed(answers, glob)).map((file) => file.path.split('/')[3] ?? ''),
      ...listed(answers, bootGlob)
        .map((file) => file.path.slice('/boot/vmlinuz-'.length))
        .filter((name) => /^\d/.test(name) && !name.startsWith('0-rescue-') && !/\.(old|bak|hmac)$/.test(name)),
    ]),
  ].sort((a, b) => compareDebian(b, a));

/** Whether the image has an id already, so that its first boot is none to systemd (machine-id(5)). */
export const hasMachineId = (answers: Answers): boolean =>
  /^[0-9a-f]{32}$/.test((fileText(answers, '/etc/machine-id') ?? '').trim());

/** Why no command can be run in the tree of an image; undefined where one can. */
export const whyClosed = ({ root }: Image, answers: Answers): string | undefined => {
  const { status, text } = ran(answers, closedQuestion(root));
  return status === 0 ? undefined : text;
};

/** A command of the tree as a person would write it, without what keeps it from asking. */
export const inTreeByHand = (argv: Argv, { root }: Image): string =>
  quoteAll([
    'chroot',
    root,
    ...(argv[0] === 'env' && argv.includes('install') ? ['apt-get', ...argv.slice(argv.indexOf('install'))] : argv),
  ]);

const closedQuestion = (root: string): Argv => ['chroot', root, 'true'];
