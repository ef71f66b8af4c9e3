import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { globPattern, queryKey } from '../../src/answers.ts';
import { bootModules } from '../../src/knowledge/boot-modules.ts';
import type { RunningKernel } from '../../src/knowledge/kernel.ts';
import { moduleName } from '../../src/knowledge/module-names.ts';
import { matches } from '../../src/knowledge/modprobe-config.ts';
import { moduleLoader } from '../../src/knowledge/modprobe-load.ts';
import type { ModuleIndex } from '../../src/knowledge/modprobe-load.ts';
import { moduleRuleQueries, moduleRules } from '../../src/knowledge/modprobe.ts';
import { bootEntryQueries, listedEntries } from '../../src/knowledge/modules-load.ts';
import type { Answer, Answers, FoundFile } from '../../src/model.ts';
import { isFull } from '../needs.ts';
import { loadable, moduleTrees, refusals } from './modules-trees.ts';
import type { ModuleTree } from './modules-trees.ts';
import { cmdlineOf, loadedInUml, resident } from './modules-uml.ts';

/** How many random trees there are; the seed is NODE_PREP_SEED. */
const count = Number(process.env['NODE_PREP_TREES'] ?? (isFull ? 300 : 120));
const seed = Number(process.env['NODE_PREP_SEED'] ?? 20260101);
/** Trees for one boot of the kernel, which takes two seconds, and boots side by side. */
const perBoot = 100;
const atOnce = 3;

const uml = join(import.meta.dirname, '../../scripts/uml');
const missing = obstacle();

describe(`the resolver, systemd-modules-load and modprobe${missing === undefined ? '' : ` (not run: ${missing})`}`, () => {
  test.skipIf(missing !== undefined)(
    `agree on ${count} trees (seed ${seed})`,
    async () => {
      const root = execFileSync(uml, ['path'], { encoding: 'utf8' }).trim();
      const kernel = kernelOf(join(root, '../root/lib/modules'));
      const trees = fc.sample(moduleTrees, { numRuns: count, seed });
      const boots = Array.from({ length: Math.ceil(count / perBoot) }, (_, i) => trees.slice(i * perBoot, (i + 1) * perBoot));
      const refused = ['', ...fc.sample(refusals, { numRuns: boots.length, seed })];
      const wrong: string[] = [];
      const runBoot = async (boot: readonly ModuleTree[], i: number): Promise<void> => {
        const seen = await loadedInUml(boot, refused[i] ?? '');
        boot.forEach((tree, j) => {
          const expected = predicted(tree, refused[i] ?? '', kernel)
            .toSorted()
            .join(' ');
          const real = (seen[j] ?? []).toSorted().join(' ');
          const broken =
            tree.modprobe.length > 0 ? [] : promises(tree, j, refused[i] ?? '', kernel).filter((n) => !seen[j]?.includes(n));
          if (expected !== real || broken.length > 0) {
            const verdicts = `predicted: ${expected}\nseen:      ${real}\npromised, not seen: ${broken.join(' ')}\n`;
            wrong.push(`${verdicts}${cmdlineOf(tree, refused[i] ?? '')}${told(tree)}`);
          }
        });
      };
      for (let i = 0; i < boots.length; i += atOnce)
        await Promise.all(boots.slice(i, i + atOnce).map((boot, j) => runBoot(boot, i + j)));
      const shortest = wrong.toSorted((a, b) => a.length - b.length)[0];
      expect(wrong.length, shortest).toBe(0);
    },
    120_000 + count * 1000,
  );
});

type Kernel = {
  readonly release: string;
  readonly index: ModuleIndex;
  readonly softdeps: string;
  readonly deps: ReadonlyMap<string, readonly string[]>;
};

const predicted = (tree: ModuleTree, refused: string, { release, index, softdeps }: Kernel): string[] => {
  const answers = answersOf(tree, cmdlineOf(tree, refused), {
    path: `/lib/modules/${release}/modules.softdep`,
    text: softdeps,
  });
  const loader = moduleLoader(index, moduleRules(answers, release), resident);
  if (tree.modprobe.length > 0) for (const name of tree.modprobe) loader.load(name, 'asked for', 'modprobe');
  else for (const { name, from } of listedEntries(answers)) loader.load(name, from, 'systemd');
  return [...loader.loaded].flatMap(([name, from]) => (from === 'loaded before' ? [] : [name]));
};

/** What the kind would promise for a few modules, having asked for the lines of the indexes that name these alone. */
const promises = (tree: ModuleTree, which: number, refused: string, { release, index, softdeps, deps }: Kernel): string[] => {
  const names = [0, 7, 13].map((i) => loadable[(which * 3 + i) % loadable.length] ?? '');
  const answers = answersOf(tree, cmdlineOf(tree, refused), { path: `/lib/modules/${release}/modules.softdep`, text: softdeps });
  const kernel: RunningKernel = {
    release,
    others: [],
    indexed: true,
    loaded: new Set(resident),
    builtin: new Map(names.filter((name) => index.isBuiltin(name)).map((name) => [name, 'modules.builtin'])),
    files: new Map([...deps].filter(([name, needed]) => names.some((n) => n === name || needed.includes(n)))),
  };
  const brought = bootModules(listedEntries(answers), kernel, moduleRules(answers, release));
  return names.filter((name) => brought.has(name));
};

/** What a host with these files answers. */
const answersOf = (tree: ModuleTree, cmdline: string, softdep: FoundFile): Answers => {
  const textOf = (path: string): string => {
    const file = tree.files[path];
    if (!file) return '';
    return 'text' in file ? file.text : file.link === '../modules' ? textOf('/etc/modules') : '';
  };
  const files = [...Object.keys(tree.files).map((path) => ({ path, text: textOf(path) })), softdep].sort((a, b) =>
    a.path < b.path ? -1 : 1,
  );
  return new Map(
    [...bootEntryQueries, ...moduleRuleQueries].map((query): [string, Answer] => [
      queryKey(query),
      query.ask === 'list'
        ? { status: 0, text: '', files: files.filter(({ path }) => globPattern(query.glob).test(path)) }
        : { status: 0, text: cmdline },
    ]),
  );
};

const kernelOf = (folder: string): Kernel => {
  const release = readdirSync(folder)[0] ?? '';
  const lines = (name: string): string[] =>
    readFileSync(join(folder, release, name), 'utf8')
      .split('\n')
      .filter(Boolean);
  const nameOf = (path: string): string => moduleName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko.*$/, ''));
  const deps = new Map(
    lines('modules.dep').map((line): [string, string[]] => {
      const [file = '', needed = ''] = line.split(':');
      return [nameOf(file), needed.split(' ').filter(Boolean).map(nameOf)];
    }),
  );
  const builtin = new Set(lines('modules.builtin').map(nameOf));
  const aliases = lines('modules.alias').flatMap((line): [string, string][] => {
    const [, pattern, module] = line.split(' ');
    return pattern && module ? [[moduleName(pattern), module]] : [];
  });
  const builtinAliases = readFileSync(join(folder, release, 'modules.builtin.modinfo'), 'utf8')
    .split('\0')
    .flatMap((entry): [string, string][] => {
      const match = /^([^.]+)\.alias=(.*)$/s.exec(entry);
      return match?.[1] && match[2] ? [[moduleName(match[2]), moduleName(match[1])]] : [];
    });
  return {
    release,
    deps,
    softdeps: `${lines('modules.softdep').join('\n')}\n`,
    index: {
      depsOf: (name) => deps.get(name),
      isBuiltin: (name) => builtin.has(name),
      aliasesOf: (name) =>
        [...aliases, ...builtinAliases].flatMap(([pattern, module]) => (matches(pattern, name) ? [module] : [])),
      partly: false,
    },
  };
};

const told = (tree: ModuleTree): string =>
  [
    ...(tree.modprobe.length > 0 ? [`modprobe -a ${tree.modprobe.join(' ')}`] : ['systemd-modules-load']),
    ...Object.entries(tree.files).map(
      ([path, file]) => `${path}: ${JSON.stringify('text' in file ? file.text : `-> ${file.link}`)}`,
    ),
  ].join('\n');

/** Why there is no User-Mode Linux here, if so. scripts/uml builds what it needs at its first use. */
function obstacle(): string | undefined {
  if (process.getuid?.() !== 0) return 'scripts/uml needs root';
  if (!existsSync('/usr/bin/apt-get')) return 'scripts/uml fetches the package user-mode-linux with apt';
  try {
    execFileSync(uml, ['path'], { stdio: 'ignore' });
    return undefined;
  } catch {
    return 'scripts/uml cannot be built: it needs root and the package user-mode-linux from apt';
  }
}
