import fc from 'fast-check';
import { expect, test } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import { memoryJournal } from '../../src/hosts/memory-journal.ts';
import type { Run } from '../../src/journal.ts';
import type { Answers } from '../../src/model.ts';
import { parts } from '../../src/undo/table.ts';
import { planUndo, undoQueries } from '../../src/undo.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { apply } from './undo-support.ts';
import { desiredFrom } from './support.ts';

const wish = { packages: true, later: [] };
/** Runs, and how their hosts answer afterwards. */
const done: readonly (readonly [Run, Answers])[] = await Promise.all(
  ['debian-12-swap-and-lists', 'rocky-9'].map(async (name) => {
    const [host, journal] = [hostFrom(hosts[name] as Recipe), memoryJournal()];
    await apply(host, journal, desiredFrom(['kubernetes', 'istio', 'calico']));
    const run = journal.list[0] as Run;
    return [run, await host.probe(undoQueries(run, wish))] as const;
  }),
);
const runs = done.map(([run]) => run);
const [debian, rocky] = runs as [Run, Run];

/** Plans the undo of a run that says this of a part, before or after it. */
const planWith = (run: Run, when: 'before' | 'after', part: string, value: unknown): void => {
  const state = { ...(when === 'before' ? run.before : run.end?.after), [part]: value };
  const said: Run = when === 'before' ? { ...run, before: state } : { ...run, end: { at: '', status: 'applied', after: state } };
  undoQueries(said, wish);
  planUndo(said, new Map(done).get(run) ?? new Map(), wish);
};

const odd: readonly (readonly [string, unknown])[] = [
  ['files', null],
  ['files', { 'etc/x': { text: 'relative' } }],
  ['files', { '/etc/x': { text: 'x', owner: '-R / 0' } }],
  ['units', null],
  ['units', { x: { file: 'masked', active: 'active' } }],
  ['units', { '--root=/tmp': { file: 'masked', active: 'active', links: [] } }],
  ['swap', {}],
  ['modules', 7],
  ['firewalld', null],
  ['firewalld', { public: 'port=1/tcp' }],
  ['sysctl', { 'net/ipv4/ip_forward': 1 }],
  ['packages', ['socat']],
  ['bootloader', 'quiet'],
  ['ufw', 'yes'],
  ['reloads', 1],
];

test.each(odd)('a journal that says of %s: %j is refused in words, and nothing is planned from it', (part, value) => {
  for (const when of ['before', 'after'] as const)
    expect(() => planWith(debian, when, part, value)).toThrow(
      `Run 1 cannot be undone: what its file says of ${part} is nothing that this node-prep writes. Nothing was touched.`,
    );
});

test('what a run wrote down itself is taken, all of it', () => {
  for (const [run, answers] of done) expect(() => planUndo(run, answers, wish)).not.toThrow();
  expect(Object.keys(rocky.before)).toEqual(parts.map(({ name }) => name));
});

test('any value of any part is planned from or refused, and nothing crashes', () => {
  const tried = { planned: 0, refused: 0 };
  const leaf = fc.oneof(
    fc.string(),
    fc.constant(null),
    fc.integer(),
    fc.constantFrom('0644', '0:0', 'masked', 'enabled', 'active'),
  );
  const key = fc.constantFrom('text', 'mode', 'owner', 'odd', 'file', 'active', 'links', 'name', 'priority');
  const state = fc.oneof(
    fc.jsonValue(),
    fc.array(leaf),
    fc.dictionary(
      fc.constantFrom('/etc/x', '/etc/fstab', 'firewalld.service', 'public', '__proto__'),
      fc.oneof(leaf, fc.array(leaf), fc.dictionary(key, fc.oneof(leaf, fc.array(fc.string())))),
    ),
    fc.array(fc.dictionary(key, leaf)),
  );
  const cases = fc.tuple(
    fc.constantFrom(...runs),
    fc.constantFrom('before' as const, 'after' as const),
    fc.constantFrom(...parts.map(({ name }) => name)),
    state,
  );
  fc.assert(
    fc.property(cases, ([run, when, part, value]) => {
      try {
        planWith(run, when, part, value);
        tried.planned++;
      } catch (error) {
        if (!(error instanceof OperatorError)) throw error;
        tried.refused++;
      }
    }),
    { numRuns: 1500, seed: 5 },
  );
  console.log(`states of parts: 1500 tried, ${tried.planned} planned from, ${tried.refused} refused`);
  expect([tried.planned > 50, tried.refused > 50]).toEqual([true, true]);
});
