import { on } from '../commands/options.ts';
import type { Args } from '../commands/options.ts';

/** The flags that no configuration file can say: what the operator allows beyond the usual. */
export const allowedFlags = (args: Args): string[] =>
  ['take-over', 'allow-reboot-changes'].filter((name) => on(args, name)).map((name) => `--${name}`);
