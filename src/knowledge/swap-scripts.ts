import { linkTarget, listed, numbered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { bootScripts, executableQueries, isExecutable } from './executables.ts';
import { liveLines } from './shell-lines.ts';
import type { SwapSource } from './swap-source.ts';

const cronGlobs = ['/etc/crontab', '/etc/cron.d/*'] as const;
const cloudGlobs = ['/etc/cloud/cloud.cfg', '/etc/cloud/cloud.cfg.d/*.cfg'] as const;
/** What cloud-init leaves when it has done its part for mounts and swap on this machine: it does it once. */
const cloudDone = '/var/lib/cloud/instance/sem/config_mounts';
const cloudOff = '/etc/cloud/cloud-init.disabled';

export const swapScriptQueries: readonly Query[] = [
  ...[...cronGlobs, ...cloudGlobs].map((glob) => ({ ask: 'list' as const, glob })),
  ...[cloudDone, cloudOff].map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  ...executableQueries,
];

/** Lines of other people's scripts and tables that turn swap on at boot, as far as they can be seen. */
export const scriptedSwaps = (answers: Answers): SwapSource[] => {
  const rcLocals = bootScripts.rcLocal.flatMap((glob) => listed(answers, glob));
  return [
    // Where the one is a link to the other, it is one script.
    ...rcLocals
      .filter((file) => isExecutable(answers, file.path) && !rcLocals.some((other) => other.path === linkTarget(file)))
      .flatMap((file) => linesWith(file, (text) => swapon.test(text))),
    ...cronGlobs
      .flatMap((glob) => listed(answers, glob))
      .flatMap((file) => linesWith(file, (text) => /^\s*@reboot\s/.test(text) && swapon.test(text))),
    ...cloudSwaps(answers),
  ];
};

/** The program, but not where it is only asked what is on. */
const swapon = /(?:^|[\s;&|(/])swapon\b(?!\s*(?:-s\b|--show|--summary|-V\b|--version|-h\b|--help))/;

const linesWith = (file: FoundFile, matches: (text: string) => boolean): SwapSource[] =>
  liveLines(file.text)
    .filter(({ text }) => matches(text))
    .map(({ line, text }) => {
      const from = `${file.path}:${line}`;
      return { via: 'script', name: 'swapon', from, ...(isWhole(text) && { lines: [from] }) };
    });

/** A line that is a command of its own: commented out in the middle of an `if`, it would break the script. */
const isWhole = (text: string): boolean => /^(?:@reboot\s|(?:\/\S*\/)?swapon\b)/.test(text) && !/(?:\\|&&|\|\|)\s*$/.test(text);

/** `swap:` of cloud-init makes a swap file and a line in fstab, once for each machine (cc_mounts). */
const cloudSwaps = (answers: Answers): SwapSource[] =>
  [cloudDone, cloudOff].some((path) => listed(answers, path).length > 0)
    ? []
    : cloudGlobs.flatMap((glob) => listed(answers, glob)).flatMap(cloudBlock);

const cloudBlock = ({ path, text }: FoundFile): SwapSource[] => {
  const all = numbered(text);
  const start = all.findIndex((l) => /^swap:/.test(l.text));
  if (start < 0) return [];
  const end = all.findIndex((l, i) => i > start && /^[^\s#]/.test(l.text));
  const block = all.slice(start, end < 0 ? undefined : end).filter((l) => l.text.trim() !== '');
  if (block.some((l) => /\bsize:\s*0\s*(?:[,}]|$)/.test(l.text))) return [];
  const lines = block.map((l) => `${path}:${l.line}`);
  return [{ via: 'script', name: 'cloud-init', from: lines[0] ?? path, lines }];
};
