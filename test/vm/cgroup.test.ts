import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/model.ts';
import { prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const v1 = 'systemd.unified_cgroup_hierarchy=0 SYSTEMD_CGROUP_ENABLE_LEGACY_FORCE=1';
const allowed = '--allow-reboot-changes';

/** QEMU starts the kernel here, so the arguments of GRUB's menu are handed to it, as GRUB would. */
const asGrub = (args: string): string => `BOOT_IMAGE=/boot/vmlinuz ${args}`;

describe('a Debian 12 machine on cgroup version 1, with swap from four sources', () => {
  let host: Prepared;
  let before: readonly Finding[];
  const find = (findings: readonly Finding[], id: string): Finding | undefined => findings.find((f) => f.id === id);

  beforeAll(async () => {
    host = await prepare('bookworm', 'cgroup');
    await host.machine.sh('apt-get -q -y --no-install-recommends install grub2-common >/dev/null 2>&1');
    await host.machine.sh(
      `printf 'GRUB_DEFAULT=0\\nGRUB_CMDLINE_LINUX_DEFAULT=quiet\\nGRUB_CMDLINE_LINUX="${v1} cgroup_disable=memory"\\n' > /etc/default/grub; mkdir -p /boot/grub; update-grub 2>&1`,
    );
    await host.machine.sh(`mkdir '/srv/my swap'
for f in /swap1 /swap2 /swap3 '/srv/my swap/f'; do fallocate -l 8M "$f"; chmod 600 "$f"; mkswap -q "$f"; done
printf '/swap1 none swap sw,nofail 0 0\\n/srv/my\\\\040swap/f none swap sw 0 0\\n' >> /etc/fstab
printf '[Swap]\\nWhat=/swap2\\n[Install]\\nWantedBy=swap.target\\n' > /etc/systemd/system/swap2.swap
printf '[Swap]\\nWhat=/swap3\\n[Install]\\nWantedBy=swap.target\\n' > /usr/lib/systemd/system/swap3.swap
systemctl -q daemon-reload; systemctl -q enable swap2.swap swap3.swap`);
    await host.machine.reboot({ append: asGrub(`${v1} cgroup_disable=memory`) });
    before = (await host.plan(allowed)).findings;
  });
  afterAll(async () => host?.machine.stop());

  const swapsOn = async (): Promise<string[]> => (await host.machine.sh('cat /proc/swaps')).trim().split('\n').slice(1);

  test('is read as it is: all swap is on, and the line of the menu that decides is named', async () => {
    expect(await swapsOn()).toHaveLength(4);
    expect(find(before, 'swap/off')).toMatchObject({ verdict: 'change', after: { have: 'off' } });
    expect(find(before, 'cgroup/v2')).toMatchObject({
      verdict: 'change',
      now: { have: 'tmpfs' },
      boot: { have: 'tmpfs', from: expect.stringMatching(/^\/boot\/grub\/grub\.cfg:\d+: systemd\.unified/) },
      after: { have: 'cgroup2fs' },
    });
  });

  test('after apply it needs a reboot and says so; swap is off at once', async () => {
    const applied = await host.nodePrep('apply', '--yes', allowed);
    expect(applied).toMatchObject({ status: 3, stderr: '', stdout: expect.stringContaining('cgroup/v2') });
    expect(await swapsOn()).toEqual([]);
    const plan = await host.plan(allowed);
    expect(plan.actions).toEqual([]);
    expect(find(plan.findings, 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      boot: find(before, 'cgroup/v2')?.after,
      remedy: expect.stringContaining('Reboot'),
    });
  });

  test('what was foreseen is what the next boot brings: version 2 with the memory controller, and no swap', async () => {
    const menu = await host.machine.sh(`sed -n 's/^.linux.[^ ]* root=[^ ]* ro //p' /boot/grub/grub.cfg`);
    await host.machine.reboot({ append: asGrub(menu.split('\n')[0] ?? '') });
    expect((await host.machine.sh('stat -fc %T /sys/fs/cgroup')).trim()).toBe('cgroup2fs');
    expect(await host.machine.sh('cat /sys/fs/cgroup/cgroup.controllers')).toContain('memory');
    expect(await swapsOn()).toEqual([]);
    expect((await host.nodePrep('verify', allowed)).status).toBe(0);
  });
});
