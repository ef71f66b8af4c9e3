import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import type { Need, Verdict } from '../../src/model.ts';

/** The file that node-prep owns. */
export const own = '/etc/sysctl.d/node-prep.conf';
/** What is wanted where a host does not say. */
export const forward = { kind: 'sysctl', key: 'net.ipv4.ip_forward', value: '1' } as const;

export const [on, off] = ['net.ipv4.ip_forward = 1\n', 'net.ipv4.ip_forward = 0\n'];
export const isOn = { '/proc/sys/net/ipv4/ip_forward': '1\n' };

/**
 * A host, what is wanted of it (forwarding where nothing is said; the last need is looked at), and how it must be judged:
 * `boot` as "value file:line". A change must hold, now and after a reboot.
 */
export type Hostile = {
  readonly files: { readonly [path: string]: MemoryFile };
  readonly needs?: readonly [...Need[], Need & { kind: 'sysctl' }];
  readonly verdict: Verdict['verdict'];
  readonly now: string;
  readonly boot: string;
  readonly reason?: string;
};

/** Which files count. */
export const files: { readonly [sentence: string]: Hostile } = {
  '/etc/sysctl.conf says no through its link at boot, and last of all to sysctl --system: our file would win only the first': {
    files: { '/etc/sysctl.conf': `# router\n${off}`, '/etc/sysctl.d/99-sysctl.conf': { link: '../sysctl.conf' } },
    verdict: 'blocked',
    now: '0',
    boot: '0 /etc/sysctl.d/99-sysctl.conf:2',
    reason: `/etc/sysctl.conf:2 sets it to 0 and is read after ${own} by sysctl --system`,
  },
  '/etc/sysctl.conf without the link of older Debians is right now and dead at boot': {
    files: { ...isOn, '/etc/sysctl.conf': on },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  '/etc/sysctl.conf with the link counts': {
    files: { ...isOn, '/etc/sysctl.conf': on, '/etc/sysctl.d/99-sysctl.conf': { link: '../sysctl.conf' } },
    verdict: 'ok',
    now: '1',
    boot: '1 /etc/sysctl.d/99-sysctl.conf:1',
  },
  "a link to /dev/null took the package's file away that made it right": {
    files: { ...isOn, '/usr/lib/sysctl.d/50-k8s.conf': on, '/etc/sysctl.d/50-k8s.conf': { link: '/dev/null' } },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  "an empty file took the package's file away that made it wrong": {
    files: { '/usr/lib/sysctl.d/zz-hard.conf': off, '/etc/sysctl.d/zz-hard.conf': '' },
    verdict: 'change',
    now: '0',
    boot: 'not set',
  },
  'our own file is masked by a link to /dev/null: somebody does not want it': {
    files: { [own]: { link: '/dev/null' } },
    verdict: 'blocked',
    now: '0',
    boot: 'not set',
    reason: `${own} is no regular file`,
  },
  'our own file cannot be read, so it is not written either': {
    files: { [own]: { unreadable: 'EACCES' } },
    verdict: 'blocked',
    now: '0',
    boot: 'not set',
    reason: 'EACCES',
  },
  'our own file was edited by hand': { files: { [own]: off }, verdict: 'change', now: '0', boot: `0 ${own}:1` },
  'a file in /run made it right, and is gone at boot': {
    files: { ...isOn, '/run/sysctl.d/k8s.conf': on },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  'a file in /run makes it wrong until the next boot': {
    files: { '/run/sysctl.d/zz.conf': off },
    verdict: 'blocked',
    now: '0',
    boot: 'not set',
    reason: `/run/sysctl.d/zz.conf:1 sets it to 0 and is read after ${own} by sysctl --system`,
  },
  "a file in /run hides a package's file that is right at boot": {
    files: { '/run/sysctl.d/k8s.conf': '', '/usr/lib/sysctl.d/k8s.conf': on },
    verdict: 'change',
    now: '0',
    boot: '1 /usr/lib/sysctl.d/k8s.conf:1',
  },
  'a link into /run leads nowhere at boot': {
    files: { ...isOn, '/run/k8s': on, '/etc/sysctl.d/k8s.conf': { link: '/run/k8s' } },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  'a package sorts after our file': {
    files: { '/usr/lib/sysctl.d/zz-vendor.conf': `# vendor\n\n${off}` },
    verdict: 'blocked',
    now: '0',
    boot: '0 /usr/lib/sysctl.d/zz-vendor.conf:3',
    reason: '/usr/lib/sysctl.d/zz-vendor.conf:3 sets it to 0',
  },
  "/usr/local/lib goes before /usr/lib, so the package's file of that name is not read": {
    files: { ...isOn, '/usr/local/lib/sysctl.d/k8s.conf': on, '/usr/lib/sysctl.d/k8s.conf': off },
    verdict: 'ok',
    now: '1',
    boot: '1 /usr/local/lib/sysctl.d/k8s.conf:1',
  },
  'a file without .conf at its end is read by nobody': {
    files: { ...isOn, '/etc/sysctl.d/99-k8s': on },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
  'a hidden file counts for sysctl --system alone': {
    files: { ...isOn, '/etc/sysctl.d/.k8s.conf': on },
    verdict: 'change',
    now: '1',
    boot: 'not set',
  },
};
