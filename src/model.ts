/** The vocabulary: types only. Everything in the program understands these words; nothing here imports anything. */

/** A command and its arguments, never joined into a shell line. */
export type Argv = readonly [string, ...string[]];

/**
 * A question to a host; none of them changes it. `read`: one file. `list`: every file that a glob (`*` within one path segment)
 * matches, with content and link target. `lines`: only lines that contain one of these texts are wanted (an empty list: no content,
 * just whether it is there); a host may answer with more. `paragraphs`: all that stands between the blank lines around such a line is
 * wanted with it. `unless`: whether the answers to all other reads and lists make this one needless; a host may then answer as if it
 * was not there. A file whose name ends in .gz is answered unpacked. `run`: a read-only command. `known`: what it would print to a
 * good end, as far as the answers to the reads and lists asked with it tell that; undefined where it has to be run. A host may run it
 * anyway. `of: 'files'`: what it prints comes from the host's files and programs, not from its running kernel, so an image can answer
 * it as well.
 */
export type Query =
  | {
      readonly ask: 'read';
      readonly path: string;
      readonly lines?: readonly string[];
      readonly paragraphs?: true;
      readonly unless?: (answers: Answers) => boolean;
    }
  | { readonly ask: 'list'; readonly glob: string; readonly lines?: readonly string[] }
  | {
      readonly ask: 'run';
      readonly argv: Argv;
      readonly of?: 'files';
      readonly known?: (answers: Answers) => string | undefined;
    };

/** One file of a `list` answer. `link`: the target of a symbolic link, as written. `executable`: whether it may be run, if the host tells. */
export type FoundFile = { readonly path: string; readonly link?: string; readonly text: string; readonly executable?: boolean };

/**
 * The answer to a query. `read`: status 0, 1 (not there) or 2 (there, but no readable file: `text` says why); `garbled`: it is not
 * UTF-8, so `text` is not all of it. `list`: status 0 and `files` in byte order of their paths; `unread`: what is there but could not
 * be read, and why. `run`: the exit status, 127 where there is no such command.
 */
export type Answer = {
  readonly status: number;
  readonly text: string;
  readonly files?: readonly FoundFile[];
  readonly garbled?: true;
  readonly unread?: readonly { readonly path: string; readonly why: string }[];
};

/** Answers by `queryKey` of the query. */
export type Answers = ReadonlyMap<string, Answer>;

/** A file's mode in octal, four digits: "0644"; or that of the file that is there. */
export type Mode = `0${string}` | 'keep';

/** A change to a host. `for`: the findings that it serves. */
export type Action = (
  | { readonly do: 'write'; readonly path: string; readonly mode: Mode; readonly before: string | null; readonly after: string }
  | { readonly do: 'remove'; readonly path: string; readonly before: string }
  | RunAction
) & { readonly for: readonly string[] };

/**
 * A command that changes a host. `judgedBy: 'verify'`: its exit status proves nothing (modprobe, sysctl --system), the
 * verification afterwards decides. `rescue`: should it fail, this is run first and the command once more. `patience`: while it
 * fails saying `says`, it is tried again, for so many seconds.
 */
export type RunAction = {
  readonly do: 'run';
  readonly argv: Argv;
  readonly why: string;
  readonly judgedBy?: 'verify';
  readonly rescue?: Argv;
  readonly patience?: { readonly says: string; readonly seconds: number };
};

/** What one action came to. `output`: the end of what it printed. `stopped`: a signal interrupted it, or came before it was begun. */
export type Step = {
  readonly action: Action;
  readonly status: 'done' | 'failed';
  readonly output: string;
  readonly exitCode?: number;
  readonly stopped?: { readonly by: string; readonly begun: boolean };
};

/** One look at the host. `from`: the file and line, or the mechanism, that decides: "/etc/sysctl.d/99-x.conf:3", "modules.builtin". */
export type Reading = { readonly ok: boolean; readonly have: string; readonly from?: string };

/** Why something is wanted. `source`: the document or code that says so. `undocumented`: only the code of `source` says so. */
export type Reason = {
  readonly profile: string;
  readonly why: string;
  readonly source: string;
  readonly since?: string;
  readonly until?: string;
  readonly undocumented?: true;
};

/** What a host must have. One member per kind; every field is part of what is wanted. `atLeast`: a greater number will do as well. */
export type Need =
  | { readonly kind: 'kernel'; readonly min: string }
  | { readonly kind: 'kernelconfig'; readonly symbol: string }
  | { readonly kind: 'cgroup'; readonly v1: 'advice' | 'blocked' }
  | { readonly kind: 'package'; readonly capability: string; readonly min?: string }
  | { readonly kind: 'module'; readonly name: string }
  | { readonly kind: 'swap'; readonly policy: SwapPolicy }
  | { readonly kind: 'sysctl'; readonly key: string; readonly value: string; readonly atLeast?: true }
  | { readonly kind: 'networkmanager'; readonly unmanaged: readonly string[] }
  | { readonly kind: 'networkd'; readonly leave: 'foreign' }
  | { readonly kind: 'networkd'; readonly leave: 'unmanaged'; readonly names: readonly string[] }
  | { readonly kind: 'service'; readonly name: string; readonly state: 'inactive' | 'kept'; readonly mask?: true }
  | { readonly kind: 'port'; readonly port: string; readonly protocol: 'tcp' | 'udp' }
  | { readonly kind: 'port'; readonly protocol: '4' }
  | { readonly kind: 'firewall'; readonly about: 'reload' | 'forward' }
  | { readonly kind: 'iptables' }
  | { readonly kind: 'nft'; readonly about: 'json' | 'version'; readonly users: readonly NftUser[] };

/** Who brings an nft of its own in its images and uses it on the rules of the host. */
export type NftUser = 'kube-proxy' | 'istio' | 'calico';

/** `off`: no swap, now and after boot. `cgroup-v2`: swap may stay where cgroup v2 can limit it, elsewhere off. `ignore`: not looked at. */
type SwapPolicy = 'off' | 'cgroup-v2' | 'ignore';

export type KindName = Need['kind'];
export type NeedOf<K extends KindName> = Extract<Need, { kind: K }>;

/** A need and who asked for it. `advice`: worth having, never changed and never in the way. */
export type Requirement<N extends Need = Need> = N & { readonly because: readonly Reason[]; readonly advice?: true };

/** A requirement that the operator has set aside, with the operator's reason. */
export type Waiver = { readonly id: string; readonly reason: string; readonly until?: string };

export type Verdict =
  | { readonly verdict: 'ok' }
  | { readonly verdict: 'change' }
  | { readonly verdict: 'blocked'; readonly reason: string; readonly remedy: string }
  | { readonly verdict: 'advice'; readonly reason: string; readonly remedy: string }
  | { readonly verdict: 'waived'; readonly reason: string; readonly until?: string };

/** How a host stands against one requirement. `after`: what `boot` will be once the plan's files are written. */
export type Finding = Verdict & {
  readonly id: string;
  readonly kind: KindName;
  readonly want: string;
  readonly now: Reading;
  readonly boot: Reading;
  readonly after?: Reading;
  readonly because: readonly Reason[];
};

/**
 * What the host is. `family`: the distribution family's name, or "unknown". `kernel`: as `uname -r`. `arch`: as `uname -m`. `kernels`:
 * of an image, all that are installed in it; `kernel` is then the newest, "" where there is none.
 */
export type System = {
  readonly id: string;
  readonly versionId: string;
  readonly name: string;
  readonly family: string;
  readonly kernel: string;
  readonly arch: string;
  readonly kernels?: readonly string[];
};

/**
 * What a kind judges with: the answers, the system they came from, the names of the profiles (for file headers), and the
 * verdicts of the kinds before it, by id.
 */
export type HostView = {
  readonly answers: Answers;
  readonly system: System;
  readonly askedBy: readonly string[];
  readonly verdicts: ReadonlyMap<string, Verdict['verdict']>;
  readonly allow: Permissions;
  /** The host is the file tree of an image: nothing runs there, and only `boot` counts. */
  readonly image?: Image;
  /** What is taken as done: the plan's own actions, when the boot after them is judged. Their files are in the answers already. */
  readonly done?: readonly Action[];
};

/** The file tree of an image that is not running. `root`: the folder here that will be `/` there. */
export type Image = { readonly root: string };

/** What the operator allows. `takeOver`: comment out lines in other people's files. `rebootChanges`: change what counts only after a reboot. */
export type Permissions = { readonly takeOver: boolean; readonly rebootChanges: boolean };

/** Something on the host that speaks about a requirement: the file and line, what it says, and what becomes of it. */
export type Claim = { readonly from: string; readonly says: string; readonly role: string };

export type Checked = { readonly findings: readonly Finding[]; readonly actions: readonly Action[] };

/** One kind of need: how to ask, how to judge, what would mend it. Pure. */
export type Kind<N extends Need = Need> = {
  readonly name: N['kind'];
  readonly title: string;
  /** The stable name used by explain and waivers: "module/br_netfilter". */
  id(need: N): string;
  /** What is wanted, in a few words: "loaded", ">= 1.0.1". */
  want(need: N): string;
  /** One need that covers both, or undefined where they contradict each other. */
  merge(a: N, b: N): N | undefined;
  /** Other needs that this one brings with it. */
  implies?(need: N): readonly Need[];
  queries(needs: readonly (N & { readonly advice?: true })[]): readonly Query[];
  /** What this host makes of what is wanted: more of the kind, or less. Asked before `check`. */
  adapt?(requirements: readonly Requirement<N>[], host: HostView): readonly Requirement<N>[];
  check(requirements: readonly Requirement<N>[], host: HostView): Checked;
  /** All that speaks about a need on this host, in the order in which it is heard; for `explain`. */
  claims?(need: N, host: HostView): readonly Claim[];
};

/** A file or folder that could not be read, why, and the kinds whose findings do not know what it says. */
export type Unread = { readonly path: string; readonly why: string; readonly kinds: readonly KindName[] };

/** `unread`: what is there but is not in the plan. None where all could be read. */
export type Plan = Checked & { readonly system: System; readonly unread?: readonly Unread[] };

/** The desired state: what is wanted, by whom, and what the operator waived. */
export type Desired = {
  readonly requirements: readonly Requirement[];
  readonly waivers: readonly Waiver[];
  readonly askedBy: readonly string[];
  readonly allow: Permissions;
};

/** Of a plan's actions the one that failed or was stopped, and those after it. */
type NotDone = { readonly notDone?: readonly Action[] };

/** One host's result. `failed` and `unreachable` say why in `problem`. `run`: its number in the host's journal. */
export type Outcome = { readonly host: string; readonly run?: number } & (
  | { readonly status: 'planned'; readonly plan: Plan }
  | { readonly status: 'applied'; readonly plan: Plan; readonly steps: readonly Step[] }
  | { readonly status: 'refused'; readonly plan: Plan; readonly problem: string }
  | ({ readonly status: 'failed'; readonly plan?: Plan; readonly steps?: readonly Step[]; readonly problem: string } & NotDone)
  | { readonly status: 'unreachable'; readonly problem: string }
);

/**
 * A place that can be asked and changed. `lock` makes sure that nobody else changes it until `release` is called; it throws an
 * OperatorError where somebody does, `timeout` seconds long and after `waiting` was told who, or where the one who asks has no right to.
 * `execute` yields one step per action and stops after the first that failed; it throws, before anything is touched, where a file
 * cannot be written at all. `started` is told the process of each command. `image`: it is the file tree of one.
 */
export type Host = {
  readonly name: string;
  readonly image?: Image;
  probe(queries: readonly Query[]): Promise<Answers>;
  lock(patience?: { readonly timeout: number; waiting(holder: string): void }): Promise<{ release(): Promise<void> }>;
  execute(actions: readonly Action[], watch?: { started(pid: number): void }): AsyncIterable<Step>;
};
