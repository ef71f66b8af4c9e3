import { fileText, listed, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';

const confGlobs = ['/etc/initramfs-tools/conf.d/*', '/etc/dracut.conf.d/*.conf'] as const;
const initramfsConf = '/etc/initramfs-tools/initramfs.conf';

export const resumeQueries: readonly Query[] = [
  ...confGlobs.map((glob) => ({ ask: 'list' as const, glob })),
  { ask: 'read', path: initramfsConf, lines: ['RESUME='] },
  { ask: 'read', path: '/proc/cmdline' },
];

/**
 * The swap device that the initial RAM disk is told to look for an image of hibernation on, which turns no swap on: RESUME= of
 * initramfs-tools (the last file counts, initramfs.conf(5)), resume= of dracut and of the kernel command line.
 */
export const resumeDevice = (answers: Answers): { readonly device: string; readonly from: string } | undefined => {
  const argument = /(?:^|\s)resume=(\S+)/.exec(fileText(answers, '/proc/cmdline') ?? '')?.[1];
  if (argument) return named(argument, '/proc/cmdline');
  const files = [{ path: initramfsConf, text: '' }, ...confGlobs.flatMap((glob) => listed(answers, glob))];
  const last = files
    .flatMap(({ path, text }) =>
      numbered(path === initramfsConf ? (fileText(answers, path) ?? '') : text).map((l) => ({ ...l, path })),
    )
    .flatMap(({ path, line, text }) => {
      const device =
        /^\s*(?:export\s+)?RESUME=["']?([^"'\s#]*)/.exec(text)?.[1] ?? /^[^#]*[\s"']resume=([^"'\s]+)/.exec(text)?.[1];
      return device === undefined ? [] : [{ device, from: path === initramfsConf ? path : `${path}:${line}` }];
    })
    .at(-1);
  return last && named(last.device, last.from);
};

const named = (device: string, from: string): { readonly device: string; readonly from: string } | undefined =>
  device === '' || device === 'none' || device === 'auto' ? undefined : { device, from };
