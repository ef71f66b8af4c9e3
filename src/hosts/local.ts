import { queryKey } from '../answers.ts';
import { askAll, run } from '../connectors/local.ts';
import { holdLock } from '../connectors/lock.ts';
import { OperatorError } from '../errors.ts';
import type { Action, Answer, Answers, Host, Query, Step } from '../model.ts';
import { here, listAnswer, readAnswer, unlooked } from './files.ts';
import { inOrder } from './steps.ts';
import { requireWritable } from './write.ts';

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
      query.ask === 'read' ? readAnswer(here, query.path, query.lines) : listAnswer(here, query.glob, query.lines, looked);
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
  return inOrder(actions, here, run);
};
