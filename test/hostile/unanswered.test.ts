import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { kindNamed } from '../../src/kinds/table.ts';
import type { Finding, Host, Need } from '../../src/model.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { debianWith, desiredOf, findingOf } from '../unit/support.ts';

/** A host on which one question was not answered before the minute was over. */
const cutOff = (host: Host, name: string): Host => ({
  ...host,
  probe: async (queries) =>
    new Map(
      [...(await host.probe(queries))].map(([key, answer]) =>
        key.startsWith('run ') && key.includes(JSON.stringify(name)) ? [key, { status: 124, text: '' }] : [key, answer],
      ),
    ),
});

const ufw = {
  '/etc/ufw/ufw.conf': 'ENABLED=no\n',
  '/etc/default/ufw': 'DEFAULT_INPUT_POLICY="DROP"\nDEFAULT_FORWARD_POLICY="DROP"\n',
  '/etc/ufw/user.rules': '### tuple ### allow tcp 179 0.0.0.0/0 any 0.0.0.0/0 in\n',
};
const firewalld = {
  '/usr/lib/systemd/system/firewalld.service': '[Unit]\n',
  '/run/systemd/units/invocation:firewalld.service': { link: '0123' },
  '/usr/lib/firewalld/zones/public.xml': '<zone>\n  <port port="10250" protocol="tcp"/>\n</zone>\n',
};
const kubelet: Need = { kind: 'port', port: '10250', protocol: 'tcp' };
const bgp: Need = { kind: 'port', port: '179', protocol: 'tcp' };
const noUfw: Need = { kind: 'service', name: 'ufw', state: 'inactive' };
const keptUfw: Need = { kind: 'service', name: 'ufw', state: 'kept' };
const version: Need = { kind: 'nft', about: 'version', users: ['calico'] };

type Row = {
  readonly says: string;
  readonly host: () => Host;
  readonly question: string;
  readonly need: Need;
  readonly verdict: Finding['verdict'];
  readonly reason?: string;
  readonly now?: string;
};

const rows: readonly Row[] = [
  {
    says: 'whether ufw is on: a port that it would shut is not called open',
    host: () => debianWith(ufw),
    question: 'ask-ufw',
    need: kubelet,
    verdict: 'blocked',
    reason: 'whether ufw is on could not be asked',
    now: 'unknown',
  },
  {
    says: 'whether ufw is on, and it lets the port in anyway: nothing to say',
    host: () => debianWith(ufw),
    question: 'ask-ufw',
    need: bgp,
    verdict: 'ok',
  },
  {
    says: 'whether ufw is on: it is not called inactive',
    host: () => debianWith(ufw),
    question: 'ask-ufw',
    need: noUfw,
    verdict: 'blocked',
    reason: 'whether ufw is on could not be asked',
    now: 'unknown',
  },
  {
    says: 'whether ufw is on, where it may stay as it is: nothing to say',
    host: () => debianWith(ufw),
    question: 'ask-ufw',
    need: keptUfw,
    verdict: 'ok',
    now: 'unknown',
  },
  {
    says: 'whether ufw is on: traffic of pods is not called forwarded',
    host: () => debianWith(ufw),
    question: 'ask-ufw',
    need: { kind: 'firewall', about: 'forward' },
    verdict: 'advice',
    reason: 'whether ufw is on could not be asked',
  },
  {
    says: 'whether ufw is on, where there is none',
    host: () => debianWith({}),
    question: 'ask-ufw',
    need: kubelet,
    verdict: 'ok',
  },
  {
    says: 'what the running firewalld lets in',
    host: () =>
      debianWith(firewalld, { scripts: { 'ask-firewalld': 'public (active)\n  interfaces: eth0\n  ports: 10250/tcp\n' } }),
    question: 'ask-firewalld',
    need: kubelet,
    verdict: 'blocked',
    reason: 'firewall-cmd --list-all-zones tells nothing',
    now: 'unknown',
  },
  {
    says: 'what rules there are: two sets of them are not ruled out',
    host: () => debianWith({}),
    question: 'ask-iptables-rules',
    need: { kind: 'iptables' },
    verdict: 'advice',
    reason: 'could not be asked',
  },
  {
    says: 'which nft is here: it is not called absent',
    host: () => debianWith({}),
    question: 'ask-nft',
    need: version,
    verdict: 'advice',
    reason: 'could not be asked',
    now: 'unknown',
  },
  {
    says: 'which packages with modules there are',
    host: () => hostFrom(hosts['rocky-10']!),
    question: 'ask-module-packages',
    need: { kind: 'module', name: 'br_netfilter' },
    verdict: 'blocked',
    reason: 'kernel-modules-extra-6.12.0-211.34.1.el10_2.x86_64 could be installed could not be asked',
  },
];

describe('hostile hosts: questions that were not answered within the minute', () => {
  test.each(rows.map((row) => [row.says, row] as const))('%s', async (_says, { host, question, need, verdict, reason, now }) => {
    const plan = await planHost(cutOff(host(), question), desiredOf(need));
    const finding = findingOf(plan, kindNamed(need.kind).id(need));
    expect(finding.verdict, JSON.stringify(finding)).toBe(verdict);
    if (reason) expect('reason' in finding ? finding.reason : '').toContain(reason);
    if (now) expect(finding.now.have).toBe(now);
    expect(plan.actions).toEqual([]);
  });

  test.each([...new Set(rows.map(({ question }) => question))])('%s is a question that hosts are asked', async (question) => {
    const row = rows.find((r) => r.question === question && r.verdict !== 'ok');
    const keys = row ? [...(await row.host().probe(kindNamed(row.need.kind).queries([row.need as never]))).keys()] : [];
    expect(keys.some((key) => key.includes(JSON.stringify(question)))).toBe(true);
  });
});
