import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { has, withReason } from '../needs.ts';
import { treeWith } from './trees.ts';

const lock = resolve(import.meta.dirname, '../../src/connectors/lock.ts');

test.skipIf(!has('flock'))(
  withReason('the lock is taken with the flock of the system, although PATH says to look in the current folder first', 'flock'),
  () => {
    const { root, end } = treeWith({ '/etc/issue': '' });
    writeFileSync(join(root, 'flock'), '#!/bin/sh\n: > executed\n');
    chmodSync(join(root, 'flock'), 0o755);
    const script = `const { holdLock, treeLock } = await import(process.argv[1]);
      await (await holdLock('test', undefined, treeLock(process.argv[2]))).release();`;
    const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script, lock, root], {
      encoding: 'utf8',
      cwd: root,
      env: { PATH: `:${process.env['PATH'] ?? ''}` },
    });
    const executed = existsSync(join(root, 'executed'));
    end();
    expect([status, stderr, executed]).toEqual([0, '', false]);
  },
);
