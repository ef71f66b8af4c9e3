import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { menuText } from '../../src/hosts/memory-grub.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import { isConverged } from '../../src/plan.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { allowing, applyTo, commandsOf, debianWith, desiredOf, findingOf, linesOf, written } from '../unit/support.ts';

const refused = { kind: 'cgroup', v1: 'blocked' } as const;
const v1 = 'systemd.unified_cgroup_hierarchy=0';
const v2 = 'systemd.unified_cgroup_hierarchy=1';

type Files = { readonly [path: string]: MemoryFile };

/** A Debian whose GRUB menu and running kernel have these arguments. */
const grub = (args: string, now = args): Files => ({
  '/etc/default/grub': `GRUB_DEFAULT=0\nGRUB_CMDLINE_LINUX_DEFAULT="quiet"\nGRUB_CMDLINE_LINUX="${args}"\n`,
  '/boot/grub/grub.cfg': menuText(`${args} quiet`.trim()),
  '/usr/sbin/update-grub': '#!/bin/sh\n',
  '/proc/cmdline': `BOOT_IMAGE=/boot/vmlinuz root=UUID=1 ro ${now} quiet\n`,
});
const onV1 = { cgroup: 'tmpfs' } as const;

const rocky = (args: string, files: Files = {}): MemoryHost =>
  hostFrom({
    ...(hosts['rocky-9'] as Recipe),
    ...onV1,
    files: {
      '/usr/sbin/grubby': 'ELF',
      '/proc/cmdline': `BOOT_IMAGE=(hd0)/vmlinuz ro ${args}\n`,
      '/boot/loader/entries/abc-5.14.0.conf': `title Rocky\noptions root=UUID=1 ro ${args}\n`,
      ...files,
    },
  });

describe('hostile hosts: control groups', () => {
  test('version 1 by GRUB on Debian: one own file and update-grub, a reboot is asked for in words, and then all is well', async () => {
    const host = debianWith(grub(v1), onV1);
    const desired = allowing(desiredOf(refused));
    const { before, after, steps } = await applyTo(host, desired);
    expect(findingOf(before, 'cgroup/v2')).toMatchObject({
      verdict: 'change',
      now: { have: 'tmpfs', from: `/proc/cmdline: ${v1}` },
      boot: { ok: false, have: 'tmpfs', from: `/boot/grub/grub.cfg:3: ${v1}` },
      after: { ok: true, have: 'cgroup2fs' },
    });
    expect(linesOf(written(before, '/etc/default/grub.d/node-prep.cfg'))).toEqual([
      `GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ${v2}"`,
    ]);
    expect(commandsOf(before)).toEqual(['update-grub']);
    expect(before.actions.at(-1)).toMatchObject({ why: expect.stringContaining('needs a reboot') });
    expect(steps.every((s) => s.status === 'done')).toBe(true);
    expect(findingOf(after, 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('the next boot brings version 2'),
      remedy: 'Reboot this host: nothing else is left to do.',
    });
    expect(after.actions).toEqual([]);
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  test('version 1 by grubby on Rocky Linux: the argument is replaced in every entry', async () => {
    const host = rocky(v1);
    const desired = allowing(desiredOf(refused));
    const { before } = await applyTo(host, desired);
    expect(commandsOf(before)).toEqual([`grubby --update-kernel=ALL --remove-args=${v1} --args=${v2}`]);
    expect(findingOf(before, 'cgroup/v2')).toMatchObject({
      boot: { from: `/boot/loader/entries/abc-5.14.0.conf:2: ${v1}` },
      after: { ok: true },
    });
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  test('version 1 on RHEL 8, whose entries take their arguments from grubenv; its kernel 4.18 can do version 2', async () => {
    const host = hostFrom({
      ...(hosts['rocky-9'] as Recipe),
      ...onV1,
      kernel: '4.18.0-553.el8_10.x86_64',
      files: {
        '/usr/sbin/grubby': 'ELF',
        '/proc/cmdline': 'BOOT_IMAGE=(hd0)/vmlinuz root=UUID=1 ro quiet\n',
        '/usr/lib/systemd/libsystemd-shared-239.so': 'ELF',
        '/boot/grub2/grubenv': `# GRUB Environment Block\nsaved_entry=abc-4.18.0\nkernelopts=root=UUID=1 ro ${v1}\n####`,
        '/boot/loader/entries/abc-4.18.0.conf': 'title Rocky\noptions $kernelopts $tuned_params\n',
        '/boot/loader/entries/abc-0-rescue.conf': 'title Rescue\noptions root=UUID=1 ro\n',
      },
    });
    expect(findingOf(await planHost(host, allowing(desiredOf(refused))), 'cgroup/v2')).toMatchObject({
      verdict: 'change',
      boot: { have: 'tmpfs', from: `/boot/loader/entries/abc-4.18.0.conf:2: ${v1}` },
      after: { ok: true },
    });
  });

  test('a controller that an argument keeps off is taken back without touching the file that names it', async () => {
    const args = 'cgroup_disable=memory,hugetlb';
    const host = debianWith({ ...grub(args), '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n' });
    const desired = allowing(desiredOf(refused));
    const { before } = await applyTo(host, desired);
    expect(findingOf(before, 'cgroup/v2')).toMatchObject({
      verdict: 'change',
      boot: { have: 'cgroup2fs without memory', from: `/boot/grub/grub.cfg:3: ${args}` },
      after: { ok: true },
    });
    expect(host.files.get('/etc/default/grub')).toContain(args);
    host.reboot();
    expect(host.files.get('/proc/cmdline')).toContain('cgroup_disable=hugetlb');
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  const blocked: readonly (readonly [
    sentence: string,
    host: () => MemoryHost,
    expected: { readonly reason: string; readonly remedy: string; readonly allow?: false },
  ])[] = [
    [
      'without --allow-reboot-changes the remedy names it',
      () => debianWith(grub(v1), onV1),
      { reason: 'this host runs cgroup version 1', remedy: '--allow-reboot-changes', allow: false },
    ],
    [
      'the menu was edited and the host not rebooted',
      () => debianWith(grub(v2, v1), onV1),
      { reason: 'the next boot brings version 2', remedy: 'Reboot this host' },
    ],
    [
      'a later file of grub.d puts the arguments anew',
      () =>
        debianWith(
          { ...grub(v1), '/etc/default/grub.d/zz-cloud.cfg': '# cloud\nGRUB_CMDLINE_LINUX_DEFAULT="console=ttyS0"\n' },
          onV1,
        ),
      { reason: '/etc/default/grub.d/zz-cloud.cfg:2', remedy: `Add ${v2} in /etc/default/grub.d/zz-cloud.cfg:2` },
    ],
    [
      'a Raspberry Pi has its arguments in one line of a file of the firmware',
      () =>
        debianWith({
          '/proc/cmdline': 'coherent_pool=1M cgroup_disable=memory console=tty1 rootwait\n',
          '/boot/firmware/cmdline.txt': 'console=tty1 rootwait\n',
          '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io pids\n',
        }),
      { reason: 'memory', remedy: 'Put cgroup_enable=memory at the end of the one line of /boot/firmware/cmdline.txt' },
    ],
    [
      'no boot loader that is known',
      () => debianWith({ '/proc/cmdline': `root=/dev/vda ${v1}\n` }, onV1),
      { reason: 'version 1', remedy: `take ${v1} away, add ${v2}` },
    ],
    [
      'GRUB is installed but did not start this kernel, so its menu says nothing about the next boot',
      () => debianWith({ ...grub(''), '/proc/cmdline': `root=/dev/vda ${v1}\n` }, onV1),
      { reason: 'version 1', remedy: "where this host's boot loader has it" },
    ],
    [
      'a kernel that is too old for version 2',
      () => hostFrom({ ...(hosts['debian-12'] as Recipe), ...onV1, kernel: '4.19.0-27-amd64', files: grub('') }),
      { reason: 'kernel 4.19.0-27-amd64 is older than 5.8', remedy: 'newer release' },
    ],
    [
      'a systemd that is too old for version 2',
      () => debianWith({ ...grub(v1), '/usr/lib/systemd/libsystemd-shared-219.so': 'ELF' }, onV1),
      { reason: 'systemd 219', remedy: 'newer release' },
    ],
    [
      'a controller that the kernel was built without: no argument brings it',
      () => debianWith({ ...grub(''), '/sys/fs/cgroup/cgroup.controllers': 'cpuset cpu io memory\n' }),
      { reason: 'pids', remedy: 'Boot a kernel that is built with these controllers' },
    ],
    [
      'a container',
      () => debianWith({ ...grub(v1), '/proc/self/status': 'Uid:\t0\t0\t0\t0\nCapEff:\t00000000a80425fb\n' }, onV1),
      { reason: 'this looks like a container', remedy: 'the machine that owns the kernel' },
    ],
    [
      'our own file in grub.d is a mask',
      () => debianWith({ ...grub(v1), '/etc/default/grub.d/node-prep.cfg': { link: '/dev/null' } }, onV1),
      { reason: '/etc/default/grub.d/node-prep.cfg is no regular file', remedy: '/etc/default/grub.d/node-prep.cfg' },
    ],
  ];
  test.each(blocked)('blocked, with a way out: %s', async (_sentence, host, { reason, remedy, allow }) => {
    const desired = desiredOf(refused);
    const plan = await planHost(host(), allow === false ? desired : allowing(desired));
    expect(findingOf(plan, 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining(reason),
      remedy: expect.stringContaining(remedy),
    });
    expect(plan.actions).toEqual([]);
  });

  test('version 2 now and version 1 at the next boot is no host that is ready: the line of the menu is named', async () => {
    const host = debianWith(grub(v1, ''));
    const desired = allowing(desiredOf(refused));
    const { before } = await applyTo(host, desired);
    expect(findingOf(before, 'cgroup/v2')).toMatchObject({
      verdict: 'change',
      now: { ok: true },
      boot: { ok: false, have: 'tmpfs', from: `/boot/grub/grub.cfg:3: ${v1}` },
    });
    expect(findingOf(await planHost(host, desired), 'cgroup/v2').verdict).toBe('ok');
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });

  const defaults: readonly (readonly [sentence: string, head: string, grubenv: string, have: string])[] = [
    ['the first entry', 'set default="0"', '', 'cgroup2fs'],
    ['an entry of the submenu by its place', 'set default="1>1"', '', 'tmpfs'],
    ['an entry by its id', 'set default="old-id"', '', 'tmpfs'],
    ['the entry that was saved', 'set default="${saved_entry}"', 'saved_entry=old-id\n', 'tmpfs'],
    ['the first one where nothing was saved', 'set default="${saved_entry}"', '', 'cgroup2fs'],
  ];
  test.each(defaults)('of several entries GRUB boots %s', async (_sentence, head, grubenv, have) => {
    const host = debianWith({
      '/boot/grub/grubenv': grubenv,
      '/boot/grub/grub.cfg': [
        'if [ "${next_entry}" ] ; then',
        '   set default="${next_entry}"',
        'else',
        `   ${head}`,
        'fi',
        'function load_video {',
        '  true',
        '}',
        "menuentry 'Linux' $menuentry_id_option 'new-id' {",
        `\tlinux\t/boot/vmlinuz ro ${v2}`,
        '}',
        "submenu 'More' $menuentry_id_option 'more' {",
        "\tmenuentry 'Linux, new' $menuentry_id_option 'new-2' {",
        `\t\tlinux\t/boot/vmlinuz ro ${v2}`,
        '\t}',
        "\tmenuentry 'Linux, old' $menuentry_id_option 'old-id' {",
        `\t\tlinux\t/boot/vmlinuz ro ${v1}`,
        '\t}',
        '}',
      ].join('\n'),
    });
    expect(findingOf(await planHost(host, desiredOf(refused)), 'cgroup/v2').boot.have).toBe(have);
  });

  test('of an argument that is given twice the last one counts', async () => {
    const host = debianWith(grub(`${v1} ${v2}`));
    expect(findingOf(await planHost(host, desiredOf(refused)), 'cgroup/v2').verdict).toBe('ok');
  });

  test('a menu that only root may read is not guessed in silence', async () => {
    const host = debianWith({ ...grub(v1), '/boot/grub/grub.cfg': { unreadable: 'EACCES' } }, onV1);
    expect(findingOf(await planHost(host, desiredOf(refused)), 'cgroup/v2')).toMatchObject({
      verdict: 'blocked',
      reason: expect.stringContaining('/boot/grub/grub.cfg cannot be read without root'),
    });
  });

  test('before Kubernetes 1.35 version 1 stays advice, whatever is allowed', async () => {
    const plan = await planHost(debianWith(grub(v1), onV1), allowing(desiredOf({ kind: 'cgroup', v1: 'advice' })));
    expect(findingOf(plan, 'cgroup/v2').verdict).toBe('advice');
    expect(plan.actions).toEqual([]);
  });

  test('systemd 258 knows version 2 only, whatever is asked for', async () => {
    const host = debianWith({ ...grub(v1), '/usr/lib/systemd/libsystemd-shared-258.so': 'ELF' }, { cgroup: 'cgroup2fs' });
    expect(findingOf(await planHost(host, desiredOf(refused)), 'cgroup/v2').verdict).toBe('ok');
  });
});
