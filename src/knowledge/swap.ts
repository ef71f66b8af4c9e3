import { fileText, numbered } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { argumentIsOn, bootCmdline, cmdlineQueries } from './cmdline.ts';
import { fstabPath, fstabSwaps, fstabUnit, unescaped } from './swap-fstab.ts';
import { resumeQueries } from './swap-resume.ts';
import { scriptedSwaps, swapScriptQueries } from './swap-scripts.ts';
import type { SwapSource } from './swap-source.ts';
import { enabledSwapUnits, generatedSwaps, maskOf, swapUnitQueries } from './swap-units.ts';
import { zramQueries, zramSwaps } from './swap-zram.ts';
import { systemdVersion, systemdVersionQueries } from './systemd.ts';

export const swapQueries: readonly Query[] = [
  { ask: 'read', path: '/proc/swaps' },
  { ask: 'read', path: '/proc/meminfo', lines: ['MemAvailable:'] },
  { ask: 'read', path: fstabPath },
  ...cmdlineQueries,
  ...systemdVersionQueries,
  ...swapUnitQueries,
  ...zramQueries,
  ...swapScriptQueries,
  ...resumeQueries,
];

/** Swap in use: a device or file, its size and how much of it is used, in KiB (proc_swaps(5)). */
type ActiveSwap = { readonly name: string; readonly used: number };

/** The devices and files in use as swap now. */
export const swapsNow = (answers: Answers): ActiveSwap[] =>
  numbered(fileText(answers, '/proc/swaps') ?? '')
    .slice(1)
    .map(({ text }) => text.trim().split(/\s+/))
    .filter(([name]) => name !== '' && name !== undefined)
    .map(([name = '', , , used = '0']) => ({ name: unescaped(name), used: Number(used) || 0 }));

/** What programs may take without anything being swapped out, in KiB; undefined where the kernel does not say. */
export const availableMemory = (answers: Answers): number | undefined => {
  const figure = /^MemAvailable:\s+(\d+) kB/m.exec(fileText(answers, '/proc/meminfo') ?? '')?.[1];
  return figure === undefined ? undefined : Number(figure);
};

/** All that would turn swap on at boot, were nothing in its way, and what keeps it off, if something does. */
export const swapClaims = (answers: Answers): { readonly source: SwapSource; readonly offBy?: string }[] => {
  const { text, from } = bootCmdline(answers);
  const off = (name: string, since: number): string | undefined =>
    argumentIsOn(text, name) === false && (systemdVersion(answers) ?? 0) >= since ? `${from}: ${name}=0` : undefined;
  const zram = argumentIsOn(text, 'systemd.zram');
  const zramOff = zram === false ? `${from}: systemd.zram=0` : undefined;
  const with_ = (source: SwapSource, offBy: string | undefined) => ({ source, ...(offBy !== undefined && { offBy }) });
  return [
    // systemd-fstab-generator(8) and systemd-gpt-auto-generator(8) have the arguments and the versions that know them.
    ...fstabSwaps(answers).map((s) =>
      with_(s, off('systemd.swap', 246) ?? off('fstab', 0) ?? maskOf(answers, fstabUnit(s.name))),
    ),
    ...enabledSwapUnits(answers).map((s) => with_(s, undefined)),
    ...generatedSwaps(answers).map((s) =>
      with_(s, s.via === 'gpt' ? (off('systemd.swap', 254) ?? off('systemd.gpt_auto', 0)) : undefined),
    ),
    ...zramSwaps(answers).map((s) => with_(s, zramOff)),
    ...(zram === true ? [with_({ via: 'argument', name: 'zram0', from: `${from}: systemd.zram=1` }, undefined)] : []),
    ...scriptedSwaps(answers).map((s) => with_(s, undefined)),
  ];
};

/** What turns swap on at the next boot. */
export const swapsAtBoot = (answers: Answers): SwapSource[] =>
  swapClaims(answers).flatMap(({ source, offBy }) => (offBy === undefined ? [source] : []));
