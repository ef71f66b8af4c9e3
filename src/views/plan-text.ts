import { kinds } from '../kinds/table.ts';
import { quote, quoteAll } from '../knowledge/quote.ts';
import type { Action, Finding, Plan, Reason, System } from '../model.ts';
import { summarize } from '../plan.ts';
import { diffText } from './diff-text.ts';
import { stateLine, stateTable } from './state-text.ts';
import { safeLine, tint, wrap } from './terminal.ts';
import type { Style, Tint } from './terminal.ts';
import { unreadText } from './unread-text.ts';

/** How much a person wants to see. */
type Detail = 'normal' | 'verbose';

/** A plan for a person: the host, the findings by kind, what would be done, and a line that sums up. */
export const planText = async (
  host: string,
  plan: Plan,
  askedBy: readonly string[],
  detail: Detail,
  style: Style,
): Promise<string> =>
  [
    ...heading(host, plan, askedBy, style),
    ...findingsText(plan.findings, detail, style),
    ...(plan.actions.length > 0
      ? ['', tint(style, 'bold', 'What apply does, in this order'), ...(await actionsText(plan.actions, style))]
      : []),
    '',
    ...wrap(summaryLine(plan), style.width, ''),
    ...unreadText(plan.unread, style.width),
  ].join('\n');

const heading = (host: string, { system }: Plan, askedBy: readonly string[], style: Style): string[] => [
  ...wrap(safeLine(`${host}: ${system.name}, ${kernelText(system)}, ${system.arch}`), style.width, '').map((line) =>
    tint(style, 'bold', line),
  ),
  ...wrap(safeLine(`wanted by ${askedBy.join(', ')}`), style.width, ''),
];

/** The kernel that runs, or those that are installed in an image. */
const kernelText = ({ kernel, kernels = [kernel] }: System): string =>
  kernels.length === 0 ? 'no kernel' : `${kernels.length > 1 ? 'kernels' : 'kernel'} ${kernels.join(' and ')}`;

/** The findings by kind: a heading with counts, then a line or two for each that needs a word. Full sections stand apart. */
export const findingsText = (findings: readonly Finding[], detail: Detail, style: Style): string[] => {
  const sections = kinds.map((kind) =>
    sectionText(
      kind.title,
      findings.filter((f) => f.kind === kind.name),
      detail,
      style,
    ),
  );
  const filled = sections.filter((lines) => lines.length > 0);
  return filled.flatMap((lines, i) => [...(lines.length > 1 || (filled[i - 1]?.length ?? 2) > 1 ? [''] : []), ...lines]);
};

const sectionText = (title: string, findings: readonly Finding[], detail: Detail, style: Style): string[] => {
  if (findings.length === 0) return [];
  const shown = findings.filter((f) => detail === 'verbose' || f.verdict !== 'ok');
  const groups = detail === 'verbose' ? shown.map((f) => [f]) : alike(shown);
  const column = Math.max(
    0,
    ...groups.map(([f, ...more]) => (f && more.length === 0 && fitsLine(f, nameOf(f).length, style) ? nameOf(f).length : 0)),
  );
  return [
    `${tint(style, 'bold', `${title}: `)}${countsOf(findings, style)}`,
    ...groups.flatMap((group) =>
      group.length === 1 ? group.flatMap((f) => findingText(f, column, detail, style)) : groupText(group, style),
    ),
  ];
};

/** Whether a finding goes on one line with its name in a column of that width. */
const fitsLine = (finding: Finding, column: number, style: Style): boolean =>
  10 + Math.max(column, nameOf(finding).length) + 2 + stateLine(finding).length <= style.width;

/** Three or more findings of which the same is to be said are said together, where the first of them stands. */
const alike = (findings: readonly Finding[]): (readonly Finding[])[] => {
  const groups = new Map<string, Finding[]>();
  for (const finding of findings) {
    const key = JSON.stringify([finding.verdict, stateLine(finding), noteText(finding, '', { color: false, width: 80 })]);
    groups.set(key, [...(groups.get(key) ?? []), finding]);
  }
  return [...groups.values()].flatMap((group) => (group.length < 3 ? group.map((f) => [f]) : [group]));
};

const groupText = (group: readonly Finding[], style: Style): string[] => {
  const first = group[0];
  if (!first) return [];
  const indent = ' '.repeat(10);
  const line = stateLine(first);
  const state = line.length + 10 <= style.width ? [`${indent}${line}`] : stateTable(first, style, indent);
  return [
    `  ${tint(style, tints[first.verdict], first.verdict.padEnd(7))} ${state[0]?.trimStart() ?? ''}`,
    ...state.slice(1),
    ...wrap(safeLine(group.map(nameOf).join(' ')), style.width, `${indent}  `),
    ...noteText(first, indent, style),
  ];
};

const tints: { readonly [verdict in Finding['verdict']]: Tint } = {
  ok: 'green',
  change: 'yellow',
  blocked: 'red',
  advice: 'cyan',
  waived: 'dim',
};

const countsOf = (findings: readonly Finding[], style: Style): string =>
  (Object.keys(tints) as Finding['verdict'][])
    .map((verdict) => ({ verdict, n: findings.filter((f) => f.verdict === verdict).length }))
    .filter(({ n }) => n > 0)
    .map(({ verdict, n }) => tint(style, tints[verdict], `${n} ${verdict === 'change' ? 'to change' : verdict}`))
    .join(', ');

const nameOf = (finding: Finding): string => finding.id.slice(finding.id.indexOf('/') + 1);

const findingText = (finding: Finding, column: number, detail: Detail, style: Style): string[] => {
  const indent = ' '.repeat(10);
  const head = `  ${tint(style, tints[finding.verdict], finding.verdict.padEnd(7))} ${safeLine(nameOf(finding)).padEnd(column)}`;
  const state = stateLine(finding);
  const below = state.length + 10 <= style.width ? [`${indent}${state}`] : stateTable(finding, style, indent);
  return [
    ...(fitsLine(finding, column, style) ? [`${head}  ${state}`] : [head.trimEnd(), ...below]),
    ...noteText(finding, indent, style),
    ...(detail === 'verbose'
      ? finding.because.flatMap((reason) => reasonText(reason, style.width, indent).map((l) => tint(style, 'dim', l)))
      : []),
  ];
};

const noteText = (finding: Finding, indent: string, style: Style): string[] => {
  if (finding.verdict === 'waived')
    return wrap(safeLine(`waived${finding.until ? ` until ${finding.until}` : ''}: ${finding.reason}`), style.width, indent);
  if (finding.verdict !== 'blocked' && finding.verdict !== 'advice') return [];
  return [...hanging('why: ', finding.reason, style.width, indent), ...hanging('do:  ', finding.remedy, style.width, indent)];
};

const hanging = (label: string, text: string, width: number, indent: string): string[] =>
  wrap(safeLine(text), width, `${indent}     `).map((line, i) => (i === 0 ? `${indent}${label}${line.trimStart()}` : line));

/** Who wants something, why, since when and who says so. */
export const reasonText = (reason: Reason, width: number, indent: string): string[] => {
  const span = [
    reason.since && `since ${reason.since}`,
    reason.until && `until ${reason.until}`,
    reason.undocumented && 'undocumented',
  ].filter(Boolean);
  return [
    ...wrap(safeLine(`${reason.profile}: ${reason.why}${span.length > 0 ? ` (${span.join(', ')})` : ''}`), width, indent),
    ...(reason.source === reason.profile ? [] : wrap(safeLine(reason.source), width, `${indent}  `)),
  ];
};

/** What actions do, numbered: their titles, commands and diffs. */
export const actionsText = async (actions: readonly Action[], style: Style): Promise<string[]> => {
  const texts = await Promise.all(actions.map((action) => actionText(action, style)));
  return texts.flatMap((lines, i) => [`${String(i + 1).padStart(3)}. ${lines[0] ?? ''}`, ...lines.slice(1)]);
};

/** What an action is, in a few words. */
export const actionTitle = (action: Action): string => {
  if (action.do === 'run') return safeLine(action.why);
  if (action.do === 'remove') return safeLine(`remove ${action.path}`);
  const mode = action.mode === 'keep' ? '' : ` (mode ${action.mode})`;
  return safeLine(`${action.before === null ? 'write' : 'change'} ${action.path}${mode}`);
};

/** Below the number and title of a step. */
const indent = ' '.repeat(7);

const actionText = async (action: Action, style: Style): Promise<string[]> => {
  const title = actionTitle(action);
  if (action.do === 'run') {
    const notes = [
      action.patience && `while it says "${action.patience.says}", again for up to ${action.patience.seconds} s`,
      action.rescue && `should it fail, once more after: ${quoteAll(action.rescue)}`,
    ].filter((note) => note !== undefined);
    return [
      title,
      ...commandText(action.argv, style).map((l) => tint(style, 'cyan', l)),
      ...notes.flatMap((note) => wrap(safeLine(`(${note})`), style.width, indent)),
    ];
  }
  return [title, ...(await diffText(action, style)).map((line) => `${indent}${line}`)];
};

/** The command as it can be pasted into a shell, broken with backslashes where it is long. */
const commandText = (argv: readonly string[], style: Style): string[] =>
  wrap(argv.map((word) => safeLine(quote(word)).replaceAll(' ', '\u00a0')).join(' '), style.width, indent, ' \\').map((line) =>
    line.replaceAll('\u00a0', ' '),
  );

/** The verdict of a plan in one sentence. */
export const summaryLine = (plan: Plan): string => {
  const n = summarize([plan]);
  const counts = [
    `${n.ok} ok`,
    n.change && `${n.change} to change`,
    n.blocked && `${n.blocked} blocked`,
    n.advice && `${n.advice} advice`,
    n.waived && `${n.waived} waived`,
  ];
  const asFarAsRead = plan.unread ? ', as far as it could be read' : '';
  const end =
    n.blocked > 0
      ? 'Something is blocked: apply refuses until it is mended, waived, or left out with --partial.'
      : n.change > 0
        ? 'Nothing was changed yet.'
        : plan.system.kernels
          ? `This image is ready for its first boot${asFarAsRead}.`
          : `This host is ready, now and after a reboot${asFarAsRead}.`;
  return `${counts.filter(Boolean).join(', ')}. ${end}`;
};
