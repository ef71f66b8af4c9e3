import { planHost } from '../apply.ts';
import { OperatorError } from '../errors.ts';
import { writeReport } from '../hosts/report-file.ts';
import type { Plan } from '../model.ts';
import { has } from '../plan.ts';
import { findingsText } from '../views/plan-text.ts';
import { problemOf, unknownBecause } from '../views/problem-line.ts';
import { prometheusText } from '../views/prometheus.ts';
import { verdictLine } from '../views/verdict-line.ts';
import { pathOption } from './folder.ts';
import { desiredOptions, on, outputOptions, whereOptions } from './options.ts';
import type { Args, Command } from './options.ts';
import { owingOf } from './owing.ts';
import { isJson, note, print, printJson, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

declare const NODE_PREP_VERSION: string;

/** Says in one line and an exit code whether the host is as wanted. */
export const verify: Command = {
  name: 'verify',
  about: 'one line and an exit code: 0 converged, 2 drifted, 3 blocked',
  options: {
    ...desiredOptions,
    ...whereOptions,
    ...outputOptions,
    textfile: {
      about: "also write the result as metrics, for node-exporter's textfile collector",
      type: 'string',
      placeholder: 'FILE.prom',
    },
    'problem-detector': {
      about: 'answer node-problem-detector: exit with 0 converged, 1 a problem, 2 unknown',
      type: 'boolean',
    },
  },
  run: async (args) => (on(args, 'problem-detector') ? answer(args) : verdict(args)),
};

const verdict = async (args: Args): Promise<number> => {
  const { host, plan, unwritten } = await look(args);
  if (isJson(args)) await printJson('verify', [{ host, status: 'planned', plan }]);
  else {
    print(verdictLine(host, plan));
    if (on(args, 'verbose')) print(findingsText(plan.findings, 'verbose', styleFrom(args)).join('\n'));
  }
  if (unwritten) throw unwritten;
  return has(plan, 'blocked') ? 3 : has(plan, 'change') ? 2 : 0;
};

/** Whatever goes wrong is an answer here: an exit code of 1 would be taken for a problem of the host. */
const answer = async (args: Args): Promise<number> => {
  const { code, line } = await look(args).then(
    ({ plan, unwritten }) => {
      if (unwritten) note(unwritten.message);
      return problemOf(plan);
    },
    (error: unknown) => unknownBecause(error instanceof Error ? error.message : String(error)),
  );
  print(line);
  return code;
};

/** A look at a host. `unwritten`: why its metrics could not be written. */
type Looked = { readonly host: string; readonly plan: Plan; readonly unwritten: OperatorError | undefined };

/** Plans, and writes the metrics if asked to: also that it could not be done, so that an old result does not look like a new one. */
const look = async (args: Args): Promise<Looked> => {
  const looked = await planned(args).catch((error: unknown) => {
    writeMetrics(args, undefined);
    throw error;
  });
  return { ...looked, unwritten: writeMetrics(args, looked.plan) };
};

const writeMetrics = (args: Args, plan: Plan | undefined): OperatorError | undefined => {
  const path = pathOption(args, 'textfile');
  if (path === undefined) return undefined;
  try {
    writeReport(path, prometheusText({ plan, at: Math.floor(Date.now() / 1000), version: NODE_PREP_VERSION }));
    return undefined;
  } catch (error) {
    if (error instanceof OperatorError) return error;
    throw error;
  }
};

const planned = async (args: Args): Promise<{ readonly host: string; readonly plan: Plan }> => {
  const { desired } = await settingsFrom(args);
  const host = await hostFrom(args);
  return { host: host.name, plan: await planHost(host, desired, owingOf(host)) };
};
