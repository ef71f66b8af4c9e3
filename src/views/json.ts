import type { Outcome } from '../model.ts';
import { summarize } from '../plan.ts';

/** The document of `--format json`: schemas/output.schema.json describes it. */
export const outcomesJson = (command: string, outcomes: readonly Outcome[]): string => {
  const plans = outcomes.flatMap((o) => ('plan' in o && o.plan ? [o.plan] : []));
  return JSON.stringify({ version: 1, command, outcomes, summary: summarize(plans) }, undefined, 2);
};
