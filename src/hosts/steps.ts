import type { Ran } from '../connectors/local.ts';
import { OperatorError } from '../errors.ts';
import { enter, heedSignals, isInsisted, onSignal, stoppedBy, unlessSignal } from '../interrupt.ts';
import type { Action, Argv, Host, RunAction, Step } from '../model.ts';
import { isTolerated } from '../stopped.ts';
import type { Place } from './place.ts';
import { troubleWords, remedyFor } from '../trouble.ts';
import { removeFile, writeFile } from './write.ts';
import type { CopyAttributes } from './write.ts';

/** What starts processes for steps. `run`: a command that changes the host, to its end; `started` is told the leader of its group. */
export type Tools = {
  readonly run: (argv: Argv, started: (pid: number) => void) => Promise<Ran>;
  readonly attributes?: CopyAttributes;
};

type Run = (argv: Argv) => Promise<Ran>;
type Watch = Parameters<Host['execute']>[1];

/**
 * Does one action after the other and stops after the first that failed. A signal lets the step that runs come to its end, and no
 * other begin; the next ones are passed on to the command that runs.
 */
export const inOrder = async function* (
  actions: readonly Action[],
  place: Place,
  tools: Tools,
  watch?: Watch,
): AsyncIterable<Step> {
  const unheed = heedSignals();
  enter('steps');
  try {
    for (const action of actions) {
      const by = stoppedBy();
      if (by) {
        yield { action, status: 'failed', output: '', stopped: { by, begun: false } };
        return;
      }
      const step = await perform(action, place, tools, watch);
      yield step;
      if (step.status === 'failed' && !isTolerated(step)) return;
    }
  } finally {
    enter('after');
    unheed();
  }
};

const perform = async (action: Action, place: Place, tools: Tools, watch: Watch): Promise<Step> => {
  if (action.do === 'run') return command(action, interruptible(tools.run, watch));
  try {
    const output = action.do === 'write' ? await writeFile(action, place, tools.attributes) : (removeFile(action, place), '');
    return { action, status: 'done', output };
  } catch (error) {
    const why =
      error instanceof OperatorError
        ? `${error.message} ${error.hint ?? ''}`
        : `${action.path}: ${troubleWords(error)}. ${remedyFor(error)}`;
    return { action, status: 'failed', output: why };
  }
};

/** Every signal but the first goes on to the command, and to all that it started. */
const interruptible =
  (run: Tools['run'], watch: Watch): Run =>
  async (argv) => {
    let forget = (): void => undefined;
    try {
      return await run(argv, (pid) => {
        watch?.started(pid);
        forget = onSignal((signal, count) => count > 1 && pass(signal, pid));
      });
    } finally {
      forget();
    }
  };

const pass = (signal: NodeJS.Signals, group: number): void => {
  try {
    process.kill(-group, signal);
  } catch {
    // It ended by itself in this very moment.
  }
};

const command = async (action: Action & RunAction, run: Run): Promise<Step> => {
  const runPatiently = patientlyWith(run);
  let ran = await runPatiently(action.argv, action.patience);
  if (
    ran.exitCode !== 0 &&
    action.rescue &&
    !isInsisted() &&
    (await runPatiently(action.rescue, action.patience)).exitCode === 0
  ) {
    ran = await runPatiently(action.argv, action.patience);
  }
  const by = stoppedBy();
  const interrupted = ran.exitCode !== 0 && by !== undefined && isInsisted();
  return {
    action,
    status: ran.exitCode === 0 ? 'done' : 'failed',
    ...ran,
    ...(interrupted && { stopped: { by, begun: true } }),
  };
};

const patientlyWith =
  (run: Run) =>
  async (argv: Argv, patience: RunAction['patience']): Promise<Ran> => {
    const until = performance.now() + (patience?.seconds ?? 0) * 1000;
    let ran = await run(argv);
    while (ran.exitCode !== 0 && patience && ran.output.includes(patience.says) && performance.now() < until && !isInsisted()) {
      await unlessSignal(2, new Promise((resolve) => setTimeout(resolve, 2000)));
      if (!isInsisted()) ran = await run(argv);
    }
    return ran;
  };
