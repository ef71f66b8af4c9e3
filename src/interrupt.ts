/**
 * What the operator's signals ask of a command that changes a host: the step that runs comes to its end, and no other begins; once
 * more, and it is interrupted. Of the whole process, as signals are.
 */
type Signal = 'SIGINT' | 'SIGTERM' | 'SIGHUP';
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const satisfies readonly Signal[];

/** How far the work is. `before`: nothing is touched. `steps`: steps are done. `after`: none is left to do, and it is verified. */
export type Phase = 'before' | 'steps' | 'after';

/** Told of each signal: how many came, with this one. */
type Listener = (signal: Signal, count: number) => void;

type State = { readonly came: Signal[]; readonly listeners: Set<Listener>; phase: Phase };
let state: State | undefined;
let heeding = 0;

/**
 * From now on a signal does not end the process but asks it to come to an end; until what this returns is called as often as this
 * was. `say` is given a word for the operator at each signal.
 */
export const heedSignals = (say?: (word: string) => void): (() => void) => {
  if (heeding++ === 0) {
    state = { came: [], listeners: new Set(), phase: 'before' };
    for (const signal of signals) process.on(signal, heed);
  }
  const unsay = onSignal((signal, count) => {
    const at = phase();
    // Before anything is touched there is nothing to wait for: the end says it all.
    if (at !== 'before') say?.(wordOn(signal, count, at));
  });
  return () => {
    unsay();
    if (--heeding > 0) return;
    for (const signal of signals) process.off(signal, heed);
    state = undefined;
  };
};

const heed = (signal: NodeJS.Signals): void => {
  state?.came.push(signal as Signal);
  for (const listener of [...(state?.listeners ?? [])]) listener(signal as Signal, state?.came.length ?? 0);
};

/** The first signal that came. */
export const stoppedBy = (): Signal | undefined => state?.came[0];

/** Whether more than one came: nothing is waited for any more. */
export const isInsisted = (): boolean => (state?.came.length ?? 0) > 1;

export const phase = (): Phase => state?.phase ?? 'before';

export const enter = (next: Phase): void => {
  if (state) state.phase = next;
};

/** Has a function told of every signal from now on, until what this returns is called. */
export const onSignal = (listener: Listener): (() => void) => {
  const listeners = state?.listeners;
  listeners?.add(listener);
  return () => void listeners?.delete(listener);
};

/** What something comes to, or undefined where a signal came first, one of these `count` or later. */
export const unlessSignal = async <T>(count: number, work: Promise<T>): Promise<T | undefined> => {
  let forget = (): void => undefined;
  const signal = new Promise<undefined>((resolve) => {
    forget = onSignal((_, came) => came >= count && resolve(undefined));
  });
  try {
    return await Promise.race([work, signal]);
  } finally {
    forget();
  }
};

const wordOn = (signal: Signal, count: number, at: Exclude<Phase, 'before'>): string => {
  if (at === 'steps')
    return `${signal}: ${count === 1 ? 'stopping after this step; once more to interrupt it' : 'interrupting this step'}`;
  return `${signal}: ${count === 1 ? 'no step is left; the verification still runs, once more to leave it out' : 'leaving out the verification'}`;
};
