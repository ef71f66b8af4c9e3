import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { applyHost } from '../../src/apply.ts';
import { planToSave, requireSame } from '../../src/commands/saved.ts';
import type { Answers, Plan } from '../../src/model.ts';
import { digest, readSaved, savedText } from '../../src/saved-plan.ts';
import { debianWith, desiredFrom } from '../unit/support.ts';
import { countInputs, runs, survives } from './fuzz-check.ts';
import { documentNear, mutationOf } from './fuzz-inputs.ts';

countInputs('saved plans');
vi.stubGlobal('NODE_PREP_VERSION', '0');

const args = { words: [], options: { profile: ['kubernetes'], config: '/dev/null' } };
const desired = desiredFrom(args.options.profile);
const host = debianWith({ '/etc/machine-id': 'aaaa\n', '/etc/sysctl.d/10-own.conf': 'kernel.dmesg_restrict = 1\n' });
const saved = await planToSave(host, desired, args);

/** What apply gives to be agreed to: the plan made now, and all that the host answered. */
const now = await new Promise<{ readonly plan: Plan; readonly answers: Answers }>((resolve, reject) => {
  const agree = (plan: Plan, answers: Answers): void => resolve({ plan, answers });
  const watch = { confirm: () => Promise.resolve(false), progress: () => Promise.resolve([]) };
  applyHost(host, desired, { partial: true, agree }, watch).catch(reject);
});

/** As one who means ill would write it: whatever it says, its checksum is right. */
const sealed = (document: unknown): string => {
  const { checksum: _checksum, ...rest } = Object(document) as { readonly checksum?: unknown };
  const text = JSON.stringify(rest, undefined, 2);
  return `${text.slice(0, -2)},\n  "checksum": "${digest(text)}"\n}\n`;
};

/** All that apply looks at before it does anything; the steps are those of the plan made now. */
const agree = (text: string): boolean => {
  const read = readSaved(text, 'p');
  requireSame('p', read, { host, desired }, now.plan, now.answers);
  return JSON.stringify(read.plan.actions) === JSON.stringify(now.plan.actions);
};

const whole = savedText(saved);

test('a saved plan that nobody touched is agreed to', () => {
  expect(agree(whole)).toBe(true);
  expect(agree(sealed(JSON.parse(whole)))).toBe(true);
});

test('one that was changed and sealed again is refused in words, or is what would be done anyhow', () => {
  const reached = { read: 0, agreed: 0 };
  const tries = runs(1500, 15_000);
  survives(documentNear(JSON.parse(whole)).map(sealed), tries, (text) => {
    readSaved(text, 'p');
    reached.read++;
    if (!agree(text)) throw new Error(`agreed to: ${text}`);
    reached.agreed++;
  });
  console.log(`fuzz (saved plans): of ${tries} that were sealed ${reached.read} were read, ${reached.agreed} agreed to`);
  expect(reached.read).toBeGreaterThan(tries / 20);
  expect(reached.agreed).toBeGreaterThan(0);
}, 600_000);

test('one that was changed in its text and not sealed is refused in words', () => {
  survives(
    fc.oneof(
      mutationOf(whole),
      fc.nat(whole.length - 1).map((end) => whole.slice(0, end)),
    ),
    runs(500, 5000),
    (text) => {
      if (text === whole) return;
      readSaved(text, 'p');
      throw new Error(`took: ${text}`);
    },
  );
}, 600_000);
