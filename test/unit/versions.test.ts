import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareDebian, compareRpm, upstreamVersion } from '../../src/knowledge/versions.ts';
import type { Compare } from '../../src/knowledge/versions.ts';
import { has, withReason } from '../needs.ts';

/** Pieces that real versions are made of, and what makes comparing hard: tildes, pluses, zeroes, letters beside digits. */
const piece = fc.constantFrom(
  '0',
  '1',
  '2',
  '9',
  '10',
  '11',
  '00',
  '01',
  '007',
  '2024',
  '20221128',
  'a',
  'b',
  'rc',
  'beta',
  'deb',
  'el',
  'ubuntu',
  'build',
  'really',
  'Z',
);
const glue = fc.constantFrom('.', '.', '.', '', '+', '~', '~~', '-', '.~');
const upstream = fc
  .tuple(fc.constantFrom('0', '1', '2', '10', '1.0', '0.9'), fc.array(fc.tuple(glue, piece), { maxLength: 4 }))
  .map(([first, rest]) => first + rest.map(([g, p]) => g + p).join(''));
const revision = fc.constantFrom(
  '',
  '-1',
  '-2',
  '-10',
  '-1ubuntu1',
  '-1+b2',
  '-1~bpo12+1',
  '-3.1+deb11u2',
  '-0',
  '-1.el9',
  '-1.el9_2',
);
const epoch = fc.constantFrom('', '', '', '0:', '1:', '2:');
const version = fc.tuple(epoch, upstream, revision).map((parts) => parts.join(''));

/** Pairs of which many are close to each other, for two random versions differ in the first sign. */
const pair = fc.oneof(
  fc.tuple(version, version),
  fc.tuple(epoch, upstream, revision, epoch, revision).map(([e, u, r, e2, r2]) => [e + u + r, e2 + u + r2] as [string, string]),
  fc.tuple(upstream, glue, piece, revision).map(([u, g, p, r]) => [u + r, u + g + p + r] as [string, string]),
  fc.tuple(upstream, glue, piece, piece).map(([u, g, p, q]) => [u + g + p, u + g + q] as [string, string]),
);

const sample = (count: number): [string, string][] => fc.sample(pair, { numRuns: count, seed: 20260101 });

/** The order of many pairs in one process: a line `<`, `=` or `>` for each. */
const ordersOf = (pairs: readonly [string, string][], script: string): string[] => {
  const ran = spawnSync('sh', ['-c', script, 'sh'], { input: pairs.map((p) => `${p.join(' ')}\n`).join(''), encoding: 'utf8' });
  return ran.stdout.split('\n').filter(Boolean);
};

const sign = (compare: Compare, [a, b]: readonly [string, string]): string => {
  const d = compare(a, b);
  return d < 0 ? '<' : d > 0 ? '>' : '=';
};

describe('Debian', () => {
  const dpkg = `while read -r a b; do
    if dpkg --compare-versions "$a" lt "$b" 2>/dev/null; then echo '<'
    elif dpkg --compare-versions "$a" gt "$b" 2>/dev/null; then echo '>'
    else echo '='; fi; done`;

  test.skipIf(!has('dpkg'))(
    withReason('2400 pairs of versions are ordered as dpkg orders them', 'dpkg'),
    () => {
      const pairs = sample(2400);
      for (let from = 0; from < pairs.length; from += 300) {
        const batch = pairs.slice(from, from + 300);
        const orders = ordersOf(batch, dpkg);
        expect(orders).toHaveLength(batch.length);
        const wrong = batch.flatMap((p, i) =>
          sign(compareDebian, p) === orders[i] ? [] : [`${p.join(' ')}: dpkg says ${orders[i] ?? ''}`],
        );
        expect(wrong).toEqual([]);
      }
      const kinds = new Set(pairs.map((p) => sign(compareDebian, p)));
      expect(kinds).toEqual(new Set(['<', '=', '>']));
    },
    120_000,
  );

  test('the order is an order: it turns round, and it goes on', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(Math.sign(compareDebian(a, b))).toBe(-Math.sign(compareDebian(b, a)) + 0);
        expect(compareDebian(a, a)).toBe(0);
        if (compareDebian(a, b) <= 0 && compareDebian(b, c) <= 0) expect(compareDebian(a, c)).toBeLessThanOrEqual(0);
      }),
      { numRuns: 3000 },
    );
  });
});

describe('rpm', () => {
  // From rpm's own test suite (rpmvercmp.at).
  const known = [
    ['1.0', '1.0', '='],
    ['1.0', '2.0', '<'],
    ['2.0.1', '2.0.1', '='],
    ['2.0', '2.0.1', '<'],
    ['2.0.1a', '2.0.1', '>'],
    ['5.5p1', '5.5p2', '<'],
    ['5.5p1', '5.5p10', '<'],
    ['10xyz', '10.1xyz', '<'],
    ['xyz10', 'xyz10.1', '<'],
    ['xyz.4', '8', '<'],
    ['8', 'xyz.4', '>'],
    ['xyz.4', '2', '<'],
    ['5.5p2', '5.6p1', '<'],
    ['5.6p1', '6.5p1', '<'],
    ['6.0.rc1', '6.0', '>'],
    ['10b2', '10a1', '>'],
    ['1.0aa', '1.0a', '>'],
    ['10.0001', '10.0039', '<'],
    ['4.999.9', '5.0', '<'],
    ['20101121', '20101122', '<'],
    ['2_0', '2.0', '='],
    ['2.0', '2_0', '='],
    ['a', 'a+', '='],
    ['a+', 'a_', '='],
    ['+_', '_+', '='],
    ['1.0~rc1', '1.0', '<'],
    ['1.0~rc1', '1.0~rc2', '<'],
    ['1.0~rc1~git123', '1.0~rc1', '<'],
    ['1.0', '1.0~rc1', '>'],
    ['1.0^', '1.0', '>'],
    ['1.0^git1', '1.0', '>'],
    ['1.0^git1', '1.0^git2', '<'],
    ['1.0^git1', '1.01', '<'],
    ['1.0^20160101', '1.0.1', '<'],
    ['1.0^20160101^git1', '1.0^20160102', '<'],
    ['1.0~rc1^git1', '1.0~rc1', '>'],
    ['1.0^git1~pre', '1.0^git1', '<'],
    ['00.1', '0.1', '='],
    ['1.1.α', '1.1.β', '='],
  ] as const;
  test.each(known)('%s and %s: %s', (a, b, order) => {
    expect(sign(compareRpm, [a, b])).toBe(order);
  });

  test('an epoch beats everything, and a missing release is before any', () => {
    expect(sign(compareRpm, ['1:1.0-1', '2.0-1'])).toBe('>');
    expect(sign(compareRpm, ['0:1.0-1', '1.0-1'])).toBe('=');
    expect(sign(compareRpm, ['1.0-2.el9', '1.0-10.el9'])).toBe('<');
    expect(sign(compareRpm, ['1.0-2.el9', '1.0'])).toBe('>');
  });

  test.skipIf(!has('rpm'))(withReason('2400 pairs of versions are ordered as rpm orders them', 'rpm'), () => {
    const pairs = sample(2400);
    const lua = (p: readonly [string, string][]): string =>
      p.map(([a, b]) => `%{lua: local d = rpm.vercmp('${a}', '${b}'); print(d < 0 and '<' or d > 0 and '>' or '=')}`).join('\n');
    for (let from = 0; from < pairs.length; from += 200) {
      const batch = pairs.slice(from, from + 200);
      const orders = spawnSync('rpm', ['--eval', lua(batch)], { encoding: 'utf8' })
        .stdout.split('\n')
        .filter(Boolean);
      const seen = (order: string | undefined, i: number) => `${batch[i]?.join(' ')}: ${order}`;
      expect(batch.map((p) => sign(compareRpm, p)).map(seen)).toEqual(orders.map(seen));
    }
  });
});

describe('the version that the authors gave', () => {
  test.each([
    ['1:1.4.7-1+b2', '1.4.7'],
    ['1.0.6-2+deb12u2', '1.0.6'],
    ['2:4.0.2-3', '4.0.2'],
    ['30+20221128-1', '30+20221128'],
    ['1.0.1', '1.0.1'],
    ['1.8-pre-2-1', '1.8-pre-2'],
    ['0:1.8.10-11.el9', '1.8.10'],
  ])('%s is %s', (version, own) => {
    expect(upstreamVersion(version)).toBe(own);
  });
});
