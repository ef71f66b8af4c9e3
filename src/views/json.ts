import type { Outcome } from '../model.ts';
import { summarize } from '../plan.ts';

/**
 * A value as JSON in which nothing moves the cursor, turns the direction of text or cannot be seen, should a person look at it: what
 * JSON.stringify leaves as it is of those is written as \\uXXXX. Programs read the same.
 */
export const jsonText = (value: unknown, indent?: number): string =>
  JSON.stringify(value, undefined, indent).replace(/(?!\n)[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (signs) =>
    signs
      .split('')
      .map((sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );

/** The document of `--format json`: schemas/output.schema.json describes it. */
export const outcomesJson = (command: string, outcomes: readonly Outcome[]): string => {
  const plans = outcomes.flatMap((o) => ('plan' in o && o.plan ? [o.plan] : []));
  return jsonText({ version: 1, command, outcomes, summary: summarize(plans) }, 2);
};
