import { describe, expect, test } from 'vitest';
import { networkFor, networkdQueries } from '../../src/knowledge/networkd.ts';
import type { PodDevice } from '../../src/knowledge/pod-devices.ts';
import { debianWith } from './support.ts';
import recorded from '../recordings/networkd.json' with { type: 'json' };

type Tree = {
  readonly tree: string;
  readonly files: { readonly [path: string]: string };
  readonly taken: { readonly [device: string]: boolean };
};

const devices: { readonly [name: string]: Omit<PodDevice, 'name' | 'type'> } = {
  cali1a2b3c4d5e6: { linkType: 'ether', kind: 'veth' },
  'vxlan.calico': { linkType: 'vxlan', kind: 'vxlan' },
  tunl9: { linkType: 'tunnel', kind: 'ipip' },
  'wireguard.cali': { linkType: 'wireguard', kind: 'wireguard' },
};

describe(`devices that .network files take, as ${recorded.program} did`, () => {
  test.each((recorded.trees as unknown as Tree[]).map((tree) => [tree.tree, tree] as const))(
    '%s',
    async (_name, { files, taken }) => {
      const answers = await debianWith(files).probe(networkdQueries);
      const judged = Object.entries(devices).map(([name, device]) => [
        name,
        !networkFor({ name, type: '', ...device }, answers, 'now').leftAlone,
      ]);
      expect(Object.fromEntries(judged)).toEqual(taken);
    },
  );
});
