import type { Reading } from '../../src/model.ts';
import type { Suite } from './machine.ts';
import { fragileHost, hostTraps } from './traps-host.ts';
import { argumentSettings, lateTraps } from './traps-late.ts';
import { argumentModules, loadTraps, ruleTraps } from './traps-modules.ts';
import { fileTraps, lineTraps, moduleKeys, sideEffects } from './traps-sysctl.ts';

/**
 * What a trap is about: the finding whose boot reading is the prediction, how the plan is asked for it, and how the truth is
 * read from the kernel. `probe`: a shell command that prints it, before the trap is set and after the reboot. `part`: what a reading
 * says about this alone. `predicted`: what the probe will print if the boot reading holds; `fresh` is what it printed before the
 * trap was set.
 */
export type Subject = {
  readonly id: string;
  readonly modules?: readonly string[];
  readonly sysctl?: { readonly [key: string]: string };
  readonly probe: string;
  readonly part?: (reading: Reading) => Reading;
  readonly predicted: (boot: Reading, fresh: string) => string;
};

/**
 * A host that will not be after the next boot what it is now, or what its files seem to say. `setup`: a shell script that sets
 * the trap for real; it may say `put FILE LINE...`. `now`, `boot`, `from`: what the plan has to say. `lost`: a command after the
 * reboot that makes up for what was missing, and the value that it does not bring.
 */
export type Trap = {
  readonly name: string;
  readonly setup: string;
  readonly about: Subject;
  readonly now: string;
  readonly boot: string;
  readonly from?: string;
  readonly lost?: { readonly by: string; readonly value: string };
};

/** Traps that do not disturb each other: all are set, planned and rebooted at once. `append`: kernel arguments that are there before. */
export type Round = {
  readonly suite: Suite;
  readonly title: string;
  readonly append?: string;
  readonly traps: readonly Trap[];
};

const cgroupV1 = 'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';

/** Every trap, in the fewest reboots that prove them. */
export const rounds: readonly Round[] = [
  {
    suite: 'bookworm',
    title: 'Debian 12',
    traps: [
      ...loadTraps,
      ...ruleTraps,
      ...fileTraps('link'),
      ...lineTraps('bookworm'),
      ...moduleKeys.unlisted,
      ...lateTraps,
      ...hostTraps,
    ],
  },
  {
    suite: 'bookworm',
    title: 'Debian 12 with kernel arguments, and a lock on modules',
    append: `module_blacklist=xt_statistic modprobe.blacklist=xt_iprange modules_load=xt_recent sysctl.kernel.panic=7 sysctl.kernel.panic_on_oops=1 ${cgroupV1}`,
    traps: [...argumentModules, ...moduleKeys.listed, ...sideEffects, ...argumentSettings, ...fragileHost],
  },
  {
    suite: 'trixie',
    title: 'Debian 13',
    traps: [...loadTraps, ...ruleTraps, ...fileTraps('none'), ...lineTraps('trixie')],
  },
  {
    suite: 'bullseye',
    title: 'Debian 11',
    traps: [...loadTraps, ...ruleTraps, ...fileTraps('link'), ...lineTraps('bullseye')],
  },
];
