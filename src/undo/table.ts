import type { Part } from './part.ts';

/** Every part of a host that a run may change, in the order in which undo puts them back. */
export const parts: readonly Part[] = [];
