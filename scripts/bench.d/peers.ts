import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Medians of this run, in ms. */
export type Measured = { readonly node: number; readonly plan: number };

/**
 * How a plan compares with what others take for the same job. `folder`: scripts and figures of the peers (peers/ansible,
 * FIGURES.md). Ansible is run here, over a local connection, in check mode, with as few tasks as it allows, in the namespace in
 * which the host is converged. pyinfra is in no Debian: its figure was measured on another machine, where node -e 0 took longer,
 * and is given as many times that.
 */
export const peersText = (folder: string, scratch: string, { node, plan }: Measured, runs: number): string =>
  [ansibleLine(folder, scratch, plan, runs), pyinfraLine(join(folder, 'FIGURES.md'), node, plan)].join('\n');

const ansibleLine = (folder: string, scratch: string, plan: number, runs: number): string => {
  const work = join(scratch, 'ansible');
  cpSync(join(folder, 'peers/ansible'), work, { recursive: true });
  const playbook = join(work, 'prep-batch.yml');
  // A check must not touch the lists of packages, nor end where a container has cgroup version 1: both make it quicker.
  const text = readFileSync(playbook, 'utf8').replace(/^ +update_cache:.*\n| +cache_valid_time:.*\n/gm, '');
  writeFileSync(playbook, text.replace(/ +- name: Require cgroup v2\n(?: {6,}.*\n)+/, ''));
  const words = ['--check', '-i', 'localhost,', '-c', 'local', playbook];
  const env = { ...process.env, ANSIBLE_CONFIG: join(work, 'ansible.cfg'), ANSIBLE_LOCAL_TEMP: work, ANSIBLE_REMOTE_TEMP: work };
  const times: number[] = [];
  for (let i = -1; i < runs; i++) {
    const began = performance.now();
    const ran = spawnSync('ansible-playbook', words, { encoding: 'utf8', env });
    if (ran.error) return 'Ansible is not here: apt-get install ansible-core python3-apt';
    if (ran.status !== 0) return `Ansible failed:\n${ran.stdout}${ran.stderr}`;
    if (i >= 0) times.push(performance.now() - began);
  }
  const took = times.sort((a, b) => a - b)[Math.floor(times.length / 2)] ?? 0;
  return `ansible-playbook --check, few tasks, local: ${took.toFixed(0)} ms, ${(took / plan).toFixed(0)} x a plan`;
};

const pyinfraLine = (figures: string, node: number, plan: number): string => {
  const text = readFileSync(figures, 'utf8');
  const seconds = Number(/^\| pyinfra \| [^|]+\| ([\d.]+)/m.exec(text)?.[1]);
  const [, low, high] = /^node -e 0: ([\d.]+)-([\d.]+)/m.exec(text) ?? [];
  if (!seconds || !low || !high) throw new Error(`${figures} has no figure of pyinfra, or none of node -e 0`);
  const times = [high, low].map((there) => ((seconds / Number(there)) * node) / plan);
  return `pyinfra's plan, ${seconds} s where node -e 0 took ${low}-${high} s: scaled to this machine ${times.map((x) => x.toFixed(1)).join(' to ')} x a plan`;
};
