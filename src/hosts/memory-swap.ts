import { expand, linkOf, readFile, textOf } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';

/** The swap that systemd turns on at boot: fstab, units that are pulled in, zram-generator and swap partitions found by their type. */
export const swapOn = (machine: Machine, cmdline: string): void => {
  const args = cmdline.split(/\s+/);
  const fstab = args.includes('systemd.swap=0') ? [] : fstabSwaps(machine);
  const active = [...fstab, ...unitSwaps(machine), ...zramSwaps(machine, args), ...gptSwaps(machine, args)];
  machine.files.set('/proc/swaps', swapTable([...new Set(active)]));
};

/** A swap device and its priority; without one it gets the kernel's own. */
type Swap = { readonly device: string; readonly priority?: string };

/** swapoff: of one device, or of all (`-a`). */
export const swapOff = (machine: Machine, words: readonly string[]): Ran => {
  const rest = swapsIn(machine).filter(({ device }) => !words.includes('-a') && !words.includes(device));
  machine.files.set('/proc/swaps', tableOf(rest));
  return done;
};

/** swapon [-p PRIORITY] DEVICE. */
export const swapOnNow = (machine: Machine, words: readonly string[]): Ran => {
  const device = words.at(-1) ?? '';
  const swaps = swapsIn(machine);
  if (swaps.some((swap) => swap.device === device))
    return failed(255, `swapon: ${device}: swapon failed: Device or resource busy`);
  const priority = words[0] === '-p' ? (words[1] ?? '') : '-2';
  machine.files.set('/proc/swaps', tableOf([...swaps, { device, priority }]));
  return done;
};

/** A swap unit of a device with a simple name. */
export const startSwap = (machine: Machine, unit: string): Ran =>
  swapOnNow(machine, [`/${unit.replace(/\.swap$/, '').replaceAll('-', '/')}`]);

const swapsIn = ({ files }: Machine): Swap[] =>
  textOf(files, '/proc/swaps')
    .split('\n')
    .slice(1)
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [device = '', , , , priority = '-2'] = line.trim().split(/\s+/);
      return { device, priority };
    });

/** The text of /proc/swaps. */
const swapTable = (devices: readonly string[]): string => tableOf(devices.map((device) => ({ device })));

const tableOf = (swaps: readonly Swap[]): string =>
  [
    'Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority',
    ...swaps.map(({ device, priority = '-2' }) => `${device}  partition\t1048572\t\t0\t\t${priority}`),
  ]
    .map((line) => `${line}\n`)
    .join('');

const entries = ({ files }: Machine): string[][] =>
  textOf(files, '/etc/fstab')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter(([device = '#', , type]) => !device.startsWith('#') && type === 'swap');

const fstabSwaps = (machine: Machine): string[] =>
  entries(machine)
    .filter(([, , , options = '']) => !/\bnoauto\b/.test(options))
    .map(([device = '']) => device);

const roots = ['/etc', '/usr/lib'] as const;

const isMasked = ({ files }: Machine, unit: string): boolean => {
  const path = roots.map((root) => `${root}/systemd/system/${unit}`).find((p) => files.has(p));
  return path !== undefined && (linkOf(files, path) === '/dev/null' || files.get(path) === '');
};

const unitSwaps = (machine: Machine): string[] =>
  roots
    .flatMap((root) => ['wants', 'requires'].flatMap((pull) => expand(machine.files, `${root}/systemd/system/*.${pull}/*.swap`)))
    .filter((path) => linkOf(machine.files, path) !== '/dev/null')
    .map((path) => path.split('/').at(-1) ?? '')
    .filter((unit) => roots.some((root) => machine.files.has(`${root}/systemd/system/${unit}`)) && !isMasked(machine, unit))
    .map(
      (unit) =>
        `/${unit
          .replace(/\.swap$/, '')
          .split('-')
          .join('/')}`,
    );

const zramSwaps = ({ files }: Machine, args: readonly string[]): string[] => {
  if (args.includes('systemd.zram=0')) return [];
  const main = roots.map((root) => `${root}/systemd/zram-generator.conf`).find((path) => readFile(files, path).status !== 1);
  const dropins = roots.toReversed().flatMap((root) => expand(files, `${root}/systemd/zram-generator.conf.d/*.conf`));
  const byName = new Map(dropins.map((path) => [path.split('/').at(-1), path]));
  const text = [...(main === undefined ? [] : [main]), ...byName.values()].map((path) => textOf(files, path)).join('\n');
  return text
    .split(/^(?=\[)/m)
    .filter((section) => /^\[zram\d+\]/.test(section) && !/^(mount-point|fs-type)\s*=/m.test(section))
    .map((section) => `/dev/${/^\[(zram\d+)\]/.exec(section)?.[1] ?? ''}`);
};

/** The generator looks at the table of partitions only where fstab says nothing of swap. */
const gptSwaps = (machine: Machine, args: readonly string[]): string[] =>
  entries(machine).length > 0 || args.includes('systemd.gpt_auto=0')
    ? []
    : expand(machine.files, '/run/udev/data/b*')
        .filter((path) => textOf(machine.files, path).includes('ID_PART_ENTRY_TYPE=0657fd6d-a4ab-43c4-84e5-0933c83b4f4f'))
        .map((path) => {
          const [major = '', minor = ''] = (path.split('/b').at(-1) ?? '').split(':');
          const line = new RegExp(`^\\s*${major}\\s+${minor}\\s+\\d+ (\\S+)$`, 'm').exec(
            textOf(machine.files, '/proc/partitions'),
          );
          return line?.[1] ?? '';
        })
        .filter((name) => name !== '' && !isMasked(machine, `dev-${name}.swap`))
        .map((name) => `/dev/${name}`);
