/**
 * Runs a script of bash on a host in namespaces, with `np` for the built program and programs of its own before those of the machine.
 * `waits FILE` waits until a file is there.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isApart, layHost, question } from './namespace.ts';
import type { Entry } from './namespace.ts';

export type Asked = {
  readonly entries?: readonly Entry[];
  readonly config?: string;
  readonly programs?: { readonly [name: string]: string };
  readonly script: string;
};

/** `text`: all that it printed. */
export type Answer = { readonly status: number | null; readonly text: string };

const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');

const before = `exec 2>&1
np() { exec '${process.execPath}' '${bundle}' "$@"; }
waits() { for i in $(seq 200); do [ -e "$1" ] && return; sleep 0.05; done; echo "no $1"; exit 9; }
`;

const main = ({ entries = [], config = '', programs = {}, script }: Asked): Answer => {
  layHost(entries);
  rmSync('/mnt/bin', { recursive: true, force: true });
  mkdirSync('/mnt/bin');
  writeFileSync('/mnt/config.yaml', config);
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(`/mnt/bin/${name}`, `#!/bin/sh\n${text}\n`);
    chmodSync(`/mnt/bin/${name}`, 0o755);
  }
  const { status, stdout } = spawnSync('bash', ['-c', before + script], {
    encoding: 'utf8',
    cwd: '/mnt',
    timeout: 60_000,
    env: { PATH: `/mnt/bin:${process.env['PATH'] ?? ''}`, LC_ALL: 'C', HOME: '/' },
  });
  return { status, text: stdout };
};

if (isApart(import.meta.filename)) process.stdout.write(JSON.stringify(main(question<Asked>())));
