import type { Plan } from '../model.ts';
import { isConverged, summarize } from '../plan.ts';
import { safe } from './terminal.ts';

/** One look at a host. `plan`: none where node-prep could not do its work. `at`: when, in seconds of Unix time. */
export type Look = { readonly plan: Plan | undefined; readonly at: number; readonly version: string };

type Metric = { readonly name: string; readonly help: string; readonly series: readonly (readonly [Labels, number])[] };
type Labels = { readonly [label: string]: string };

/**
 * A look at a host as node-exporter's textfile collector reads it: Prometheus' text format 0.0.4. Where there is no plan, what it
 * would say is left out instead of being told as it was once.
 */
export const prometheusText = ({ plan, at, version }: Look): string =>
  [
    gauge('node_prep_info', 'The version of node-prep that looked at this host last.', [[{ version }, 1]]),
    gauge('node_prep_last_run_timestamp_seconds', 'When node-prep verify ran last, as Unix time.', [[{}, at]]),
    gauge('node_prep_last_run_success', 'Whether that run could do its work, whatever it found.', [[{}, plan ? 1 : 0]]),
    ...(plan ? found(plan) : []),
  ]
    .map(metricText)
    .join('');

const found = (plan: Plan): Metric[] => [
  gauge('node_prep_converged', 'Whether the host is as wanted, now and after its next boot.', [[{}, isConverged(plan) ? 1 : 0]]),
  gauge(
    'node_prep_findings',
    'Findings by verdict.',
    Object.entries(summarize([plan])).map(([verdict, count]) => [{ verdict }, count]),
  ),
  gauge(
    'node_prep_drift',
    'A requirement that is not met; one series each.',
    plan.findings.filter((f) => f.verdict === 'change' || f.verdict === 'blocked').map(({ id, verdict }) => [{ id, verdict }, 1]),
  ),
];

const gauge = (name: string, help: string, series: Metric['series']): Metric => ({ name, help, series });

const metricText = ({ name, help, series }: Metric): string =>
  [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...series.map(([labels, value]) => `${name}${labelsText(labels)} ${value}`),
    '',
  ].join('\n');

const labelsText = (labels: Labels): string => {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
};

/** Backslash, quote and line end are written with a backslash (prometheus/docs: exposition formats). */
const escaped = (value: string): string =>
  safe(value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')).replaceAll('\t', ' ');
