import { spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because, has } from '../needs.ts';
import { treeWith } from '../unit/trees.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const whyNot = has('flock') && has('sysctl') ? whyNotApart() : 'there is no flock or no sysctl here';

const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n';
const apply = 'np apply --yes -q -c config.yaml';

const onHost = (script: string, programs: { readonly [name: string]: string } = {}): Promise<Answer> =>
  runApart(program, { config, script, programs } satisfies Asked);

/** A sysctl that lets the first apply stand still in its last step. */
const still = { sysctl: '[ -e /mnt/begun ] && exec /sbin/sysctl "$@"; : > /mnt/begun; sleep 30' };

describe.skipIf(whyNot !== false)(because('the lock of a host', whyNot), () => {
  test('who comes second is told who is at work: command, pid and since when; and nothing is touched', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; (${apply} --partial); echo "exit $? pid $first"; kill -9 $first`,
      still,
    );
    const pid = /exit 1 pid (\d+)/.exec(text)?.[1];
    expect(text).toMatch(
      new RegExp(
        `node-prep: Another node-prep is at work on this host: node-prep apply --yes -q -c config.yaml \\(pid ${pid}, since \\d{4}-.*Z\\)\\. Nothing was touched\\.\n  Wait for it to end, or have that done: --lock-timeout 10m\\.`,
      ),
    );
  });

  test('escapes on the command line of the holder are not shown to a terminal', async () => {
    const { text } = await onHost(
      `cp config.yaml $'a\\e[2Jb'; (np apply --yes -q -c $'a\\e[2Jb') & first=$!; waits begun; (${apply}); kill -9 $first`,
      still,
    );
    expect(text).toMatch(/at work on this host: node-prep apply --yes -q -c a\?\[2Jb \(pid/);
    expect(text).not.toContain('\u001b');
  });

  test.each(['kill -9 $first', 'kill -9 $first $(pgrep -x sleep)'])('goes with a process that is killed: %s', async (kill) => {
    const { text } = await onHost(`(${apply}) & first=$!; waits begun; ${kill}; wait $first; (${apply}); echo "exit $?"`, still);
    expect(text).toMatch(/local: converged.*\nexit 0\n$/);
  });

  test('is not taken over by the flock of a process that was killed while it took it', async () => {
    const { text } = await onHost(`(${apply}) & first=$!; waits taking; kill -9 $first; sleep 1.5; (${apply}); echo "exit $?"`, {
      flock: '[ -e /mnt/taking ] || { : > /mnt/taking; sleep 1; }; exec /usr/bin/flock "$@"',
    });
    expect(text).toMatch(/exit 0\n$/);
  });

  test('cannot be had where flock is killed: that is said, and nothing is touched', async () => {
    const { text } = await onHost(`(${apply}); echo "exit $?"; ls /etc/sysctl.d 2>&1`, { flock: 'kill -9 $$' });
    expect(text).toMatch(/Cannot take the lock \/run\/node-prep\.lock: SIGKILL\.[^]*exit 1\n.*(cannot access|No such)/);
  });

  test.each([
    ['a process that is long gone', '{"pid":999999,"command":"node-prep apply","since":"2020-01-01T00:00:00.000Z"}'],
    ['what is no text of ours', '\\x00\\xff{"pid":1'],
    ['nothing', ''],
  ])('is free where the file speaks of %s', async (_what, stale) => {
    const { text } = await onHost(
      `printf '${stale}' > /run/node-prep.lock; (${apply}); echo "exit $?"; stat -c %a:%s /run/node-prep.lock`,
    );
    expect(text).toMatch(/exit 0\n600:0\n$/);
  });

  test('a link in the place of its file is not followed', async () => {
    const { text } = await onHost(
      `ln -s /etc/passwd /run/node-prep.lock; (${apply}); echo "exit $?"; md5sum < /etc/passwd; md5sum < /etc/passwd-`,
    );
    expect(text).toMatch(/Cannot take the lock .*link[^]*exit 1/);
  });

  test('is waited for as long as --lock-timeout says, and not longer', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; SECONDS=0; (${apply} --lock-timeout 2s); echo "exit $? after $SECONDS"; kill -9 $first`,
      still,
    );
    expect(text).toMatch(/another node-prep is at work on this host: node-prep apply .*; waiting up to 2 s\./);
    expect(text).toMatch(/It did not end within 2 s\. Nothing was touched\.[^]*exit 1 after [23]/);
  });

  test('a signal ends the waiting, with nothing touched', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; (${apply} --lock-timeout 1m) & second=$!; sleep 1; kill -TERM $second; wait $second; echo "exit $?"; kill -9 $first`,
      still,
    );
    expect(text).toMatch(/Stopped by SIGTERM while another node-prep was waited for\. Nothing was touched\.\nexit 1\n$/);
  });

  test.each(['soon', '-1', '5 m', '1.5h', '25h', ''])('--lock-timeout %j is refused in words', async (duration) => {
    const { text } = await onHost(`(${apply} --lock-timeout='${duration}'); echo "exit $?"`);
    expect(text).toMatch(/--lock-timeout .*no duration[^]*exit 1\n$/);
  });
});

describe('the lock of the tree of an image', () => {
  test.skipIf(whyNot !== false)(because('is its folder, by whatever name; who holds it is found out', whyNot), async () => {
    const { root, end } = treeWith({ '/etc/os-release': 'ID=debian\n' });
    const holder = spawn('flock', [root, 'sleep', '20']);
    await new Promise((wait) => setTimeout(wait, 300));
    const { text } = await onHost(`ln -s ${root} tree; (np apply --yes -q --root tree); echo "exit $?"`);
    const { text: seen } = await new Promise<{ text: string }>((done) => {
      const child = spawn(process.execPath, [bundle, 'apply', '--yes', '-q', '--root', root]);
      let said = '';
      child.stderr.on('data', (part: Buffer) => (said += part.toString()));
      child.once('close', () => done({ text: said }));
    });
    holder.kill();
    end();
    // From another process namespace the holder cannot be seen.
    expect(text).toMatch(/Another node-prep is at work on this image\. Nothing was touched\.[^]*exit 1/);
    expect(seen).toMatch(new RegExp(`at work on this image: flock .*sleep 20 \\(pid ${holder.pid}, since \\d{4}-.*Z\\)`));
  });
});
