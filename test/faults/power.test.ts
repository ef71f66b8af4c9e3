import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { because, isFull } from '../needs.ts';
import { prepare } from '../vm/prepared.ts';
import { beginApply, expectConverges, expectSound, killApply, randomFrom, unprepare, victimOf } from './power.ts';
import type { Victim } from './power.ts';

const machines = process.env['NODE_PREP_VM_TESTS'] === '1';
const seed = Number(process.env['NODE_PREP_SEED'] ?? Date.now() % 1_000_000);
const wanted = Number(process.env['NODE_PREP_CUTS'] ?? (isFull ? 30 : 3));
const kills = Number(process.env['NODE_PREP_KILLS'] ?? (isFull ? 20 : 1));
/** Enough or just not for the package manager beside node-prep, then too little for its plan, then for node-prep to begin with. */
const limits = isFull ? ['64M', '48M', '44M', '40M', '36M', '32M', '24M'] : ['40M', '32M', '24M'];
/** A cut, a boot and a look are about a minute on a quiet machine. */
const timeout = (disturbances: number): number => 900_000 + disturbances * 240_000;
const mostInChain = isFull ? 2 : 3;
/** The end of an apply is its verification: there is nothing to break then. */
const untilVerified = 0.85;
/** All of the time of an apply in as many parts as there are cuts, and not in their order: 7 has no factor in common with 3 or 30. */
const spread = (cut: number): number => (cut * 7) % wanted;
const named = (name: string): string => because(name, !machines && 'the test machines were not asked for');

describe.skipIf(!machines)(named('a Debian 12 machine that is disturbed while apply is at work'), () => {
  let victim: Victim;
  let durationMs: number;
  beforeAll(async () => {
    victim = await victimOf(await prepare('bookworm', 'power'));
    await victim.machine.snapshot('ready');
    durationMs = await expectConverges(victim);
  });
  afterAll(async () => victim?.machine.stop());

  test(
    `loses its power at ${wanted} random moments: it is sound after each, and the next apply converges`,
    { timeout: timeout(wanted) },
    async () => {
      const random = randomFrom(seed);
      const tally = { tried: 0, survived: 0 };
      const said = () =>
        `power cuts: ${tally.tried} tried, ${tally.survived} survived (seed ${seed}, an apply takes ${durationMs} ms)`;
      try {
        while (tally.tried < wanted) {
          await victim.machine.restore('ready');
          // Also the apply that mends may be cut, while there is something left for it to do.
          let chain = 0;
          for (let left = 1; left > 0 && chain < mostInChain && tally.tried < wanted; chain++) {
            const after = Math.round(((spread(tally.tried) + random()) / wanted) * durationMs * untilVerified);
            left = await cutPower(victim, after, ++tally.tried);
          }
          await expectConverges(victim);
          tally.survived += chain;
          console.log(said());
        }
      } finally {
        console.log(said());
      }
      expect(tally).toEqual({ tried: wanted, survived: wanted });
    },
  );

  // Goes on from where the last cut was mended: something is taken away each time, so that there is something to do.
  test(
    `runs out of memory, and loses node-prep to SIGKILL ${kills} times while apt goes on without it: the next apply converges`,
    { timeout: timeout(kills) },
    async () => {
      const random = randomFrom(seed + 1);
      const tally = { limits: 0, squeezed: 0, tries: 0, killed: 0, survived: 0 };
      const said = () =>
        `out of memory: ${tally.limits} tried, the kernel killed ${tally.squeezed}; SIGKILL of node-prep: ${tally.tries} tried, ${tally.killed} killed, ${tally.survived} survived (seed ${seed + 1})`;
      try {
        // What fits just within a limit depends on the moment: the short run goes down until the kernel has killed something.
        for (const limit of limits) {
          if (tally.squeezed > 0 && !isFull) break;
          await unprepare(victim);
          tally.limits++;
          if (await applyWithin(victim, limit)) tally.squeezed++;
        }
        expect(tally.squeezed, 'how often the kernel killed something').toBeGreaterThan(0);
        // Until one has ended before it was killed nobody knows how long it takes.
        for (let span = durationMs; tally.killed < kills && tally.tries < 4 * kills; tally.tries++) {
          await unprepare(victim);
          await beginApply(victim);
          await pause(Math.round(random() * span));
          if (await killApply(victim)) tally.killed++;
          else span *= 0.6;
        }
        // Refused while apt goes on, unless it is to wait for that.
        await expectConverges(victim, '--lock-timeout', '10m');
        tally.survived = tally.killed;
      } finally {
        console.log(said());
      }
      expect(tally).toMatchObject({ killed: kills, survived: kills });
    },
  );
});

/** An apply with no more memory than that; tells whether the kernel killed it, or what it had begun. */
const applyWithin = async ({ machine, words }: Victim, limit: string): Promise<boolean> => {
  const unit = `squeezed-${limit}`;
  const run = `systemd-run -q --wait --unit=${unit} -p MemoryMax=${limit} -p MemorySwapMax=0 /opt/node-prep apply --yes`;
  const result = `systemctl show ${unit} -p Result --value`;
  return (await machine.sh(`${run} ${words.join(' ')} >&2 || :; ${result}; systemctl reset-failed || :`)).trim() === 'oom-kill';
};

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Gives how many actions are left to do afterwards. */
const cutPower = async (victim: Victim, afterMs: number, number: number): Promise<number> => {
  const { machine } = victim;
  await beginApply(victim);
  await pause(afterMs);
  await machine.powercut();
  await machine.boot();
  const updates = (await machine.sh('ls /var/lib/dpkg/updates | wc -l')).trim();
  const plan = await expectSound(victim);
  console.log(`cut ${number} after ${afterMs} ms: ${updates} unfinished steps of dpkg, ${plan.actions.length} actions left`);
  return plan.actions.length;
};
