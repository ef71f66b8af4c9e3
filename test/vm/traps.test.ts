import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding, Reading } from '../../src/model.ts';
import { inFull, isFull } from '../needs.ts';
import { prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';
import { proofsTable } from './traps-table.ts';
import type { Proof } from './traps-table.ts';
import { rounds } from './traps.ts';
import type { Round, Trap } from './traps.ts';

/** What the issue asks to be set for real, predicted, and proven by a reboot. */
const wanted = 12;
const proofs: Proof[] = [];

/** One trap around its reboot. `fresh`: what its probe printed before it was set; `seen`: after the reboot; `later`: after `lost.by`. */
type Story = { readonly finding: Finding | undefined; readonly fresh: string; readonly seen: string; readonly later: string };

/** What Debian 12 and 13 show as well; the scenario on Debian 11 has its own reboot. */
const isRepeated = (round: Round): boolean => round.suite === 'bullseye' && !isFull;

describe.each(rounds.map((round) => ({ round, title: isRepeated(round) ? inFull(round.title) : round.title })))(
  '$title',
  ({ round }) => {
    let host: Prepared;
    let stories: ReadonlyMap<Trap, Story>;
    beforeAll(async () => {
      if (isRepeated(round)) return;
      host = await prepare(round.suite, `traps${rounds.indexOf(round)}`);
      if (round.append !== undefined) await host.machine.reboot({ append: round.append });
      stories = await throughReboot(round, host);
    });
    afterAll(async () => host?.machine.stop());

    test.skipIf(isRepeated(round)).for(round.traps)('$name', (trap) => {
      const story = stories.get(trap);
      if (!story?.finding) throw new Error(`the plan has no ${trap.about.id}`);
      const part = trap.about.part ?? ((reading: Reading) => reading);
      const [now, boot] = [part(story.finding.now), part(story.finding.boot)];
      const predicted = trap.about.predicted(boot, story.fresh);
      proofs.push({ round: round.title, trap: trap.name, boot, predicted, seen: story.seen });
      expect(story.seen, 'what the boot came to, against what was predicted').toBe(predicted);
      expect(now.have).toBe(trap.now);
      expect(boot.have).toBe(trap.boot);
      if (trap.from !== undefined) expect(boot.from).toContain(trap.from);
      if (trap.lost) expect(story.later, `after ${trap.lost.by}`).not.toBe(trap.lost.value);
    });
  },
);

test(`at least ${wanted} traps were predicted and then seen`, () => {
  console.log(proofsTable(proofs));
  const proven = new Set(proofs.filter((p) => p.predicted === p.seen).map((p) => p.trap));
  expect(proven.size).toBeGreaterThanOrEqual(wanted);
});

/** Sets all traps of a round, plans once, reboots once and looks. */
const throughReboot = async ({ traps }: Round, { machine, plan }: Prepared): Promise<Map<Trap, Story>> => {
  const look = async (scripts: readonly string[]) => {
    const printed = await machine.sh(scripts.map((script) => `(${script}); echo ----`).join('\n'));
    return printed.split('----\n').map((text) => text.trim());
  };
  const probes = traps.map((trap) => trap.about.probe);
  const fresh = await look(probes);
  await machine.sh([shell, ...traps.map((trap) => `(${trap.setup || ':'})`)].join('\n'));
  await machine.sh('cat >/root/traps.yaml', { input: desiredState(traps) });
  const { findings } = await plan('-c', '/root/traps.yaml');
  await machine.reboot();
  const seen = await look(probes);
  const later = await look(traps.map(({ lost, about }) => (lost ? `${lost.by}; ${about.probe}` : ':')));
  return new Map(
    traps.map((trap, i) => [
      trap,
      {
        finding: findings.find((finding) => finding.id === trap.about.id),
        fresh: fresh[i] ?? '',
        seen: seen[i] ?? '',
        later: later[i] ?? '',
      },
    ]),
  );
};

const shell = `put() { mkdir -p "\${1%/*}"; f=$1; shift; printf '%s\\n' "$@" >"$f"; }`;

/** The configuration file that the plan is asked with; JSON is YAML. */
const desiredState = (traps: readonly Trap[]): string =>
  JSON.stringify({
    profiles: { kubernetes: { swap: 'off' }, calico: {} },
    modules: traps.flatMap(({ about }) => about.modules ?? []),
    sysctl: Object.assign({}, ...traps.map(({ about }) => about.sysctl ?? {})) as unknown,
  });
