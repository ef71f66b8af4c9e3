import { debian } from './debian.ts';
import type { Family } from './family.ts';
import { rhel } from './rhel.ts';
import { unknown } from './unknown.ts';

/** Every family that node-prep can install packages on. */
export const families: readonly Family[] = [debian, rhel];

/** The family of that name; `unknown` for any other. */
export const familyNamed = (name: string): Family => families.find((f) => f.name === name) ?? unknown;

/** The family for ID and ID_LIKE of os-release(5): ID decides first. */
export const familyFor = (id: string, like: readonly string[]): Family =>
  [id, ...like].map((word) => families.find((f) => f.ids.includes(word))).find(Boolean) ?? unknown;
