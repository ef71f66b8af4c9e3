import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { inFull, isFull } from '../needs.ts';
import { prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';
import type { Suite } from './machine.ts';

/** What a person does with a fresh machine, from the first plan to the repair after a reboot. Each test builds on the one before. */
export const scenario = (suite: Suite, profiles: readonly string[]): void => {
  describe(`a fresh Debian ${suite} machine`, () => {
    let host: Prepared;
    beforeAll(async () => void (host = await prepare(suite, 'scenario')));
    afterAll(async () => host?.machine.stop());

    test('has no Node.js, and the copied file runs', async () => {
      expect(
        await host.machine.sh("find / -xdev ! -path '/proc/*' \\( -name node -o -name nodejs -o -name 'libnode*' \\) ! -type d"),
      ).toBe('');
      expect(await host.nodePrep('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    });

    test('plan shows what is missing, and changes nothing', async () => {
      await host.machine.sh('touch /tmp/before');
      const { status, stdout } = await host.nodePrep('plan', '--detailed-exitcode', ...profiles);
      expect(status).toBe(2);
      expect(stdout).toContain('br_netfilter');
      expect(stdout).toMatch(/ok, \d+ to change\b/);
      expect(stdout).not.toContain('blocked');
      expect(await changedSince(host, '/tmp/before')).toBe('');
    });

    test('verify says that the host has drifted', async () => {
      expect((await host.nodePrep('verify', ...profiles)).status).toBe(2);
    });

    test('apply makes it ready, and verify agrees', async () => {
      const applied = await host.nodePrep('apply', '--yes', ...profiles);
      expect(applied.stderr).not.toContain('failed');
      expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('local: converged') });
      expect(await host.nodePrep('verify', ...profiles)).toMatchObject({ status: 0 });
      await expectAsWritten(host);
    });

    test('a second apply runs nothing and touches no file', async () => {
      await host.machine.sh('sync; touch /tmp/before; sleep 1');
      const again = await host.nodePrep('apply', '--yes', '--format', 'json', ...profiles);
      expect(again.status).toBe(0);
      expect(JSON.parse(again.stdout)).toMatchObject({ outcomes: [{ status: 'applied', steps: [], plan: { actions: [] } }] });
      expect(await changedSince(host, '/tmp/before')).toBe('');
    });

    test('after a reboot it is still ready, and no unit has failed', async () => {
      await host.machine.reboot();
      expect(await host.nodePrep('verify', ...profiles)).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('converged'),
      });
      await expectAsWritten(host);
      expect(await host.machine.sh('systemctl --failed --no-legend --plain')).toBe('');
      expect(await host.machine.sh('journalctl -b -u systemd-modules-load --no-pager')).not.toMatch(
        /Failed to (find|insert) module/,
      );
    });

    // The same on all three.
    const isRepeated = suite !== 'bookworm' && !isFull;
    const broken = 'what was broken by hand is named by verify and mended by apply';
    test.skipIf(isRepeated)(isRepeated ? inFull(broken) : broken, async () => {
      await host.machine.sh("sysctl -qw net.ipv4.ip_forward=0; sed -i '/^br_netfilter$/d' /etc/modules-load.d/node-prep.conf");
      const seen = await host.nodePrep('verify', ...profiles);
      expect(seen.status).toBe(2);
      // The keys that come with the module are there now, and will be too late at boot.
      expect(seen.stdout).toMatch(/to change: module\/br_netfilter, sysctl\/net\.bridge\.\S+, .*sysctl\/net\.ipv4\.ip_forward/);
      expect((await host.nodePrep('apply', '--yes', ...profiles)).status).toBe(0);
      expect((await host.nodePrep('verify', ...profiles)).status).toBe(0);
      await expectAsWritten(host);
    });
  });
};

/** Asks the kernel itself: every module and every key of our files is there, with the value that is written. */
const expectAsWritten = async ({ machine }: Prepared): Promise<void> => {
  const own = (await machine.sh('cat /etc/modules-load.d/node-prep.conf'))
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const loaded = new Set((await machine.sh('cat /proc/modules')).split('\n').map((line) => line.split(' ')[0]));
  expect(own.length).toBeGreaterThan(5);
  expect(own.filter((name) => !loaded.has(name))).toEqual([]);
  const settings = (await machine.sh('cat /etc/sysctl.d/node-prep.conf')).split('\n').filter((line) => / = /.test(line));
  expect(settings.length).toBeGreaterThan(0);
  const keys = settings.map((line) => line.split(' = ')[0] ?? '');
  expect((await machine.sh(`sysctl ${keys.join(' ')}`)).trim().split('\n')).toEqual(settings);
};

/** Files that were written or made since, where node-prep and package managers write. */
const changedSince = ({ machine }: Prepared, marker: string): Promise<string> =>
  machine.sh(
    `find /etc /usr /boot /lib /opt /root /var/lib /var/cache -newer ${marker} ! -path '/var/lib/systemd/*' ! -path '/var/lib/private/*' 2>/dev/null || :`,
  );
