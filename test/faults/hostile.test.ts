import { linkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { has, withReason } from '../needs.ts';
import { hidden } from './fuzz-check.ts';
import { hostileHost } from './hostile-host.ts';
import type { Came, Entry } from './hostile-host.ts';

const isRoot = process.geteuid?.() === 0;
const able = isRoot && has('unshare') && has('mknod');
const named = (name: string): string =>
  isRoot ? withReason(name, 'unshare', 'mknod') : `${name} [skipped: only root can make such a host]`;

let host: ReturnType<typeof hostileHost> | undefined;
afterEach(() => host?.end());
const made = (files: { readonly [path: string]: Entry }): ReturnType<typeof hostileHost> => (host = hostileHost(files));

/** In a few seconds, in little memory, without a stack, nothing executed, and with nothing on the terminal that it obeys. */
const isHarmless = ({ code, out, err, cpu, memory }: Came): void => {
  expect([0, 1, 2, 3], err).toContain(code);
  expect(`${out}${err}`).not.toMatch(hidden);
  expect(`${out}${err}`).not.toMatch(/^\s+at .*\.(?:ts|js|cjs):\d+/m);
  expect(memory, 'MiB').toBeLessThan(300);
  expect(cpu, 'ms of a processor').toBeLessThan(15_000);
  expect(host?.wasExecuted()).toBe(false);
};

const escape = '\u001b]0;owned\u0007\u001b[2J\r\u009b31m\u202e';
const shell = '$(touch %canary);`touch %canary`;touch %canary|touch %canary';
const names = [
  '-rf',
  '--help',
  '; reboot',
  "it's",
  'a "b"',
  ' spaces ',
  'two\nlines',
  `${escape}`,
  '$(touch executed)',
  '`touch executed`',
  '*',
  '[z-a]',
  'x:1,y',
  'ü',
];

const words = ['kubernetes', 'istio', 'calico'].flatMap((name) => ['-p', name]);
const tried: string[] = [];

describe('a host that wishes node-prep ill', () => {
  const folders = [
    'sysctl.d',
    'modules-load.d',
    'modprobe.d',
    'NetworkManager/conf.d',
    'systemd/network',
    'udev/rules.d',
    'cron.d',
  ];
  const contents: { readonly [folder: string]: string } = {
    'sysctl.d': `net.ipv4.ip_forward = 0 ${escape}${shell}\n${shell} = ${shell}\n\0net.ipv4.ip_forward=0\n`,
    'modules-load.d': `${escape}\n${shell}\n--help\n-rf\nover\0lay\n`,
    'modprobe.d': `blacklist overlay ${escape}\ninstall br_netfilter ${shell} ${escape}\nalias nf_conntrack ${shell}\noptions x ${escape}\n`,
  };

  test.skipIf(!able)(
    named('by the names of its files and what stands in them executes nothing and writes nothing on a terminal'),
    () => {
      const ending = (folder: string): string =>
        folder === 'systemd/network' ? 'network' : folder === 'udev/rules.d' ? 'rules' : 'conf';
      const files = folders.flatMap((folder) =>
        names.map((name): [string, Entry] => [
          `/etc/${folder}/${name}.${ending(folder)}`,
          contents[folder] ?? `${escape}${shell}\n`,
        ]),
      );
      const { root, here, image } = made({
        ...Object.fromEntries(files),
        '/etc/os-release': `ID=debian\nVERSION_ID="12${escape}"\nPRETTY_NAME="${escape}${shell}"\n`,
        '/etc/motd': escape,
        '/etc/fstab': `/dev/${escape} none swap sw 0 0\n/dev/$(touch\\040%canary) none swap sw 0 0\n-a none swap sw 0 0\n`,
        '/etc/rc.local': { runs: `touch %canary\nswapon ${shell}\nsysctl -w net.ipv4.ip_forward=0\n` },
        '/etc/systemd/system/--host=evil.swap': '[Swap]\nWhat=/x\n',
        '/etc/systemd/system/multi-user.target.wants/--host=evil.swap': { link: '../--host=evil.swap' },
        '/var/lib/dpkg/status': `Package: iproute2\nStatus: install ok installed\nVersion: ${escape}${shell.replaceAll(' ', '')}\n\n`,
      });
      writeFileSync(
        Buffer.concat([Buffer.from(join(root, 'etc/sysctl.d/')), Buffer.from([0xff, 0xfe, 0x80]), Buffer.from('.conf')]),
        'net.ipv4.ip_forward=0\n',
      );
      writeFileSync(join(root, 'etc/sysctl.d', `${'n'.repeat(250)}.conf`), 'net.ipv4.ip_forward=0\n');
      const command = [
        ['plan', ...words, '--take-over', '--verbose'],
        ['plan', ...words, '--format', 'json'],
        ['verify', ...words],
        ['verify', ...words, '--problem-detector'],
        ['facts', ...words],
        ['explain', 'sysctl/net.ipv4.ip_forward', ...words],
        ['explain', 'swap/off', ...words],
      ];
      for (const one of command) {
        for (const came of [here(...one), image(...one)]) isHarmless(came);
        tried.push(one[0] ?? '');
      }
      const { out } = here('plan', ...words);
      expect(out).toContain('its name is not UTF-8');
      expect(out).not.toContain('--host=evil');
    },
    180_000,
  );

  test.skipIf(!able)(
    named('by what is no file executes nothing, waits for nothing, and the plan says what it could not read'),
    () => {
      const { here, image } = made({
        '/etc/sysctl.d/fifo.conf': { make: 'fifo' },
        '/etc/sysctl.d/socket.conf': { make: 'socket' },
        '/etc/sysctl.d/zero.conf': { make: 'zero' },
        '/etc/sysctl.d/linked.conf': { link: '/dev/zero' },
        '/etc/sysctl.d/masked.conf': { link: '/dev/null' },
        '/etc/sysctl.d/loop.conf': { link: 'loop.conf' },
        '/etc/sysctl.d/folder.conf': { make: 'folder' },
        '/etc/sysctl.d/sparse.conf': { sparse: 10 * 1024 ** 3 },
        '/etc/modprobe.d/sparse.conf': { sparse: 30 * 1024 ** 2 },
        '/etc/modules-load.d/fifo.conf': { make: 'fifo' },
        '/etc/fstab': { make: 'fifo' },
        '/etc/ufw/ufw.conf': { make: 'fifo' },
        '/etc/default/ufw': { make: 'zero' },
        '/etc/crontab': { link: '/dev/zero' },
        '/etc/systemd/zram-generator.conf': { make: 'fifo' },
        '/var/lib/dpkg/status': { sparse: 33 * 1024 ** 2 },
        '/run/systemd/container': { make: 'folder' },
      });
      for (const came of [here('plan', ...words), image('plan', ...words)]) {
        isHarmless(came);
        expect(came.out.replace(/\s+/g, ' ')).toMatch(/Not read: \/etc\/\S+: is .* more\. What they say is not judged\./);
        expect(came.out).not.toContain('masked.conf');
        tried.push('plan');
      }
      // The text names the first of them.
      for (const came of [here('plan', '--format', 'json', ...words), image('plan', '--format', 'json', ...words)]) {
        isHarmless(came);
        for (const name of ['fifo', 'socket', 'zero', 'loop', 'sparse']) expect(came.out).toContain(`/etc/sysctl.d/${name}.conf`);
        expect(came.out).not.toContain('masked.conf');
        tried.push('plan');
      }
    },
    120_000,
  );

  test.skipIf(!able)(
    named('by an os-release that never ends is no longer waited for than any other'),
    () => {
      for (const make of ['fifo', 'zero', 'folder'] as const) {
        const { here, image, end } = made({ '/etc/os-release': { make } });
        isHarmless(here('plan', ...words));
        const refused = image('plan', ...words);
        expect(refused.code).toBe(1);
        expect(refused.cpu).toBeLessThan(15_000);
        tried.push('plan');
        end();
      }
    },
    120_000,
  );

  test.skipIf(!able)(
    named('by very many files, or very many lines, takes little memory and a few seconds'),
    () => {
      const { root, here, image } = made({ '/etc/modprobe.d/many.conf': 'blacklist x\n'.repeat(100_000) });
      for (let i = 0; i < 4; i++) writeFileSync(join(root, `base${i}`), 'net.ipv4.ip_forward = 0\n');
      for (let i = 0; i < 100_000; i++) linkSync(join(root, `base${i % 4}`), join(root, 'etc/sysctl.d', `${i}.conf`));
      for (let i = 0; i < 20; i++)
        writeFileSync(join(root, 'etc/modules-load.d', `${i}.conf`.padStart(9, '0')), 'x'.repeat(1_900_000));
      for (const came of [here('plan', ...words), image('plan', ...words), here('plan', ...words, '--format', 'json')]) {
        isHarmless(came);
        console.log(`100,000 files: ${Math.round(came.ms)} ms, ${Math.round(came.memory)} MiB`);
        tried.push('plan');
      }
    },
    180_000,
  );

  test.skipIf(!able)(
    named('by what its programs print is asked no longer than a minute, and nothing of it is executed'),
    () => {
      const prints = {
        runs: `printf '%s\\n' '${escape}' '$(touch %canary)' '-rf' 'Id=ufw.service'\nhead -c 3000000 /dev/zero\nyes '$(touch %canary)' | head -n 300000`,
      };
      const { here } = made({
        ...Object.fromEntries(
          [
            'systemctl',
            'ufw',
            'dpkg-query',
            'apt-cache',
            'iptables',
            'nft',
            'modprobe',
            'modinfo',
            'firewall-cmd',
            'rpm',
            'dnf',
          ].map((name) => [`/bin/${name}`, prints]),
        ),
        '/etc/ufw/ufw.conf': 'ENABLED=yes\n',
        '/etc/systemd/system/ufw.service': '[Unit]\n',
        '/etc/systemd/system/firewalld.service': '[Unit]\n',
        '/run/systemd/units/invocation:firewalld.service': { link: '0' },
        '/run/ufw.lock': '',
      });
      for (const more of [[], ['--format', 'json']]) {
        const came = here('plan', '-p', 'kubernetes:firewall=keep', '-p', 'istio', '-p', 'calico:firewall=keep', ...more);
        isHarmless(came);
        console.log(`programs that print megabytes: ${Math.round(came.ms)} ms, ${Math.round(came.memory)} MiB`);
        tried.push('plan');
      }
    },
    180_000,
  );

  test.skipIf(!able)(named('was tried as often as the closing line says'), () => {
    console.log(`hostile hosts: ${tried.length} runs of the program, nothing executed`);
    expect(tried.length).toBeGreaterThan(10);
  });
});
