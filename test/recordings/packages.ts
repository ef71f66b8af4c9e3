import type { Package } from '../../src/hosts/memory-machine.ts';
import type { MemorySpec } from '../../src/hosts/memory.ts';

type Versions = { readonly [name: string]: string };

const debian: { readonly [release: string]: Versions } = {
  '11': {
    socat: '1.7.4.1-3',
    conntrack: '1:1.4.6-2',
    nftables: '0.9.8-3.1+deb11u2',
    iptables: '1.8.7-1',
    ipset: '7.10-1',
    iproute2: '5.10.0-4',
    ethtool: '1:5.9-1',
    'util-linux': '2.36.1-8+deb11u2',
    mount: '2.36.1-8+deb11u2',
    kmod: '28-1',
    procps: '2:3.3.17-5',
    ipvsadm: '1:1.31-1+b1',
    'wireguard-tools': '1.0.20210223-1',
    'iputils-ping': '3:20210202-1',
  },
  '12': {
    socat: '1.7.4.4-2',
    conntrack: '1:1.4.7-1+b2',
    nftables: '1.0.6-2+deb12u2',
    iptables: '1.8.9-2',
    ipset: '7.17-1',
    iproute2: '6.1.0-3',
    ethtool: '1:6.1-1',
    'util-linux': '2.38.1-5+deb12u3',
    mount: '2.38.1-5+deb12u3',
    kmod: '30+20221128-1',
    procps: '2:4.0.2-3',
    ipvsadm: '1:1.31-1+b1',
    'wireguard-tools': '1.0.20210914-1+b1',
    'iputils-ping': '3:20221126-1+deb12u1',
  },
  '13': {
    socat: '1.8.0.3-1',
    conntrack: '1:1.4.8-2',
    nftables: '1.1.3-1',
    iptables: '1.8.11-2',
    ipset: '7.22-1+b1',
    iproute2: '6.15.0-1',
    ethtool: '1:6.14.2-1',
    'util-linux': '2.41-5',
    mount: '2.41-5',
    kmod: '34.2-2',
    procps: '2:4.0.4-9',
    ipvsadm: '1:1.31-2',
    'wireguard-tools': '1.0.20210914-3',
    'iputils-ping': '3:20240905-3',
  },
  '24.04': {
    socat: '1.8.0.0-4build3',
    conntrack: '1:1.4.8-1ubuntu1',
    nftables: '1.0.9-1build1',
    iptables: '1.8.10-3ubuntu2',
    ipset: '7.19-1ubuntu2',
    iproute2: '6.1.0-1ubuntu6',
    ethtool: '1:6.7-1build1',
    'util-linux': '2.39.3-9ubuntu6',
    mount: '2.39.3-9ubuntu6',
    kmod: '31+20240202-2ubuntu7',
    procps: '2:4.0.4-4ubuntu3',
    ipvsadm: '1:1.31-1ubuntu0.1',
    'wireguard-tools': '1.0.20210914-1ubuntu4',
    'iputils-ping': '3:20240117-1build1',
  },
};

const rhel: { readonly [release: string]: Versions } = {
  el9: {
    socat: '0:1.7.4.1-6.el9',
    'conntrack-tools': '0:1.4.7-4.el9',
    nftables: '1:1.0.9-3.el9',
    'iptables-nft': '0:1.8.10-11.el9',
    ipset: '0:7.11-11.el9',
    iproute: '0:6.11.0-1.el9',
    ethtool: '2:6.11-1.el9',
    'util-linux': '0:2.37.4-21.el9',
    kmod: '0:28-10.el9',
    'procps-ng': '0:3.3.17-14.el9',
    ipvsadm: '0:1.31-6.el9',
    'wireguard-tools': '0:1.0.20210914-2.el9',
    iputils: '0:20210202-11.el9',
  },
  el10: {
    socat: '0:1.7.4.4-8.el10',
    'conntrack-tools': '0:1.4.8-3.el10',
    nftables: '1:1.1.1-6.el10',
    'iptables-nft': '0:1.8.11-11.el10',
    ipset: '0:7.22-1.el10',
    iproute: '0:6.14.0-2.el10',
    ethtool: '2:6.15-1.el10',
    'util-linux': '0:2.40.2-13.el10',
    kmod: '0:31-11.el10',
    'procps-ng': '0:4.0.4-8.el10',
    ipvsadm: '0:1.31-14.el10',
    'wireguard-tools': '0:1.0.20210914-9.el10',
    iputils: '0:20240905-3.el10',
  },
  fc43: {
    socat: '0:1.8.0.3-2.fc43',
    'conntrack-tools': '0:1.4.8-5.fc43',
    nftables: '1:1.1.3-6.fc43',
    'iptables-nft': '0:1.8.11-12.fc43',
    ipset: '0:7.24-2.fc43',
    iproute: '0:6.15.0-1.fc43',
    ethtool: '2:6.15-3.fc43',
    'util-linux': '0:2.41.1-17.fc43',
    kmod: '0:34.2-2.fc43',
    'procps-ng': '0:4.0.4-8.fc43',
    ipvsadm: '0:1.31-19.fc43',
    'wireguard-tools': '0:1.0.20250521-2.fc43',
    iputils: '0:20250605-2.fc43',
  },
};

/** A Debian or Ubuntu release's packages, with these installed. */
export const debianPackages = (release: string, installed: readonly string[]): NonNullable<MemorySpec['packages']> =>
  database('apt', debian[release] ?? {}, installed);

/** The same of a release of the RHEL family. */
export const rhelPackages = (release: string, installed: readonly string[]): NonNullable<MemorySpec['packages']> =>
  database('dnf', rhel[release] ?? {}, installed);

/** More that could be installed: a package and the files that it lays down. */
export const withAvailable = (
  packages: NonNullable<MemorySpec['packages']>,
  more: { readonly [name: string]: Package },
): NonNullable<MemorySpec['packages']> => ({ ...packages, available: { ...packages.available, ...more } });

const database = (manager: 'apt' | 'dnf', all: Versions, installed: readonly string[]): NonNullable<MemorySpec['packages']> => ({
  manager,
  installed: Object.fromEntries(installed.map((name) => [name, all[name] ?? '0'])),
  available: Object.fromEntries(Object.entries(all).map(([name, version]) => [name, { version }])),
});
