import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { because, isFull } from '../needs.ts';
import { prepare } from '../vm/prepared.ts';
import { beginApply, expectConverges, expectSound, randomFrom, victimOf } from './power.ts';
import type { Victim } from './power.ts';

const machines = process.env['NODE_PREP_VM_TESTS'] === '1';
const seed = Number(process.env['NODE_PREP_SEED'] ?? Date.now() % 1_000_000);
const wanted = Number(process.env['NODE_PREP_CUTS'] ?? (isFull ? 30 : 3));
const named = (name: string): string => because(name, !machines && 'the test machines were not asked for');

describe.skipIf(!machines)(named('a Debian 12 machine that loses its power while apply is at work'), () => {
  let victim: Victim;
  let durationMs: number;
  beforeAll(async () => {
    victim = await victimOf(await prepare('bookworm', 'power'));
    await victim.machine.snapshot('ready');
    durationMs = await expectConverges(victim);
  });
  afterAll(async () => victim?.machine.stop());

  test(`is sound after each of ${wanted} cuts, at random moments, and converges`, async () => {
    const random = randomFrom(seed);
    const tally = { tried: 0, survived: 0 };
    const said = () =>
      `power cuts: ${tally.tried} tried, ${tally.survived} survived (seed ${seed}, an apply takes ${durationMs} ms)`;
    try {
      while (tally.tried < wanted) {
        await victim.machine.restore('ready');
        // Also the apply that mends may be cut.
        const chain = Math.min(wanted - tally.tried, isFull ? 1 + Math.floor(random() * 3) : 3);
        for (let cut = 0; cut < chain; cut++) {
          tally.tried++;
          const after = Math.round(random() * durationMs);
          await cutPower(victim, after, tally.tried);
        }
        await expectConverges(victim);
        tally.survived += chain;
        console.log(said());
      }
    } finally {
      console.log(said());
    }
    expect(tally).toEqual({ tried: wanted, survived: wanted });
  });
});

const cutPower = async (victim: Victim, afterMs: number, number: number): Promise<void> => {
  const { machine } = victim;
  await beginApply(victim);
  await new Promise((resolve) => setTimeout(resolve, afterMs));
  await machine.powercut();
  await machine.boot();
  const updates = (await machine.sh('ls /var/lib/dpkg/updates | wc -l')).trim();
  const plan = await expectSound(victim);
  console.log(`cut ${number} after ${afterMs} ms: ${updates} unfinished steps of dpkg, ${plan.actions.length} actions left`);
};
