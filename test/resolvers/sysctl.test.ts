import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bootResolver, systemResolver } from '../../src/knowledge/sysctl-resolve.ts';
import type { Resolver, Winner } from '../../src/knowledge/sysctl-resolve.ts';
import type { Answers } from '../../src/model.ts';
import { keys, untouched } from './sysctl-namespace.ts';
import type { Seen, Tree } from './sysctl-namespace.ts';
import { picked, smaller, trees } from './sysctl-trees.ts';

/** How many random trees each program gets; the seed is NODE_PREP_SEED. */
const count = Number(process.env['NODE_PREP_TREES'] ?? 300);
const seed = Number(process.env['NODE_PREP_SEED'] ?? 20260101);

type Subject = {
  readonly name: string;
  readonly argv: readonly string[];
  readonly boots: boolean;
  resolver(answers: Answers): Resolver;
};

/** Other versions of a program are tried by naming a command: NODE_PREP_SYSCTL, NODE_PREP_SYSTEMD_SYSCTL. */
const sysctl = process.env['NODE_PREP_SYSCTL'] ?? found('/usr/sbin/sysctl', '/sbin/sysctl');
const procps = outputOf(sysctl, '--version').includes('procps-ng 3.') ? 'procps3' : 'procps4';

const subjects: readonly Subject[] = [
  {
    name: 'sysctl --system',
    argv: [sysctl, '--system'],
    boots: false,
    resolver: (answers) => systemResolver(answers, undefined, procps),
  },
  {
    name: 'systemd-sysctl',
    argv: [process.env['NODE_PREP_SYSTEMD_SYSCTL'] ?? found('/usr/lib/systemd/systemd-sysctl', '/lib/systemd/systemd-sysctl')],
    boots: true,
    resolver: (answers) => bootResolver(answers),
  },
];

for (const subject of subjects) {
  const missing = obstacle(subject);
  describe(`the resolver and ${subject.name}${missing === undefined ? '' : ` (not run: ${missing})`}`, () => {
    test.skipIf(missing !== undefined)(
      `agree on ${count} trees`,
      () => {
        const sample = [...picked, ...fc.sample(trees, { numRuns: count, seed })];
        const wrong = disagreements(subject, sample);
        expect(wrong.length, wrong[0] && told(subject, shrunk(subject, wrong[0]))).toBe(0);
      },
      120_000 + count * 200,
    );

    test.skipIf(missing !== undefined)('name the line that decides', () => {
      const seen = run(subject, [fixed]);
      const resolve = subject.resolver(new Map(seen[0]?.answers));
      const predicted = new Map(fixedKeys.map((key) => [key, said(resolve(key, 'integer'))]));
      expect(Object.fromEntries(predicted)).toEqual(subject.boots ? atBoot : bySystem);
      expect(disagreements(subject, [fixed])).toEqual([]);
    });
  });
}

/** Where in the order a line is written is not for people. */
const said = (winner: Winner | undefined) => winner && { value: winner.value, from: winner.from };

const fixed: Tree = [
  { path: '/etc/sysctl.conf', text: '# last for procps\n\nnet.ipv4.ip_forward = 0\n' },
  { path: '/etc/sysctl.d/50.conf', text: 'net.ipv4.conf.*.rp_filter = 2\nnet.ipv4.conf.eth0/100.rp_filter = 1\n' },
  { path: '/usr/lib/sysctl.d/60.conf', text: 'net.ipv4.ip_forward = 1\n-net.ipv4.conf.lo.rp_filter\n' },
  { path: '/run/sysctl.d/60.conf', text: 'net.ipv4.ip_forward = 3\n-net.ipv4.conf.default.rp_filter\n' },
];
const fixedKeys = [
  'net/ipv4/ip_forward',
  ...['all', 'default', 'lo', 'eth0.100'].map((name) => `net/ipv4/conf/${name}/rp_filter`),
];
const common = {
  'net/ipv4/conf/all/rp_filter': { value: '2', from: '/etc/sysctl.d/50.conf:1' },
  'net/ipv4/conf/eth0.100/rp_filter': { value: '1', from: '/etc/sysctl.d/50.conf:2' },
};
const atBoot = {
  ...common,
  'net/ipv4/ip_forward': { value: '1', from: '/usr/lib/sysctl.d/60.conf:1' },
  'net/ipv4/conf/default/rp_filter': { value: '2', from: '/etc/sysctl.d/50.conf:1' },
  'net/ipv4/conf/lo/rp_filter': { value: undefined, from: '/usr/lib/sysctl.d/60.conf:2' },
};
const withGlobs = {
  ...common,
  'net/ipv4/conf/default/rp_filter': { value: undefined, from: '/run/sysctl.d/60.conf:2' },
  'net/ipv4/conf/lo/rp_filter': { value: '2', from: '/etc/sysctl.d/50.conf:1' },
};
const withoutGlobs = {
  'net/ipv4/conf/all/rp_filter': undefined,
  'net/ipv4/conf/eth0.100/rp_filter': common['net/ipv4/conf/eth0.100/rp_filter'],
  'net/ipv4/conf/default/rp_filter': undefined,
  'net/ipv4/conf/lo/rp_filter': undefined,
};
const bySystem = {
  ...(procps === 'procps4' ? withGlobs : withoutGlobs),
  'net/ipv4/ip_forward': { value: '0', from: '/etc/sysctl.conf:3' },
};

function run({ argv, boots }: Subject, sample: readonly Tree[]): Seen[] {
  const driver = `${import.meta.dirname}/sysctl-namespace.ts`;
  const args = ['--mount', '--net', '--propagation', 'private', process.execPath, '--no-warnings', driver];
  const output = execFileSync('unshare', [...args, boots ? 'boot' : 'now', ...argv], {
    input: JSON.stringify(sample),
    maxBuffer: 1 << 30,
    encoding: 'utf8',
  });
  return JSON.parse(output) as Seen[];
}

type Wrong = { readonly tree: Tree; readonly lines: readonly string[] };

function disagreements(subject: Subject, sample: readonly Tree[]): Wrong[] {
  return run(subject, sample).flatMap(({ answers, values }, i): Wrong[] => {
    const resolve = subject.resolver(new Map(answers));
    const lines = keys.flatMap((key, k) => {
      const predicted = resolve(key, 'integer');
      return (predicted?.value ?? untouched) === values[k]
        ? []
        : [`${key}: predicted ${JSON.stringify(predicted)}, seen ${String(values[k])}`];
    });
    return lines.length === 0 ? [] : [{ tree: sample[i] ?? [], lines }];
  });
}

/** As small a tree as removing lines and files gives that still disagrees. */
function shrunk(subject: Subject, wrong: Wrong): Wrong {
  const next = disagreements(subject, smaller(wrong.tree))[0];
  return next ? shrunk(subject, next) : wrong;
}

function told(subject: Subject, { tree, lines }: Wrong): string {
  return [`${subject.name}, seed ${seed}`, ...lines, ...tree.map((entry) => JSON.stringify(entry))].join('\n');
}

function obstacle({ argv }: Subject): string | undefined {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return 'needs root on Linux';
  if (!existsSync(argv[0] ?? '')) return 'no such program here';
  const tried = spawnSync('unshare', [
    '--mount',
    '--net',
    '--propagation',
    'private',
    'ip',
    'link',
    'add',
    'v.0',
    'type',
    'veth',
  ]);
  return tried.status === 0 ? undefined : 'no namespaces or no veth here';
}

function found(...paths: readonly string[]): string {
  return paths.find((path) => existsSync(path)) ?? '';
}

function outputOf(command: string, ...args: readonly string[]): string {
  return String(spawnSync(command, args, { encoding: 'utf8' }).stdout ?? '');
}
