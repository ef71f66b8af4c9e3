import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect } from 'vitest';
import { OperatorError } from '../../src/errors.ts';
import type { Action, Argv, Plan } from '../../src/model.ts';
import { outcomesJson } from '../../src/views/json.ts';
import { planText } from '../../src/views/plan-text.ts';
import { isFull } from '../needs.ts';

/** How many inputs are tried: the second figure with scripts/test --full. */
export const runs = (few: number, many: number): number => (isFull ? many : few);

/**
 * The same inputs come of the same seed: the one that is printed in NODE_PREP_SEED. Other ones each time only in the full run: a change
 * is judged by itself.
 */
const seed = Number(process.env['NODE_PREP_SEED'] ?? (isFull ? Date.now() % 1_000_000 : 20260101));
fc.configureGlobal({ seed });

/** What was tried in this file, for the line that counts it. */
const tried = { inputs: 0, failures: 0, slowest: 0 };

/** More of a processor than this no input may take. The clock on the wall would count what else the machine does. */
const mostMilliseconds = 2000;

/** The milliseconds of a processor that this process has used since `begin`. */
export const cpuMilliseconds = (begin?: NodeJS.CpuUsage): number => {
  const { user, system } = process.cpuUsage(begin);
  return (user + system) / 1000;
};

/** Prints what was tried once all tests of the file have ended. */
export const countInputs = (subject: string): void => {
  afterAll(() =>
    console.log(
      `fuzz (${subject}): ${tried.inputs} inputs, ${tried.failures} failures, the slowest ${Math.round(tried.slowest)} ms of a processor (seed ${seed})`,
    ),
  );
};

/** Tries a parser with many inputs: nothing but an OperatorError may be thrown, and none may take long. */
export const survives = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, parse: (input: T) => unknown): void => {
  fc.assert(
    fc.property(arbitrary, (input) => {
      const ended = timed();
      try {
        parse(input);
      } catch (error) {
        refused(error);
      }
      ended();
    }),
    { numRuns },
  );
};

/** The same for what takes its time. */
export const survivesLater = async <T>(
  arbitrary: fc.Arbitrary<T>,
  numRuns: number,
  parse: (input: T) => Promise<unknown>,
): Promise<void> => {
  const property = fc.asyncProperty(arbitrary, async (input) => {
    const ended = timed();
    try {
      await parse(input);
    } catch (error) {
      refused(error);
    }
    ended();
  });
  await fc.assert(property, { numRuns });
};

const timed = (): (() => void) => {
  const begin = process.cpuUsage();
  tried.inputs += 1;
  return () => {
    const took = cpuMilliseconds(begin);
    tried.slowest = Math.max(tried.slowest, took);
    if (took > mostMilliseconds) {
      tried.failures += 1;
      throw new Error(`took ${took} ms of a processor`);
    }
  };
};

/** A refusal is a message without a stack in it, and is no answer to a bug. */
const refused = (error: unknown): void => {
  if (error instanceof OperatorError && error.message !== '' && !/\n\s+at /.test(error.message)) return;
  tried.failures += 1;
  throw error;
};

const schema = JSON.parse(readFileSync(join(import.meta.dirname, '../../schemas/output.schema.json'), 'utf8')) as object;
const fits = new Ajv2020({ strict: false, allErrors: true }).compile(schema);

/** Whether the document of a plan is as its schema says, and nothing in it moves a cursor. */
export const hasGoodJson = (plan: Plan): void => {
  const text = outcomesJson('plan', [{ host: 'memory', status: 'planned', plan }]);
  expect(text).not.toMatch(hidden);
  expect(fits(JSON.parse(text)) ? [] : fits.errors).toEqual([]);
};

/** What a terminal must not see: all that moves the cursor or cannot be seen, but for line ends and tabs. */
export const hidden = /(?![\n\t])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** Whether a plan as people see it holds nothing that a terminal obeys, and commands are such as node-prep runs. */
export const isGoodPlan = async (plan: Plan, askedBy: readonly string[]): Promise<void> => {
  expect(await planText('memory', plan, askedBy, 'verbose', { color: false, width: 80 })).not.toMatch(hidden);
  hasMeantActions(plan);
};

/** Whether every command is one that node-prep has: its program, and words that are options only where it puts options. */
export const hasMeantActions = (plan: Plan): void => {
  for (const action of plan.actions) {
    if (isMeant(action)) continue;
    throw new Error(`nobody means ${JSON.stringify(action).slice(0, 500)}`);
  }
};

/** Below /run are lines of others that count until the next boot: with --take-over they are commented out as well. */
const isMeantPath = (path: string): boolean =>
  /^\/(?:etc|boot|usr|run\/(?:sysctl|modprobe)\.d)\//.test(path) && !path.includes('/../') && !path.includes('\0');

const isMeant = (action: Action): boolean =>
  action.do === 'run' ? [action.argv, ...(action.rescue ? [action.rescue] : [])].every(isMeantCommand) : isMeantPath(action.path);

const isMeantCommand = ([program, ...words]: Argv): boolean => {
  const begin = program === 'env' ? words.findIndex((word) => !/^[A-Z_]+=/.test(word)) : -1;
  const [name, args] = program === 'env' ? [words[begin] ?? '', words.slice(begin + 1)] : [program, words];
  const options = meant[name];
  return options !== undefined && args.every((word) => !word.includes('\0') && (!word.startsWith('-') || options.test(word)));
};

/** The programs that change a host, and the options that they are given. */
const meant: { readonly [program: string]: RegExp } = {
  'apt-get': /^(?:-y|-q|-o|-f|--no-install-recommends|--no-remove|--reinstall)$/,
  dpkg: /^(?:--force-confdef|--force-confold|--configure|-a)$/,
  dnf: /^(?:-y|-q|--setopt=install_weak_deps=False)$/,
  modprobe: /^-a$/,
  sysctl: /^(?:--system|-w)$/,
  swapoff: /^-a$/,
  systemctl: /^(?:--now|--runtime)$/,
  networkctl: /^(?!)/,
  restorecon: /^(?!)/,
  'update-grub': /^(?!)/,
  grubby: /^--(?:update-kernel=ALL|(?:remove-)?args=[^-].*)$/,
  ufw: /^(?!)/,
  'firewall-cmd': /^--(?:permanent|(?:zone|add-port|add-protocol)=.*)$/s,
  'firewall-offline-cmd': /^--(?:zone|add-port|add-protocol)=.*$/s,
};
