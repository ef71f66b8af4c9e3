import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { kindNamed } from '../../src/kinds/table.ts';
import type { Finding, Need } from '../../src/model.ts';
import { readSystem } from '../../src/knowledge/system.ts';
import { isConverged, queriesFor } from '../../src/plan.ts';
import type { Recipe } from '../recordings/hosts.ts';
import { allowing, applyTo, commandsOf, debianWith, desiredFrom, desiredOf, findingOf, written } from '../unit/support.ts';

type Files = { readonly [path: string]: MemoryFile };

const unit = (name: string, how: 'on' | 'off' | 'boot' | 'now' = 'on'): Files => ({
  [`/usr/lib/systemd/system/${name}`]: '[Unit]\n',
  ...(how !== 'off' &&
    how !== 'now' && {
      [`/etc/systemd/system/multi-user.target.wants/${name}`]: { link: `/usr/lib/systemd/system/${name}` },
    }),
  ...(how !== 'off' && how !== 'boot' && { [`/run/systemd/units/invocation:${name}`]: { link: '0123' } }),
});

const calicoNames = ['cali*', 'tunl*', 'vxlan.calico', 'vxlan-v6.calico', 'wireguard.cali', 'wg-v6.cali'];
const devices: Need = { kind: 'networkmanager', unmanaged: calicoNames.map((name) => `interface-name:${name}`) };
const networks: Need = { kind: 'networkd', leave: 'unmanaged', names: calicoNames };
const foreign: Need = { kind: 'networkd', leave: 'foreign' };
const ipInIp: Need = { kind: 'port', protocol: '4' };
const bgp: Need = { kind: 'port', port: '179', protocol: 'tcp' };
const kubelet: Need = { kind: 'port', port: '10250', protocol: 'tcp' };
const nodePorts: Need = { kind: 'port', port: '30000-32767', protocol: 'udp' };
const forward: Need = { kind: 'firewall', about: 'forward' };
const reload: Need = { kind: 'firewall', about: 'reload' };
const noUfw: Need = { kind: 'service', name: 'ufw', state: 'inactive' };
const noFirewalld: Need = { kind: 'service', name: 'firewalld', state: 'inactive', mask: true };

const nm: Files = {
  '/usr/sbin/NetworkManager': 'ELF',
  '/etc/NetworkManager/NetworkManager.conf': '[main]\nplugins=keyfile\n',
  ...unit('NetworkManager.service'),
};
const nmConf = (name: string, text: string): Files => ({ [`/etc/NetworkManager/conf.d/${name}`]: text });
const calicoConf = `[keyfile]\nunmanaged-devices=${calicoNames.map((name) => `interface-name:${name}`).join(';')}\n`;

const networkd = unit('systemd-networkd.service');
const network = (path: string, ...match: string[]): Files => ({
  [path]: ['[Match]', ...match, '', '[Network]', 'DHCP=yes', ''].join('\n'),
});

const zone = (name: string, ...inner: string[]): Files => ({
  [`/etc/firewalld/zones/${name}.xml`]: ['<?xml version="1.0" encoding="utf-8"?>', '<zone>', ...inner, '</zone>', ''].join('\n'),
});
const shown = (name: string, interfaces: string, ports = '', protocols = ''): string =>
  `${name} (active)\n  target: default\n  interfaces: ${interfaces}\n  sources: \n  services: ssh\n  ports: ${ports}\n  protocols: ${protocols}\n`;
const firewalld: Files = {
  ...unit('firewalld.service'),
  '/etc/firewalld/firewalld.conf': '# comment\nDefaultZone=public\nFlushAllOnReload=yes\n',
  '/usr/lib/firewalld/zones/public.xml': '<zone>\n  <service name="ssh"/>\n</zone>\n',
  '/usr/lib/firewalld/services/kubelet.xml': '<service>\n  <port protocol="tcp" port="10250"/>\n</service>\n',
  '/usr/lib/firewalld/services/kube-worker.xml': '<service>\n  <include service="kubelet"/>\n</service>\n',
};
const asks = (...zones: string[]): Partial<Recipe> => ({ scripts: { 'ask-firewalld': zones.join('\n') } });
const services = { services: { 'firewalld.service': { active: 'active', enabled: 'enabled' } } };

const ufw: Files = {
  ...unit('ufw.service'),
  '/etc/ufw/ufw.conf': '# /etc/ufw/ufw.conf\n#\nENABLED=yes\n',
  '/etc/default/ufw': 'IPV6=yes\nDEFAULT_INPUT_POLICY="DROP"\nDEFAULT_FORWARD_POLICY="DROP"\n',
  '/etc/ufw/before.rules': '*filter\n-A ufw-before-input -i lo -j ACCEPT\nCOMMIT\n',
  '/etc/ufw/user.rules': '*filter\n### tuple ### allow tcp 22 0.0.0.0/0 any 0.0.0.0/0 in\nCOMMIT\n',
};
const ufwRules = (...tuples: string[]): Files => ({ '/etc/ufw/user.rules': tuples.map((t) => `### tuple ### ${t}\n`).join('') });
const ufwRuns: Partial<Recipe> = { scripts: { 'ask-ufw': 'running\n' } };
const anywhere = '0.0.0.0/0 any 0.0.0.0/0 in';

type Row = {
  readonly says: string;
  readonly need: Need;
  readonly files: Files;
  readonly more?: Partial<Recipe>;
  readonly verdict: Finding['verdict'];
  /** Where the finding must point: the reading at boot, or where it stands in the way, the reason. */
  readonly from?: string;
  readonly reason?: string;
  readonly now?: string;
  readonly boot?: string;
  /** What --take-over makes of it: `change` must converge, also after a reboot. */
  readonly takeOver?: 'change' | 'blocked';
};

const rows: readonly Row[] = [
  {
    says: 'a NetworkManager that is told to leave everything alone but eth0 leaves the devices of pods alone',
    need: devices,
    files: { ...nm, ...nmConf('site.conf', '[keyfile]\nunmanaged-devices=*,except:interface-name:eth0\n') },
    verdict: 'ok',
    from: '/etc/NetworkManager/conf.d/site.conf:2',
  },
  {
    says: 'a list that names eth* as the exception of all takes nothing from Calico, one with cali* does',
    need: devices,
    files: { ...nm, ...nmConf('zz.conf', '# site\n[keyfile]\nunmanaged-devices=*;except:interface-name:cali*\n') },
    verdict: 'blocked',
    reason: '/etc/NetworkManager/conf.d/zz.conf:3',
    takeOver: 'change',
  },
  {
    says: 'a file that sorts after ours and sets the list anew is blocked with its line',
    need: devices,
    files: { ...nm, ...nmConf('zz-vendor.conf', '[main]\ndns=none\n\n[keyfile]\nunmanaged-devices=interface-name:eth1\n') },
    verdict: 'blocked',
    reason: '/etc/NetworkManager/conf.d/zz-vendor.conf:5',
    takeOver: 'change',
  },
  {
    says: 'a later file that takes one pattern out again is blocked with its line',
    need: devices,
    files: { ...nm, ...nmConf('zz.conf', '[keyfile]\nunmanaged-devices-=interface-name:cali*\n') },
    verdict: 'blocked',
    reason: '/etc/NetworkManager/conf.d/zz.conf:2',
    takeOver: 'change',
  },
  {
    says: 'a pattern that means only some pods is not enough',
    need: devices,
    files: { ...nm, ...nmConf('calico.conf', calicoConf.replace('cali*', 'cali1*')) },
    verdict: 'change',
    boot: '5 of 6',
  },
  {
    says: 'a list in /run does for today, not for the next boot',
    need: devices,
    files: { ...nm, '/run/NetworkManager/conf.d/calico.conf': calicoConf },
    verdict: 'change',
    now: 'left alone',
    boot: '0 of 6',
  },
  {
    says: 'a list in /run that sets the list anew holds today, and only the main file is read after it',
    need: devices,
    files: {
      ...nm,
      '/usr/lib/NetworkManager/conf.d/calico.conf': calicoConf,
      '/run/NetworkManager/conf.d/x.conf': '[keyfile]\nunmanaged-devices=mac:1\n',
    },
    verdict: 'change',
    now: '0 of 6',
    boot: 'left alone',
  },
  {
    says: 'a [device] section that manages nothing of Calico does as well as a list',
    need: devices,
    files: {
      ...nm,
      ...nmConf(
        'a.conf',
        '[device-pods]\nmatch-device=interface-name:cali*;interface-name:tunl*;interface-name:vxlan*;interface-name:w*\nmanaged=0\n',
      ),
    },
    verdict: 'ok',
    from: '/etc/NetworkManager/conf.d/a.conf:3',
  },
  {
    says: 'managed=1 for cali* takes nothing back from the list',
    need: devices,
    files: {
      ...nm,
      ...nmConf('a.conf', calicoConf),
      ...nmConf('zz.conf', '[device-x]\nmatch-device=interface-name:cali*\nmanaged=1\n'),
    },
    verdict: 'ok',
    from: '/etc/NetworkManager/conf.d/a.conf:2',
  },
  {
    says: 'a masked NetworkManager that does not run needs no list',
    need: devices,
    files: {
      '/usr/sbin/NetworkManager': 'ELF',
      ...unit('NetworkManager.service', 'boot'),
      '/etc/systemd/system/NetworkManager.service': { link: '/dev/null' },
    },
    verdict: 'ok',
    boot: 'masked',
    from: '/etc/systemd/system/NetworkManager.service',
  },
  {
    says: 'a NetworkManager that nothing starts needs no list',
    need: devices,
    files: { '/usr/sbin/NetworkManager': 'ELF', ...unit('NetworkManager.service', 'off') },
    verdict: 'ok',
    boot: 'not started',
  },
  {
    says: 'a host without networkd may have whatever .network files it likes',
    need: networks,
    files: { ...unit('systemd-networkd.service', 'off'), ...network('/etc/systemd/network/10-all.network', 'Name=*') },
    verdict: 'ok',
    boot: 'not started',
  },
  {
    says: 'a .network file for every device takes those of Calico, until ours comes first',
    need: networks,
    files: { ...networkd, ...network('/etc/systemd/network/10-all.network', 'Name=*') },
    verdict: 'change',
    from: '/etc/systemd/network/10-all.network:2',
  },
  {
    says: 'netplan and cloud images match by Type=ether, which is what a pod device is too',
    need: networks,
    files: { ...networkd, ...network('/run/systemd/network/10-netplan-all.network', 'Type=ether', 'Name=*') },
    verdict: 'change',
    now: 'takes cali*',
    boot: 'left alone',
  },
  {
    says: 'Kind=!* means real devices only: nothing to do',
    need: networks,
    files: { ...networkd, ...network('/usr/lib/systemd/network/89-ethernet.network', 'Type=ether', 'Kind=!*') },
    verdict: 'ok',
  },
  {
    says: 'a .network file that sorts before ours and takes every device is blocked, and --take-over does not cut the host off',
    need: networks,
    files: { ...networkd, ...network('/etc/systemd/network/00-all.network', 'Name=!eth0') },
    verdict: 'blocked',
    reason: '/etc/systemd/network/00-all.network:2',
    takeOver: 'blocked',
  },
  {
    says: 'networkd removes routes of BIRD unless it is told not to',
    need: foreign,
    files: networkd,
    verdict: 'change',
    boot: 'routes and rules removed',
  },
  {
    says: 'a networkd.conf.d file after ours that says yes is blocked with its line',
    need: foreign,
    files: { ...networkd, '/etc/systemd/networkd.conf.d/zz-site.conf': '[Network]\nSpeedMeter=no\nManageForeignRoutes=yes\n' },
    verdict: 'blocked',
    reason: '/etc/systemd/networkd.conf.d/zz-site.conf:3',
    takeOver: 'change',
  },
  {
    says: 'the key in the wrong section is no key',
    need: foreign,
    files: { ...networkd, '/etc/systemd/networkd.conf': '[Match]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=no\n' },
    verdict: 'change',
  },
  {
    says: 'a vendor file after ours that /etc masks does not count',
    need: foreign,
    files: {
      ...networkd,
      '/etc/systemd/networkd.conf': '[Network]\nManageForeignRoutes=no\nManageForeignRoutingPolicyRules=off\n',
      '/usr/lib/systemd/networkd.conf.d/zz.conf': '[Network]\nManageForeignRoutes=yes\n',
      '/etc/systemd/networkd.conf.d/zz.conf': { link: '/dev/null' },
    },
    verdict: 'ok',
    from: '/etc/systemd/networkd.conf:2, /etc/systemd/networkd.conf:3',
  },
  {
    says: 'firewalld that is off lets everything in',
    need: kubelet,
    files: {
      ...Object.fromEntries(
        Object.entries(firewalld).filter(([path]) => !path.includes('/system/') && !path.startsWith('/run/')),
      ),
      ...unit('firewalld.service', 'boot'),
      '/etc/systemd/system/firewalld.service': { link: '/dev/null' },
    },
    verdict: 'ok',
    boot: 'no firewall',
  },
  {
    says: 'a service that includes the one with the port opens it',
    need: kubelet,
    files: { ...firewalld, ...zone('public', '  <service name="kube-worker"/>') },
    more: asks(shown('public', 'eth0').replace('services: ssh', 'services: ssh kube-worker')),
    verdict: 'ok',
    from: '/etc/firewalld/zones/public.xml:3',
  },
  {
    says: 'a port that is open in the running firewall alone is shut after the next boot',
    need: nodePorts,
    files: firewalld,
    more: asks(shown('public', 'eth0', '30000-32767/udp')),
    verdict: 'change',
    now: 'open',
    boot: 'shut in public',
    from: '/usr/lib/firewalld/zones/public.xml',
  },
  {
    says: 'a port within a rich rule or a comment is not open',
    need: kubelet,
    files: {
      ...firewalld,
      ...zone(
        'public',
        '  <!-- <port port="10250" protocol="tcp"/> -->',
        '  <rule family="ipv4">',
        '    <port port="10250" protocol="tcp"/>',
        '    <reject/>',
        '  </rule>',
      ),
    },
    more: asks(shown('public', 'eth0')),
    verdict: 'change',
    boot: 'shut in public',
  },
  {
    says: 'a protocol named ipip is number 94 and not IP-in-IP',
    need: ipInIp,
    files: { ...firewalld, ...zone('public', '  <protocol value="ipip"/>') },
    more: asks(shown('public', 'eth0', '', 'ipip')),
    verdict: 'change',
  },
  {
    says: 'a zone of the addresses of the nodes that trusts them is enough',
    need: bgp,
    files: {
      ...firewalld,
      '/etc/firewalld/zones/trusted.xml': '<zone target="ACCEPT">\n  <source address="10.0.0.0/8"/>\n</zone>\n',
      '/proc/net/route': 'Iface\tDestination\tGateway\tFlags\neth0\t0000010A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n',
    },
    more: asks(
      shown('public', 'eth0'),
      shown('trusted', '').replace('sources: ', 'sources: 10.0.0.0/8').replace('default', 'ACCEPT'),
    ),
    verdict: 'ok',
    from: '/etc/firewalld/zones/trusted.xml:1',
  },
  {
    says: 'interfaces in two zones: nothing is opened towards the wrong side',
    need: bgp,
    files: firewalld,
    more: asks(shown('external', 'eth0'), shown('internal', 'eth1')),
    verdict: 'blocked',
    reason: 'external and internal',
  },
  {
    says: 'a firewalld that does not answer is said, not guessed at',
    need: bgp,
    files: firewalld,
    verdict: 'blocked',
    reason: 'firewall-cmd --list-all-zones tells nothing',
  },
  {
    says: 'the reload of firewalld is named with the line that is about it',
    need: reload,
    files: firewalld,
    verdict: 'advice',
    reason: '/etc/firewalld/firewalld.conf:3',
  },
  {
    says: 'firewalld goes and is masked, so that D-Bus cannot start it again',
    need: noFirewalld,
    files: firewalld,
    more: services,
    verdict: 'change',
  },
  {
    says: 'where an administrator has his own firewalld.service in /etc a mask is impossible, and to disable it must do',
    need: noFirewalld,
    files: { ...firewalld, '/etc/systemd/system/firewalld.service': '[Service]\nExecStart=/opt/firewalld\n' },
    more: services,
    verdict: 'change',
  },
  {
    says: 'ufw.service is active, ufw is not: nothing to do',
    need: noUfw,
    files: { ...ufw, '/etc/ufw/ufw.conf': 'ENABLED=no\n' },
    verdict: 'ok',
    boot: 'disabled',
    from: '/etc/ufw/ufw.conf:1',
  },
  {
    says: 'ufw is turned off by its own command, now and at boot',
    need: noUfw,
    files: ufw,
    more: ufwRuns,
    verdict: 'change',
    from: '/etc/ufw/ufw.conf:3',
  },
  {
    says: 'ufw shuts what no rule opens',
    need: kubelet,
    files: ufw,
    more: ufwRuns,
    verdict: 'change',
    from: '/etc/default/ufw:2',
  },
  {
    says: 'a list of ports in one rule of ufw is enough, and so is a rule for the addresses of the nodes',
    need: bgp,
    files: { ...ufw, ...ufwRules('allow tcp 80,179,443 0.0.0.0/0 any 10.0.0.0/8 in') },
    more: ufwRuns,
    verdict: 'ok',
    from: '/etc/ufw/user.rules:1',
  },
  {
    says: 'a rule of ufw against part of the node ports comes first and blocks the plan',
    need: nodePorts,
    files: { ...ufw, ...ufwRules(`allow tcp 22 ${anywhere}`, `deny any 31000 ${anywhere}`, `allow udp 30000:32767 ${anywhere}`) },
    more: ufwRuns,
    verdict: 'blocked',
    reason: '/etc/ufw/user.rules:2',
  },
  {
    says: 'the same rule with deny is turned round in its place',
    need: bgp,
    files: { ...ufw, ...ufwRules(`deny tcp 179 ${anywhere}`) },
    more: ufwRuns,
    verdict: 'change',
    from: '/etc/ufw/user.rules:1',
  },
  {
    says: 'what goes out or is routed does not open a port',
    need: kubelet,
    files: {
      ...ufw,
      ...ufwRules('allow tcp 10250 0.0.0.0/0 any 0.0.0.0/0 out', 'route:allow tcp 10250 0.0.0.0/0 any 0.0.0.0/0 in_eth0'),
    },
    more: ufwRuns,
    verdict: 'change',
  },
  {
    says: 'no command of ufw opens IP-in-IP: the line to write is named, and where',
    need: ipInIp,
    files: ufw,
    more: ufwRuns,
    verdict: 'blocked',
    reason: '/etc/default/ufw:2',
  },
  {
    says: 'ufw drops what passes through the node: the line is named',
    need: forward,
    files: ufw,
    more: ufwRuns,
    verdict: 'advice',
    reason: '/etc/default/ufw:3',
  },
];

describe('hostile hosts: network', () => {
  test.each(rows.map((row) => [row.says, row] as const))('%s', async (_says, row) => {
    const id = kindNamed(row.need.kind).id(row.need);
    const host = debianWith(row.files, row.more);
    const finding = findingOf(await planHost(host, desiredOf(row.need)), id);
    expect(finding.verdict, JSON.stringify(finding)).toBe(row.verdict);
    if (row.from) expect(finding.boot.from).toBe(row.from);
    if (row.now) expect(finding.now.have).toBe(row.now);
    if (row.boot) expect(finding.boot.have).toBe(row.boot);
    if (row.reason) expect('reason' in finding ? finding.reason : '').toContain(row.reason);
    const desired = row.takeOver ? allowing(desiredOf(row.need)) : desiredOf(row.need);
    if (row.takeOver) expect(findingOf(await planHost(host, desired), id).verdict).toBe(row.takeOver);
    if (row.verdict !== 'change' && row.takeOver !== 'change') return;
    const { after, steps } = await applyTo(host, desired);
    expect(steps.filter((step) => step.status === 'failed')).toEqual([]);
    expect(isConverged(after), JSON.stringify(findingOf(after, id))).toBe(true);
    host.reboot();
    expect(isConverged(await planHost(host, desired))).toBe(true);
  });
});

describe('what speaks about a need', () => {
  const claimsOf = async (need: Need, files: Files): Promise<string[]> => {
    const desired = desiredOf(need);
    const answers = await debianWith(files).probe(queriesFor(desired));
    const view = { answers, system: readSystem(answers), askedBy: [], verdicts: new Map(), allow: desired.allow };
    return (kindNamed(need.kind).claims?.(need, view) ?? []).map(({ from, says, role }) => `${from} ${says} (${role})`);
  };

  test('every line about lists of NetworkManager is told, in the order in which it is heard', async () => {
    const files = {
      ...nm,
      '/run/NetworkManager/conf.d/b.conf': '[keyfile]\nunmanaged-devices=mac:1\n',
      ...nmConf('a.conf', '[keyfile]\nunmanaged-devices+=interface-name:cali*\n'),
    };
    expect(await claimsOf(devices, files)).toEqual([
      '/run/NetworkManager/conf.d/b.conf:2 unmanaged-devices=mac:1 (until the next boot)',
      '/etc/NetworkManager/conf.d/a.conf:2 unmanaged-devices+=interface-name:cali* (adds)',
    ]);
  });

  test('the .network file that takes a device, the zone that opens a port and the line that turns ufw on are told', async () => {
    const site = network('/etc/systemd/network/10-site.network', 'Name=tunl*');
    expect(await claimsOf(networks, { ...networkd, ...site })).toEqual(['/etc/systemd/network/10-site.network:2 tunl* (taken)']);
    expect(await claimsOf(kubelet, { ...firewalld, ...zone('public', '  <service name="kubelet"/>'), ...ufw })).toEqual([
      '/etc/firewalld/zones/public.xml:3 10250/tcp (open in zone public)',
      '/etc/default/ufw:2 10250/tcp (shut in ufw)',
    ]);
    expect(await claimsOf(noUfw, ufw)).toEqual(['/etc/ufw/ufw.conf:3 ENABLED=yes (decides at boot)']);
  });
});

describe('firewalls that stay', () => {
  const keeping = desiredFrom(['kubernetes:firewall=keep,role=control-plane', 'calico:firewall=keep,wireguard=true']);

  test('firewalld is opened once for good and once for now, ports and protocols apart, and never reloaded', async () => {
    const host = debianWith(firewalld, { ...asks(shown('public', 'eth0')), ...services });
    const { before, after } = await applyTo(host, keeping);
    const commands = commandsOf(before).filter((line) => line.startsWith('firewall-'));
    const ports =
      '--add-port=10250/tcp --add-port=10256/tcp --add-port=30000-32767/tcp --add-port=30000-32767/udp --add-port=6443/tcp --add-port=2379-2380/tcp --add-port=10257/tcp --add-port=10259/tcp --add-port=179/tcp --add-port=5473/tcp --add-port=51820/udp';
    expect(commands).toEqual([
      `firewall-cmd --permanent --zone=public ${ports}`,
      'firewall-cmd --permanent --zone=public --add-protocol=4',
      `firewall-cmd --zone=public ${ports}`,
      'firewall-cmd --zone=public --add-protocol=4',
    ]);
    expect(findingOf(after, 'service/firewalld').verdict).toBe('ok');
    expect(after.findings.filter((f) => f.kind === 'port' && f.verdict !== 'ok')).toEqual([]);
    host.reboot();
    expect((await planHost(host, keeping)).findings.filter((f) => f.kind === 'port' && f.verdict !== 'ok')).toEqual([]);
  });

  test('a firewalld that only starts at boot is opened offline', async () => {
    const host = debianWith(firewalld);
    host.files.delete('/run/systemd/units/invocation:firewalld.service');
    const { before, after } = await applyTo(host, desiredOf(kubelet));
    expect(commandsOf(before)).toEqual(['firewall-offline-cmd --zone=public --add-port=10250/tcp']);
    expect(isConverged(after)).toBe(true);
  });

  test('one profile that keeps the firewall and one that wants it off contradict each other', () => {
    expect(() => desiredFrom(['kubernetes:firewall=keep', 'calico'])).toThrow(
      /service\/firewalld: kubernetes wants left as it is, calico wants inactive/,
    );
  });
});

describe('what is written for NetworkManager and networkd', () => {
  test('lines that stand in the way are commented out, and shown', async () => {
    const files = { ...nm, ...nmConf('zz.conf', '[keyfile]\nunmanaged-devices=interface-name:eth1\n') };
    const plan = await planHost(debianWith(files), allowing(desiredOf(devices)));
    expect(written(plan, '/etc/NetworkManager/conf.d/zz.conf')).toBe(
      '[keyfile]\n# taken over by node-prep: unmanaged-devices=interface-name:eth1\n',
    );
    // What the line left alone stays so: it may be the card that the host is reached by.
    expect(written(plan, '/etc/NetworkManager/conf.d/node-prep.conf')).toMatch(
      /;interface-name:wg-v6\.cali;interface-name:eth1$/m,
    );
    expect(findingOf(plan, 'networkmanager/unmanaged').after).toMatchObject({
      ok: true,
      from: '/etc/NetworkManager/conf.d/node-prep.conf:5',
    });
  });

  test('both needs of networkd take one restart, and no reload on top', async () => {
    const host = debianWith({ ...networkd, ...network('/etc/systemd/network/10-all.network', 'Name=*') });
    expect(commandsOf(await planHost(host, desiredOf(foreign, networks)))).toEqual([
      'systemctl try-restart systemd-networkd.service',
    ]);
    expect(commandsOf(await planHost(host, desiredOf(networks)))).toEqual(['networkctl reload']);
  });
});
