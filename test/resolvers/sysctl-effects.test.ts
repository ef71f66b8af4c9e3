import { spawnSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { effective } from '../../src/knowledge/sysctl-effects.ts';
import type { Resolver } from '../../src/knowledge/sysctl-resolve.ts';

/** A bridge needs no module on most kernels; where none can be made in a network namespace there is nothing to hold the table against. */
const setUp = 'ip link set lo up && ip link add d0 type veth peer name d1 2>/dev/null || ip link add d0 type bridge';

const keys = [
  'net/ipv4/ip_forward',
  'net/ipv4/conf/all/forwarding',
  'net/ipv4/conf/default/forwarding',
  'net/ipv4/conf/d0/forwarding',
  'net/ipv6/conf/all/forwarding',
  'net/ipv6/conf/default/forwarding',
  'net/ipv6/conf/d0/forwarding',
  'net/ipv4/conf/all/accept_redirects',
  'net/ipv6/conf/all/disable_ipv6',
  'net/ipv6/conf/default/disable_ipv6',
  'net/ipv6/conf/d0/disable_ipv6',
] as const;

type Write = { readonly key: (typeof keys)[number]; readonly value: '0' | '1' };

/** Each key is written once, as systemd-sysctl does. */
const sequences = fc.uniqueArray(
  fc.record({ key: fc.constantFrom(...keys), value: fc.constantFrom('0' as const, '1' as const) }),
  {
    selector: (write: Write) => write.key,
    minLength: 1,
  },
);

/** What the kernel holds after these writes, each sequence in a network namespace of its own. */
const inKernel = (writes: readonly Write[]): string[] => {
  const script = [
    setUp,
    ...writes.map(({ key, value }) => `echo ${value} > /proc/sys/${key}`),
    `cat ${keys.map((key) => `/proc/sys/${key}`).join(' ')}`,
  ];
  const { stdout } = spawnSync('unshare', ['-n', 'sh', '-c', script.join('\n')], { encoding: 'utf8' });
  return stdout.trim().split('\n');
};

const possible = process.getuid?.() === 0 && inKernel([]).length === keys.length;

describe.skipIf(!possible)(
  `keys that set other keys${possible ? '' : ' (not run: needs root, and a network namespace with a device)'}`,
  () => {
    test('what is said of forwarding and disable_ipv6 is what a real kernel holds after the same writes', () => {
      let compared = 0;
      fc.assert(
        fc.property(sequences, (writes) => {
          const resolve: Resolver = (path) => {
            const order = writes.findIndex((write) => write.key === path);
            return order < 0 ? undefined : { value: writes[order]?.value, from: `line ${order}`, order };
          };
          const said = keys.map((key) => effective(resolve, key)?.value ?? (key.endsWith('redirects') ? '1' : '0'));
          compared += 1;
          expect(said).toEqual(inKernel(writes));
        }),
        { numRuns: Number(process.env['NODE_PREP_TREES'] ?? 150) },
      );
      expect(compared).toBeGreaterThanOrEqual(150);
    });
  },
);
