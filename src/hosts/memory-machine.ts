import type { Argv } from '../model.ts';

/** A file's text, a symbolic link, or a file that cannot be read (with the error's code). */
export type MemoryFile = string | { readonly link: string } | { readonly unreadable: string };

/** A package that could be installed. `gone`: the lists name it, but the server has a newer one until they are fetched again. `files`: what it lays down. */
export type Package = {
  readonly version: string;
  readonly gone?: true;
  readonly files?: { readonly [path: string]: string };
};

/** A service as systemctl shows it. */
export type Service = { readonly active: string; readonly enabled: string };

/**
 * All that a host in memory is. `defaults`: kernel settings as they are after boot. `listed`: whether the lists of available
 * packages are there. `unlinked`: what has to come back: links that `systemctl disable` took, by unit, and files that a package replaced, by package. `scripts`: what a read-only shell script prints, by the
 * name that it has as $0. `commands`: what changed it, in order.
 */
export type Machine = {
  readonly files: Map<string, MemoryFile>;
  readonly modes: Map<string, string>;
  readonly defaults: ReadonlyMap<string, MemoryFile>;
  readonly arch: string;
  cgroup: string;
  readonly manager: 'apt' | 'dnf' | 'none';
  readonly installed: Map<string, string>;
  readonly available: Map<string, Package>;
  listed: boolean;
  readonly systemd: boolean;
  readonly scripts: Map<string, string>;
  readonly services: Map<string, Service>;
  readonly unlinked: Map<string, ReadonlyMap<string, MemoryFile>>;
  readonly readOnly: readonly string[];
  readonly commands: Argv[];
};

/** What a command came to. */
export type Ran = { readonly exitCode: number; readonly output: string };

export const done: Ran = { exitCode: 0, output: '' };

/** A command that failed, and what it said. */
export const failed = (exitCode: number, output: string): Ran => ({ exitCode, output: `${output}\n` });
