import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';
import { iniLines } from './ini-lines.ts';
import type { IniLine } from './ini-lines.ts';
import { inList, splitSpecs } from './networkmanager-match.ts';
import type { Device, Word } from './networkmanager-match.ts';
import { unitOf, unitQueries } from './units.ts';

/** The file that node-prep owns. */
export const ownNetworkManager = '/etc/NetworkManager/conf.d/node-prep.conf';

const mainFile = '/etc/NetworkManager/NetworkManager.conf';
const folders = ['/usr/lib/NetworkManager/conf.d', '/run/NetworkManager/conf.d', '/etc/NetworkManager/conf.d'] as const;
const program = '/usr/sbin/NetworkManager';
const unit = 'NetworkManager.service';

export const networkManagerQueries: readonly Query[] = [
  { ask: 'list', glob: program, lines: [] },
  { ask: 'read', path: mainFile },
  { ask: 'read', path: ownNetworkManager },
  ...folders.map((folder) => ({ ask: 'list' as const, glob: `${folder}/*.conf` })),
  ...unitQueries(unit),
];

export const hasNetworkManager = (answers: Answers): boolean => listed(answers, program).length > 0;

/** Whether NetworkManager runs, and whether it starts at boot. Where systemd knows nothing of it, it is taken to do both. */
export const networkManagerOn = (answers: Answers): { readonly now: boolean; readonly boot: boolean; readonly mask?: string } => {
  const { installed, mask, atBoot, runs } = unitOf(answers, unit);
  return { now: runs || !installed, boot: atBoot !== undefined || !installed, ...(mask && { mask }) };
};

/** What becomes of a device. `from`: the line that decides; none where no line ever spoke for leaving it alone. */
export type Care = { readonly leftAlone: boolean; readonly from?: string };

/**
 * What NetworkManager's files make of a device. Either way to leave it alone is enough: `managed=1` of a [device] section gives
 * nothing back that `unmanaged-devices` takes (tried with NetworkManager 1.42; NetworkManager.conf(5) leaves it open).
 */
export const careOf = (device: Device, answers: Answers, when: 'now' | 'boot'): Care => {
  const files = filesInOrder(answers, when)
    .map((file) => lastOfEach(iniLines(file)))
    .filter((lines) => !isDisabled(lines));
  const byList = listCare(device, files.flat());
  return byList.leftAlone ? byList : (sectionCare(device, files) ?? byList);
};

/** The lines that speak about lists of unmanaged devices, in the order in which they are heard. */
export const unmanagedLines = (answers: Answers, when: 'now' | 'boot'): IniLine[] =>
  filesInOrder(answers, when).flatMap((file) =>
    lastOfEach(iniLines(file)).filter((line) => isListLine(line) || (isDevice(line) && line.key === 'managed')),
  );

/** `=` replaces what files before it said, `+=` adds, `-=` takes away words of the same text. */
const listCare = (device: Device, lines: readonly IniLine[]): Care => {
  let words: readonly Word[] = [];
  let lost: string | undefined;
  for (const line of lines.filter(isListLine)) {
    const before = inList(device, words).match;
    words = withLine(words, line);
    if (before && !inList(device, words).match) lost = line.from;
  }
  const { match, from = lost } = inList(device, words);
  return { leftAlone: match, ...(from && { from }) };
};

const withLine = (words: readonly Word[], { key, value, from }: IniLine): readonly Word[] => {
  const said = splitSpecs(value);
  const gone = new Set(said);
  if (key.endsWith('-')) return words.filter(({ word }) => !gone.has(word));
  return [...(key.endsWith('+') ? words : []), ...said.map((word) => ({ word, from }))];
};

const isListLine = ({ section, key }: IniLine): boolean => section === 'keyfile' && /^unmanaged-devices[+-]?$/.test(key);

const isDevice = ({ section }: IniLine): boolean => /^device(?:$|[-.])/.test(section);

/** The first [device] section that means the device and says `managed=`. */
const sectionCare = (device: Device, files: readonly (readonly IniLine[])[]): Care | undefined => {
  for (const section of sectionsOf(files)) {
    const value = (key: string) => section.findLast((line) => line.key === key);
    const match = value('match-device');
    const words = splitSpecs(match?.value ?? '*').map((word) => ({ word, from: match?.from ?? '' }));
    if (!inList(device, words).match) continue;
    const managed = value('managed');
    if (managed) return { leftAlone: isFalse(managed.value), from: managed.from };
    if (isTrue(value('stop-match')?.value)) return undefined;
  }
  return undefined;
};

/** Sections of one name are one, over all files; those of later files are asked first, within a file from above, plain [device] last. */
const sectionsOf = (files: readonly (readonly IniLine[])[]): (readonly IniLine[])[] => {
  const names = files.toReversed().flatMap((lines) => lines.filter(isDevice).map((line) => line.section));
  const ordered = [...new Set([...names.filter((name) => name !== 'device'), ...names.filter((name) => name === 'device')])];
  const bySection = Map.groupBy(files.flat(), ({ section }) => section);
  return ordered.map((name) => bySection.get(name) ?? []);
};

/** Of lines that say the same key in one file only the last counts, in its place: so does GLib read key files. */
const lastOfEach = (lines: readonly IniLine[]): IniLine[] => {
  const last = new Map(lines.map((line) => [JSON.stringify([line.section, line.key]), line]));
  const kept = new Set(last.values());
  return lines.filter((line) => kept.has(line));
};

/** `[.config] enable=` turns a whole file off; conditions on versions and the environment are taken to hold. */
const isDisabled = (lines: readonly IniLine[]): boolean =>
  isFalse(lines.find((line) => line.section === '.config' && line.key === 'enable')?.value);

const isFalse = (value: string | undefined): boolean => /^(?:no|false|off|0)$/i.test(value ?? '');
const isTrue = (value: string | undefined): boolean => /^(?:yes|true|on|1)$/i.test(value ?? '');

/**
 * /usr/lib first, then /run (which no reboot survives), the main file, and /etc; a file hides those of the same name in the
 * folders before.
 */
const filesInOrder = (answers: Answers, when: 'now' | 'boot'): FoundFile[] => {
  const [lib = [], run = [], etc = []] = folders.map((folder) => listed(answers, `${folder}/*.conf`));
  const volatile = when === 'now' ? run : [];
  const main = fileText(answers, mainFile);
  return [
    ...notHidden(lib, [...volatile, ...etc]),
    ...notHidden(volatile, etc),
    ...(main === undefined ? [] : [{ path: mainFile, text: main }]),
    ...etc,
  ];
};

const notHidden = (files: readonly FoundFile[], by: readonly FoundFile[]): FoundFile[] => {
  const names = new Set(by.map((other) => baseName(other.path)));
  return files.filter((file) => !names.has(baseName(file.path)));
};
