import type { Plan, Step } from './model.ts';

/** How a host stood, as far as a run may change it: one JSON value for each part of undo/table.ts, by the part's name. */
export type State = { readonly [part: string]: unknown };

/**
 * What is written down before the first change. `words`: the command line after the program's name. `since`: ISO 8601, UTC. `by`: who
 * called, as sudo tells it. `bootId`: /proc/sys/kernel/random/boot_id. `undoes`: the run that this one puts back.
 */
export type RunHeader = {
  readonly command: 'apply' | 'undo';
  readonly words: readonly string[];
  readonly since: string;
  readonly by: string;
  readonly version: string;
  readonly bootId: string;
  readonly plan: Plan;
  readonly before: State;
  readonly undoes?: number;
};

/**
 * A process, so that no other is taken for it: numbers are given anew. `start`: field 22 of /proc/PID/stat, in clock ticks since boot
 * (proc_pid_stat(5)).
 */
export type Process = { readonly pid: number; readonly start: string };

/**
 * What became of one step. `begun` without an end: the run was cut off in it. `output`: the end of what it printed. `exitCode`: where a
 * command failed. `stopped`: the signal that interrupted it. `command`: the process that did it, where it was one.
 */
export type RunStep = {
  readonly status: 'begun' | 'done' | 'failed';
  readonly output?: string;
  readonly exitCode?: number;
  readonly stopped?: string;
  readonly command?: Process;
};

/**
 * How a run ended. `after`: how the host stood then, where that could be asked. `cut`: the process was killed, or the machine went down.
 * `partly`: an undo that failed only as something was changed since, and put back all the rest.
 */
export type RunEnd = {
  readonly at: string;
  readonly status: 'applied' | 'failed' | 'cut';
  readonly after?: State;
  readonly partly?: true;
};

/**
 * A run as the journal keeps it; without `end`, it is under way or was cut off. `steps` are those that were begun, in order. `process`: the
 * node-prep that did it.
 */
export type Run = RunHeader & {
  readonly id: number;
  readonly process?: Process;
  readonly steps: readonly RunStep[];
  readonly end?: RunEnd;
};

/** Something in the journal that cannot be read as a run. `id`: of the run that it was, as far as its name tells. `line`: from 1. */
export type Damage = {
  readonly path: string;
  readonly id?: number;
  readonly line?: number;
  readonly problem: string;
  readonly remedy: string;
};

/** A run that is being written down. Each call returns when it is on the disk, and throws an OperatorError where it cannot be. */
export type RunRecord = {
  readonly id: number;
  begun(step: number): Promise<void>;
  /** The process that does the step: should we be killed, it may live on. Never throws: it runs already. */
  started(step: number, pid: number): void;
  ended(step: number, came: Step): Promise<void>;
  end(end: RunEnd): Promise<void>;
};

/**
 * What was done to a host, run by run. Only the holder of the host's lock may write. `begin` throws an OperatorError where nothing can
 * be written: then nothing may be touched.
 */
export type Journal = {
  /** From the oldest to the newest. */
  runs(): Promise<readonly Run[]>;
  begin(header: RunHeader): Promise<RunRecord>;
};
