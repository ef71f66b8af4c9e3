import { bootloaderPart } from './bootloader.ts';
import { filesPart } from './files.ts';
import { firewalldPart, ufwPart } from './firewalls.ts';
import { modulesPart } from './modules.ts';
import { packagesPart } from './packages.ts';
import type { Part } from './part.ts';
import { reloadsPart } from './reloads.ts';
import { swapPart } from './swap.ts';
import { sysctlPart } from './sysctl.ts';
import { unitsPart } from './units.ts';

/**
 * Every part of a host that a run may change, in the order in which undo puts them back: packages bring programs, files decide what
 * programs do, modules bring settings. What has to go goes in the opposite order.
 */
export const parts: readonly Part[] = [
  packagesPart,
  filesPart,
  reloadsPart,
  bootloaderPart,
  unitsPart,
  ufwPart,
  firewalldPart,
  modulesPart,
  sysctlPart,
  swapPart,
];
