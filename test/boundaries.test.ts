import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const src = join(root, 'src');

type Source = { readonly path: string; readonly text: string };
type Import = { readonly from: string; readonly what: string };

const sources: readonly Source[] = globSync('**/*.{ts,cjs}', { cwd: src })
  .sort()
  .map((path) => ({ path, text: readFileSync(join(src, path), 'utf8') }));

/** What a file imports: files of src by their path in it, packages by their name. Dynamic imports and re-exports count. */
const importsOf = ({ path, text }: Source): Import[] =>
  [
    ...text.matchAll(
      /(?:^|[^\w.])(?:import|export)\b[^'"`;()]*?\bfrom\s*['"]([^'"]+)['"]|\bimport\s*\(\s*['"]([^'"]+)['"]|^import\s*['"]([^'"]+)['"]/gm,
    ),
  ]
    .map((match) => match[1] ?? match[2] ?? match[3] ?? '')
    .concat([...text.matchAll(/getBuiltinModule\(\s*['"]([^'"]+)['"]/g)].map((m) => m[1] ?? ''))
    .map((what) => ({ from: path, what: what.startsWith('.') ? relative(src, join(src, dirname(path), what)) : what }));

const isNode = (what: string): boolean => what.startsWith('node:');
const isIn =
  (...folders: string[]) =>
  (what: string): boolean =>
    folders.some((folder) => what.startsWith(`${folder}/`) || what === `${folder}.ts`);
const isPackage =
  (...names: string[]) =>
  (what: string): boolean =>
    names.some((name) => what === name || what.startsWith(`${name}/`));
const startsProcesses = (what: string): boolean => what === 'node:child_process' || isPackage('execa')(what);

const pure = [
  'kinds',
  'knowledge',
  'profiles',
  'families',
  'plan',
  'requirements',
  'answers',
  'effects',
  'fingerprint',
  'fingerprint-changes',
  'unread',
  'image',
  'image-actions',
  'image-findings',
  'image-labels',
  'journal',
  'owed',
  'undo',
] as const;

type Rule = { readonly name: string; readonly applies: (path: string) => boolean; readonly forbids: (what: string) => boolean };

const rules: readonly Rule[] = [
  { name: 'the vocabulary imports nothing', applies: (p) => p === 'model.ts', forbids: () => true },
  {
    name: 'the pure core knows no Node, no process, no host, no connector and no view',
    applies: isIn(...pure),
    forbids: (w) => isNode(w) || startsProcesses(w) || isIn('hosts', 'connectors', 'views', 'commands')(w),
  },
  { name: 'hosts know neither kinds nor plan', applies: isIn('hosts'), forbids: isIn('kinds', 'plan') },
  {
    name: 'formats of render know no Node, no process, no host and no view',
    applies: isIn('renders'),
    forbids: (w) => isNode(w) || startsProcesses(w) || isIn('hosts', 'connectors', 'views')(w),
  },
  { name: 'connectors know no host', applies: isIn('connectors'), forbids: isIn('hosts', 'kinds', 'plan', 'views', 'commands') },
  { name: 'views know no host', applies: isIn('views'), forbids: isIn('hosts', 'connectors') },
  {
    name: 'only connectors and the local host start processes',
    applies: (p) => !isIn('connectors')(p) && p !== 'hosts/local.ts',
    forbids: startsProcesses,
  },
  {
    name: 'only commands, config and main know yargs',
    applies: (p) => !isIn('commands', 'config', 'main')(p),
    forbids: isPackage('yargs'),
  },
  {
    name: 'nothing in the program imports the host that is for tests',
    applies: (p) => !p.startsWith('hosts/memory'),
    forbids: (w) => w.startsWith('hosts/memory'),
  },
];

/** The files that these come to, by way of all that they import from src, each with the one that leads there. */
const reachedFrom = (files: readonly Source[], all: readonly Source[]): ReadonlyMap<string, string> => {
  const imports = new Map(all.map((file) => [file.path, importsOf(file).map((i) => i.what)]));
  const by = new Map(files.map(({ path }) => [path, path]));
  for (const path of by.keys()) for (const what of imports.get(path) ?? []) if (!by.has(what)) by.set(what, path);
  return by;
};

/** What the pure core must not come to by any way either: they know the process, its signals and hosts. */
const isImpure = (what: string): boolean =>
  isNode(what) ||
  startsProcesses(what) ||
  isIn('hosts', 'connectors', 'views', 'commands', 'apply', 'undo-host', 'interrupt')(what);

const impureWays = (all: readonly Source[]): string[] =>
  [
    ...reachedFrom(
      all.filter(({ path }) => isIn(...pure)(path)),
      all,
    ),
  ]
    .filter(([what]) => isImpure(what))
    .map(([what, by]) => `${by} imports ${what}`);

const brokenRules = (files: readonly Source[]): string[] =>
  files.flatMap((file) =>
    rules
      .filter((rule) => rule.applies(file.path))
      .flatMap((rule) =>
        importsOf(file)
          .filter((i) => rule.forbids(i.what))
          .map((i) => `${i.from} imports ${i.what}: ${rule.name}`),
      ),
  );

/** Code without comments and the insides of strings. */
const codeOf = (text: string): string =>
  text
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"/g, "''")
    .replace(/(^|\s)\/\/.*$/gm, '$1');

const isTable = (path: string): boolean => path.endsWith('/table.ts');

/** What a file does that this code does not do. */
const badManners = ({ path, text }: Source): string[] => {
  if (!path.endsWith('.ts')) return [];
  const code = codeOf(text);
  const lines = text.split('\n').length - 1;
  const classes = [...code.matchAll(/\bclass\s+(\w+)/g)].map((m) => m[1] ?? '').filter((name) => name !== 'OperatorError');
  return [
    ...(/(?<![\w.$'])any\b(?=\s*[,;)>\]|&=[]|\s*$)/m.test(code.replace(/[^:<|&,(\s]\s+any\b/g, '')) &&
    /[:<|&,(]\s*any\b/.test(code)
      ? [`${path} says any`]
      : []),
    ...(/^export\s+default\b/m.test(code) ? [`${path} has a default export`] : []),
    ...classes.map((name) => `${path} has the class ${name}`),
    ...(lines > 250 && !isTable(path) ? [`${path} has ${lines} lines`] : []),
    ...(/(^|\/)(utils?|helpers?|misc|common)\.ts$/.test(path) ? [`${path} has a name that says nothing`] : []),
    ...(/@ts-(ignore|nocheck|expect-error)/.test(text) ? [`${path} silences the compiler`] : []),
  ];
};

describe('the boundaries of the architecture', () => {
  test('there is a source to look at, and imports are seen in it', () => {
    expect(sources.length).toBeGreaterThan(50);
    expect(sources.flatMap(importsOf).length).toBeGreaterThan(200);
  });

  test.each(rules.map((r) => [r.name, r] as const))('%s', (_name, rule) => {
    expect(
      sources.some((s) => rule.applies(s.path)),
      'the rule applies to something',
    ).toBe(true);
    expect(brokenRules(sources).filter((line) => line.endsWith(rule.name))).toEqual([]);
  });

  test('the pure core comes to no Node, no process and no host by way of what it imports either', () => {
    expect(impureWays(sources)).toEqual([]);
  });

  test('no any, no default export, no class but the operator error, no long file, no utils.ts', () => {
    expect(sources.flatMap(badManners)).toEqual([]);
  });

  test('what a file imports from src is there', () => {
    const there = new Set(globSync('**/*', { cwd: src }));
    const missing = sources
      .flatMap(importsOf)
      .filter((i) => /\.(ts|json)$/.test(i.what) && !i.what.startsWith('..') && !there.has(i.what));
    expect(missing).toEqual([]);
  });
});

describe('the test of the boundaries sees what breaks them', () => {
  const samples: readonly (readonly [string, string, string])[] = [
    ['model.ts', "import type { X } from './plan.ts';", 'model.ts imports plan.ts'],
    ['kinds/x.ts', "import { readFileSync } from 'node:fs';", 'kinds/x.ts imports node:fs'],
    ['knowledge/x.ts', "export * from '../hosts/local.ts';", 'knowledge/x.ts imports hosts/local.ts'],
    ['plan.ts', "import { planText } from './views/plan-text.ts';", 'plan.ts imports views/plan-text.ts'],
    ['answers.ts', "const x = await import('execa');", 'answers.ts imports execa'],
    ['families/x.ts', "import {\n  a,\n  b,\n} from '../connectors/local.ts';", 'families/x.ts imports connectors/local.ts'],
    ['requirements.ts', "const fs = process.getBuiltinModule('node:fs');", 'requirements.ts imports node:fs'],
    ['hosts/x.ts', "import { kinds } from '../kinds/table.ts';", 'hosts/x.ts imports kinds/table.ts'],
    ['hosts/x.ts', "import type { Plan } from '../plan.ts';", 'hosts/x.ts imports plan.ts'],
    ['views/x.ts', "import { localHost } from '../hosts/local.ts';", 'views/x.ts imports hosts/local.ts'],
    ['apply.ts', "import { spawn } from 'node:child_process';", 'apply.ts imports node:child_process'],
    ['apply.ts', "import yargs from 'yargs';", 'apply.ts imports yargs'],
    ['commands/x.ts', "import { memoryHost } from '../hosts/memory.ts';", 'commands/x.ts imports hosts/memory.ts'],
  ];
  test.each(samples)('%s: %s', (path, text, complaint) => {
    expect(brokenRules([{ path, text }]).some((line) => line.startsWith(complaint))).toBe(true);
  });

  test('plan.ts: what another file imports for it', () => {
    const files = [
      { path: 'plan.ts', text: "import { x } from './errors.ts';" },
      { path: 'errors.ts', text: "import { y } from './interrupt.ts';" },
    ];
    expect(impureWays(files)).toEqual(['errors.ts imports interrupt.ts']);
  });

  const manners: readonly (readonly [string, string, RegExp])[] = [
    ['x.ts', 'const a: any = 1;', /any/],
    ['x.ts', 'const a = b as Map<string, any>;', /any/],
    ['x.ts', 'export default 1;', /default export/],
    ['x.ts', 'class Foo {}', /class Foo/],
    ['x.ts', '\n'.repeat(251), /251 lines/],
    ['views/utils.ts', '', /says nothing/],
    ['x.ts', '// @ts-ignore\n', /silences/],
  ];
  test.each(manners)('%s: %j', (path, text, complaint) => {
    expect(badManners({ path, text }).join()).toMatch(complaint);
  });

  test('and not what is allowed', () => {
    const text = `/** any word */\n// class of any kind\nconst a = 'any, class X'; const many = 1;\nexport class OperatorError extends Error {}\n`;
    expect(badManners({ path: 'errors.ts', text })).toEqual([]);
    expect(brokenRules([{ path: 'connectors/x.ts', text: "import { spawn } from 'node:child_process';" }])).toEqual([]);
    expect(
      brokenRules([
        { path: 'kinds/x.ts', text: "import type { Need } from '../model.ts';\n// import 'node:fs' would be wrong\n" },
      ]),
    ).toEqual([]);
  });
});
