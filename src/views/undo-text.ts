import type { Run } from '../journal.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Plan } from '../model.ts';
import { actionsText, hanging } from './plan-text.ts';
import { safe, tint, wrap } from './terminal.ts';
import type { Style, Tint } from './terminal.ts';

type Left = { readonly what: string; readonly why: string };
type Way = { readonly plan: Plan; readonly left: readonly Left[]; readonly stops: readonly Left[] };

/** The way back from a run, for a person: what it was, what is done, what stays, what stops it. */
export const undoText = async (host: string, run: Run, way: Way, style: Style): Promise<string> => {
  const { plan, left, stops } = way;
  return [
    ...wrap(safe(`${host}: undo of run ${run.id}: node-prep ${quoteAll(run.words)}`), style.width, '').map((line) =>
      tint(style, 'bold', line),
    ),
    ...wrap(safe(`done by ${run.by}, ${run.since.slice(0, 16).replace('T', ' ')} UTC${endNote(run)}`), style.width, ''),
    ...(plan.actions.length > 0
      ? ['', tint(style, 'bold', 'What undo does, in this order'), ...(await actionsText(plan.actions, style))]
      : []),
    ...section('What stays as it is', 'yellow', 'stays', left, style),
    ...section('What was changed since', 'red', 'changed', stops, style),
    '',
    ...wrap(summaryOf(way), style.width, ''),
  ].join('\n');
};

/** What became of an undo, in one line: "local: run 7 is undone", with what stayed. */
export const undoneLine = (
  host: string,
  run: number,
  { status, left, partly = false }: { status: string; left: readonly Left[]; partly?: boolean },
): string => {
  const stays = left.length > 0 ? `; stays: ${left.map(({ what }) => what).join(', ')}` : '';
  return safe(`${host}: run ${run} is ${status === 'applied' ? 'undone' : partly ? 'undone in part' : 'not undone'}${stays}`);
};

const endNote = ({ end }: Run): string =>
  end?.status === 'applied' ? '' : end?.status === 'failed' ? '; it failed' : '; it was cut off';

const section = (title: string, how: Tint, word: string, entries: readonly Left[], style: Style): string[] => {
  if (entries.length === 0) return [];
  const indent = ' '.repeat(10);
  return [
    '',
    tint(style, 'bold', title),
    ...entries.flatMap(({ what, why }) => [
      ...wrap(safe(what), style.width, indent).map((line, i) =>
        i === 0 ? `  ${tint(style, how, word.padEnd(7))} ${line.trimStart()}` : line,
      ),
      ...hanging('why: ', why, style.width, indent),
    ]),
  ];
};

const summaryOf = ({ plan, left, stops }: Way): string => {
  const n = plan.actions.length;
  if (stops.length > 0)
    return 'Something was changed since: undo touches nothing until that is put back by hand, or does the rest with --partial.';
  if (n === 0) return `There is nothing to put back${left.length > 0 ? ' but what stays' : ': this host is as it was before'}.`;
  return `${n} ${n === 1 ? 'step leads' : 'steps lead'} back. Nothing was changed yet.`;
};
