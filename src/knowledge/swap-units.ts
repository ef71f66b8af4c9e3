import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';
import { escapedPath, isMask, isUnitName, unitFile, unitFileQueries, unitFolder, unitRoots } from './systemd.ts';
import { hasSwapEntry } from './swap-fstab.ts';
import type { SwapSource } from './swap-source.ts';

/** Swap units, and the services of packages that turn swap on themselves (zram-tools, Ubuntu's zram-config, dphys-swapfile). */
const services = ['zramswap.service', 'zram-config.service', 'dphys-swapfile.service'] as const;
const patterns = ['*.swap', ...services] as const;

/** Services are enabled in /etc; swap units may be pulled in by the distribution itself. */
const pullGlobs = [
  ...unitRoots.flatMap((root) => ['wants', 'requires'].map((pull) => `${unitFolder(root)}/*.${pull}/*.swap`)),
  ...services.map((name) => `${unitFolder('/etc')}/*.wants/${name}`),
];

/** What generators wrote at the last boot; they will write it again. */
const generatedGlobs = ['/run/systemd/generator.late/*.swap', '/run/systemd/generator/*.swap'] as const;
const udevGlob = '/run/udev/data/b*';
const gptGenerator = '/usr/lib/systemd/system-generators/systemd-gpt-auto-generator';
const gptGenerators = [gptGenerator, '/lib/systemd/system-generators/systemd-gpt-auto-generator'] as const;
const gptMask = '/etc/systemd/system-generators/systemd-gpt-auto-generator';

export const swapUnitQueries: readonly Query[] = [
  ...pullGlobs.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  ...patterns.flatMap(unitFileQueries),
  ...generatedGlobs.map((glob) => ({ ask: 'list' as const, glob })),
  { ask: 'list', glob: udevGlob, lines: ['E:ID_PART_ENTRY_', 'E:ID_FS_TYPE='] },
  ...[...gptGenerators, gptMask].map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
  { ask: 'read', path: '/proc/partitions' },
  { ask: 'read', path: '/proc/self/mountinfo', lines: [' / / '] },
];

/** The mask that keeps a unit from being started; undefined where there is none. */
export const maskOf = (answers: Answers, name: string): string | undefined => {
  const file = unitFileOf(answers, name);
  return file && isMask(file) ? file.path : undefined;
};

/** Whether the file of a unit stands in /etc, where a mask would have to be: such a unit is disabled instead. */
export const isOwnUnit = (answers: Answers, name: string): boolean =>
  unitFileOf(answers, name)?.path.startsWith(`${unitFolder('/etc')}/`) === true;

/** Where a unit is pulled in from beside /etc, where `systemctl disable` does not reach; undefined where nowhere. */
export const vendorPull = (answers: Answers, name: string): string | undefined =>
  pullsOf(answers).find((file) => baseName(file.path) === name && !file.path.startsWith('/etc/'))?.path;

/** Units that are pulled in at boot, have a file and are not masked (systemd.unit(5)). */
export const enabledSwapUnits = (answers: Answers): SwapSource[] => {
  const byName = new Map<string, SwapSource>();
  for (const { path } of pullsOf(answers)) {
    const name = baseName(path);
    const file = unitFileOf(answers, name);
    // A link alone starts nothing where its unit is gone; the services' own files are not asked for everywhere.
    const starts = file ? !isMask(file) : !name.endsWith('.swap');
    if (starts && isUnitName(name) && !byName.has(name)) byName.set(name, { via: 'unit', name, from: path, unit: name });
  }
  return [...byName.values()];
};

/** The links that pull a unit in: of one name in one kind of folder that of highest precedence counts, and a link to /dev/null is none. */
const pullsOf = (answers: Answers): FoundFile[] => {
  const byPlace = new Map<string, FoundFile>();
  for (const file of pullGlobs.flatMap((glob) => listed(answers, glob))) {
    const place = file.path.split('/').slice(-2).join('/');
    if (!byPlace.has(place)) byPlace.set(place, file);
  }
  return [...byPlace.values()].filter((file) => file.link !== '/dev/null');
};

const unitFileOf = (answers: Answers, name: string): FoundFile | undefined =>
  patterns.map((pattern) => unitFile(answers, pattern, name)).find(Boolean);

/**
 * Swap partitions that systemd-gpt-auto-generator(8) turns on at boot: those of the type for swap on the disk of the root file
 * system, where fstab has no line for swap at all. So taking the line out of fstab can be what turns a partition on
 * (src/gpt-auto-generator/gpt-auto-generator.c). Units of generators that are not known here come back as well.
 */
export const generatedSwaps = (answers: Answers): SwapSource[] => {
  const made = generatedGlobs
    .flatMap((glob) => listed(answers, glob))
    .filter(({ path }) => isUnitName(baseName(path)))
    .filter(({ text }) => !/systemd-fstab-generator|^SourcePath=\/etc\/fstab|zram-generator/m.test(text))
    .filter(({ text }) => !text.includes('gpt-auto-generator') || gptWorks(answers))
    .map((file): SwapSource => ({
      via: file.text.includes('gpt-auto-generator') ? 'gpt' : 'unit',
      name: baseName(file.path),
      from: file.path,
      unit: baseName(file.path),
    }));
  const known = new Set(made.map((source) => source.name));
  const found = gptWorks(answers) && gptInstalled(answers) ? gptSwaps(answers).filter((source) => !known.has(source.name)) : [];
  return [...made, ...found].filter((source) => {
    const file = unitFileOf(answers, source.name);
    return !(file && isMask(file));
  });
};

const gptInstalled = (answers: Answers): boolean => gptGenerators.some((path) => listed(answers, path).length > 0);

/** fstab decides where it speaks of swap; a generator is masked as a unit is. */
const gptWorks = (answers: Answers): boolean =>
  !hasSwapEntry(answers) && !listed(answers, gptMask).some((file) => file.link === '/dev/null');

const swapType = '0657fd6d-a4ab-43c4-84e5-0933c83b4f4f';
/** Bit 63 of a partition's flags: not to be used without being asked for. */
const noAuto = 1n << 63n;

const gptSwaps = (answers: Answers): SwapSource[] => {
  const partitions = listed(answers, udevGlob).map(partitionOf);
  const root = rootDevice(answers);
  const rootDisk = partitions.find((p) => p.device === root)?.disk;
  return partitions
    .filter((p) => p.type === swapType && !p.noAuto && (rootDisk === undefined || p.disk === rootDisk))
    .flatMap((p): SwapSource[] => {
      const node = p.encrypted ? 'mapper/swap' : deviceName(answers, p.device);
      const unit = node && `${escapedPath(`/dev/${node}`)}.swap`;
      return unit ? [{ via: 'gpt', name: unit, from: `GPT type of /dev/${deviceName(answers, p.device) ?? node}`, unit }] : [];
    });
};

type Partition = {
  readonly device: string;
  readonly type: string;
  readonly disk: string;
  readonly noAuto: boolean;
  readonly encrypted: boolean;
};

/** What udev knows of a block device: /run/udev/data/b8:2 (systemd-udevd's database). */
const partitionOf = ({ path, text }: FoundFile): Partition => {
  const value = (key: string): string => new RegExp(`^E:${key}=(.*)$`, 'm').exec(text)?.[1] ?? '';
  const flags = /^0x[0-9a-f]+$/i.exec(value('ID_PART_ENTRY_FLAGS'))?.[0] ?? '0';
  return {
    device: baseName(path).slice(1),
    type: value('ID_PART_ENTRY_TYPE').toLowerCase(),
    disk: value('ID_PART_ENTRY_DISK'),
    noAuto: (BigInt(flags) & noAuto) !== 0n,
    encrypted: value('ID_FS_TYPE') === 'crypto_LUKS',
  };
};

/** "8:1" of the root file system (proc_pid_mountinfo(5)). */
const rootDevice = (answers: Answers): string | undefined =>
  /^\d+ \d+ (\d+:\d+) \/ \/ /m.exec(fileText(answers, '/proc/self/mountinfo') ?? '')?.[1];

/** The kernel's name of a device number: "sda2" for "8:2". */
const deviceName = (answers: Answers, device: string): string | undefined => {
  const [major, minor] = device.split(':');
  const line = (fileText(answers, '/proc/partitions') ?? '')
    .split('\n')
    .map((text) => text.trim().split(/\s+/))
    .find((words) => words[0] === major && words[1] === minor);
  return line?.[3];
};
