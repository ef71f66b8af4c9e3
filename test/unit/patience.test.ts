import { afterEach, expect, test, vi } from 'vitest';
import { here } from '../../src/hosts/place.ts';
import { inOrder } from '../../src/hosts/steps.ts';
import type { Action } from '../../src/model.ts';

afterEach(() => vi.restoreAllMocks());

test("another's lock is waited for as long as was said, although the clock of a first boot is set in the meantime", async () => {
  const real = Date.now;
  let tries = 0;
  const run = async () => {
    // What NTP does to a machine without a clock of its own.
    vi.spyOn(Date, 'now').mockImplementation(() => real() + 3_600_000);
    return tries++ === 0 ? { exitCode: 100, output: 'E: Could not get lock' } : { exitCode: 0, output: '' };
  };
  const patience = { says: 'Could not get lock', seconds: 30 };
  const install: Action = { do: 'run', argv: ['apt-get', 'install', 'socat'], why: 'install socat', patience, for: [] };
  for await (const { status } of inOrder([install], here, { run })) expect(status).toBe('done');
  expect(tries).toBe(2);
});
