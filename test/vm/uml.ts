// Commands on a real Linux 6.1 kernel within seconds: a thin layer over scripts/uml, which explains how.

import { fileURLToPath } from 'node:url';
import { type Result, runProgram } from './machine.ts';

const uml = fileURLToPath(new URL('../../scripts/uml', import.meta.url));

export interface Bind {
  /** A file or directory of this machine. */
  readonly source: string;
  /** Where the guest sees it (absolute). */
  readonly target: string;
}

export interface UmlOptions {
  /** The root directory, which is not changed; by default a minimal bookworm. */
  readonly root?: string;
  readonly binds?: readonly Bind[];
  /** Keeps what the guest writes: a second run with the same directory is like a reboot. */
  readonly persist?: string;
  /** What the command reads on its standard input; nothing when absent. */
  readonly input?: string | Uint8Array;
  /** Memory as the kernel takes it (default: 256M). */
  readonly memory?: string;
  /** After this time the kernel is ended and the call fails (default: ten minutes). */
  readonly timeoutMs?: number;
}

/** The status of {@link runUml} when the kernel ended without a result. */
export const noResult = 125;

function optionArguments(options: UmlOptions): string[] {
  const words: string[] = [];
  if (options.root !== undefined) words.push('--root', options.root);
  for (const { source, target } of options.binds ?? []) words.push('--bind', `${source}:${target}`);
  if (options.persist !== undefined) words.push('--persist', options.persist);
  if (options.memory !== undefined) words.push('--mem', options.memory);
  if (options.input !== undefined) words.push('--stdin');
  return words;
}

/**
 * Boots the kernel, loads modules and sets sysctls as systemd would, runs the command as root.
 * A status other than 0 is a result, not an error.
 */
export function runUml(argv: readonly string[], options: UmlOptions = {}): Promise<Result> {
  const { input, timeoutMs } = options;
  return runProgram(uml, ['run', ...optionArguments(options), '--', ...argv], {
    ...(input === undefined ? {} : { input }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}
