import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import facts from '../../src/knowledge/module-facts.json' with { type: 'json' };
import type { ModuleFact } from '../../src/knowledge/module-names.ts';
import coverageFile from '../seeds/coverage.json' with { type: 'json' };
import { namesIn } from '../seeds/extract.ts';
import type { SeedName } from '../seeds/extract.ts';
import { idsOf, minimumOf } from '../seeds/wanted.ts';
import type { Choices } from '../seeds/wanted.ts';

/** One name of a seed: what asks for it today, or why nothing has to. `notWith`: choices under which nothing may ask for it. */
type Entry = {
  readonly seed: string;
  readonly name: string;
  readonly sort: string;
  readonly profile?: string;
  readonly options?: Choices;
  readonly requirement?: string;
  readonly min?: string;
  readonly notWith?: Choices;
  readonly reason?: string;
};

const coverage = coverageFile as readonly Entry[];
const moduleFacts: { readonly [name: string]: ModuleFact | undefined } = facts;
const seeds = ['000', '001', '002', '003', '004'];
const sorts = [
  'module',
  'match',
  'action',
  'package',
  'version',
  'sysctl',
  'check',
  'library',
  'kernel',
  'service',
  'file',
  'note',
];
const label = (e: Entry): string => `${e.seed} ${e.sort} ${e.name} ${JSON.stringify(e.options ?? {})}`;

describe('every name in the seeds is covered', () => {
  test('an entry has a requirement with its profile, or a reason, and nothing misspelt', () => {
    const keys = ['seed', 'name', 'sort', 'profile', 'options', 'requirement', 'min', 'notWith', 'reason'];
    for (const e of coverage) {
      expect(
        Object.keys(e).filter((key) => !keys.includes(key)),
        label(e),
      ).toEqual([]);
      expect(seeds, label(e)).toContain(e.seed);
      expect(sorts, label(e)).toContain(e.sort);
      expect(Boolean(e.requirement) || Boolean(e.reason), label(e)).toBe(true);
      expect(Boolean(e.requirement), label(e)).toBe(Boolean(e.profile));
      if (e.reason !== undefined) expect(e.reason.trim().length, label(e)).toBeGreaterThan(10);
      if (e.notWith || e.min || e.options) expect(e.requirement, label(e)).toBeDefined();
    }
  });

  test('no entry is there twice', () => {
    const keys = coverage.map((e) => JSON.stringify([e.seed, e.name, e.sort, e.requirement, e.options]));
    expect(keys.filter((key, i) => keys.indexOf(key) !== i)).toEqual([]);
  });

  test.each(seeds)('seed %s: each requirement is asked for by its profile', (seed) => {
    const entries = coverage.filter((e) => e.seed === seed && e.requirement);
    const missing = entries.filter((e) => !idsOf(e.profile ?? '', e.options).includes(e.requirement ?? ''));
    expect(missing.map(label)).toEqual([]);
  });

  test('each minimum version is the one that the profile asks for', () => {
    for (const e of coverage.filter((c) => c.min)) {
      expect(minimumOf(e.profile ?? '', e.requirement ?? '', e.options), label(e)).toBe(e.min);
    }
  });

  test('a version or kernel of a seed is asked for as it stands, or a reason says why not', () => {
    const loose = coverage.filter((e) => ['version', 'kernel'].includes(e.sort) && e.min !== e.name && !e.reason);
    expect(loose.map(label)).toEqual([]);
  });

  test('what a seed wants only for some clusters is not asked for in others', () => {
    const limited = coverage.filter((e) => e.notWith);
    const asked = limited.filter((e) => idsOf(e.profile ?? '', { ...e.options, ...e.notWith }).includes(e.requirement ?? ''));
    expect(asked.map(label)).toEqual([]);
  });

  test('a module that is asked for by another name was absorbed or renamed, as the module facts say, or comes with it', () => {
    const broughtByDependency: { readonly [name: string]: string } = { bridge: 'br_netfilter' };
    for (const e of coverage.filter((c) => c.sort === 'module' && c.requirement !== `module/${c.name}`)) {
      const fact = moduleFacts[e.name];
      const heirs = [...(fact?.into ?? []), ...(fact?.alias ? [fact.alias] : []), broughtByDependency[e.name]];
      expect(
        heirs.map((heir) => `module/${heir}`),
        label(e),
      ).toContain(e.requirement);
      if (fact?.since) expect(e.reason, label(e)).toContain(fact.since);
      expect(e.reason, label(e)).toBeTruthy();
    }
  });

  test('an ordinary sysctl key needs a reason not to be asked for, and the three keys of the documents have none', () => {
    const keys = coverage.filter((e) => e.sort === 'sysctl' && !e.reason).map((e) => e.requirement);
    const three = ['bridge.bridge-nf-call-iptables', 'bridge.bridge-nf-call-ip6tables', 'ipv4.ip_forward'];
    expect(keys).toEqual(three.map((key) => `sysctl/net.${key}`));
  });
});

// The documents themselves are not in this repository; where they lie beside it, nothing in them may be missing here.
const folder = resolve(import.meta.dirname, '../../../shared/seeds');
const documents = existsSync(folder)
  ? readdirSync(folder)
      .filter((name) => name.endsWith('.txt'))
      .sort()
  : [];
const reason = documents.length > 0 ? '' : ` [skipped: ${folder} is not here]`;
const textOf = (seed: string): string =>
  readFileSync(resolve(folder, documents.find((name) => name.startsWith(seed)) ?? ''), 'utf8');

describe.skipIf(documents.length === 0)(`the seed documents against the list${reason}`, () => {
  const entriesFor = (seed: string, found: SeedName): Entry[] =>
    coverage
      .filter((e) => e.seed === seed && e.name === found.name)
      .filter((e) => !found.backend || (e.options?.['backend'] ?? 'iptables') === found.backend);

  test('there is a list for every document', () => {
    expect(documents.map((name) => name.slice(0, 3))).toEqual(seeds);
  });

  const counts = [
    ['000', 27],
    ['001', 40],
    ['002', 39],
    ['003', 49],
    ['004', 46],
  ] as const;
  test.each(counts)('seed %s: its %d names are all in the list', (seed, count) => {
    const names = namesIn(seed, textOf(seed));
    expect(names.filter((found) => entriesFor(seed, found).length === 0)).toEqual([]);
    // A number that falls means that the patterns see less than a person who reads the document.
    expect(names).toHaveLength(count);
  });

  test.each(['000', '001'])('seed %s: a remark that limits a module is held by an entry', (seed) => {
    const limited = namesIn(seed, textOf(seed)).filter((found) => found.limited);
    expect(limited.length).toBeGreaterThanOrEqual(8);
    const isHeld = (e: Entry): boolean => e.notWith !== undefined || e.requirement !== `module/${e.name}`;
    const loose = limited.filter((found) => !entriesFor(seed, found).every(isHeld));
    expect(loose).toEqual([]);
  });

  test('the list names nothing that is not in its document, but for one word that the document lost', () => {
    const invented = coverage.filter((e) => !textOf(e.seed).includes(e.name));
    expect(invented.map(label)).toEqual(['002 match multiport {}']);
  });
});
