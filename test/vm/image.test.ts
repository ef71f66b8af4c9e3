import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding, Plan, Reading } from '../../src/model.ts';
import { runProgram, unpackTree } from './machine.ts';
import { planOf, prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const program = fileURLToPath(new URL('../../dist/node-prep.cjs', import.meta.url));
const profiles = ['-p', 'kubernetes', '-p', 'istio:mode=ambient', '-p', 'calico:encapsulation=vxlan'];

/** What of this machine a chroot builder must leave alone: files, mounts, modules and the keys that the profiles set. */
const thisMachine = async (): Promise<string> =>
  (
    await runProgram('sh', [
      '-c',
      `find /etc /usr/sbin -xdev -printf '%p %s %T@ %m\\n' | sort
cut -d' ' -f5 /proc/self/mountinfo
cut -d' ' -f1 /proc/modules | sort
cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/bridge/* /proc/sys/net/netfilter/nf_conntrack_max 2>&1`,
    ])
  ).stdout;

describe('the tree of a Debian 12 with a kernel and none of the packages', () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-prep-tree-'));
  const tree = join(folder, 'tree');
  const nodePrep = (...words: readonly string[]) =>
    runProgram(process.execPath, [program, ...words, '--root', tree, ...profiles], { timeoutMs: 600_000 });
  const ours = async (): Promise<string[]> => {
    const names = ['(', '-name', '*node-prep*', '-o', '-name', 'policy-rc.d', ')'];
    return (await runProgram('find', [tree, '-xdev', ...names, '-printf', '/%P\\n'])).stdout.trim().split('\n').sort();
  };
  let before: readonly string[];
  let planned: Plan;
  let here: string;

  beforeAll(async () => {
    await unpackTree('bookworm', tree);
    [here, before] = [await thisMachine(), await ours()];
    planned = planOf(await nodePrep('plan', '--format', 'json'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test('is planned against its own kernel, and neither the plan nor anything in it speaks of this machine', () => {
    expect(planned.system.kernels).toHaveLength(1);
    expect(planned.findings.filter((f) => f.verdict === 'blocked')).toEqual([]);
    expect(planned.findings.filter((f) => f.verdict === 'change').length).toBeGreaterThan(20);
    const first = planned.actions.flatMap((a) => (a.do === 'run' ? [a.argv.slice(0, 2)] : []));
    expect(first).toEqual(first.map(() => ['chroot', tree]));
    expect(JSON.stringify(planned)).not.toContain('/proc/');
  });

  test('apply makes it converge, a second one finds nothing to do, and the machine it ran on is as it was', async () => {
    const applied = await nodePrep('apply', '--yes');
    expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('converged') });
    expect(await ours()).toEqual([...before, '/etc/modules-load.d/node-prep.conf', '/etc/sysctl.d/node-prep.conf'].sort());
    expect((await nodePrep('verify')).status).toBe(0);
    expect(planOf(await nodePrep('plan', '--format', 'json')).actions).toEqual([]);
    expect(existsSync(join(tree, 'usr/sbin/conntrack')) && existsSync(join(tree, 'usr/bin/socat'))).toBe(true);
    expect(readFileSync(join(tree, 'var/log/dpkg.log'), 'utf8')).toContain('status installed socat');
    expect(await thisMachine()).toBe(here);
  });

  describe('booted as a machine', () => {
    let booted: Prepared;
    beforeAll(async () => {
      booted = await prepare('bookworm', 'image', { tree });
    });
    afterAll(async () => booted?.machine.stop());

    test('verifies at once, and stands as the plan for the tree had said', async () => {
      expect(await booted.nodePrep('verify', ...profiles)).toMatchObject({ status: 0 });
      const plan = await booted.plan(...profiles);
      const told = (f: Finding): [string, Reading] => [f.id, { ...(f.after ?? f.boot) }];
      const foreseen = planned.findings.filter((f) => ['module', 'sysctl', 'swap', 'service'].includes(f.kind)).map(told);
      const found = new Map(plan.findings.map((f) => [f.id, f.boot]));
      for (const [id, reading] of foreseen) expect(found.get(id), id).toEqual(reading);
      expect(plan.findings.filter((f) => !f.now.ok && f.verdict !== 'advice')).toEqual([]);
    });
  });
});
