import type { Reading } from '../../src/model.ts';

/** One trap: the boot reading of the plan, what that means for the probe, and what the probe printed after the reboot. */
export type Proof = {
  readonly round: string;
  readonly trap: string;
  readonly boot: Reading;
  readonly predicted: string;
  readonly seen: string;
};

/** The proofs as a table of 80 columns: the trap, below it what the plan predicted and from where, and what was seen. */
export const proofsTable = (proofs: readonly Proof[]): string =>
  [...new Set(proofs.map((p) => p.round))]
    .flatMap((round) => {
      const all = proofs.filter((p) => p.round === round);
      const right = all.filter((p) => p.predicted === p.seen).length;
      return ['', `${round}: ${all.length} traps, ${right} predicted right`, ...all.flatMap(lines)];
    })
    .join('\n');

const lines = ({ trap, boot, predicted, seen }: Proof): string[] => [
  ...wrapped(trap),
  `    predicted  ${boot.have}${boot.from ? `  ${boot.from}` : ''}${boot.have === predicted ? '' : `  (so: ${predicted})`}`,
  `    seen       ${seen}${seen === predicted ? '' : '   <-- not as predicted'}`,
];

const wrapped = (text: string): string[] =>
  text.split(' ').reduce<string[]>(
    (all, word) => {
      const last = all.at(-1) ?? '';
      return last.length + word.length + 1 > 80 ? [...all, `    ${word}`] : [...all.slice(0, -1), `${last} ${word}`];
    },
    [' '],
  );
