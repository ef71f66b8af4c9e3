import { execFileSync, spawnSync } from 'node:child_process';
import { appendFileSync, copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { release, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { Outcome, Plan } from '../src/model.ts';
import { peersText } from './bench.d/peers.ts';
import { sizesText } from './bench.d/sizes.ts';

const words = ['-p', 'kubernetes', '-p', 'istio:mode=ambient', '-p', 'calico:encapsulation=vxlan'];
const nodePrep = ['dist/node-prep.cjs'];
const executable = `release/node-prep-linux-${process.arch}`;
const runs = Number(process.argv[2] ?? 21);
/** A folder with scripts and figures of other tools to compare with, if any. */
const peers = process.env['NODE_PREP_PEERS'];
const scratch = mkdtempSync(join(tmpdir(), 'node-prep-bench-'));

/** Runs node with these words; the output of a run that is measured is thrown away. */
const node = (args: readonly string[], env: NodeJS.ProcessEnv = {}) =>
  spawnSync(process.execPath, args, { encoding: 'utf8', env: { ...process.env, ...env } });

const main = (): void => {
  makeConverged();
  const verdict = node([...nodePrep, 'verify', ...words, ...waivers()]);
  process.stdout.write(`${verdict.stdout}${process.version}, ${runs} runs each, medians; x is against node -e 0\n\n`);
  if (verdict.status !== 0) throw new Error('the namespace could not be made converged: its figures would mean nothing');
  const measured = report();
  if (peers) process.stdout.write(`\n${peersText(peers, scratch, measured, 5)}\n`);
  process.stdout.write(`\n${sizesText({ 'Node itself': process.execPath, 'the executable': executable })}\n`);
};

/** What cannot be mended in a namespace, such as cgroup version 1 of the machine below. */
const waivers = (): string[] =>
  planNow()
    .findings.filter((f) => f.verdict === 'blocked')
    .flatMap((f) => ['--waive', `${f.id}=not for a namespace to change`]);

const planNow = (): Plan => {
  const { stdout } = node([...nodePrep, 'plan', '--format', 'json', ...words]);
  const outcome = (JSON.parse(stdout) as { outcomes: Outcome[] }).outcomes[0];
  if (outcome?.status !== 'planned') throw new Error(stdout);
  return outcome.plan;
};

/** Does the plan's work in the namespace alone: files on tmpfs, settings in the namespace's network, packages and modules on copies. */
const makeConverged = (): void => {
  execFileSync('ip', ['link', 'set', 'lo', 'up']);
  for (const folder of ['/etc/modules-load.d', '/etc/sysctl.d']) onTmpfs(folder);
  layConfig();
  // A kernel without loadable modules has no such file, and needs none.
  const modules = existsSync('/proc/modules') ? onCopy('/proc/modules') : undefined;
  const status = onCopy('/var/lib/dpkg/status');
  for (const finding of planNow().findings.filter((f) => f.verdict === 'change')) {
    const name = finding.id.slice(finding.id.indexOf('/') + 1);
    if (finding.kind === 'package')
      appendFileSync(status, `\nPackage: ${name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 99-1\n`);
    if (modules && finding.kind === 'module' && !finding.now.ok)
      appendFileSync(modules, `${name} 16384 0 - Live 0x0000000000000000\n`);
    if (finding.kind === 'sysctl' && !finding.now.ok) writeFileSync(`/proc/sys/${name.replaceAll('.', '/')}`, finding.want);
  }
  for (const action of planNow().actions) if (action.do === 'write') writeFileSync(action.path, action.after);
};

/** The kernel's configuration as a file, where Debian, Ubuntu and RHEL have it: to unpack /proc/config.gz takes 4 ms more. */
const layConfig = (): void => {
  const file = `/boot/config-${release()}`;
  if (existsSync(file) || !existsSync('/proc/config.gz')) return;
  execFileSync('mount', ['-t', 'tmpfs', 'node-prep-bench', '/boot']);
  writeFileSync(file, gunzipSync(readFileSync('/proc/config.gz')));
};

const onTmpfs = (folder: string): void => {
  const copy = join(scratch, basename(folder));
  mkdirSync(copy);
  execFileSync('cp', ['-a', `${folder}/.`, copy]);
  execFileSync('mount', ['--bind', copy, folder]);
};

const onCopy = (path: string): string => {
  const copy = join(scratch, basename(path));
  if (path.startsWith('/proc/')) writeFileSync(copy, readFileSync(path));
  else copyFileSync(path, copy);
  execFileSync('mount', ['--bind', copy, path]);
  return copy;
};

/** What is run, by name: the bundle by Node, and the executable. */
const casesOf = (converged: readonly string[]): (readonly [string, readonly string[]])[] => {
  const calls = [
    ['--version', ['--version']],
    ['plan', ['plan', ...words, ...converged]],
    ['.. k8s only', ['plan', ...converged]],
    ['verify', ['verify', ...words, ...converged]],
  ] as const;
  return [
    ['node -e 0', [process.execPath, '-e', '0']],
    ...calls.map(([name, call]) => [`exe ${name}`, [executable, ...call]] as const),
    ...calls.map(([name, call]) => [name, [process.execPath, ...nodePrep, ...call]] as const),
  ];
};

/** What is aimed at: times of `node -e 0`, and MiB. */
const aims: { readonly [name: string]: { readonly x: number; readonly peak?: number } } = {
  'exe --version': { x: 1.2 },
  'exe plan': { x: 1.6, peak: 90 },
};

/** Measures and prints; gives the medians that others are compared with. */
const report = (): { readonly node: number; readonly plan: number } => {
  const cases = casesOf(waivers());
  // In turn, so that a change of the machine's speed meets all of them.
  const measured = cases.map(() => ({ wall: [] as number[], cpu: [] as number[], peak: [] as number[] }));
  for (let i = -2; i < runs; i++) {
    cases.forEach(([, args], c) => {
      const one = timed(args);
      if (i >= 0) (measured[c]?.wall.push(one.wall), measured[c]?.cpu.push(one.cpu), measured[c]?.peak.push(one.peak));
    });
  }
  const base = median(measured[0]?.wall ?? []);
  process.stdout.write('                  wall ms      x   cpu ms   peak MiB   processes   aim\n');
  cases.forEach(([name, args], c) => {
    const { wall, cpu, peak } = measured[c] ?? { wall: [], cpu: [], peak: [] };
    const figures = { x: median(wall) / base, peak: median(peak) };
    const cells = [median(wall).toFixed(1).padStart(9), figures.x.toFixed(2).padStart(7), median(cpu).toFixed(0).padStart(9)];
    cells.push(figures.peak.toFixed(0).padStart(11), processes(args).padStart(12), aimText(name, figures));
    process.stdout.write(`${name.padEnd(16)}${cells.join('')}\n`);
  });
  const plan = measured[cases.findIndex(([name]) => name === 'exe plan')];
  return { node: base, plan: median(plan?.wall ?? []) };
};

/** Says the aim, if there is one, and has the benchmark fail where it is missed. */
const aimText = (name: string, figures: { readonly x: number; readonly peak: number }): string => {
  const aim = aims[name];
  if (!aim) return '';
  const missed = figures.x > aim.x || figures.peak > (aim.peak ?? Infinity);
  if (missed) process.exitCode = 1;
  return `   ${aim.x} x${aim.peak ? `, ${aim.peak} MiB` : ''}${missed ? ': MISSED' : ''}`;
};

/** Wall and processor time of a whole run, what it starts included, in ms, and its peak of memory in MiB. */
const timed = (args: readonly string[]): { wall: number; cpu: number; peak: number } => {
  const [program = '', ...rest] = args;
  // Python's rusage of its children has that of whatever ran before in its process too, as shims of it do.
  const script = `import resource, subprocess, sys, time
used = lambda r: r.ru_utime + r.ru_stime
before, began = used(resource.getrusage(resource.RUSAGE_CHILDREN)), time.monotonic()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
took, after = time.monotonic() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
print(took * 1000, (used(after) - before) * 1000, after.ru_maxrss / 1024)`;
  const { stdout } = spawnSync('python3', ['-c', script, program, ...rest], { encoding: 'utf8' });
  const [wall = 0, cpu = 0, peak = 0] = stdout.trim().split(' ').map(Number);
  return { wall, cpu, peak };
};

/** How many programs a run starts, as strace sees them. */
const processes = (args: readonly string[]): string => {
  const traced = spawnSync('strace', ['-f', '-qq', '-e', 'trace=execve', '-e', 'status=successful', ...args], {
    encoding: 'utf8',
  });
  return traced.error ? 'no strace' : String((traced.stderr.match(/execve\(/g) ?? []).length - 1);
};

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

try {
  main();
} finally {
  spawnSync('umount', ['/etc/modules-load.d', '/etc/sysctl.d', '/proc/modules', '/var/lib/dpkg/status']);
  rmSync(scratch, { recursive: true, force: true });
}
