import { listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName, dropinQueries, dropins, dropinsOf } from './dropins.ts';
import { fnmatch } from './fnmatch.ts';
import { iniLines } from './ini-lines.ts';
import type { IniLine } from './ini-lines.ts';
import type { PodDevice } from './pod-devices.ts';
import { unitOf, unitQueries } from './units.ts';

/** The files that node-prep owns. The second sorts before those that others usually write. */
export const ownForeign = '/etc/systemd/networkd.conf.d/node-prep.conf';
export const ownNetwork = '/etc/systemd/network/05-node-prep.network';

/** What keeps networkd off routes and rules that others make; known since systemd 246 and 249, passed over by older ones. */
export const foreignKeys = ['ManageForeignRoutes', 'ManageForeignRoutingPolicyRules'] as const;

const unit = 'systemd-networkd.service';
const roots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'] as const;
const mainFiles = roots.map((root) => `${root}/systemd/networkd.conf`);
const networkGlobs = roots.map((root) => `${root}/systemd/network/*.network`);
const networkDropinGlobs = roots.map((root) => `${root}/systemd/network/*.network.d/*.conf`);

/** networkd.conf and its drop-ins. */
export const networkdConfQueries: readonly Query[] = [
  ...mainFiles.map((glob): Query => ({ ask: 'list', glob })),
  ...dropinQueries('systemd/networkd.conf'),
];

export const networkdQueries: readonly Query[] = [
  ...unitQueries(unit),
  ...networkdConfQueries,
  ...[...networkGlobs, ...networkDropinGlobs].map((glob): Query => ({ ask: 'list', glob })),
  { ask: 'read', path: ownForeign },
  { ask: 'read', path: ownNetwork },
];

/** Whether systemd-networkd is there, runs, and starts at boot. */
export const networkdOn = (answers: Answers): { readonly installed: boolean; readonly now: boolean; readonly boot: boolean } => {
  const { installed, atBoot, runs } = unitOf(answers, unit);
  return { installed, now: runs, boot: atBoot !== undefined };
};

type When = 'now' | 'boot';

const standing = (files: readonly FoundFile[], when: When): FoundFile[] =>
  files.filter((file) => when === 'now' || !file.path.startsWith('/run/'));

/** The lines that set a key of networkd.conf, in the order in which they are heard: the main file, then drop-ins by name. */
export const networkdLines = (key: string, answers: Answers, when: When): IniLine[] => {
  const main = standing(
    mainFiles.flatMap((glob) => listed(answers, glob)),
    when,
  ).slice(0, 1);
  const all = dropins(answers, 'systemd/networkd.conf');
  const hidden = when === 'boot' && all.some((file) => file.path.startsWith('/run/'));
  const files = hidden ? withoutRun(answers) : all;
  return [...main, ...files]
    .flatMap((file) => iniLines(file, true))
    .filter((line) => line.section === 'Network' && line.key === key);
};

const withoutRun = (answers: Answers): FoundFile[] =>
  dropinsOf(
    standing(
      dropinQueries('systemd/networkd.conf').flatMap((q) => (q.ask === 'list' ? listed(answers, q.glob) : [])),
      'boot',
    ),
  );

/** The setting in force: the last line that says yes or no; networkd's own choice is yes. */
export const foreignSetting = (key: string, answers: Answers, when: When): { readonly on: boolean; readonly from?: string } => {
  const line = networkdLines(key, answers, when).findLast(({ value }) => booleanOf(value) !== undefined);
  return line ? { on: booleanOf(line.value) ?? true, from: line.from } : { on: true };
};

/** What systemd takes for yes and no (systemd.syntax(7)). */
export const booleanOf = (value: string): boolean | undefined =>
  /^(?:1|y|yes|t|true|on)$/i.test(value) ? true : /^(?:0|n|no|f|false|off)$/i.test(value) ? false : undefined;

/** The file that takes a device, if any: `.network` files are tried by name, whatever their folder, and the first that fits wins. */
export const networkFor = (
  device: PodDevice,
  answers: Answers,
  when: When,
): { readonly leftAlone: boolean; readonly from?: string } => {
  for (const file of dropinsOf(
    standing(
      networkGlobs.flatMap((glob) => listed(answers, glob)),
      when,
    ),
  )) {
    const lines = [file, ...dropinsFor(file, answers, when)].flatMap((part) => iniLines(part, true));
    const match = lines.filter((line) => line.section === 'Match');
    if (!fits(device, match)) continue;
    const unmanaged = lines.findLast((line) => line.section === 'Link' && line.key === 'Unmanaged');
    const leftAlone = booleanOf(unmanaged?.value ?? '') === true;
    return { leftAlone, from: (leftAlone ? unmanaged : match[0])?.from ?? file.path };
  }
  return { leftAlone: true };
};

const dropinsFor = (file: FoundFile, answers: Answers, when: When): FoundFile[] => {
  const folder = `${baseName(file.path)}.d`;
  const files = networkDropinGlobs.flatMap((glob) => listed(answers, glob));
  return dropinsOf(standing(files, when).filter(({ path }) => path.split('/').at(-2) === folder));
};

/** Conditions that say something about this host, not about the device: taken to hold. */
const aboutHost = /^(?:Host|Virtualization|KernelCommandLine|KernelVersion|Version|Credential|Architecture|Firmware)$/;

/** Every key of [Match] must fit; a file that has none is passed over (systemd.network(5)). */
const fits = (device: PodDevice, match: readonly IniLine[]): boolean => {
  const keys = [...new Set(match.filter((line) => !aboutHost.test(line.key)).map((line) => line.key))];
  if (match.length === 0) return false;
  return keys.every((key) => {
    const values = match.filter((line) => line.key === key).map((line) => line.value);
    return fitsPatterns(patternsOf(values.slice(values.lastIndexOf('') + 1)), propertyOf(device, key));
  });
};

const propertyOf = (device: PodDevice, key: string): string | undefined =>
  ({ Name: device.name, Type: device.linkType, Kind: device.kind, Driver: device.kind })[key];

/** `!` at the beginning of a line holds for all its words. */
const patternsOf = (values: readonly string[]): { readonly not: boolean; readonly pattern: string }[] =>
  values.flatMap((value) => {
    const not = value.startsWith('!');
    const words = (not ? value.slice(1) : value).split(/\s+/).filter(Boolean);
    return words.map((word) => ({ not: not || word.startsWith('!'), pattern: word.replace(/^!/, '').replace(/^"(.*)"$/, '$1') }));
  });

/** A device without such a property fits only what is negated. */
const fitsPatterns = (
  patterns: readonly { readonly not: boolean; readonly pattern: string }[],
  property: string | undefined,
): boolean => {
  const hits = patterns.filter(({ pattern }) => property !== undefined && fnmatch(pattern, property));
  if (hits.some((hit) => hit.not)) return false;
  return hits.length > 0 || patterns.every((p) => p.not);
};
