/**
 * A device as a network plugin makes it, to try patterns on. `type`: what NetworkManager calls it, `linkType`: what networkd
 * does, `kind`: what the kernel does.
 */
export type PodDevice = { readonly name: string; readonly type: string; readonly linkType: string; readonly kind: string };

/** Calico's devices of pods are called cali and eleven hexadecimal digits: patterns may know some of them and not others. */
const hashes = ['1a2b3c4d5e6', '01234567890', '9f8e7d6c5b4', 'abcdef01234', 'f0e1d2c3b4a'];

/** Sample devices for a name with `*`, as `cali*` or `vxlan.calico`. NetworkManager has called an end of a pair ethernet and veth. */
export const sampleDevices = (pattern: string): PodDevice[] => {
  if (pattern.startsWith('cali'))
    return hashes.flatMap((hash) =>
      ['ethernet', 'veth'].map((type) => ({ name: pattern.replace('*', hash), type, linkType: 'ether', kind: 'veth' })),
    );
  const name = pattern.replace('*', '0');
  if (name.startsWith('tunl')) return [{ name, type: 'iptunnel', linkType: 'tunnel', kind: 'ipip' }];
  const kind = name.startsWith('vxlan') ? 'vxlan' : /^(?:wireguard|wg)/.test(name) ? 'wireguard' : 'dummy';
  return [{ name, type: kind, linkType: kind === 'dummy' ? 'ether' : kind, kind }];
};
