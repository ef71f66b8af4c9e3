import type { Plan } from '../model.ts';
import { has } from '../plan.ts';
import { safe } from './terminal.ts';

/** The length at which node-problem-detector cuts a message, in bytes (its custom plugins' max_output_length). */
const longest = 80;

/**
 * An answer as node-problem-detector wants it of a custom plugin: exit code 0 (no problem), 1 (a problem) or 2 (it could not be
 * found out), and one line (kubernetes/node-problem-detector: pkg/custompluginmonitor/plugin/plugin.go).
 */
export type Answer = { readonly code: 0 | 1 | 2; readonly line: string };

/** What node-problem-detector is told of a host. */
export const problemOf = (plan: Plan): Answer => {
  const open = (['blocked', 'change'] as const).flatMap((verdict) => plan.findings.filter((f) => f.verdict === verdict));
  if (open.length === 0) {
    const asFarAs = plan.unread ? `, but for ${plan.unread.length} files that it may not read` : '';
    return { code: 0, line: cut(`converged: now and after a reboot${asFarAs}`) };
  }
  const word = has(plan, 'blocked') ? 'blocked' : 'drifted';
  return {
    code: 1,
    line: cut(
      `${word}: ${named(
        open.map((f) => f.id),
        longest - word.length - 2,
      )}`,
    ),
  };
};

/** What it is told where node-prep could not do its work. */
export const unknownBecause = (message: string): Answer => ({ code: 2, line: cut(`unknown: ${message}`) });

/** As many names as fit, and how many more there are. */
const named = (ids: readonly string[], room: number): string => {
  for (let shown = ids.length; shown > 0; shown--) {
    const text = `${ids.slice(0, shown).join(', ')}${shown < ids.length ? ` +${ids.length - shown}` : ''}`;
    if (Buffer.byteLength(text) <= room) return text;
  }
  return `${ids.length} requirements`;
};

/** One line of at most 80 bytes, of which no character is cut in two. */
const cut = (text: string): string => {
  let line = safe(text.slice(0, 4 * longest))
    .replace(/\s+/g, ' ')
    .trim();
  while (Buffer.byteLength(line) > longest) line = [...line].slice(0, -1).join('');
  return line;
};
