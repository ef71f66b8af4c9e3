import { setTimeout } from 'node:timers/promises';
import { queryKey } from '../answers.ts';
import { askAll, run } from '../connectors/local.ts';
import type { Ran } from '../connectors/local.ts';
import { holdLock } from '../connectors/lock.ts';
import { OperatorError } from '../errors.ts';
import type { Action, Answer, Answers, Argv, Host, Query, RunAction, Step } from '../model.ts';
import { listAnswer, readAnswer, unlooked } from './files.ts';
import { inWords, removeFile, requireWritable, writeFile } from './write.ts';

/** The host that node-prep runs on. */
export const localHost = (): Host => ({ name: 'local', probe, lock, execute });

/** Commands are started first: they run while the files are read. */
const probe = async (queries: readonly Query[]): Promise<Answers> => {
  const runs = queries.filter((query) => query.ask === 'run');
  const running = askAll(runs.map((query) => query.argv));
  const looked = unlooked();
  const files = queries.flatMap((query): [string, Answer][] => {
    if (query.ask === 'run') return [];
    const answer =
      query.ask === 'read' ? readAnswer('', query.path, query.lines) : listAnswer('', query.glob, query.lines, looked);
    return [[queryKey(query), answer]];
  });
  const answers = await running;
  return new Map([
    ...files,
    ...runs.map((query, i): [string, Answer] => [queryKey(query), answers[i] ?? { status: 127, text: '' }]),
  ]);
};

const lock = (): Promise<{ release(): Promise<void> }> => {
  if (process.geteuid?.() !== 0) {
    throw new OperatorError('Only root can change this host.', 'Run it with sudo: sudo node-prep apply ...');
  }
  return holdLock(`node-prep ${process.argv.slice(2).join(' ')}`);
};

const execute = (actions: readonly Action[]): AsyncIterable<Step> => {
  requireWritable(actions);
  return steps(actions);
};

/** A signal lets the step that runs come to its end, and no other begin. */
const steps = async function* (actions: readonly Action[]): AsyncIterable<Step> {
  let stopped = false;
  const stop = (): void => void (stopped = true);
  for (const signal of signals) process.on(signal, stop);
  try {
    for (const action of actions) {
      if (stopped) {
        yield { action, status: 'failed', output: 'stopped by a signal before this step; nothing of it was done' };
        return;
      }
      const step = await perform(action);
      yield step;
      if (step.status === 'failed' && !(action.do === 'run' && action.judgedBy === 'verify')) return;
    }
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
};

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

const perform = async (action: Action): Promise<Step> => {
  if (action.do === 'run') return command(action);
  try {
    if (action.do === 'write') writeFile(action);
    else removeFile(action);
    return { action, status: 'done', output: '' };
  } catch (error) {
    const why = error instanceof OperatorError ? `${error.message} ${error.hint ?? ''}` : `${action.path}: ${inWords(error)}`;
    return { action, status: 'failed', output: why };
  }
};

const command = async (action: Action & RunAction): Promise<Step> => {
  let ran = await runPatiently(action.argv, action.patience);
  if (ran.exitCode !== 0 && action.rescue && (await runPatiently(action.rescue, action.patience)).exitCode === 0) {
    ran = await runPatiently(action.argv, action.patience);
  }
  return { action, status: ran.exitCode === 0 ? 'done' : 'failed', ...ran };
};

const runPatiently = async (argv: Argv, patience: RunAction['patience']): Promise<Ran> => {
  const until = Date.now() + (patience?.seconds ?? 0) * 1000;
  let ran = await run(argv);
  while (ran.exitCode !== 0 && patience && ran.output.includes(patience.says) && Date.now() < until) {
    await setTimeout(2000);
    ran = await run(argv);
  }
  return ran;
};
