import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/connectors/local.ts';
import { isFull } from '../needs.ts';

const MiB = 1024 * 1024;

describe('a command that changes a host', () => {
  test('is told by its exit code and by the end of what it printed, on both streams', async () => {
    expect(await run(['sh', '-c', 'echo one; echo two >&2; exit 3'])).toEqual({ exitCode: 3, output: 'one\ntwo\n' });
    expect((await run(['sh', '-c', 'seq 100000'])).output).toMatch(/^\d*\n[^]*\n100000\n$/);
    expect((await run(['sh', '-c', 'seq 100000'])).output.length).toBe(8192);
  });

  test('that is not there has exit code 127, and one that was killed fails with a word on that', async () => {
    expect((await run(['no-such-command'])).exitCode).toBe(127);
    expect(await run(['sh', '-c', 'kill -9 $$'])).toEqual({ exitCode: 1, output: expect.stringContaining('SIGKILL') });
  });

  test('may print what is no text: NUL stays for the view to replace, a byte that is no UTF-8 is U+FFFD', async () => {
    expect((await run(['printf', 'a\\000b\\377c\\n'])).output).toBe('a\0b\ufffdc\n');
    // Cut in the middle of a character, what is kept begins with the next one.
    expect((await run(['sh', '-c', "printf xx; yes ä | head -c 30000 | tr -d '\\n'"])).output).toMatch(/^ä+$/);
  });

  const size = isFull ? 2048 : 256;
  test(`may print ${size} MiB, and memory does not grow with it`, { timeout: 120_000 }, async () => {
    const before = process.memoryUsage().rss;
    let most = 0;
    const watch = setInterval(() => (most = Math.max(most, process.memoryUsage().rss - before)), 20);
    const { exitCode, output } = await run(['sh', '-c', `yes | head -c ${size * MiB}`]);
    clearInterval(watch);
    console.log(`output of a command: ${size} MiB printed, memory grew by ${Math.round(most / MiB)} MiB`);
    expect([exitCode, output.length]).toEqual([0, 8192]);
    expect(most).toBeLessThan(150 * MiB);
  });

  test(
    'is over when it ends, although a service that it left running prints on, which harms that neither',
    { timeout: 30_000 },
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'node-prep-run-'));
      const service = `(sleep 7; echo more && seq 100000 && : > '${folder}/ended') &`;
      expect(await run(['sh', '-c', `echo done; ${service} exit 0`])).toEqual({ exitCode: 0, output: 'done\n' });
      expect(existsSync(join(folder, 'ended'))).toBe(false);
      await expect.poll(() => existsSync(join(folder, 'ended')), { timeout: 15_000 }).toBe(true);
      rmSync(folder, { recursive: true });
    },
  );

  test('may open its outputs by their names, as hooks and scripts of packages do', async () => {
    const script = 'echo one > /dev/stdout; echo two > /dev/stderr; echo three >> /proc/self/fd/2';
    expect(await run(['sh', '-c', script])).toEqual({ exitCode: 0, output: 'one\ntwo\nthree\n' });
  });

  test('leads a group of its own, and its process is told when it starts', async () => {
    const pids: number[] = [];
    const { output } = await run(['sh', '-c', 'echo $$; ps -o pgid= -p $$ 2>/dev/null || cut -d" " -f5 /proc/$$/stat'], (pid) =>
      pids.push(pid),
    );
    expect(output.trim().split(/\s+/)).toEqual([String(pids[0]), String(pids[0])]);
  });

  test('comes to its end although node-prep is killed: what it prints after that goes nowhere, and harms nothing', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'node-prep-run-'));
    const command = `: > begun; until [ -e go ]; do sleep 0.05; done; echo one && echo two >&2 && seq 200000 && : > ended`;
    const script = `const { run } = await import(process.argv[1]); await run(['sh', '-c', process.argv[2]]);`;
    const file = resolve(import.meta.dirname, '../../src/connectors/local.ts');
    const node = spawn(process.execPath, ['--input-type=module', '-e', script, file, command], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    // Killed before that, it would never begin.
    await expect.poll(() => existsSync(join(folder, 'begun')), { timeout: 15_000 }).toBe(true);
    node.kill('SIGKILL');
    await once(node, 'exit');
    writeFileSync(join(folder, 'go'), '');
    await expect.poll(() => existsSync(join(folder, 'ended')), { timeout: 15_000 }).toBe(true);
    rmSync(folder, { recursive: true });
  }, 45_000);
});
