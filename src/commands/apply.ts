import { applyHost, appliedCode } from '../apply.ts';
import { OperatorError } from '../errors.ts';
import { onSignal } from '../interrupt.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Host, Outcome, Plan } from '../model.ts';
import { planText } from '../views/plan-text.ts';
import { showSteps } from '../views/progress.ts';
import { problemText } from '../views/problem-text.ts';
import { speaksUtf8 } from '../views/terminal.ts';
import { verdictLine } from '../views/verdict-line.ts';
import { journalOf, sayRun } from './journal.ts';
import { patienceFrom, requireUnstopped, underLock } from './lock.ts';
import { desiredOptions, lockOptions, on, outputOptions, whereOptions } from './options.ts';
import type { Args, Command } from './options.ts';
import { owingOf } from './owing.ts';
import { watchStreams } from './output.ts';
import type { Target } from './saved.ts';
import { detailFrom, isJson, note, print, printJson, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Shows the plan, asks, does it and verifies. */
export const apply: Command = {
  name: 'apply',
  words: { '[FILE]': 'a plan that plan --out saved: just that is done, or it is refused with what has changed since' },
  about: 'show the plan, or the saved plan FILE, ask (or --yes), do it, and verify',
  options: {
    ...desiredOptions,
    ...whereOptions,
    ...outputOptions,
    ...lockOptions,
    yes: { about: 'do not ask', type: 'boolean', short: 'y' },
    partial: { about: 'do what can be done although something is blocked (then exits with 3)', type: 'boolean' },
  },
  run: async (args) => {
    watchStreams();
    if (args.words.length === 0) {
      const { desired } = await settingsFrom(args);
      const host = await hostFrom(args);
      return toldAs(host.name, args, () => underLock(host, args, () => applyTo({ host, desired }, args)));
    }
    const { savedTarget } = await import('./saved.ts');
    const target = await toldAs('local', args, () => savedTarget(args));
    return toldAs(target.host.name, args, () => underLock(target.host, args, () => applyTo(target, args)));
  },
};

/** Whoever reads JSON is told there, too, why nothing was done. */
const toldAs = async <T>(host: string, args: Args, act: () => Promise<T>): Promise<T> => {
  try {
    return await act();
  } catch (error) {
    if (!isJson(args) || !(error instanceof OperatorError)) throw error;
    await printJson('apply', [{ host, status: 'failed', problem: error.message }]);
    throw error;
  }
};

const applyTo = async ({ host, desired, agree }: Target, args: Args): Promise<number> => {
  const journal = await journalOf(host, patienceFrom(args));
  const owing = owingOf(host);
  const outcome = await applyHost(
    host,
    desired,
    { partial: on(args, 'partial'), ...(journal && { journal }), ...(owing && { owing }), ...(agree && { agree }) },
    {
      confirm: async (plan) => {
        const agreed = await confirm(host, plan, desired.askedBy, args);
        requireUnstopped();
        return agreed;
      },
      progress: (plan, steps) => showSteps(plan.actions, steps, isFancy() && !isJson(args)),
    },
  );
  await report(outcome, args);
  return appliedCode(outcome);
};

/** The drawn list needs a real terminal that knows its width (a serial console may not), and signs that are not in ASCII. */
export const isFancy = (): boolean =>
  process.stdout.isTTY === true &&
  process.stderr.isTTY === true &&
  process.stderr.columns >= 60 &&
  process.env['TERM'] !== 'dumb' &&
  speaksUtf8(process.env);

/** The plan is always shown before anything is done; with --format json it is part of nothing but the diagnostics. */
const confirm = async (host: Host, plan: Plan, askedBy: readonly string[], args: Args): Promise<boolean> => {
  const asks = plan.actions.length > 0 && !on(args, 'yes');
  if ((asks || !on(args, 'quiet')) && !isJson(args))
    print(await planText(host.name, plan, askedBy, detailFrom(args), styleFrom(args)));
  if (!asks) return true;
  if (process.stdin.isTTY !== true || isJson(args)) {
    throw new OperatorError(
      'Nobody can be asked whether to go on; nothing was touched.',
      args.words[0] === undefined
        ? 'Look at node-prep plan, then run apply with --yes.'
        : `Look at the plan, then: ${quoteAll(['node-prep', 'apply', args.words[0], '--yes'])}`,
    );
  }
  return ask(`Do these ${plan.actions.length} steps on this ${host.image ? 'image' : 'host'}? [y/N] `);
};

/** A question to a person at the terminal; only yes is yes. */
export const ask = async (question: string): Promise<boolean> => {
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const stop = new AbortController();
  const forget = onSignal(() => stop.abort());
  try {
    return /^y(es)?$/i.test((await terminal.question(question, { signal: stop.signal })).trim());
  } catch {
    // Ctrl-C and Ctrl-D mean no.
    process.stderr.write('\n');
    return false;
  } finally {
    forget();
    terminal.close();
  }
};

const report = async (outcome: Outcome, args: Args): Promise<void> => {
  if (isJson(args)) return printJson('apply', [outcome]);
  if ('problem' in outcome && outcome.status !== 'refused') note(`${problemText(outcome)}.`);
  if (outcome.status === 'refused') note('refused: something is blocked, and nothing was touched. --partial does the rest.');
  if ('plan' in outcome && outcome.plan) print(verdictLine(outcome.host, outcome.plan));
  if (!on(args, 'quiet')) await sayRun(outcome);
};
