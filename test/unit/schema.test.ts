import { Ajv2020 } from 'ajv/dist/2020.js';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configJsonSchema } from '../../scripts/schemas.ts';
import { applyHost, planHost } from '../../src/apply.ts';
import { OperatorError } from '../../src/errors.ts';
import { imageHost } from '../../src/hosts/image.ts';
import { parseConfig } from '../../src/config-file.ts';
import { configBytes } from '../../src/config-read.ts';
import type { Outcome, Step } from '../../src/model.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import { planUndoOf, undoHost } from '../../src/undo-host.ts';
import type { UndoOutcome } from '../../src/undo-host.ts';
import { outcomesJson } from '../../src/views/json.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { debianWith, desiredFrom } from './support.ts';
import { treeWith } from './trees.ts';

const temporary = mkdtempSync(join(tmpdir(), 'node-prep-schema-'));
afterAll(() => rmSync(temporary, { recursive: true }));

const folder = resolve(import.meta.dirname, '../../schemas');
const schema = (name: string): object => JSON.parse(readFileSync(join(folder, name), 'utf8')) as object;
const ajv = new Ajv2020({ strict: true, allErrors: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
const output = ajv.compile(schema('output.schema.json'));
const config = ajv.compile(schema('config.schema.json'));

const document = (command: string, ...outcomes: Outcome[]): unknown => JSON.parse(outcomesJson(command, outcomes));
const complaints = (value: unknown): unknown => (output(value) ? [] : output.errors);

const wishes = [
  'kubernetes',
  'kubernetes istio calico',
  'kubernetes:kubeProxy=ipvs,protectKernelDefaults=true istio:mode=ambient,backend=nftables calico:dataplane=ebpf,wireguard=true,sctp=true',
] as const;

describe.each(Object.entries(hosts))('the JSON of a plan for %s', (_name, recipe) => {
  test.each(wishes)('fits the schema that is shipped: %s', async (line) => {
    const specs = line.split(' ');
    const waivers = [{ id: 'module/xt_comment', reason: 'a test', until: '2999-01-01' }];
    const plan = await planHost(hostFrom(recipe), desiredFrom(specs, ['ipv4', 'ipv6'], waivers));
    expect(complaints(document('plan', { host: 'local', status: 'planned', plan }))).toEqual([]);
    expect(complaints(document('verify', { host: 'local', status: 'planned', plan }))).toEqual([]);
  });
});

test('the plan for the tree of an image fits it too, with kernels and without one', async () => {
  const release = '/usr/lib/os-release';
  for (const files of [{ [release]: 'ID=debian\n' }, { [release]: 'ID=debian\n', '/lib/modules/6.1.0/modules.dep': '' }]) {
    const { root, end } = treeWith(files);
    const host = imageHost(root);
    const plan = await planHost(host, desiredFrom(['kubernetes', 'istio', 'calico']));
    end();
    expect(complaints(document('plan', { host: host.name, status: 'planned', plan }))).toEqual([]);
  }
});

test('applied, refused, failed and unreachable hosts fit it too', async () => {
  const watch = {
    confirm: () => Promise.resolve(true),
    progress: async (_plan: unknown, steps: AsyncIterable<Step>) => {
      const done: Step[] = [];
      for await (const step of steps) done.push(step);
      return done;
    },
  };
  const desired = desiredFrom(['kubernetes', 'calico']);
  const applied = await applyHost(debianWith({}), desired, { partial: false }, watch);
  const refused = await applyHost(hostFrom(hosts['container']!), desired, { partial: false }, watch);
  const broken = debianWith({}, { packages: { manager: 'none', installed: { kmod: '30', procps: '4' } } });
  const failed = await applyHost(broken, desired, { partial: true }, watch);
  expect([applied.status, refused.status, failed.status]).toEqual(['applied', 'refused', 'failed']);
  const unreachable: Outcome = { host: 'x', status: 'unreachable', problem: 'no route' };
  expect(complaints(document('apply', applied, refused, failed, unreachable))).toEqual([]);
});

test('an undo that is shown, done, refused or partly done fits it too', async () => {
  const [host, to] = [debianWith({}), memoryJournal()];
  const header = { words: ['apply'], since: '2026-11-21T18:00:00.000Z', by: 'root', version: '0.0.0' };
  const confirm = () => Promise.resolve(true);
  const progress = async (_plan: unknown, steps: AsyncIterable<Step>) => {
    const done: Step[] = [];
    for await (const step of steps) done.push(step);
    return done;
  };
  await applyHost(host, desiredFrom(['kubernetes']), { partial: false, journal: { to, header } }, { confirm, progress });
  const run = (await to.runs())[0]!;
  const options = { packages: false, later: [], partial: false, journal: { to, header }, confirm, progress };
  const { answers: _answers, ...way } = await planUndoOf(host, run, options);
  const shown: UndoOutcome = { host: 'local', status: 'planned', undoes: run.id, ...way };
  const own = '/etc/modules-load.d/node-prep.conf';
  const text = host.files.get(own) ?? '';
  host.files.set(own, 'mine\n');
  const refused = await undoHost(host, run, options);
  const partly = await undoHost(host, run, { ...options, partial: true });
  host.files.set(own, text);
  const undone = await undoHost(host, run, options);
  expect([refused.status, partly.status, undone.status]).toEqual(['refused', 'failed', 'applied']);
  for (const outcome of [shown, refused, partly, undone]) expect(complaints(document('undo', outcome))).toEqual([]);
});

describe('what is no such document does not fit', () => {
  type Anything = { [key: string]: Anything } & Anything[];
  const spoil: readonly (readonly [string, (d: Anything) => void])[] = [
    ['another version', (d) => Object.assign(d, { version: 2 })],
    ['no summary', (d) => void Reflect.deleteProperty(d, 'summary')],
    ['an unknown key', (d) => Object.assign(d, { extra: 1 })],
    ['an unknown status', (d) => Object.assign(d['outcomes']?.[0] ?? {}, { status: 'done' })],
    ['a planned host without a plan', (d) => void Reflect.deleteProperty(d['outcomes']?.[0] ?? {}, 'plan')],
    ['a planned host with steps', (d) => Object.assign(d['outcomes']?.[0] ?? {}, { steps: [] })],
    ['an unknown verdict', (d) => Object.assign(first(d, 'findings'), { verdict: 'fine' })],
    ['a change with a remedy', (d) => Object.assign(first(d, 'findings'), { verdict: 'change', remedy: 'x' })],
    ['a blocked finding without a remedy', (d) => Object.assign(first(d, 'findings'), { verdict: 'blocked', reason: 'x' })],
    ['an unknown kind', (d) => Object.assign(first(d, 'findings'), { kind: 'odd' })],
    ['a reading without ok', (d) => Object.assign(first(d, 'findings'), { now: { have: 'x' } })],
    ['a stray key of a finding', (d) => Object.assign(first(d, 'findings'), { color: 'red' })],
    [
      'a mode that is none',
      (d) => Object.assign(d['outcomes']?.[0]?.['plan']?.['actions']?.find((a) => 'mode' in a) ?? {}, { mode: '999' }),
    ],
    [
      'a relative path',
      (d) => Object.assign(d['outcomes']?.[0]?.['plan']?.['actions']?.find((a) => 'mode' in a) ?? {}, { path: 'etc/x' }),
    ],
    ['an empty command', (d) => Object.assign(first(d, 'actions'), { argv: [] })],
  ];
  const first = (d: Anything, list: string): object => d['outcomes']?.[0]?.['plan']?.[list]?.[0] ?? {};

  test.each(spoil)('%s', async (_name, spoilIt) => {
    const plan = await planHost(debianWith({}), desiredFrom(['kubernetes']));
    const good = document('plan', { host: 'local', status: 'planned', plan });
    expect(complaints(good)).toEqual([]);
    spoilIt(good as Anything);
    expect(output(good)).toBe(false);
  });
});

describe('the schema of the configuration file', () => {
  test('is what the program reads (scripts/schemas.ts writes it)', () => {
    expect(readFileSync(join(folder, 'config.schema.json'), 'utf8')).toBe(configJsonSchema());
  });

  test('takes what the documents show', () => {
    const text = `ipFamilies: [ipv4, ipv6]
profiles: { kubernetes: { version: "1.35", swap: "off" }, istio: { mode: ambient, dnsCapture: true }, calico: }
modules: [tun]
sysctl: { vm.max_map_count: 262144 }
packages: { nftables: ">=1.0.1", socat: "*" }
waive: [{ id: module/xt_u32, reason: "not used", until: "2027-06-30" }]`;
    expect(config(parse(text)), JSON.stringify(config.errors)).toBe(true);
  });

  test('refuses what the program refuses, as far as a schema can', () => {
    for (const wrong of [
      'profile: {}',
      'profiles: { istio: { mod: x } }',
      'ipFamilies: [ipv5]',
      'packages: { a: "1" }',
      'waive: [{ id: module/x }]',
    ]) {
      expect(config(parse(wrong)), wrong).toBe(false);
      writeFileSync(join(temporary, 'config.yaml'), wrong);
      expect(() => parseConfig(configBytes(join(temporary, 'config.yaml'))), wrong).toThrow(OperatorError);
    }
  });
});
