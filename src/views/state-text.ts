import { imageNow } from '../knowledge/image.ts';
import type { Finding, Reading } from '../model.ts';
import { safeLine, wrap } from './terminal.ts';
import type { Style } from './terminal.ts';

/** A reading in a line: what is there, and the file and line that decide. */
export const readingText = ({ have, from }: Reading): string => safeLine(from ? `${have} (${from})` : have);

/**
 * How a host stands against a requirement, in one line: "now 0, boot not set, after apply 1 (FILE), want 1"; one reading where all are
 * the same. `after apply` is what the boot after that will find.
 */
export const stateLine = (finding: Finding): string => {
  const columns = columnsOf(finding);
  const readings =
    columns.length === 1 ? (columns[0]?.text ?? '') : columns.map(({ name, text }) => `${name} ${text}`).join(', ');
  return `${readings}${wanted(finding) ? `, want ${safeLine(finding.want)}` : ''}`;
};

/** The same as a small table, one line for each time, for what does not fit one line. */
export const stateTable = (finding: Finding, style: Style, indent: string): string[] => {
  const columns = columnsOf(finding);
  const rows = wanted(finding) ? [...columns, { name: 'want', text: safeLine(finding.want) }] : columns;
  if (columns.length === 1) return wrap(stateLine(finding), style.width, indent);
  return rows.flatMap(({ name, text }) => {
    const [first = '', ...more] = wrap(text, style.width - 13, indent);
    return [`${indent}${name.padEnd(13)}${first.trimStart()}`, ...more.map((line) => `${' '.repeat(13)}${line}`)];
  });
};

type Column = { readonly name: 'now' | 'boot' | 'after apply'; readonly text: string };

/** Whether a reading is that of an image, where there is no now. */
export const isNoNow = ({ have }: Reading): boolean => have === imageNow.have;

const columnsOf = ({ now, boot, after }: Finding): Column[] => {
  const alike = now.have === boot.have && now.from === boot.from;
  return [
    ...(isNoNow(now) ? [] : [{ name: 'now' as const, text: readingText(now) }]),
    ...(alike && !after ? [] : [{ name: 'boot' as const, text: readingText(boot) }]),
    ...(after
      ? [{ name: 'after apply' as const, text: readingText(isOurs(after) ? { ok: after.ok, have: after.have } : after) }]
      : []),
  ];
};

/** That a file of ours decides after apply goes without saying: the plan shows what it writes. */
const isOurs = ({ from }: Reading): boolean => /\/node-prep\.\w+:\d+(?:, needed by \w+)?$/.test(from ?? '');

const wanted = ({ kind, verdict, want, after }: Finding): boolean =>
  verdict !== 'ok' && kind !== 'module' && want !== 'installed' && after?.ok !== true;
