import fc from 'fast-check';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { userData } from '../../templates/cloud-init.ts';
import { runYargs } from '../../src/commands/yargs.ts';
import { readQuickly } from '../../src/commands/quick.ts';
import { commands } from '../../src/commands/table.ts';
import type { Args, Command } from '../../src/commands/options.ts';
import { parseConfig } from '../../src/config-file.ts';
import { configBytes } from '../../src/config-read.ts';
import { chooseProfile, loadSettings } from '../../src/config.ts';
import { unknownBecause } from '../../src/views/problem-line.ts';
import { jsonText } from '../../src/views/json.ts';
import { prometheusText } from '../../src/views/prometheus.ts';
import { runFrom } from '../../src/journal/text.ts';
import { historyText } from '../../src/views/history-text.ts';
import { planUndo } from '../../src/undo.ts';
import { countInputs, hidden, runs, survives, survivesLater } from './fuzz-check.ts';
import { nasty, textsOf } from './fuzz-host.ts';
import { jsonNear, mutationOfAny, runSeven } from './fuzz-inputs.ts';

countInputs('words and documents');
vi.stubGlobal('NODE_PREP_VERSION', '0');

const folder = mkdtempSync(join(tmpdir(), 'node-prep-fuzz-'));
afterAll(() => rmSync(folder, { recursive: true }));
const file = join(folder, 'config.yaml');

test('a configuration file is read, or refused in words', async () => {
  await survivesLater(mutationOfAny(Object.values(textsOf('config'))), runs(300, 10_000), async (text) => {
    writeFileSync(file, text);
    await loadSettings({ config: file }, new Date(0));
  });
}, 300_000);

test('a configuration file of deep or very many things is read, or refused, in good time', () => {
  const deep = [
    '['.repeat(50_000),
    '{a: '.repeat(20_000),
    '- '.repeat(20_000),
    `a: &a x\n${'b: *a\n'.repeat(20_000)}`,
    `sysctl:\n${'  x.y: 1\n'.repeat(20_000)}`,
  ];
  survives(fc.constantFrom(...deep), deep.length, (text) => {
    writeFileSync(file, text);
    return parseConfig(configBytes(file));
  });
}, 120_000);

const specs = [
  'kubernetes:version=1.35,swap=off',
  'istio:mode=ambient,backend=nftables',
  'calico:dataplane=ebpf,wireguard=true',
  'openshift',
];

test('the options of a profile are taken, or refused in words', () => {
  survives(mutationOfAny(specs), runs(2000, 10_000), (spec) => chooseProfile(spec, ['ipv4']));
}, 120_000);

const called = async (words: readonly string[], by: 'quick' | 'yargs'): Promise<unknown> => {
  const calls: Args[] = [];
  const telling: Command[] = commands.map((command) => ({ ...command, run: (args) => Promise.resolve(calls.push(args)) }));
  if (by === 'yargs') await runYargs(words, telling, '0');
  else {
    const quick = readQuickly(words, telling);
    if (quick) await quick.command.run(quick.args);
  }
  const [args] = calls;
  return (
    args && {
      words: args.words,
      options: Object.fromEntries(Object.entries(args.options).filter(([, value]) => value !== undefined)),
    }
  );
};

/** Words that end a call at once would print, and end the process. */
const isQuiet = (word: string): boolean => !/^-{1,2}(?:no-)?(?:h|help|version|get-yargs)|^completion$|^-\w*h/.test(word);

test('what the quick reader takes, yargs takes as well and reads the same', async () => {
  const options = [
    '-p',
    '--profile',
    '--profile=x',
    '-c',
    '--config',
    '--format',
    '--format=json',
    '-v',
    '-q',
    '--waive',
    '--root',
    '--yes',
    '--take-over',
    '--no-take-over',
    '--__proto__',
    '-pv',
    '--',
    '-',
    '--color=never',
    '--constructor=1',
  ];
  const word = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(...options) },
    { weight: 2, arbitrary: fc.constantFrom('json', 'kubernetes', 'x', '', '-1', '"x"', "'x'", 'a=b', ...specs) },
    { weight: 1, arbitrary: mutationOfAny(specs) },
  );
  const line = fc
    .tuple(
      fc.constantFrom('plan', 'verify', 'apply', 'explain', 'facts', 'profiles', '__proto__'),
      fc.array(word.filter(isQuiet), { maxLength: 5 }),
    )
    .map(([command, rest]) => [command, ...rest]);
  await survivesLater(line, runs(300, 5000), async (words) => {
    const quick = await called(words, 'quick');
    if (quick === undefined) return;
    expect(await called(words, 'yargs').catch((error: unknown) => (error as Error).message), words.join(' ')).toEqual(quick);
  });
}, 300_000);

const plan = {
  system: { id: 'x', versionId: '', name: 'x', family: 'debian', kernel: '6', arch: 'x86_64' },
  findings: [],
  actions: [],
};
const header = {
  ...runSeven,
  plan: { ...plan, actions: [{ do: 'run', argv: ['true'], why: 'x', for: ['module/x'] }] },
  before: { files: { '/etc/x': { text: 'x' } }, modules: ['x'] },
};
const journal = [header, { event: 'begun', step: 0 }, { event: 'started', step: 0, pid: 9, start: '1' }];

/** A list as the lines of a file. */
const linesOf = (text: string): string => {
  try {
    const list: unknown = JSON.parse(text);
    return Array.isArray(list) ? list.map((line) => `${JSON.stringify(line)}\n`).join('') : text;
  } catch {
    return text;
  }
};

/** Whatever a file of the journal holds, a run that is read from it can be told and undone, or cannot be in words. */
const readJournal = (text: string): void => {
  const run = runFrom(7, text);
  if ('problem' in run) return;
  historyText([{ run, busy: false }], { color: false, width: 80 });
  planUndo(run, new Map(), { packages: true, later: [] });
};

const parsers: readonly (readonly [name: string, document: unknown, parse: (text: string) => unknown])[] = [
  ['the first line of a run', header, (text) => readJournal(`${text.replaceAll('\n', ' ')}\n`)],
  ['an event of a run', journal[1], (text) => readJournal(`${JSON.stringify(header)}\n${text.replaceAll('\n', ' ')}\n`)],
  ['a whole run', journal, (text) => readJournal(linesOf(text))],
];

test.each(parsers)(
  '%s that was changed, cut or made by somebody else is read, or refused in words',
  (_name, document, parser) => {
    survives(jsonNear(document), runs(1000, 8000), parser);
  },
  300_000,
);

const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.constantFrom(...nasty));

test('JSON for programs holds nothing that a terminal obeys, and reads back as what it was', () => {
  survives(fc.dictionary(text, text), runs(2000, 10_000), (value) => {
    const written = jsonText({ ...value }, 2);
    if (hidden.test(written) || JSON.stringify(JSON.parse(written)) !== JSON.stringify({ ...value })) throw new Error(written);
  });
}, 120_000);

test('a line for node-problem-detector and a label of Prometheus are one line each, whatever stands in them', () => {
  survives(text, runs(2000, 10_000), (word) => {
    const { line } = unknownBecause(word);
    const metrics = prometheusText({ plan: undefined, at: 1, version: word });
    const label = /^node_prep_info\{version="((?:[^"\\\n]|\\[\\"n])*)"\} 1$/m.test(metrics);
    if (/\n/.test(line) || Buffer.byteLength(line) > 80 || hidden.test(line) || hidden.test(metrics) || !label)
      throw new Error(metrics);
  });
}, 120_000);

test('files in the user-data of cloud-init read back as what was to be written', () => {
  survives(text, runs(500, 5000), (content) => {
    const { write_files: files } = parse(userData('made', [{ path: '/x', mode: '0644', content }], '/x')) as {
      readonly write_files: readonly { readonly encoding?: string; readonly content: string }[];
    };
    const [file] = files;
    const read = file?.encoding === 'b64' ? Buffer.from(file.content, 'base64').toString('utf8') : file?.content;
    if (read !== content.toWellFormed()) throw new Error(JSON.stringify([content, read]));
  });
}, 120_000);
