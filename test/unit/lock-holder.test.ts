import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { holderOf } from '../../src/connectors/lock-holder.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-holder-'));
afterAll(() => rmSync(folder, { recursive: true }));

const noteOf = (pid: number): string =>
  `${JSON.stringify({ pid, command: 'node-prep apply', since: '2026-11-21T17:25:00.000Z' })}\n`;

/** Who is said to hold a lock of which somebody else is noted as the holder. */
const saidOf = async (note: string, isHeld: boolean): Promise<{ said: string; pid: number | undefined }> => {
  const path = join(folder, `lock-${isHeld}`);
  writeFileSync(path, note);
  const holder = spawn('flock', isHeld ? ['--no-fork', path, 'sleep', '30'] : ['--version'], { stdio: 'ignore' });
  await new Promise((resolve) => setTimeout(resolve, 300));
  try {
    return { said: await holderOf({ path, what: 'this host', note: true }), pid: holder.pid };
  } finally {
    holder.kill();
  }
};

test('the process that holds the lock is named, not a living one that a stale note is about', async () => {
  const { said, pid } = await saidOf(noteOf(process.ppid), true);
  expect(said).toContain(`(pid ${pid}, since `);
  expect(said).not.toContain('node-prep apply');
});

test('nobody is named where nobody is found to hold it', async () => {
  expect((await saidOf(noteOf(process.ppid), false)).said).toBe('');
});
