/**
 * Runs `apply` of the built program on a host in namespaces, again and again, each time with one fault at one of the system calls by
 * which it writes: killed there, or the call fails. What came of it is printed for the test to judge.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isApart, layHost, question, standing, touched } from './namespace.ts';
import type { Entry } from './namespace.ts';

/** The `nth` call of that name among those that concern the watched paths. `at`: the call as strace shows it. */
export type Point = { readonly call: string; readonly nth: number; readonly at: string };

/** A point and what befalls it: an errno's name, or KILL. */
export type Fault = { readonly point: Point; readonly what: string };

/** What came of a fault: what went wrong, in words; empty where it was survived. */
export type Came = { readonly fault: Fault; readonly wrong: readonly string[] };

/** How a host stands before the first apply. */
export type Start = { readonly name: string; readonly entries: readonly Entry[] };

/** `points`: find them out. `faults`: try these. */
export type Asked = { readonly start: Start } & (
  { readonly ask: 'points' } | { readonly ask: 'faults'; readonly faults: readonly Fault[]; readonly points: readonly Point[] }
);

const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1, net.ipv4.conf.all.rp_filter: 2 }\n';
const keys = { 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/all/rp_filter': '2' } as const;
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const nodePrep = (...words: string[]): string[] => [bundle, ...words, '--take-over', '-c', '/mnt/config.yaml'];
const applying = [process.execPath, ...nodePrep('apply', '--yes')] as const;

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
const trace = (options: readonly string[]): { readonly ran: Ran; readonly lines: readonly string[] } => {
  const ran = run(['strace', '-q', '-y', '-s', '0', '-o', '/mnt/log', '-e', traced, ...options, ...applying]);
  return { ran, lines: readFileSync('/mnt/log', 'utf8').split('\n') };
};

const opensToRead = /^open(at)?\(.*\bO_RDONLY\b(?!.*O_CREAT)/;
const pathsIn = (line: string): string[] =>
  [...line.matchAll(/"([^"]*)"|<([^<>]*)>/g)].map((match) => match[1] ?? match[2] ?? '').filter((path) => ofHost.test(path));
const changes = (line: string): boolean => !opensToRead.test(line) && pathsIn(line).length > 0;

/** The paths first, of all that write; then the calls about them, of our own thread alone: so they count the same every time. */
const points = (start: Start): Point[] => {
  lay(start);
  const all = trace(['-f']);
  if (all.ran.status !== 0) throw new Error(`without a fault: ${all.ran.text}`);
  const paths = [
    ...new Set(
      all.lines
        .map((line) => line.replace(/^\d+ +/, ''))
        .filter(changes)
        .flatMap(pathsIn),
    ),
  ];
  const elsewhere = all.lines.filter(
    (line) => !line.startsWith(`${all.lines[0]?.split(' ')[0]} `) && makesNames.test(line) && changes(line),
  );
  if (elsewhere.length > 0)
    throw new Error(`another thread or process writes, and no fault would meet it: ${elsewhere.join('; ')}`);
  lay(start);
  const own = trace(watching(paths)).lines.filter((line) => /^\w+\(/.test(line));
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

const tryAll = (start: Start, faults: readonly Fault[], all: readonly Point[]): Came[] => {
  const paths = [...new Set(all.flatMap(({ at }) => pathsIn(at)))];
  lay(start);
  const before = new Map(touched().map((path) => [path, standing(path)]));
  run(applying);
  const after = new Map(touched().map((path) => [path, standing(path)]));
  return faults.map((fault) => ({ fault, wrong: tryOne(start, fault, paths, before, after) }));
};

type Seen = ReadonlyMap<string, string>;

const tryOne = (start: Start, { point, what }: Fault, paths: readonly string[], before: Seen, after: Seen): string[] => {
  lay(start);
  const inject = `inject=${point.call}:${what === 'KILL' ? 'signal=KILL' : `error=${what}`}:when=${point.nth}`;
  const { ran, lines } = trace([...watching(paths), '-e', inject]);
  const hit =
    what === 'KILL'
      ? lines.some((line) => line.includes('killed by SIGKILL'))
      : lines.some((line) => line.includes('(INJECTED)'));
  return [
    ...(hit ? [] : ['the fault did not come about']),
    ...wrongEnd(ran, what, paths),
    ...partial(before, after),
    ...wrongAfterwards(before, after),
  ];
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

const isTemporary = (path: string): boolean => /\/\.[^/]*\.tmp$/.test(path);
const isState = (path: string): boolean => path.startsWith('/var/lib/node-prep');

/** Whatever a reader may come upon is as it was or as it is to be. */
const partial = (before: Seen, after: Seen): string[] =>
  [...new Set([...touched(), ...before.keys(), ...after.keys()])]
    .filter((path) => !isTemporary(path) && !isState(path))
    .flatMap((path) => {
      const [now, old, wanted] = [standing(path), before.get(path) ?? '', after.get(path) ?? ''];
      // Where it is in neither, somebody wrote what was there already.
      const known = before.has(path) || after.has(path);
      return !known || now === old || now === wanted ? [] : [`${path} is neither old nor new: ${now}`];
    });

/** The next plan, the next apply, and what is left when all is done. */
const wrongAfterwards = (before: Seen, after: Seen): string[] => {
  const plan = run([process.execPath, ...nodePrep('plan', '--detailed-exitcode', '-q')]);
  const done = standing('/etc/sysctl.d/node-prep.conf') === after.get('/etc/sysctl.d/node-prep.conf') && isSet();
  const again = run(applying);
  const end = new Map([...new Set([...touched(), ...after.keys()])].map((path) => [path, standing(path)]));
  return [
    ...(stackTrace.test(plan.text + again.text) ? [`a stack trace: ${plan.text}${again.text}`] : []),
    ...(plan.status === 2 || (plan.status === 0 && done) ? [] : [`the next plan ended with ${plan.status}: ${plan.text}`]),
    ...(again.status === 0 ? [] : [`the next apply ended with ${again.status}: ${again.text}`]),
    ...(isSet() ? [] : ['the keys are not set']),
    ...wrongJournal(),
    ...[...end].flatMap(([path, now]) => (isTemporary(path) ? [`${path} was left: ${now.slice(0, 40)}`] : [])),
    ...[...end].flatMap(([path, now]) =>
      isTemporary(path) || isState(path) || now === (after.get(path) ?? before.get(path) ?? now)
        ? []
        : [`${path} came out as: ${now}`],
    ),
  ];
};

/** Every run has its end by then, and each can be read. */
const wrongJournal = (): string[] => {
  const { status, text } = run([process.execPath, bundle, 'history', '--format', 'json']);
  if (status !== 0) return [`history ended with ${status}: ${text}`];
  const told = JSON.parse(text) as {
    readonly runs: readonly { readonly status: string; readonly ended?: string }[];
    readonly damage: readonly object[];
  };
  return told.damage.length === 0 && told.runs.every(({ ended }) => ended !== undefined)
    ? []
    : [`the journal is not whole: ${text}`];
};

const isSet = (): boolean =>
  Object.entries(keys).every(([key, value]) => readFileSync(`/proc/sys/${key}`, 'utf8').trim() === value);

if (isApart(import.meta.filename)) {
  const asked = question<Asked>();
  const answer = asked.ask === 'points' ? points(asked.start) : tryAll(asked.start, asked.faults, asked.points);
  process.stdout.write(JSON.stringify(answer));
}
