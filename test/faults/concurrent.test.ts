import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because } from '../needs.ts';
import type { Answer, Asked } from './concurrent-host.ts';
import { runApart, whyNotApart } from './namespace.ts';

const program = resolve(import.meta.dirname, 'concurrent-host.ts');
const whyNot = whyNotApart('flock', 'sysctl');
const count = 20;

const together = (...options: string[]): Promise<Answer> => runApart(program, { count, options } satisfies Asked);

describe(`${count} applies on one host at once`, () => {
  test.skipIf(whyNot !== false)(
    because('one works; the others say who does, and exit with 1', whyNot),
    { timeout: 120_000 },
    async () => {
      const { ends, steps, overlaps, left, file, key } = await together();
      const worked = ends.filter((end) => end.status === 0);
      const refused = ends.filter((end) => end.status === 1);
      console.log(
        `concurrent applies: ${count} tried, ${worked.length} worked, ${refused.length} refused, ${overlaps} at the same time`,
      );
      // Who starts when the first one has ended finds nothing to do.
      expect(worked.length).toBeGreaterThan(0);
      expect([worked.length + refused.length, steps, overlaps, left]).toEqual([count, 1, 0, []]);
      for (const end of refused) {
        expect(end.text).toMatch(
          /Another node-prep is at work on this host: node-prep apply --yes -q -c \S+ \(pid \d+, since \d{4}-\d\d-\d\dT[\d:.]+Z\)\. Nothing was touched\./,
        );
        expect(worked.map(({ pid }) => pid)).toContain(Number(/pid (\d+)/.exec(end.text)?.[1]));
      }
      expect([file, key]).toEqual([expect.stringMatching(/^100644 0 0 [^]*\nnet\.ipv4\.ip_forward = 1\n$/), '1']);
    },
  );

  test.skipIf(whyNot !== false)(
    because('with --lock-timeout all come to their turn, and to the same result', whyNot),
    { timeout: 180_000 },
    async () => {
      const { ends, steps, overlaps, left, file, key } = await together('--lock-timeout', '2m');
      console.log(`concurrent applies that wait: ${count} tried, ${ends.filter((end) => end.status === 0).length} worked`);
      expect(ends.filter((end) => end.status !== 0)).toEqual([]);
      expect([steps, overlaps, left]).toEqual([1, 0, []]);
      expect(ends.filter((end) => end.text.includes('waiting up to 120 s')).length).toBeGreaterThan(0);
      expect([file, key]).toEqual([expect.stringContaining('net.ipv4.ip_forward = 1'), '1']);
    },
  );
});
