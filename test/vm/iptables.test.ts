import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Finding } from '../../src/model.ts';
import { inFull, isFull } from '../needs.ts';
import { prepare } from './prepared.ts';
import type { Prepared } from './prepared.ts';

const rules = fileURLToPath(new URL('iptables-rules.sh', import.meta.url));
const profiles = [
  ...['-p', 'kubernetes', '-p', 'istio:mode=ambient,interception=tproxy,dnsCapture=true'],
  ...['-p', 'calico:optionalRules=true', '--ip-families', 'ipv4,ipv6'],
];
const withNft = ['-p', 'kubernetes:kubeProxy=nftables', '-p', 'istio:backend=nftables'];

/** What denies the legacy tables, whoever asks for them. */
const deny = `for m in ip_tables ip6_tables; do echo "install $m /bin/false"; done > /etc/modprobe.d/no-legacy.conf
for m in filter nat mangle raw security; do printf 'install %s_$m /bin/false\\n' iptable ip6table; done >> /etc/modprobe.d/no-legacy.conf`;

describe.each(['bookworm', 'bullseye'] as const)('iptables-nft on a %s machine', (suite) => {
  // What is asked is the same on both; what the kernel needs is not, but for the scenario's apply and reboot on Debian 11.
  const isRepeated = suite !== 'bookworm' && !isFull;
  const onOne: typeof test | undefined = suite === 'bookworm' ? test : undefined;
  let host: Prepared;
  const { sh } = { sh: (script: string) => host.machine.sh(script) };
  const modules = () => sh(`cut -d' ' -f1 /proc/modules | sort`);
  const finding = async (id: string, words: readonly string[]): Promise<Finding | undefined> =>
    (await host.plan(...words)).findings.find((f) => f.id === id);
  beforeAll(async () => {
    if (isRepeated) return;
    host = await prepare(suite, 'iptables');
    await sh(deny);
  });
  afterAll(async () => host?.machine.stop());

  const enough = 'with the legacy tables denied, the modules that apply listed are enough: no other can be loaded, all rules can';
  test.skipIf(isRepeated)(isRepeated ? inFull(enough) : enough, async () => {
    const applied = await host.nodePrep('apply', '--yes', ...profiles);
    expect(applied).toMatchObject({ status: 0, stdout: expect.stringContaining('converged') });
    expect(await sh('cat /etc/modules-load.d/node-prep.conf')).not.toMatch(/^ip6?(_tables|table_)/m);
    await host.machine.snapshot('applied');
    await host.machine.copy(rules, '/root/rules.sh');
    expect(await sh('echo 1 > /proc/sys/kernel/modules_disabled; sh /root/rules.sh')).toBe('');
    expect(await sh('grep -c ^iptable_ /proc/modules || :')).toBe('0\n');
  });

  onOne?.('to ask for variants, rules and nft loads no module and makes no table', async () => {
    await host.machine.restore('applied');
    await sh('DEBIAN_FRONTEND=noninteractive apt-get -q -y install --no-install-recommends nftables');
    const before = await modules();
    expect(await finding('iptables/backend', profiles)).toMatchObject({ verdict: 'ok', now: { have: 'nft' } });
    expect(await finding('nft/json', withNft)).toMatchObject({ verdict: 'ok', now: { have: 'JSON' } });
    expect(await modules()).toBe(before);
    expect(await sh('cat /proc/net/ip_tables_names || :')).toBe('');
  });

  onOne?.('rules in both variants are counted, and gone after the flush that the remedy names', async () => {
    await sh(
      'rm /etc/modprobe.d/no-legacy.conf; iptables-legacy -t nat -A POSTROUTING -j MASQUERADE; iptables-legacy -P FORWARD DROP',
    );
    await sh('iptables-nft -A INPUT -s 192.0.2.1 -j DROP');
    const mixed = await finding('iptables/backend', profiles);
    expect(mixed).toMatchObject({
      verdict: 'blocked',
      reason: 'packets pass two sets of rules: legacy (ip filter: 1, ip nat: 1) and nft (ip filter: 1)',
      now: { from: '/proc/net/ip_tables_names' },
    });
    const flush = /or (iptables-legacy .*); then/.exec(mixed?.verdict === 'blocked' ? mixed.remedy : '')?.[1] ?? 'false';
    await sh(flush);
    expect(await finding('iptables/backend', profiles)).toMatchObject({ verdict: 'ok' });
  });

  onOne?.('a choice of the legacy variant asks for the legacy tables again', async () => {
    await sh('update-alternatives --set iptables /usr/sbin/iptables-legacy');
    expect(await finding('iptables/backend', profiles)).toMatchObject({
      verdict: 'advice',
      reason: expect.stringContaining('/etc/alternatives/ip6tables'),
    });
    expect(await finding('module/iptable_raw', profiles)).toMatchObject({ verdict: 'change', boot: { have: 'not listed' } });
  });
});
