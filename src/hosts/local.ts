import { statfsSync } from 'node:fs';
import { queryKey } from '../answers.ts';
import { OperatorError } from '../errors.ts';
import { fileSystemNames } from '../knowledge/file-systems.ts';
import { machineNames } from '../knowledge/processors.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Answer, Answers, Argv, Host, Query } from '../model.ts';
import { executables, listAnswer, unlooked } from './files.ts';
import { here } from './place.ts';
import { readAnswer } from './read.ts';
import type { Looked } from './files.ts';
import { pathsOf, sweep } from './leftovers.ts';
import { inOrder } from './steps.ts';
import type { Tools } from './steps.ts';
import { requireWritable } from './writable.ts';

/** The host that node-prep runs on. */
export const localHost = (): Host => ({ name: 'local', probe, lock, execute });

/** Files first: most often they tell all that commands would, and starting one takes as long as reading two hundred files. */
const probe = async (queries: readonly Query[]): Promise<Answers> => {
  const looked = unlooked();
  const answers = filesAnswered(queries, looked);
  const open: Argv[] = [];
  for (const query of queries) {
    if (query.ask !== 'run') continue;
    const text = query.known?.(answers) ?? withoutProcess(query.argv, looked);
    if (text === undefined) open.push(query.argv);
    else answers.set(queryKey(query), { status: 0, text });
  }
  // What was found out from the first half of the answers must not be taken for what all of them tell.
  if (open.length === 0) return new Map(answers);
  const told = await (await import('../connectors/local.ts')).askAll(open);
  open.forEach((argv, i) => answers.set(queryKey({ ask: 'run', argv }), told[i] ?? { status: 127, text: '' }));
  return new Map(answers);
};

const filesAnswered = (queries: readonly Query[], looked: Looked): Map<string, Answer> => {
  const answers = new Map<string, Answer>();
  const later: Extract<Query, { ask: 'read' }>[] = [];
  for (const query of queries) {
    if (query.ask === 'list') answers.set(queryKey(query), listAnswer(here, query.glob, query.lines, looked));
    else if (query.ask === 'read' && query.unless) later.push(query);
    else if (query.ask === 'read') answers.set(queryKey(query), readHere(query, looked));
  }
  const absent: Answer = { status: 1, text: '' };
  for (const query of later) answers.set(queryKey(query), query.unless?.(answers) ? absent : readHere(query, looked));
  return answers;
};

const readHere = ({ path, lines, paragraphs }: Extract<Query, { ask: 'read' }>, { room }: Looked): Answer =>
  readAnswer(here, path, lines, paragraphs, room);

/** What three commands print, asked of the kernel as they ask it. */
const withoutProcess = (argv: Argv, looked: Looked): string | undefined => {
  const [program, option, words, name, ...globs] = argv;
  if (program === 'uname' && option === '-m' && argv.length === 2)
    return `${(machineNames as { readonly [arch: string]: string })[process.arch] ?? process.getBuiltinModule('node:os').machine()}\n`;
  if (program === 'sh' && name === 'ask-executables')
    return executables(globs, looked)
      .map((path) => `${path}\n`)
      .join('');
  if (program !== 'stat' || option !== '-fc' || words !== '%T' || globs.length > 0) return undefined;
  try {
    const system = fileSystemNames[statfsSync(name ?? '').type];
    return system && `${system}\n`;
  } catch {
    return undefined;
  }
};

const lock: Host['lock'] = async (patience) => {
  if (process.geteuid?.() !== 0) {
    const words = quoteAll(['node-prep', ...process.argv.slice(2)]);
    throw new OperatorError('Only root can change this host.', `Run it with sudo: sudo ${words}`);
  }
  const { holdLock } = await import('../connectors/lock.ts');
  return holdLock(`node-prep ${process.argv.slice(2).join(' ')}`, patience);
};

const execute: Host['execute'] = (actions, watch) => {
  sweep(pathsOf(actions), here);
  requireWritable(actions);
  return inOrder(actions, here, tools, watch);
};

const tools: Tools = {
  run: async (argv, started) => (await import('../connectors/local.ts')).run(argv, started),
  attributes: async (from, to) => (await import('../connectors/local.ts')).copyAttributes(from, to),
};
