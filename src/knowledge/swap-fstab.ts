import { fileText, numbered } from '../answers.ts';
import type { Answers } from '../model.ts';
import type { SwapSource } from './swap-source.ts';
import { escapedPath } from './systemd.ts';

export const fstabPath = '/etc/fstab';

/** The lines of fstab(5) that turn swap on at boot. */
export const fstabSwaps = (answers: Answers): SwapSource[] =>
  numbered(fileText(answers, fstabPath) ?? '')
    .filter(({ text }) => isSwapLine(text))
    .map(({ line, text }) => ({ via: 'fstab', name: unescaped(fields(text)[0] ?? ''), from: `${fstabPath}:${line}` }));

/** The unit that systemd-fstab-generator(8) makes for a device or file as fstab names it. */
export const fstabUnit = (name: string): string => {
  const [, tag, value = ''] = /^(UUID|LABEL|PARTUUID|PARTLABEL)="?([^"]*)"?$/.exec(name) ?? [];
  return `${escapedPath(tag === undefined ? name : `/dev/disk/by-${tag.toLowerCase()}/${value}`)}.swap`;
};

/** Whether a line of fstab turns swap on at boot: of `auto` and `noauto` the last one counts, the rest is how, not whether. */
export const isSwapLine = (text: string): boolean => {
  const asked = (fields(text)[3] ?? '').split(',').findLast((option) => option === 'auto' || option === 'noauto');
  return isSwapEntry(text) && asked !== 'noauto';
};

/** Whether fstab has any line for swap, be it `noauto`: systemd-gpt-auto-generator then looks for no swap of its own. */
export const hasSwapEntry = (answers: Answers): boolean =>
  numbered(fileText(answers, fstabPath) ?? '').some(({ text }) => isSwapEntry(text));

const isSwapEntry = (text: string): boolean => {
  const [device, , type] = fields(text);
  return device !== undefined && !device.startsWith('#') && type === 'swap';
};

const fields = (text: string): string[] =>
  text
    .trim()
    .split(/[ \t]+/)
    .filter(Boolean);

/** Spaces and the like are octal numbers in fstab and /proc/swaps: \040. */
export const unescaped = (word: string): string =>
  word.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
