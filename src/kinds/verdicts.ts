import type { Requirement, Verdict } from '../model.ts';

/** What stands in the way, and what a person can do. */
export type Obstacle = { readonly reason: string; readonly remedy: string };

/** `blocked`, or for mere advice `advice`: advice never stands in the way. */
export const obstructed = (requirement: Requirement, obstacle: Obstacle): Verdict => ({
  verdict: requirement.advice ? 'advice' : 'blocked',
  ...obstacle,
});
