import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because, isFull } from '../needs.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Asked, Came, Fault, Point, Start } from './syscalls-host.ts';

const program = resolve(import.meta.dirname, 'syscalls-host.ts');
const whyNot = whyNotApart('strace', 'sysctl');

/** The file of node-prep's own, as its head and the two settings make it up. */
const written = `100644 0 0 # Written by node-prep: kernel settings.
# Wanted by /mnt/config.yaml
# Change it with node-prep apply; put your own lines elsewhere.
net.ipv4.ip_forward = 1
net.ipv4.conf.all.rp_filter = 2
`;

const starts: readonly Start[] = [
  {
    name: 'no sysctl.d, and a line of sysctl.conf that is taken over',
    entries: [
      { path: '/etc/sysctl.conf', text: '# ours\nnet.ipv4.conf.all.rp_filter = 1\nkernel.x = 1\n', mode: 0o640, group: 4 },
    ],
    wanted: {
      '/etc/sysctl.conf': '100640 0 4 # ours\n# taken over by node-prep: net.ipv4.conf.all.rp_filter = 1\nkernel.x = 1\n',
      '/etc/sysctl.d': '40755 0 0 folder',
      '/etc/sysctl.d/node-prep.conf': written,
    },
  },
  {
    name: 'a file of an earlier run, and one of somebody else behind a link and with another name',
    entries: [
      { path: '/etc/sysctl.d/node-prep.conf', text: '# Written by node-prep: kernel settings.\nnet.ipv4.ip_forward = 0\n' },
      { path: '/etc/site/kernel.conf', text: 'net.ipv4.conf.all.rp_filter = 1\n', also: '/etc/site/kernel.bak' },
      { path: '/etc/sysctl.d/zz-site.conf', link: '../site/kernel.conf' },
      { path: '/etc/sysctl.d/10-other.conf', text: '# \xff not ours\n', mode: 0o600 },
    ],
    wanted: {
      '/etc/site/kernel.conf': '100644 0 0 # taken over by node-prep: net.ipv4.conf.all.rp_filter = 1\n',
      '/etc/sysctl.d/node-prep.conf': written,
    },
  },
];

const errors = ['ENOSPC', 'EIO', 'EROFS', 'EPERM'] as const;

const others = ['undo', 'saved plan'] as const;
const all: readonly Start[] = [
  ...starts,
  ...others.flatMap((by) => starts.slice(1).map((start) => ({ ...start, name: `${by}: ${start.name}`, by }))),
];

/** All of them, or of each start what CI has time for: killed everywhere at the first, one error everywhere at the second, killed here and there in the others. */
const faultsAt = (points: readonly Point[], start: number): Fault[] => {
  const some = isFull || start < 2 ? points : points.filter((_, i) => i % 6 === 2);
  const whats = (i: number): readonly string[] =>
    isFull ? ['KILL', ...errors, 'EDQUOT', 'EINVAL'] : [start === 1 ? (errors[i % errors.length] ?? 'EIO') : 'KILL'];
  return some.flatMap((point, i) => whats(i).map((what) => ({ point, what })));
};

describe('an apply, of a saved plan too, or an undo that is killed, or told of an error, at any system call that writes', () => {
  test.skipIf(whyNot !== false).each(all.map((start, i) => [start.name, start, i] as const))(
    because('leaves every file whole, and the next one comes to the end: %s', whyNot),
    { timeout: isFull ? 3_600_000 : 600_000 },
    async (_name, start, i) => {
      const points = await runApart<Point[]>(program, { ask: 'points', start } satisfies Asked);
      const faults = faultsAt(points, i);
      // Two at a time, as there are two processors.
      const halves = [0, 1].map((half) => faults.filter((_, at) => at % 2 === half));
      const came = (
        await Promise.all(
          halves.map((half) => runApart<Came[]>(program, { ask: 'faults', start, faults: half, points } satisfies Asked)),
        )
      ).flat();
      const wrong = came.filter((one) => one.wrong.length > 0);
      console.log(`syscall faults: ${came.length} tried, ${came.length - wrong.length} survived (${points.length} points)`);
      expect(points.length).toBeGreaterThan(20);
      expect(wrong).toEqual([]);
    },
  );
});
