import { queryKey } from '../answers.ts';
import { OperatorError } from '../errors.ts';
import type { Action, Answer, Answers, Argv, Host, Query, RunAction, Step } from '../model.ts';
import { bootUp } from './memory-boot.ts';
import { expand, linkOf, put, readFile, realPath, remove } from './memory-files.ts';
import type { Machine, MemoryFile, Package, Service } from './memory-machine.ts';
import { bringPrograms } from './memory-packages.ts';
import { answerOf, perform } from './memory-programs.ts';

/**
 * A host that is a Map, for tests. `files`: path to text, link or unreadable file. `arch` as `uname -m`; `cgroup` as
 * `stat -fc %T`. `programs`: commands that are there beside those that packages bring. `readOnly`: folders that refuse writes.
 * `nextKernel`: the release that the next boot runs. `scripts`: what a read-only shell script prints, by the name that it has as $0.
 */
export type MemorySpec = {
  readonly files: { readonly [path: string]: MemoryFile };
  readonly arch?: string;
  readonly cgroup?: string;
  readonly programs?: readonly string[];
  readonly packages?: {
    readonly manager: 'apt' | 'dnf' | 'none';
    readonly installed: { readonly [name: string]: string };
    readonly available?: { readonly [name: string]: Package };
    readonly listed?: boolean;
  };
  readonly services?: { readonly [unit: string]: Service };
  readonly systemd?: boolean;
  readonly readOnly?: readonly string[];
  readonly nextKernel?: string;
  readonly scripts?: { readonly [name: string]: string };
};

/** `machine`: all that there is to look at. `reboot`: what systemd does at boot, from the files alone. */
export type MemoryHost = Host & { readonly machine: Machine; readonly files: Map<string, MemoryFile>; reboot(): void };

/** Builds a host in memory. */
export const memoryHost = (spec: MemorySpec): MemoryHost => {
  const machine = machineOf(spec);
  for (const name of machine.installed.keys()) bringPrograms(machine, name);
  let held = false;
  return {
    name: 'memory',
    machine,
    files: machine.files,
    probe: (queries) => Promise.resolve(probe(machine, queries)),
    lock: () => {
      if (held) return Promise.reject(new OperatorError('Another node-prep is at work on this host.'));
      held = true;
      return Promise.resolve({ release: () => Promise.resolve(void (held = false)) });
    },
    execute: (actions) => {
      requireWritable(machine, actions);
      return steps(machine, actions);
    },
    reboot: () => bootUp(machine, spec.nextKernel),
  };
};

const machineOf = (spec: MemorySpec): Machine => ({
  files: new Map([...Object.entries(spec.files), ...(spec.programs ?? []).map((name) => [`/usr/bin/${name}`, 'ELF'] as const)]),
  modes: new Map(),
  defaults: new Map(Object.entries(spec.files).filter(([path]) => path.startsWith('/proc/sys/'))),
  arch: spec.arch ?? 'x86_64',
  cgroup: spec.cgroup ?? 'cgroup2fs',
  manager: spec.packages?.manager ?? 'none',
  installed: new Map(Object.entries(spec.packages?.installed ?? {})),
  available: new Map(Object.entries(spec.packages?.available ?? {})),
  listed: spec.packages?.listed ?? true,
  systemd: spec.systemd ?? true,
  services: new Map(Object.entries(spec.services ?? {})),
  readOnly: spec.readOnly ?? [],
  scripts: new Map(Object.entries(spec.scripts ?? {})),
  commands: [],
});

const probe = (machine: Machine, queries: readonly Query[]): Answers =>
  new Map(queries.map((query): [string, Answer] => [queryKey(query), answer(machine, query)]));

const answer = (machine: Machine, query: Query): Answer => {
  if (query.ask === 'run') return answerOf(machine, query.argv);
  if (query.ask === 'read') return filtered(readFile(machine.files, query.path), query.paragraphs ? undefined : query.lines);
  const unread: { path: string; why: string }[] = [];
  const files = expand(machine.files, query.glob).map((path) => {
    const [read, link] = [filtered(readFile(machine.files, path), query.lines), linkOf(machine.files, path)];
    if (query.lines?.length !== 0 && isUnreadable(machine.files.get(path))) unread.push({ path, why: read.text });
    return { path, ...(link !== undefined && { link }), text: read.status === 0 ? read.text : '' };
  });
  return { status: 0, text: '', files, ...(unread.length > 0 && { unread }) };
};

const isUnreadable = (file: MemoryFile | undefined): boolean => typeof file === 'object' && 'unreadable' in file;

const filtered = (read: Answer, lines: readonly string[] | undefined): Answer => {
  if (read.status !== 0 || !lines) return read;
  const kept = read.text.split('\n').filter((line) => lines.some((wanted) => line.includes(wanted)));
  return { ...read, text: kept.map((line) => `${line}\n`).join('') };
};

const requireWritable = (machine: Machine, actions: readonly Action[]): void => {
  for (const action of actions) {
    if (action.do !== 'run' && machine.readOnly.some((folder) => action.path.startsWith(`${folder}/`))) {
      throw new OperatorError(`Cannot write ${action.path}: its file system is mounted read-only. Nothing was touched.`);
    }
  }
};

const steps = async function* (machine: Machine, actions: readonly Action[]): AsyncIterable<Step> {
  for (const action of actions) {
    const step = action.do === 'run' ? command(machine, action) : change(machine, action);
    yield await Promise.resolve(step);
    if (step.status === 'failed' && !(action.do === 'run' && action.judgedBy === 'verify')) return;
  }
};

const change = (machine: Machine, action: Exclude<Action, RunAction>): Step => {
  const path = action.do === 'write' ? realPath(machine.files, action.path) : action.path;
  const read = readFile(machine.files, path);
  if ((read.status === 0 ? read.text : null) !== action.before) {
    return { action, status: 'failed', output: `${path} is not what it was when the plan was made; it was left alone.` };
  }
  if (action.do === 'remove') remove(machine, path);
  else put(machine, path, action.after, action.mode);
  return { action, status: 'done', output: '' };
};

const command = (machine: Machine, action: Action & RunAction): Step => {
  const run = (argv: Argv) => {
    machine.commands.push(argv);
    return perform(machine, argv);
  };
  let ran = run(action.argv);
  if (ran.exitCode !== 0 && action.rescue && run(action.rescue).exitCode === 0) ran = run(action.argv);
  return { action, status: ran.exitCode === 0 ? 'done' : 'failed', ...ran };
};
