import { fileText } from '../answers.ts';
import type { Answers, Query } from '../model.ts';

/** The kernel makes a new one at every boot (random(4)). */
export const bootIdQuery: Query = { ask: 'read', path: '/proc/sys/kernel/random/boot_id' };

/** Which host it is, in which of its boots. */
export const identityQueries: readonly Query[] = [bootIdQuery, { ask: 'read', path: '/etc/machine-id' }];

/** The host's own id (machine-id(5)); "" where it has none. */
export const machineIdOf = (answers: Answers): string => fileText(answers, '/etc/machine-id')?.trim() ?? '';

/** The boot that a host answered in; "" where it did not say. */
export const bootIdOf = (answers: Answers): string => fileText(answers, '/proc/sys/kernel/random/boot_id')?.trim() ?? '';
