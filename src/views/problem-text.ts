import type { Outcome } from '../model.ts';
import { actionTitle } from './plan-text.ts';
import { safe } from './terminal.ts';

/** Why a host is not as it should be, and which steps of its plan are not done. */
export const problemText = (outcome: Extract<Outcome, { readonly problem: string }>): string => {
  const notDone = outcome.status === 'failed' ? (outcome.notDone ?? []) : [];
  return safe(notDone.length === 0 ? outcome.problem : `${outcome.problem}; not done: ${notDone.map(actionTitle).join('; ')}`);
};
