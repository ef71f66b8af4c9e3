import { fileText, listed, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { baseName } from './dropins.ts';

/** Something that turns swap on at boot. `fstab`: a line of it. `unit`: a .swap unit that is enabled. `zram`: zram-generator's configuration. */
export type SwapSource = { readonly via: 'fstab' | 'unit' | 'zram'; readonly name: string; readonly from: string };

export const fstabPath = '/etc/fstab';
/** Enabled swap units, and the services of packages that turn swap on themselves (zram-tools, dphys-swapfile). */
const unitGlobs = [
  '/etc/systemd/system/*.wants/*.swap',
  '/usr/lib/systemd/system/*.wants/*.swap',
  '/etc/systemd/system/*.wants/zramswap.service',
  '/etc/systemd/system/*.wants/dphys-swapfile.service',
] as const;
const zramPaths = [
  '/etc/systemd/zram-generator.conf',
  '/usr/local/lib/systemd/zram-generator.conf',
  '/usr/lib/systemd/zram-generator.conf',
] as const;

/** A link to /dev/null here masks a unit. */
const maskGlobs = ['/etc/systemd/system/*.swap', '/etc/systemd/system/*.service'] as const;

export const swapQueries: readonly Query[] = [
  { ask: 'read', path: '/proc/swaps' },
  { ask: 'read', path: fstabPath },
  ...[...unitGlobs, ...maskGlobs].map((glob) => ({ ask: 'list' as const, glob })),
  ...zramPaths.map((path) => ({ ask: 'read' as const, path })),
];

/** The devices and files in use as swap now (/proc/swaps, first column). */
export const swapsNow = (answers: Answers): string[] =>
  numbered(fileText(answers, '/proc/swaps') ?? '')
    .slice(1)
    .flatMap(({ text }) => text.split(/\s+/, 1).filter(Boolean));

/** What turns swap on at boot, in fstab(5), enabled systemd.swap(5) units and zram-generator(8). */
export const swapsAtBoot = (answers: Answers): SwapSource[] => [
  ...numbered(fileText(answers, fstabPath) ?? '')
    .filter(({ text }) => isSwapLine(text))
    .map(({ line, text }): SwapSource => ({
      via: 'fstab',
      name: text.trim().split(/\s+/, 1)[0] ?? '',
      from: `${fstabPath}:${line}`,
    })),
  ...enabledUnits(answers),
  ...zramSource(answers),
];

/** A line of fstab that turns swap on at boot; `noauto` leaves it to a person. */
export const isSwapLine = (text: string): boolean => {
  const [device, , type, options] = text.trim().split(/\s+/);
  return device !== undefined && !device.startsWith('#') && type === 'swap' && !(options ?? '').split(',').includes('noauto');
};

const enabledUnits = (answers: Answers): SwapSource[] => {
  const masked = new Set(
    maskGlobs
      .flatMap((glob) => listed(answers, glob))
      .filter((f) => f.link === '/dev/null')
      .map((f) => baseName(f.path)),
  );
  return unitGlobs
    .flatMap((glob) => listed(answers, glob))
    .map((file): SwapSource => ({ via: 'unit', name: baseName(file.path), from: file.path }))
    .filter((source) => !masked.has(source.name));
};

/** The first of these files that exists counts; empty, it turns zram off. */
const zramSource = (answers: Answers): SwapSource[] => {
  const path = zramPaths.find((p) => fileText(answers, p) !== undefined);
  const section = path && /^\s*\[(zram\d+)\]/m.exec(fileText(answers, path) ?? '')?.[1];
  return path && section ? [{ via: 'zram', name: section, from: path }] : [];
};
