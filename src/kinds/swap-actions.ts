import { fileText, overlay } from '../answers.ts';
import { inContainer } from '../knowledge/rights.ts';
import { availableMemory, swapsAtBoot, swapsNow } from '../knowledge/swap.ts';
import { fstabPath, isSwapLine } from '../knowledge/swap-fstab.ts';
import type { SwapSource } from '../knowledge/swap-source.ts';
import { isOwnUnit, vendorPull } from '../knowledge/swap-units.ts';
import { systemdVersion } from '../knowledge/systemd.ts';
import type { Action, Answers, Argv, HostView } from '../model.ts';
import { commentedOut } from './foreign-file.ts';
import { unwritable } from './own-file.ts';
import type { Obstacle } from './verdicts.ts';

/** What turns swap off: lines commented out, units masked for the next boot, and swapoff for now. */
export const swapActions = (id: string, { answers }: HostView): Action[] => {
  const edits = editsFor(swapsAtBoot(answers), answers).map((edit): Action => ({ ...edit, for: [id] }));
  const units = unitsAfter(edits, answers);
  const [own, others] = [units.filter((u) => isOwnUnit(answers, u)), units.filter((u) => !isOwnUnit(answers, u))];
  const run = (argv: Argv, why: string, more: { readonly judgedBy?: 'verify' } = {}): Action => ({
    do: 'run',
    argv,
    why,
    ...more,
    for: [id],
  });
  const reload = edits.length > 0 && systemdVersion(answers) !== undefined;
  return [
    ...edits,
    ...(others.length > 0 ? [run(['systemctl', 'mask', ...others], 'keep swap units from starting at boot')] : []),
    ...(own.length > 0 ? [run(['systemctl', 'disable', ...own], 'keep swap units from starting at boot')] : []),
    ...(reload
      ? [run(['systemctl', 'daemon-reload'], 'let systemd forget the units it made of these lines', { judgedBy: 'verify' })]
      : []),
    ...(swapsNow(answers).length > 0 ? [run(['swapoff', '-a'], 'turn swap off now')] : []),
  ];
};

/** What of all that cannot be done, with what a person can do about it. */
export const swapObstacle = (host: HostView): Obstacle | undefined => {
  const sources = swapsAtBoot(host.answers);
  return (
    (swapsNow(host.answers).length > 0 ? (noRight(host.answers) ?? shortMemory(host.answers)) : undefined) ??
    (sources.some((s) => s.via === 'fstab') ? unwritable(fstabPath, host) : undefined) ??
    sources.map((source) => sourceObstacle(source, host)).find(Boolean) ??
    unitObstacle(host.answers)
  );
};

type Edit = Omit<Extract<Action, { do: 'write' }>, 'for'>;

/** Lines stay, commented out, so that a person can put them back. */
const editsFor = (sources: readonly SwapSource[], answers: Answers): Edit[] => [
  ...(sources.some((s) => s.via === 'fstab') ? [fstabEdit(fileText(answers, fstabPath) ?? '')] : []),
  ...(commentedOut(
    sources.flatMap((s) => s.lines ?? []),
    answers,
  ) ?? []),
];

const fstabEdit = (before: string): Edit => ({
  do: 'write',
  path: fstabPath,
  mode: 'keep',
  before,
  after: before
    .split('\n')
    .map((line) => (isSwapLine(line) ? `# off for Kubernetes, by node-prep: ${line}` : line))
    .join('\n'),
});

/** Judged with the edits done: where fstab no longer speaks of swap, systemd looks for swap partitions by itself. */
const unitsAfter = (edits: readonly Action[], answers: Answers): string[] => [
  ...new Set(swapsAtBoot(overlay(answers, edits)).flatMap((s) => (s.unit === undefined ? [] : [s.unit]))),
];

/** A container sees the machine's swap and has no power over it. */
const noRight = (answers: Answers): Obstacle | undefined =>
  inContainer(answers)
    ? {
        reason: 'no right to turn swap off here: this looks like a container',
        remedy: 'Run node-prep on the machine that owns the kernel.',
      }
    : undefined;

const gib = (kib: number): string =>
  kib < 1024 * 1024 ? `${Math.ceil(kib / 1024)} MiB` : `${(kib / 1024 / 1024).toFixed(1)} GiB`;

/** swapoff brings back into memory what is swapped out; where that does not fit, it fails or the kernel ends processes. */
const shortMemory = (answers: Answers): Obstacle | undefined => {
  const available = availableMemory(answers);
  const used = swapsNow(answers).reduce((sum, swap) => sum + swap.used, 0);
  return available === undefined || used <= available
    ? undefined
    : {
        reason: `${gib(used)} are swapped out (/proc/swaps) and only ${gib(available)} of memory are available (/proc/meminfo): swapoff would fail or the kernel would end processes`,
        remedy: 'Stop what needs the memory, or take swap out of the files named here and reboot; then plan again.',
      };
};

const sourceObstacle = (source: SwapSource, host: HostView): Obstacle | undefined => {
  const { via, from, name } = source;
  const again = 'then plan again';
  if (via === 'argument') {
    return {
      reason: `${from} makes ${name} swap whatever the files of zram-generator say`,
      remedy: `Take systemd.zram=1 from the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub), reboot, ${again}.`,
    };
  }
  const place = `${from} (${name}) turns swap on at boot`;
  if (via === 'script' && source.lines === undefined)
    return { reason: `${place}, in the middle of a command`, remedy: `Take it out of ${from}, ${again}.` };
  if (via === 'script' && !host.allow.takeOver)
    return { reason: place, remedy: `Take it out of ${from} or allow node-prep to comment it out with --take-over, ${again}.` };
  return source.lines && !commentedOut(source.lines, host.answers)
    ? { reason: `${place}, and that file cannot be changed without harm`, remedy: `Comment that out in ${from}, ${again}.` }
    : undefined;
};

/** A unit in /etc cannot be masked there, and `disable` does not reach what pulls it in from elsewhere. */
const unitObstacle = (answers: Answers): Obstacle | undefined => {
  const unit = unitsAfter([], answers).find((name) => isOwnUnit(answers, name) && vendorPull(answers, name) !== undefined);
  return unit === undefined
    ? undefined
    : {
        reason: `${vendorPull(answers, unit) ?? ''} pulls in ${unit}, which cannot be masked: its file is in /etc/systemd/system`,
        remedy: `Move /etc/systemd/system/${unit} away, then plan again.`,
      };
};
