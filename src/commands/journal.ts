import type { ApplyOptions } from '../apply.ts';
import type { HostJournal } from '../hosts/journal.ts';
import type { Which } from '../hosts/journal-read.ts';
import type { Damage, Run } from '../journal.ts';
import type { Host, Outcome } from '../model.ts';
import type { Patience } from './lock.ts';
import { note } from './shared.ts';

declare const NODE_PREP_VERSION: string;

/** The journal of a host, what is said of the run that will be written down in it, the runs that were read, and what cannot be. */
type OpenJournal = {
  readonly to: HostJournal;
  readonly header: NonNullable<ApplyOptions['journal']>['header'];
  readonly runs: readonly Run[];
  readonly damage: readonly Damage[];
};

/**
 * Where a run that changes a host is written down, and what is said of it; nowhere for an image, as each machine made of it would have it.
 * Only for the holder of the host's lock: runs that were cut off get their end first, and the operator is told. Commands of them that go
 * on are waited for as the lock is, then it throws an OperatorError. `which`: the runs to read.
 */
export const journalOf = async (host: Host, patience?: Patience, which?: Which): Promise<OpenJournal | undefined> => {
  if (host.image) return undefined;
  const { hostJournal } = await import('../hosts/journal.ts');
  const { recover } = await import('../hosts/recover.ts');
  const { cutNote, damageNote } = await import('../views/history-words.ts');
  const to = hostJournal();
  const { runs, cut, damage, trouble } = await recover(to, patience, which);
  const more = damage.length > 3 ? [`${damage.length - 3} more of the journal cannot be read: node-prep history names them`] : [];
  for (const word of [...damage.slice(0, 3).map(damageNote), ...more, ...trouble, ...cut.map(cutNote)]) note(word);
  return {
    to,
    runs,
    damage,
    header: { words: process.argv.slice(2), since: new Date().toISOString(), by: caller(), version: NODE_PREP_VERSION },
  };
};

/** Says under which number a run that changed something is found again. */
export const sayRun = async (outcome: Outcome): Promise<void> => {
  const steps = 'steps' in outcome ? (outcome.steps ?? []) : [];
  if (outcome.run === undefined || !steps.some((step) => step.status === 'done')) return;
  note((await import('../views/history-words.ts')).runNote(outcome.run));
};

/** Who called: behind sudo, not root. A user may have a number and no name. */
const caller = (): string => {
  try {
    return process.env['SUDO_USER'] || process.getBuiltinModule('node:os').userInfo().username;
  } catch {
    return `user ${process.getuid?.()}`;
  }
};
