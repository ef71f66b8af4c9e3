import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** Whether a program is in this machine's PATH. */
export const has = (program: string): boolean =>
  (process.env['PATH'] ?? '').split(':').some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** A test's name, with the reason why it is skipped if one of these programs is not here. */
export const withReason = (name: string, ...programs: readonly string[]): string => {
  const missing = programs.filter((program) => !has(program));
  return because(name, missing.length > 0 && `there is no ${missing.join(', no ')} here`);
};

/** A test's name, with the reason why it is skipped if there is one. */
export const because = (name: string, reason: string | false): string =>
  reason === false ? name : `${name} [skipped: ${reason}]`;

/** Whether all is to be tried, also what only another machine tries in much the same way: scripts/test --full. */
export const isFull = process.env['NODE_PREP_FULL'] === '1';

/** The name of a test that is left out otherwise. */
export const inFull = (name: string): string => because(name, !isFull && 'only with scripts/test --full');
