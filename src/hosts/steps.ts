import type { Ran } from '../connectors/local.ts';
import { OperatorError } from '../errors.ts';
import type { Action, Argv, RunAction, Step } from '../model.ts';
import type { Place } from './files.ts';
import { inWords, removeFile, writeFile } from './write.ts';

/** Runs a command that changes the host, to its end. */
type Run = (argv: Argv) => Promise<Ran>;

/**
 * Does one action after the other and stops after the first that failed. A signal lets the step that runs come to its end, and no
 * other begin.
 */
export const inOrder = async function* (actions: readonly Action[], place: Place, run: Run): AsyncIterable<Step> {
  let stopped = false;
  const stop = (): void => void (stopped = true);
  for (const signal of signals) process.on(signal, stop);
  try {
    for (const action of actions) {
      if (stopped) {
        yield { action, status: 'failed', output: 'stopped by a signal before this step; nothing of it was done' };
        return;
      }
      const step = await perform(action, place, run);
      yield step;
      if (step.status === 'failed' && !(action.do === 'run' && action.judgedBy === 'verify')) return;
    }
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const perform = async (action: Action, place: Place, run: Run): Promise<Step> => {
  if (action.do === 'run') return command(action, run);
  try {
    if (action.do === 'write') writeFile(action, place);
    else removeFile(action, place);
    return { action, status: 'done', output: '' };
  } catch (error) {
    const why = error instanceof OperatorError ? `${error.message} ${error.hint ?? ''}` : `${action.path}: ${inWords(error)}`;
    return { action, status: 'failed', output: why };
  }
};

const command = async (action: Action & RunAction, run: Run): Promise<Step> => {
  const runPatiently = patientlyWith(run);
  let ran = await runPatiently(action.argv, action.patience);
  if (ran.exitCode !== 0 && action.rescue && (await runPatiently(action.rescue, action.patience)).exitCode === 0) {
    ran = await runPatiently(action.argv, action.patience);
  }
  return { action, status: ran.exitCode === 0 ? 'done' : 'failed', ...ran };
};

const patientlyWith =
  (run: Run) =>
  async (argv: Argv, patience: RunAction['patience']): Promise<Ran> => {
    const until = Date.now() + (patience?.seconds ?? 0) * 1000;
    let ran = await run(argv);
    while (ran.exitCode !== 0 && patience && ran.output.includes(patience.says) && Date.now() < until) {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      ran = await run(argv);
    }
    return ran;
  };
