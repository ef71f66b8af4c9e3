/**
 * Runs `apply`, `apply FILE` or `undo` of the built program on a host in namespaces, again and again, each time with one fault at one of the system calls by
 * which it writes: killed there, or the call fails. What came of it is printed for the test to judge.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { planHost } from '../../src/apply.ts';
import { loadSettings } from '../../src/config.ts';
import { hostJournal } from '../../src/hosts/journal.ts';
import { localHost } from '../../src/hosts/local.ts';
import type { Plan } from '../../src/model.ts';
import { isApart, laid, layHost, question, standing, touched } from './namespace.ts';
import type { Entry } from './namespace.ts';

/** The `nth` call of that name among those that concern the watched paths. `at`: the call as strace shows it. */
export type Point = { readonly call: string; readonly nth: number; readonly at: string };

/** A point and what befalls it: an errno's name, or KILL. */
export type Fault = { readonly point: Point; readonly what: string };

/** What came of a fault: what went wrong, in words; empty where it was survived. */
export type Came = { readonly fault: Fault; readonly wrong: readonly string[] };

/**
 * How a host stands before the first apply. `wanted`: all that is to be other than that when it has ended, beside node-prep's state and
 * the file of its lock, and how: mode, owner, group and text.
 */
export type Start = {
  readonly name: string;
  readonly entries: readonly Entry[];
  readonly wanted: { readonly [path: string]: string };
  /** What the faults meet, where that is not its apply: its undo, or the apply of its saved plan. */
  readonly by?: 'undo' | 'saved plan';
};

/** `points`: find them out. `faults`: try these. */
export type Asked = { readonly start: Start } & (
  { readonly ask: 'points' } | { readonly ask: 'faults'; readonly faults: readonly Fault[]; readonly points: readonly Point[] }
);

const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.rp_filter: 2 }\n';
const keys = { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/all/rp_filter': '2' } as const;
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const applying = [process.execPath, bundle, 'apply', '--yes', '--take-over', '-c', '/mnt/config.yaml'] as const;

const undoing = [process.execPath, bundle, 'undo', '1', '--yes'] as const;
const planFile = '/mnt/plan.json';
const saving = [process.execPath, bundle, 'plan', '--take-over', '-c', '/mnt/config.yaml', '--out', planFile] as const;
const met = ({ by }: Start): readonly string[] =>
  by === 'undo' ? undoing : by === 'saved plan' ? [process.execPath, bundle, 'apply', planFile, '--yes'] : applying;

/** What changes a file or a folder; strace leaves out what this processor's Linux does not have where a ? stands before it. */
const calls = [
  ...[
    'open',
    'openat',
    'creat',
    'write',
    'pwrite64',
    'writev',
    'pwritev',
    'rename',
    'renameat',
    'renameat2',
    'fsync',
    'fdatasync',
  ],
  ...['unlink', 'unlinkat', 'rmdir', 'chmod', 'fchmod', 'fchmodat', 'chown', 'fchown', 'lchown', 'fchownat', 'mkdir', 'mkdirat'],
  ...['link', 'linkat', 'symlink', 'symlinkat', 'truncate', 'ftruncate', 'fallocate', 'utimensat'],
] as const;
const traced = `trace=${calls.map((call) => `?${call}`).join()}`;

/** Paths of the host: not what Node, the loader and the terminal write. */
const ofHost = /^(\/etc\/|\/var\/|\/run\/|\/usr\/lib\/sysctl\.d)/;

const lay = (start: Start): void => {
  layHost(start.entries);
  writeFileSync('/mnt/config.yaml', config);
  for (const key of Object.keys(keys)) writeFileSync(`/proc/sys/${key}`, '0');
};

/** Lays the host, and does what comes before that which the faults meet. */
const prepare = (start: Start): void => {
  lay(start);
  if (!start.by) return;
  const first = run(start.by === 'undo' ? applying : saving);
  if (first.status !== 0) throw new Error(`before the faults: ${first.text}`);
};

type Ran = { readonly status: number | null; readonly signal: string | null; readonly text: string };
const run = ([program = '', ...words]: readonly string[]): Ran => {
  const { status, signal, stdout, stderr } = spawnSync(program, words, {
    encoding: 'utf8',
    timeout: 60_000,
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });
  return { status, signal, text: `${stdout}${stderr}` };
};

/** `-f`: other threads and the commands it starts as well. */
const trace = (start: Start, options: readonly string[]): { readonly ran: Ran; readonly lines: readonly string[] } => {
  const ran = run(['strace', '-q', '-y', '-s', '0', '-o', '/mnt/log', '-e', traced, ...options, ...met(start)]);
  return { ran, lines: readFileSync('/mnt/log', 'utf8').split('\n') };
};

const [begins, resumes] = [/^(\d+) +(.*?) *<unfinished \.\.\.>$/, /^(\d+) +<\.\.\. \w+ resumed>(.*)$/];

/** A call that another thread's interrupted in the log, as one line again: in halves a call that opens to read looks like one that writes. */
const joined = (lines: readonly string[]): string[] => {
  const begun = new Map<string, string>();
  return lines.flatMap((line) => {
    const [, starter = '', head = ''] = begins.exec(line) ?? [];
    if (starter) begun.set(starter, head);
    const [, pid = '', tail = ''] = resumes.exec(line) ?? [];
    return starter ? [] : [pid ? `${pid} ${begun.get(pid) ?? ''}${tail}` : line];
  });
};

const opensToRead = /^open(at)?\(.*\bO_RDONLY\b(?!.*O_CREAT)/;
const pathsIn = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|<([^<>]*)>/g)].map((match) => match[1] ?? match[2] ?? '').filter((path) => ofHost.test(path));
const changes = (line: string): boolean => !opensToRead.test(line) && pathsIn(line).length > 0;

/** The paths first, of all that write; then the calls about them, of our own thread alone: so they count the same every time. */
const points = (start: Start): Point[] => {
  prepare(start);
  const { ran, lines } = trace(start, ['-f']);
  if (ran.status !== 0) throw new Error(`without a fault: ${ran.text}`);
  const all = joined(lines);
  const paths = [
    ...new Set(
      all
        .map((line) => line.replace(/^\d+ +/, ''))
        .filter(changes)
        .flatMap(pathsIn),
    ),
  ];
  const elsewhere = all.filter((line) => !line.startsWith(`${all[0]?.split(' ')[0]} `) && makesNames.test(line) && changes(line));
  if (elsewhere.length > 0)
    throw new Error(`another thread or process writes, and no fault would meet it: ${elsewhere.join('; ')}`);
  prepare(start);
  const own = trace(start, watching(paths)).lines.filter((line) => /^\w+\(/.test(line));
  const counts = new Map<string, number>();
  return own.flatMap((line): Point[] => {
    const call = line.slice(0, line.indexOf('('));
    const nth = (counts.get(call) ?? 0) + 1;
    counts.set(call, nth);
    return changes(line) ? [{ call, nth, at: line.replace(/^(.*\)) += .*$/, '$1') }] : [];
  });
};

/** What sysctl and cp, who write into what is there, do not do. */
const makesNames = /\b(O_CREAT|rename\w*\(|unlink\w*\(|mkdir\w*\(|fsync\(|link\w*\()/;

const watching = (paths: readonly string[]): string[] => paths.flatMap((path) => ['-P', path]);

const tryAll = async (start: Start, faults: readonly Fault[], all: readonly Point[]): Promise<Came[]> => {
  const paths = [...new Set(all.flatMap(({ at }) => pathsIn(at)))];
  lay(start);
  const before = laid();
  const came: Came[] = [];
  for (const fault of faults) came.push({ fault, wrong: await tryOne(start, fault, paths, before) });
  return came;
};

/** How anything stood before the first apply. */
type Before = (path: string) => string;

const tryOne = async (start: Start, { point, what }: Fault, paths: readonly string[], before: Before): Promise<string[]> => {
  prepare(start);
  const inject = `inject=${point.call}:${what === 'KILL' ? 'signal=KILL' : `error=${what}`}:when=${point.nth}`;
  const { ran, lines } = trace(start, [...watching(paths), '-e', inject]);
  return [
    ...missed(point, what, lines),
    ...wrongEnd(ran, what, paths),
    ...misplaced(start, before, 'now'),
    ...(await (start.by === 'undo' ? wrongAfterUndo(start, before) : wrongAfterwards(start, before))),
  ];
};

/** Whether the fault came about, at that very point: the call that failed, or the last one before the end. */
const missed = ({ call, at }: Point, what: string, lines: readonly string[]): string[] => {
  const killed = lines.findIndex((line) => line.includes('killed by SIGKILL'));
  const met = what === 'KILL' ? lines[killed - 1] : lines.find((line) => line.includes('(INJECTED)'));
  return met?.startsWith(`${call}(`) && pathsIn(met).join() === pathsIn(at).join() ? [] : [`not met was ${at}, but ${met}`];
};

const stackTrace = /^\s+at .*[:(]\d+|\bError: E[A-Z]+\b/m;

const wrongEnd = (ran: Ran, what: string, paths: readonly string[]): string[] => {
  if (what === 'KILL') return [];
  const names = [...paths, ...paths.map((path) => path.replace(/\/\.(.*)\.node-prep\.tmp$/, '/$1'))];
  return [
    ...(stackTrace.test(ran.text) ? [`a stack trace: ${ran.text}`] : []),
    ...(ran.status === 0 || ran.status === 1 ? [] : [`ended with ${ran.status}: ${ran.text}`]),
    ...(ran.status === 0 || names.some((name) => ran.text.includes(name)) ? [] : [`no file is named: ${ran.text}`]),
  ];
};

/** node-prep's state, with the modes that keep it root's, and the file of its lock. */
const own: readonly (readonly [RegExp, RegExp])[] = [
  [/^\/var\/lib\/node-prep(\/runs)?$/, /^(40700 0 0 folder)?$/],
  [/^\/var\/lib\/node-prep\/runs\/\d{6}\.jsonl$/, /^100600 0 0 /],
  [/^\/run\/node-prep\.lock$/, /^100600 0 0 /],
  // Of mount(8), which lays the host.
  [/^\/run\/mount(\/|$)/, /./],
];
const ownTemporary = /^\/var\/lib\/node-prep\/runs\/\.\d{6}\.jsonl\.node-prep\.tmp$/;

const isTemporaryOf = (path: string, { wanted }: Start): boolean =>
  ownTemporary.test(path) || Object.keys(wanted).some((file) => path === file.replace(/([^/]*)$/, '.$1.node-prep.tmp'));

/**
 * What does not stand as it may. Now: what is to change as it was or as it is to be, a temporary file beside it, and all else as it was.
 * At the end all that is to change has, and no temporary file is left.
 */
const misplaced = (start: Start, before: Before, when: 'now' | 'at the end'): string[] =>
  [...new Set([...touched(), ...start.entries.map(({ path }) => path), ...Object.keys(start.wanted)])].flatMap((path) => {
    const [is, was, wanted] = [standing(path), before(path), start.wanted[path]];
    const rule = own.find(([name]) => name.test(path));
    const fine = rule
      ? rule[1].test(is)
      : when === 'now'
        ? is === was || is === wanted || isTemporaryOf(path, start)
        : is === (wanted ?? was);
    return fine ? [] : [`${path} stands ${when} as: ${is}, and not as: ${wanted ?? was}`];
  });

/** The next plan, the next apply, and what is left when all is done. */
const wrongAfterwards = async (start: Start, before: Before): Promise<string[]> => {
  const done = isSet() && Object.entries(start.wanted).every(([path, wanted]) => standing(path) === wanted);
  const plan = await nextPlan();
  const isLeft = typeof plan !== 'string' && plan.actions.length > 0;
  const again = run(applying);
  return [
    ...(typeof plan === 'string' ? [`the next plan failed: ${plan}`] : []),
    ...(isLeft === !done ? [] : [`the next plan has ${isLeft ? 'something' : 'nothing'} to do`]),
    ...(stackTrace.test(again.text) ? [`a stack trace: ${again.text}`] : []),
    ...(again.status === 0 ? [] : [`the next apply ended with ${again.status}: ${again.text}`]),
    ...(isSet() ? [] : ['the keys are not set']),
    ...(await wrongJournal()),
    ...misplaced(start, before, 'at the end'),
  ];
};

/** The next undo, and that all is as it was before the apply when it is done. */
const wrongAfterUndo = async (start: Start, before: Before): Promise<string[]> => {
  const again = run(undoing);
  const isFine = again.status === 0 || /Run 1 is undone already/.test(again.text);
  return [
    ...(isFine && !stackTrace.test(again.text) ? [] : [`the next undo ended with ${again.status}: ${again.text}`]),
    ...(Object.keys(keys).every((key) => readKey(key) === '0') ? [] : ['the keys are not set back']),
    ...(await wrongJournal()),
    ...misplaced({ ...start, wanted: {} }, before, 'at the end'),
  ];
};

/** Made in this process: the program itself would take longer to start than it takes to plan. */
const nextPlan = async (): Promise<Plan | string> => {
  try {
    const { desired } = await loadSettings(
      { config: '/mnt/config.yaml', allow: { takeOver: true, rebootChanges: false } },
      new Date(),
    );
    return await planHost(localHost(), desired);
  } catch (error) {
    return String(error);
  }
};

/** Every run has its end by then, and each can be read. */
const wrongJournal = async (): Promise<string[]> => {
  const { runs, damage } = await hostJournal().look();
  return damage.length === 0 && runs.every(({ end }) => end !== undefined)
    ? []
    : [`the journal is not whole: ${JSON.stringify([damage, runs.map(({ id, end }) => ({ id, end }))])}`];
};

const readKey = (key: string): string => readFileSync(`/proc/sys/${key}`, 'utf8').trim();
const isSet = (): boolean => Object.entries(keys).every(([key, value]) => readKey(key) === value);

if (isApart(import.meta.filename)) {
  const asked = question<Asked>();
  const answer = asked.ask === 'points' ? points(asked.start) : await tryAll(asked.start, asked.faults, asked.points);
  process.stdout.write(JSON.stringify(answer));
}
