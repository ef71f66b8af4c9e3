import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { holdLock, treeLock } from '../../src/connectors/lock.ts';
import { because } from '../needs.ts';
import { treeWith } from '../unit/trees.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './script-host.ts';

const program = resolve(import.meta.dirname, 'script-host.ts');
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const whyNot = whyNotApart('flock', 'sysctl');

const config = 'profiles: {}\nsysctl: { net.ipv4.ip_forward: 1 }\n';
const apply = 'np apply --yes -q -c config.yaml';

const onHost = (script: string, programs: { readonly [name: string]: string } = {}): Promise<Answer> =>
  runApart(program, { config, script, programs } satisfies Asked);

/** A sysctl that lets the first apply stand still in its last step. */
const still = { sysctl: '[ -e /mnt/begun ] && exec /sbin/sysctl "$@"; : > /mnt/begun; sleep 30' };

describe.skipIf(whyNot !== false)(because('the lock of a host', whyNot), { timeout: 120_000 }, () => {
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

  test('who holds it without a word in the file, as where /run is full, is found out all the same', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; : > /run/node-prep.lock; (${apply}); echo "pid $first"; kill -9 $first`,
      still,
    );
    const pid = /\npid (\d+)/.exec(text)?.[1];
    expect(text).toMatch(
      new RegExp(`at work on this host: .*node-prep\\.cjs apply --yes -q -c config\\.yaml \\(pid ${pid}, since \\d{4}-.*Z\\)`),
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

  test('goes with a process that is killed; what that process had begun holds the host until it has ended', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; kill -9 $first; wait $first 2> /dev/null; (${apply}); echo "exit $?"
      kill -9 $(pgrep -x sleep); (${apply} --lock-timeout 1m); echo "exit $?"`,
      still,
    );
    expect(text).not.toContain('Another node-prep');
    expect(text).toMatch(/This host is still being changed: \S+ \/mnt\/bin\/sysctl --system \(pid \d+\) of run 1[^]*\nexit 1\n/);
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

  test('a link in the place of its file is not followed, and what it leads to stays as it is', async () => {
    const { text } = await onHost(
      `stat -c '%a %U %s %y' /etc/passwd > was; md5sum /etc/passwd >> was; ln -s /etc/passwd /run/node-prep.lock
      (${apply}); echo "exit $?"; stat -c '%a %U %s %y' /etc/passwd > is; md5sum /etc/passwd >> is; cmp was is && echo same
      ls /etc/sysctl.d 2>&1`,
    );
    expect(text).toMatch(/Cannot take the lock .*link[^]*exit 1\nsame\n.*(cannot access|No such)/);
  });

  test('is waited for as long as --lock-timeout says, and not longer', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; SECONDS=0; (${apply} --lock-timeout 2s); echo "exit $? after $SECONDS"; kill -9 $first`,
      still,
    );
    expect(text).toMatch(/another node-prep is at work on this host: node-prep apply .*; waiting up to 2 s\./);
    expect(text).toMatch(/It did not end within 2 s\. Nothing was touched\.[^]*exit 1 after [2-9]/);
  });

  test('a signal ends the waiting, with nothing touched', async () => {
    const { text } = await onHost(
      `(${apply}) & first=$!; waits begun; (${apply} --lock-timeout 1m) 2> said & second=$!; until grep -qs waiting said; do sleep 0.1; done; kill -TERM $second; wait $second; status=$?; cat said; echo "exit $status"; kill -9 $first`,
      still,
    );
    expect(text).toMatch(/Stopped by SIGTERM while another node-prep was waited for\. Nothing was touched\.\nexit 1\n$/);
  });
});

describe('the lock of the tree of an image', { timeout: 120_000 }, () => {
  test.skipIf(whyNot !== false)(
    because('is held by the command that a killed node-prep left at work in it, until that ends', whyNot),
    async () => {
      const { root, end } = treeWith({}, { shell: true });
      const source = (name: string): string => resolve(import.meta.dirname, `../../src/connectors/${name}.ts`);
      const script = `const { holdLock, heldLock, treeLock } = await import(${JSON.stringify(source('lock'))});
        const { runInTree } = await import(${JSON.stringify(source('tree'))});
        const lock = treeLock(process.argv[1]);
        await holdLock('first', undefined, lock);
        await runInTree(process.argv[1], ['sh', '-c', ': > /tmp/begun; until [ -e /tmp/go ]; do :; done'], undefined, heldLock(lock));`;
      const node = spawn(process.execPath, ['--input-type=module', '-e', script, root], { stdio: 'inherit' });
      await expect.poll(() => existsSync(join(root, 'tmp/begun')), { timeout: 15_000 }).toBe(true);
      node.kill('SIGKILL');
      await once(node, 'exit');
      await expect(holdLock('second', undefined, treeLock(root))).rejects.toThrow(
        /Another node-prep is at work on this image: unshare/,
      );
      writeFileSync(join(root, 'tmp/go'), '');
      const { release } = await holdLock('second', { timeout: 15, waiting: () => undefined }, treeLock(root));
      await release();
      end();
    },
  );

  test.skipIf(whyNot !== false)(because('is its folder, by whatever name; who holds it is found out', whyNot), async () => {
    const { root, end } = treeWith({ '/etc/os-release': 'ID=debian\n' });
    const holder = spawn('flock', [root, 'sleep', '60']);
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
    expect(seen).toMatch(new RegExp(`at work on this image: flock .*sleep 60 \\(pid ${holder.pid}, since \\d{4}-.*Z\\)`));
  });
});
