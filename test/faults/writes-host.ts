/** Does actions with the local host of node-prep in namespaces, between two scripts of sh in /mnt: one that prepares, one that looks. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { OperatorError } from '../../src/errors.ts';
import { localHost } from '../../src/hosts/local.ts';
import type { Action, Step } from '../../src/model.ts';
import { isApart, layHost, question } from './namespace.ts';

export type Asked = {
  readonly prepare: string;
  readonly actions: readonly Action[];
  readonly look?: string;
  readonly programs?: { readonly [name: string]: string };
};

/** `refused`: before anything was done, why. `seen`: what the second script printed. */
export type Answer = { readonly refused: string; readonly steps: readonly Step[]; readonly seen: string };

const shell = (script: string, needed: boolean): string => {
  const { status, stdout, stderr } = spawnSync('sh', ['-c', script], { cwd: '/mnt', encoding: 'utf8' });
  if (needed && status !== 0) throw new Error(`${script}: ${stderr}`);
  return stdout + stderr;
};

const main = async ({ prepare, actions, look = '', programs = {} }: Asked): Promise<Answer> => {
  layHost([]);
  mkdirSync('/mnt/bin');
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(`/mnt/bin/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(`/mnt/bin/${name}`, 0o755);
  }
  process.env['PATH'] = `/mnt/bin:${process.env['PATH'] ?? ''}`;
  shell(`set -e; ${prepare}`, true);
  process.umask(0o077);
  const steps: Step[] = [];
  let refused = '';
  try {
    for await (const step of localHost().execute(actions)) steps.push(step);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    refused = `${error.message} ${error.hint ?? ''}`;
  }
  return { refused, steps, seen: shell(look, false) };
};

if (isApart(import.meta.filename)) process.stdout.write(JSON.stringify(await main(question<Asked>())));
