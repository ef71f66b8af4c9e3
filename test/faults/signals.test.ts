import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because } from '../needs.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const whyNot = whyNotApart('apt-get', 'script', 'sysctl');

/**
 * Four steps on a host without packages: fetch the lists, install, write, apply. `script`: after the start of an apply, whose process is $pid.
 * A signal that a shell ignores in the background is one that we heed all the same.
 */
const applying = (programs: { readonly [name: string]: string }, script: string, words = '--yes -q'): Promise<Answer> =>
  runApart(program, {
    config: 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\npackages: { nftables: ">=1.0.1" }\n',
    programs,
    script: `rm -rf /var/lib/apt/lists /var/lib/dpkg/status; : > /var/lib/dpkg/status
(np apply ${words} -c config.yaml) & pid=$!
${script}`,
  } satisfies Asked);

/** An apt-get that waits for /mnt/go. */
const slow = `echo "$*" >> /mnt/asked; : > /mnt/begun; until [ -e /mnt/go ]; do sleep 0.05; done; echo "$*" >> /mnt/ended`;

const ending = 'wait $pid; echo "exit $?"; cat /mnt/ended; ls -A /etc/sysctl.d 2>/dev/null';

describe.skipIf(whyNot !== false)(because('an apply that gets a signal', whyNot), { timeout: 120_000 }, () => {
  test.each(['INT', 'TERM', 'HUP'])(
    'SIG%s: the step that runs comes to its end, none begins after it, and what is not done is said',
    async (signal) => {
      const { text } = await applying({ 'apt-get': slow }, `waits begun; kill -${signal} $pid; sleep 0.3; : > go; ${ending}`);
      expect(text).toContain(`SIG${signal}: stopping after this step; once more to interrupt it.`);
      expect(text).toMatch(
        new RegExp(
          `stopped by SIG${signal}: 1 of 4 steps done; not done: install nftables, procps; write /etc/sysctl.d/node-prep.conf \\(mode 0644\\); apply the kernel settings now\\.`,
        ),
      );
      // The verification says how the host stands now.
      expect(text).toMatch(/^local: drifted: 3 to change/m);
      expect(text).toMatch(/exit 1\n-q update\n$/);
    },
  );

  test('a program is told the same, with every step that is not done', async () => {
    const { text } = await applying(
      { 'apt-get': slow },
      `waits begun; kill -INT $pid; : > go; wait $pid; echo "exit $?"`,
      '--yes --format json 2>/dev/null',
    );
    const document = JSON.parse(text.slice(0, text.lastIndexOf('exit'))) as { outcomes: [{ [key: string]: unknown }] };
    expect(document.outcomes[0]).toMatchObject({
      status: 'failed',
      problem: 'stopped by SIGINT: 1 of 4 steps done',
      steps: [{ status: 'done' }, { status: 'failed', stopped: { by: 'SIGINT', begun: false } }],
      notDone: [{ do: 'run' }, { do: 'write' }, { do: 'run' }],
    });
    expect(text.trimEnd()).toMatch(/exit 1$/);
  });

  test('a second one interrupts the command that runs, and all that it started', async () => {
    const { text } = await applying(
      { 'apt-get': `${slow} & wait` },
      `waits begun; kill -INT $pid; sleep 0.3; kill -TERM $pid; ${ending}; sleep 0.2; pgrep -c apt-get`,
    );
    expect(text).toContain('SIGTERM: interrupting this step.');
    expect(text).toMatch(/stopped by SIGINT: 0 of 4 steps done; the step that ran was interrupted; not done: fetch the lists/);
    expect(text).toMatch(/^local: drifted/m);
    expect(text).toMatch(/exit 1\n(cat: .*\n)?0\n$/);
  });

  test('a second one ends all patience', async () => {
    const began = Date.now();
    const { text } = await applying(
      { 'apt-get': ': > /mnt/begun; echo "E: Could not get lock"; exit 100' },
      `waits begun; sleep 1; kill -INT $pid; sleep 0.3; kill -INT $pid; ${ending}`,
    );
    expect(Date.now() - began).toBeLessThan(100_000);
    expect(text).toMatch(/stopped by SIGINT: 0 of 4 steps done; the step that ran was interrupted/);
  });

  test('in the last step it changes nothing: that comes to its end, and so does the verification', async () => {
    const { text } = await applying(
      { 'apt-get': 'exit 0', sysctl: `${slow}; exec /sbin/sysctl "$@"` },
      `waits begun; kill -TERM $pid; sleep 0.3; : > go; wait $pid; cat /proc/sys/net/ipv4/ip_forward`,
    );
    expect(text).toContain('SIGTERM: stopping after this step');
    expect(text).not.toContain('not done');
    // The packages of this host's apt-get never come.
    expect(text).toMatch(/the host still differs: package\/nftables, package\/procps/);
    expect(text).toMatch(/^1\n$/m);
  });

  test('in the verification it is heeded when that has ended; a second one leaves it out', async () => {
    const verifying = (seconds: number, more: string): Promise<Answer> =>
      applying(
        {
          'apt-get': 'exit 0',
          sysctl: ': > /mnt/slow',
          sh: `[ -e /mnt/slow ] && { : > /mnt/verifying; sleep ${seconds}; }; exec /bin/sh "$@"`,
        },
        `waits verifying; kill -INT $pid; ${more} ${ending}`,
      );
    const { text } = await verifying(2, '');
    expect(text).toContain('SIGINT: no step is left; the verification still runs, once more to leave it out.');
    expect(text).toMatch(/^local: drifted/m);
    expect(text).toMatch(/exit 1/);
    const left = await verifying(30, 'sleep 0.3; kill -INT $pid; SECONDS=0; wait $pid; [ $SECONDS -lt 20 ] || echo "late";');
    expect(left.text).not.toContain('late');
    expect(left.text).toContain('all steps done; a signal left out the verification');
    expect(left.text).toMatch(/exit 1/);
    expect(left.text).not.toMatch(/^local: /m);
  });

  test('at the question nothing is touched, and that is said', async () => {
    const { text } = await runApart<Answer>(program, {
      config: 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n',
      script: `mkfifo in; exec 3<>in
script -qfec 'echo $$ > pid; exec ${process.execPath} ${bundle} apply -c config.yaml; echo "exit $?"' log < in > /dev/null & asked=$!
for i in $(seq 600); do grep -qs 'y/N' log && break; sleep 0.1; done
kill -TERM $(cat pid); wait $asked; echo "exit $?"; tail -c 200 log; ls -A /etc/sysctl.d`,
    } satisfies Asked);
    expect(text).toContain('Stopped by SIGTERM: nothing was touched.');
    expect(text).toMatch(/^exit 1\n/);
    expect(text).not.toMatch(/^node-prep.conf$/m);
  });
});
