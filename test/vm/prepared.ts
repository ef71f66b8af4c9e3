import { fileURLToPath } from 'node:url';
import type { Outcome, Plan } from '../../src/model.ts';
import { startMachine } from './machine.ts';
import type { Machine, Result, StartOptions, Suite } from './machine.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));
const folder = '/opt/node-prep';

/** A machine with the built tool and a Node.js on it, as long as there is no single executable. */
export type Prepared = {
  readonly machine: Machine;
  /** Runs node-prep in the guest as root. */
  readonly nodePrep: (...words: readonly string[]) => Promise<Result>;
  /** The plan of `node-prep plan --format json`. */
  readonly plan: (...words: readonly string[]) => Promise<Plan>;
};

/** How node-prep is called in a shell of the guest. */
export const command = `${folder}/node ${folder}/dist/node-prep.cjs`;

/** Starts a machine of that suite and copies the tool into it. */
export const prepare = async (suite: Suite, purpose: string, options: StartOptions = {}): Promise<Prepared> => {
  const machine = await startMachine(suite, `${purpose}-${suite}-${process.env['NODE_PREP_VM_RUN'] ?? process.pid}`, options);
  await machine.sh(`mkdir -p ${folder}`);
  await machine.copy([`${root}dist`, process.execPath], folder);
  const nodePrep = (...words: readonly string[]) => machine.exec([`${folder}/node`, `${folder}/dist/node-prep.cjs`, ...words]);
  return { machine, nodePrep, plan: async (...words) => planOf(await nodePrep('plan', '--format', 'json', ...words)) };
};

/** The plan in what `node-prep plan --format json` printed. */
export const planOf = ({ status, stdout, stderr }: Result): Plan => {
  if (status !== 0) throw new Error(`plan exited with ${status}: ${stderr}`);
  const outcome = (JSON.parse(stdout) as { outcomes: Outcome[] }).outcomes[0];
  if (outcome?.status !== 'planned') throw new Error(`not planned: ${stdout}`);
  return outcome.plan;
};
