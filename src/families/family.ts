import type { ArgumentChange } from '../knowledge/grub-arguments.ts';
import type { Compare } from '../knowledge/versions.ts';
import type { Answers, Argv, RunAction, System } from '../model.ts';

/**
 * A package that is asked for: the names that serve a capability, and the least upstream version. What an install would bring is
 * not looked up for mere advice: that is the slow part.
 */
export type Asked = { readonly names: readonly string[]; readonly min?: string; readonly advice?: true };

/**
 * What a package manager said. `candidates`: what an install would bring, as far as that was asked. `sources`: whether it knows any.
 * `unfinished`: whether packages were cut off half-way, as far as that was asked; `broken`: those that have to be installed again;
 * `busy`: it is at work at this moment.
 */
export type PackageFacts = {
  readonly installed: ReadonlyMap<string, string>;
  readonly candidates: ReadonlyMap<string, string>;
  readonly sources: boolean;
  readonly unfinished?: boolean;
  readonly broken?: readonly string[];
  readonly busy?: boolean;
};

/**
 * How kernel arguments of the next boots are changed. `programs`: paths of which one must be there. `ownFile`: the arguments stand in
 * a file of our own, and `command` has the menu made from it. `byHand`: how a person does it.
 */
type KernelArguments = {
  readonly programs: readonly string[];
  readonly ownFile: boolean;
  readonly byHand: string;
  command(change: ArgumentChange): Argv;
};

/** Where modules that the running kernel lacks can come from. Packages are pinned to that kernel: no newer one comes with them. */
export type ModuleSource = {
  /** Shell text, with the kernel's release in $k: prints what is known of these packages in the form that `read` reads. */
  readonly ask: string;
  /** The packages in the order in which they are tried. `gone`: there are no modules of this kernel at all. */
  packages(system: System, gone: boolean): readonly string[];
  /** Whether they bring that module, as far as is known: nothing else may be promised. */
  brings(name: string, gone: boolean): boolean;
  /** A file that comes with a module and keeps it out. */
  deniedBy?(name: string): string | undefined;
  /** What a person can do where no package for this kernel can be had. */
  newer(system: System): string;
};

/** What differs between distributions: one file in this folder and one line in the table each. */
export type Family = {
  readonly name: string;
  /** Words of ID and ID_LIKE in os-release(5) that mean this family. */
  readonly ids: readonly string[];
  /** The package names for a capability, the first of them is what gets installed. */
  readonly packages: { readonly [capability: string]: readonly string[] };
  readonly compare: Compare;
  /** Shell text that prints what is installed and, where something is missing or too old, what could be. */
  ask(asked: readonly Asked[]): string;
  /** A file that tells what is installed, in paragraphs of which one begins with each of these lines. */
  readonly record?: { readonly path: string; line(name: string): string };
  /** What the text of `ask` would print, where the record shows that nothing is missing or too old. */
  known?(asked: readonly Asked[], answers: Answers): string | undefined;
  /** What is installed as the record alone tells it, for the tree of an image; undefined where there is none. */
  inFiles?(answers: Answers): PackageFacts | undefined;
  /** Reads what the text of `ask` printed. */
  read(output: string): PackageFacts;
  /** The commands that install these, in order. `stale`: the lists of available packages have to be fetched first. */
  install(names: readonly string[], stale: boolean): readonly Omit<RunAction, 'do'>[];
  /** Shell text that prints "NAME VERSION" of all that is installed, and then "end", if nothing failed on the way. */
  readonly installedNow?: string;
  /** How packages go. Nothing that is not named goes with them. */
  readonly removal?: {
    /**
     * Shell text, asked with all packages that came while a run was under way as its arguments, and in $named those of them that it
     * installed by name. Prints "own NAME" of those that are the run's: the named ones, and what came for them alone, as the package
     * manager keeps in mind; then "free NAME" of those own ones that can go without any other package, and "end" if nothing failed.
     */
    readonly ask: string;
    command(names: readonly string[]): Omit<RunAction, 'do'>;
  };
  /** How a person fetches the lists of available packages. */
  readonly refresh: string;
  readonly kernelArguments?: KernelArguments;
  /**
   * How it is seen and mended that the package manager was cut off in its work. `glob`: files that are there then, and while it works.
   * `broken`: packages that have to be installed again.
   */
  readonly interrupted?: {
    readonly glob: string;
    readonly says: string;
    mend(broken: readonly string[]): readonly Omit<RunAction, 'do'>[];
  };
  /** What a person can do where no package source has a package, or only an old one. */
  noCandidate(name: string, system: System): string;
  readonly modules?: ModuleSource;
  /** What a person can do where the kernel lacks a module. */
  missingModule(system: System): string;
};
