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

/** What became of one step. `begun` without an end: the run was cut off in it. `output`: the end of what it printed. */
export type RunStep = { readonly status: 'begun' | 'done' | 'failed'; readonly output?: string };

/**
 * How a run ended. `after`: how the host stood then, where that could be asked. `cut`: the process was killed, or the machine went down.
 */
export type RunEnd = { readonly at: string; readonly status: 'applied' | 'failed' | 'cut'; readonly after?: State };

/** A run as the journal keeps it; without `end`, it is under way or was cut off. `steps` are those that were begun, in order. */
export type Run = RunHeader & { readonly id: number; readonly steps: readonly RunStep[]; readonly end?: RunEnd };

/** A run that is being written down. Each call returns when it is on the disk, and throws an OperatorError where it cannot be. */
export type RunRecord = {
  readonly id: number;
  begun(step: number): Promise<void>;
  /** The process that does the step: should we be killed, it may live on. */
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
