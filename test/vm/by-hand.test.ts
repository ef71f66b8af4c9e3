import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Result } from './machine.ts';
import { command, prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

/** Lines of ASCII: no escape sequence, no sign that a locale without UTF-8 does not have. */
const plain = /^[\n -~]+$/;

describe('a Debian 12 machine that somebody works on by SSH, without a terminal', () => {
  let host: Prepared;
  let usual: string;
  /** In a shell, with everything that `circumstances` says before it calls "$@". */
  const within = (circumstances: string, ...words: readonly string[]): Promise<Result> =>
    host.machine.exec(['sh', '-c', circumstances, command, ...words]);

  beforeAll(async () => {
    host = await prepare('bookworm', 'by-hand');
    await host.machine.sh('useradd -m -p "*" somebody; chmod 555 /home/somebody; chmod 755 /opt');
    usual = (await host.nodePrep('plan')).stdout;
  });
  afterAll(async () => host?.machine.stop());

  test('plans the same for a user without rights, environment, input or a folder to stand in', async () => {
    const bare = await within(
      'umask 077; mkdir /gone; cd /gone; rmdir /gone; exec <&-; exec setpriv --reuid=somebody --regid=somebody --clear-groups env -i "$0" "$@"',
      'plan',
    );
    expect(bare).toEqual({ status: 0, stdout: usual, stderr: '' });
    expect(usual).toMatch(plain);
  });

  test('plans the same with a full, read-only /tmp from which nothing can be run, and an empty PATH', async () => {
    const tmp = `mount -t tmpfs -o size=4k,noexec tmpfs /tmp; head -c 4096 /dev/zero >/tmp/full; mount -o remount,ro /tmp`;
    const planned = await within(
      `${tmp}; env -i PATH= HOME=/home/somebody TERM=dumb "$0" "$@"; s=$?; umount /tmp; exit $s`,
      'plan',
    );
    expect(planned).toEqual({ status: 0, stdout: usual, stderr: '' });
  });

  test('prints ASCII where the locale has nothing else, whatever the configuration says', async () => {
    const reason = 'später — not now';
    const waived = (locale: string) =>
      within(`env -i TERM=xterm LC_ALL=${locale} "$0" "$@"`, 'plan', '--waive', `package/socat=${reason}`);
    const [posix, utf8] = [await waived('POSIX'), await waived('C.UTF-8')];
    expect(posix).toMatchObject({ status: 0, stdout: expect.stringMatching(plain), stderr: '' });
    expect(posix.stdout).toContain('sp?ter ? not now');
    expect(utf8.stdout).toContain(reason);
  });

  test('explains itself in a folder that is gone', async () => {
    const help = await within('mkdir /gone; cd /gone; rmdir /gone; exec env -i "$0" "$@"', '--help');
    expect(help).toMatchObject({ status: 0, stdout: expect.stringMatching(plain), stderr: '' });
    expect(await within('cd /; exec env -i "$0" "$@" <&-', 'apply')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('Nobody can be asked'),
    });
  });

  const bySomebody = 'exec setpriv --reuid=somebody --regid=somebody --clear-groups "$0" "$@"';

  test('says what an ordinary user could not read', async () => {
    await host.machine.sh(
      'echo net.ipv4.ip_forward=0 >/etc/sysctl.d/zz.conf; chmod 600 /etc/sysctl.d/zz.conf; mkdir -m 700 /boot/efi',
    );
    const planned = await within(bySomebody, 'plan');
    expect(planned.stdout.replaceAll('\n', ' ')).toMatch(
      /Not read, for want of rights: \/boot\/efi \([^)]*\), \/etc\/sysctl\.d\/zz\.conf \([^)]*\)\. What they say is not judged: run it with sudo/,
    );
    expect((await within(bySomebody, 'verify')).stdout).toMatch(
      /; not read, for want of rights: \/boot\/efi, \/etc\/sysctl\.d\/zz\.conf\n$/,
    );
    expect((await host.nodePrep('plan')).stdout).not.toContain('Not read');
    await host.machine.sh('rm -r /etc/sysctl.d/zz.conf /boot/efi');
  });

  test('saves the plan of an ordinary user, and refuses it while anything is not as it was', async () => {
    const saved = await within(bySomebody, 'plan', '--quiet', '--out', '/var/tmp/p.plan');
    expect(saved).toMatchObject({ status: 0, stderr: expect.stringContaining('sudo node-prep apply /var/tmp/p.plan') });
    expect(await within(bySomebody, 'apply', '--yes', '/var/tmp/p.plan')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('sudo node-prep apply --yes /var/tmp/p.plan'),
    });
    await host.machine.sh('sysctl -qw net.ipv4.ip_forward=1; echo >/etc/sysctl.d/zz.conf; modprobe dummy');
    const refused = await host.nodePrep('apply', '--yes', '/var/tmp/p.plan');
    expect(refused).toMatchObject({ status: 1, stdout: '' });
    expect(refused.stderr).toContain('made:\n  /etc/sysctl.d/zz.conf is new\n  net.ipv4.ip_forward: was 0, is 1\n  Plan again: ');
    await host.machine.sh('sysctl -qw net.ipv4.ip_forward=0; rm /etc/sysctl.d/zz.conf');
  });

  test('applies that in all of this, and what it writes can be read by everybody', async () => {
    const applied = await within(
      'umask 077; mount -t tmpfs -o noexec tmpfs /tmp; mkdir /gone; cd /gone; rmdir /gone; env -i "$0" "$@" <&-',
      'apply',
      '/var/tmp/p.plan',
      '--yes',
      '--quiet',
    );
    expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('local: converged') });
    expect(applied.stdout + applied.stderr).toMatch(plain);
    expect(await host.machine.sh('stat -c %a /etc/modules-load.d/node-prep.conf /etc/sysctl.d/node-prep.conf')).toBe(
      '644\n644\n',
    );
    const again = await host.nodePrep('apply', '--yes', '/var/tmp/p.plan');
    expect(again).toMatchObject({ status: 1, stderr: expect.stringContaining('p.plan was applied already, it seems') });
  });
});
