import type { Requirement, Verdict } from '../model.ts';

/** What stands in the way, and what a person can do. */
export type Obstacle = { readonly reason: string; readonly remedy: string };

/** `blocked`, or for mere advice `advice`: advice never stands in the way. */
export const obstructed = (requirement: Requirement, obstacle: Obstacle): Verdict => ({
  verdict: requirement.advice ? 'advice' : 'blocked',
  ...obstacle,
});

/** What becomes of a need that is not met: blocked by an obstacle, else a change; advice is not acted on, `byHand` says how a person can. */
export const unmet = (requirement: Requirement, obstacle: Obstacle | undefined, byHand: string): Verdict => {
  if (obstacle) return obstructed(requirement, obstacle);
  return requirement.advice
    ? { verdict: 'advice', reason: requirement.because[0]?.why ?? 'worth having', remedy: byHand }
    : { verdict: 'change' };
};
