import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readAbout } from '../../scripts/package.d/about.ts';
import { makeDeb } from '../../scripts/package.d/deb.ts';
import { command, prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const textfile = '/var/lib/prometheus/node-exporter/node_prep.prom';

/** Each test builds on the one before. */
describe('a Debian 12 machine with the .deb', () => {
  let host: Prepared;
  const folder = mkdtempSync(join(tmpdir(), 'node-prep-deb-'));
  beforeAll(async () => {
    host = await prepare('bookworm', 'package');
    // Node is there already: unpacking another hundred megabytes takes an emulated machine a minute. test/package installs the real one.
    const executable = join(folder, 'node-prep');
    writeFileSync(executable, `#!/bin/sh\nexec ${command} "$@"\n`);
    const deb = makeDeb({ about: readAbout(), notices: '', executable, arch: 'x64', folder, compression: 'quick' });
    await host.machine.copy(deb, '/root/');
    await host.machine.sh(
      'find / -xdev | sort > /root/before; apt-get -y -q install --no-install-recommends /root/node-prep_*.deb',
    );
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await host?.machine.stop();
  });

  test('has units that systemd has nothing to say about, and that are off', async () => {
    // There is no man on this machine to find the page with.
    expect(await host.machine.sh('systemd-analyze verify --man=no node-prep-verify.service node-prep-verify.timer 2>&1')).toBe(
      '',
    );
    expect((await host.machine.exec(['systemctl', 'is-enabled', 'node-prep-verify.timer'])).stdout).toBe('disabled\n');
  });

  test('once the timer is enabled, gets its metrics, and a unit that fails while the host has drifted', async () => {
    await host.machine.sh(`systemctl enable --now node-prep-verify.timer; ${waitFor('failed')}`);
    expect(await host.machine.sh('systemctl --failed --no-legend --plain')).toMatch(/^node-prep-verify\.service/);
    const metrics = await host.machine.sh(`cat ${textfile}`);
    expect(metrics).toMatch(/^node_prep_converged 0$/m);
    expect(metrics).toMatch(/^node_prep_last_run_success 1$/m);
    expect(metrics).toMatch(/^node_prep_drift\{id="module\/br_netfilter",verdict="change"\} 1$/m);
  });

  test('is judged the same inside the unit, with all that is kept from it, as outside', async () => {
    // The unit's own file with another command, so that no line of it is lost on the way.
    await host.machine.sh(
      `sed 's,^ExecStart=.*,ExecStart=/usr/bin/node-prep verify --format json,; s,^Type=oneshot,&\\nStandardOutput=file:/tmp/inside,; s,^PrivateTmp=.*,,' /usr/lib/systemd/system/node-prep-verify.service > /run/systemd/system/inside.service; systemctl daemon-reload; systemctl start inside.service || :; systemctl reset-failed inside.service; rm /run/systemd/system/inside.service`,
    );
    expect((await host.nodePrep('verify', '--format', 'json')).stdout).toBe(await host.machine.sh('cat /tmp/inside'));
  });

  test('answers node-problem-detector as its configuration asks', async () => {
    const asked = JSON.parse(await host.machine.sh('cat /usr/share/node-prep/node-problem-detector.json')) as {
      rules: { path: string; args: string[] }[];
    };
    const [{ path, args } = { path: '', args: [] }] = asked.rules;
    const answer = await host.machine.exec([path, ...args]);
    expect(answer).toMatchObject({ status: 1, stdout: expect.stringMatching(/^drifted: .{1,71}\n$/) });
    expect(await host.machine.exec([path, ...args, '-c', '/none'])).toMatchObject({
      status: 2,
      stdout: 'unknown: Cannot read /none: ENOENT.\n',
    });
  });

  test('after apply and a reboot, the boot itself says that all is well', async () => {
    expect((await host.nodePrep('apply', '--yes', '-q')).status).toBe(0);
    // As the timer is, but sooner: the unit waits for a minute and a half.
    const sooner = '[Timer]\nOnBootSec=\nOnBootSec=5s\nRandomizedDelaySec=0\n';
    await host.machine.sh(
      `rm ${textfile}; systemctl reset-failed; d=/etc/systemd/system/node-prep-verify.timer.d; mkdir $d; cat >$d/site.conf`,
      { input: sooner },
    );
    await host.machine.reboot();
    await host.machine.sh(`for i in $(seq 300); do [ ! -e ${textfile} ] || exit 0; sleep 1; done; exit 1`);
    expect(await host.machine.sh(`cat ${textfile}`)).toMatch(/^node_prep_converged 1$/m);
    await host.machine.sh(waitFor('inactive'));
    expect(await host.machine.sh('systemctl --failed --no-legend')).toBe('');
    expect(await host.machine.exec(['node-prep', 'verify', '--problem-detector'])).toMatchObject({
      status: 0,
      stdout: 'converged: now and after a reboot\n',
    });
  });

  test('once it is purged, has nothing of it left but what apply did, and the journal that leads back from it', async () => {
    await host.machine.sh('rm -r /etc/systemd/system/node-prep-verify.timer.d; systemctl daemon-reload');
    const purged = await host.machine.exec(['apt-get', '-y', '-q', 'purge', 'node-prep']);
    expect(purged).toMatchObject({ status: 0, stderr: expect.not.stringContaining('warning') });
    const left = await host.machine.sh(
      "find / -xdev | sort > /root/after; comm -13 /root/before /root/after | grep -E 'node.prep|prometheus' | grep -v '^/\\(opt\\|tmp\\|var/log\\|root\\)/' || :",
    );
    expect(
      left
        .trim()
        .split('\n')
        .filter((path) => !path.startsWith('/var/lib/node-prep')),
    ).toEqual(['/etc/modules-load.d/node-prep.conf', '/etc/sysctl.d/node-prep.conf']);
    expect(await host.machine.sh('systemctl list-unit-files | grep -c node-prep || :; systemctl --failed --no-legend')).toBe(
      '0\n',
    );
  });
});

/** Until the check that the timer started has come to that state. */
const waitFor = (state: string): string =>
  `for i in $(seq 180); do [ "$(systemctl is-active node-prep-verify.service)" != ${state} ] || exit 0; sleep 1; done; exit 1`;
