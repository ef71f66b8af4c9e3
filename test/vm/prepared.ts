import type { Outcome, Plan } from '../../src/model.ts';
import { builtExecutable } from '../package/executable.ts';
import { startMachine } from './machine.ts';
import type { Machine, Result, StartOptions, Suite } from './machine.ts';

/** A machine with the single executable on it, and no Node.js. */
export type Prepared = {
  readonly machine: Machine;
  /** Runs node-prep in the guest as root. */
  readonly nodePrep: (...words: readonly string[]) => Promise<Result>;
  /** The plan of `node-prep plan --format json`. */
  readonly plan: (...words: readonly string[]) => Promise<Plan>;
};

/** The name of a machine that no other run of the tests has at the same time. */
export const nameFor = (suite: Suite, purpose: string): string =>
  `${purpose}-${suite}-${process.env['NODE_PREP_VM_RUN'] ?? process.pid}`;

/** How node-prep is called in a shell of the guest. */
export const command = '/opt/node-prep';

/** Starts a machine of that suite and copies the executable into it. */
export const prepare = async (suite: Suite, purpose: string, options: StartOptions = {}): Promise<Prepared> => {
  const executable = await builtExecutable();
  const machine = await startMachine(suite, nameFor(suite, purpose), options);
  await machine.copy(executable, command);
  const nodePrep = (...words: readonly string[]) => machine.exec([command, ...words]);
  return { machine, nodePrep, plan: async (...words) => planOf(await nodePrep('plan', '--format', 'json', ...words)) };
};

/** The plan in what `node-prep plan --format json` printed. */
export const planOf = ({ status, stdout, stderr }: Result): Plan => {
  if (status !== 0) throw new Error(`plan exited with ${status}: ${stderr}`);
  const outcome = (JSON.parse(stdout) as { outcomes: Outcome[] }).outcomes[0];
  if (outcome?.status !== 'planned') throw new Error(`not planned: ${stdout}`);
  return outcome.plan;
};
