import { firewalldConf, firewalldOn, firewalldQueries, firewalldSetting, permanentZones } from '../knowledge/firewalld.ts';
import { ufwDefaults, ufwSetting } from '../knowledge/ufw-config.ts';
import { ufwOn, ufwQueries, ufwUnasked } from '../knowledge/ufw.ts';
import type { Answers, Finding, HostView, Kind, NeedOf, Reading, Requirement, Verdict } from '../model.ts';

type FirewallNeed = NeedOf<'firewall'>;
type Judgement = { readonly reading: Reading; readonly verdict: Verdict };

/** Traps of a firewall that stays on beside a network plugin: only ever advice, as what to do about them is the operator's to say. */
export const firewallKind: Kind<FirewallNeed> = {
  name: 'firewall',
  title: 'Firewall traps',
  id: (need) => `firewall/${need.about}`,
  want: (need) => (need.about === 'reload' ? 'rules of others survive a reload' : 'traffic of pods is forwarded'),
  merge: (a) => a,
  queries: (needs) => (needs.length === 0 ? [] : [...firewalldQueries, ...ufwQueries]),
  check: (requirements, host) => ({ findings: requirements.map((r) => judge(r, host)), actions: [] }),
};

const judge = (requirement: Requirement<FirewallNeed>, { answers }: HostView): Finding => {
  const { reading, verdict } = requirement.about === 'reload' ? reload(answers) : forward(answers);
  return {
    id: firewallKind.id(requirement),
    kind: 'firewall',
    want: firewallKind.want(requirement),
    now: reading,
    boot: reading,
    because: requirement.because,
    ...verdict,
  };
};

const isOn = (on: { readonly now: boolean; readonly boot: boolean }): boolean => on.now || on.boot;

const fine = (have: string, from?: string): Judgement => ({
  reading: { ok: true, have, ...(from && { from }) },
  verdict: { verdict: 'ok' },
});

const trap = (have: string, from: string, reason: string, remedy: string): Judgement => ({
  reading: { ok: false, have, from },
  verdict: { verdict: 'advice', reason, remedy },
});

/**
 * firewalld's own default is yes (firewalld.conf(5)). With no it lets go of other people's rules all the same (tried with firewalld
 * 1.3.3: a rule of iptables in FORWARD was gone after a reload with either).
 */
const reload = (answers: Answers): Judgement => {
  if (!isOn(firewalldOn(answers))) return fine('no firewalld');
  const flush = firewalldSetting('FlushAllOnReload', answers);
  const from = flush?.from ?? firewalldConf;
  return trap(
    `FlushAllOnReload=${flush?.value ?? 'yes'}`,
    from,
    `firewall-cmd --reload takes the rules of kube-proxy and Calico out of the kernel (${from})`,
    'Never reload firewalld on this node: give each change once with and once without --permanent. After a reload restart calico-node and kube-proxy, and pods with host ports.',
  );
};

const forward = (answers: Answers): Judgement => {
  const ufw = ufwOn(answers);
  const mayBeOn = isOn(ufw) || ufw.unknown;
  const policy = ufwSetting(ufwDefaults, 'DEFAULT_FORWARD_POLICY', answers);
  if (mayBeOn && policy?.value !== 'ACCEPT')
    return ufwDrops(policy?.value ?? 'DROP', policy?.from ?? ufwDefaults, isOn(ufw) ? '' : `${ufwUnasked.reason}; if it is, `);
  if (!isOn(firewalldOn(answers))) return fine(mayBeOn ? 'ufw: ACCEPT' : 'no firewall');
  const trusted = permanentZones(answers).find((zone) => isTrusted(zone));
  if (trusted) return fine(`zone ${trusted.name} trusts`, trusted.allows[0]?.from);
  return trap(
    'firewalld: rejected',
    firewalldConf,
    'firewalld rejects packets between zones, and no zone trusts the addresses of pods',
    'Run firewall-cmd --permanent --zone=trusted --add-source=POD_CIDR, and the same once more without --permanent.',
  );
};

const ufwDrops = (policy: string, from: string, doubt: string): Judgement =>
  trap(
    `ufw: ${policy}`,
    from,
    `${doubt}ufw drops packets that pass through the node (${from})`,
    `Set DEFAULT_FORWARD_POLICY="ACCEPT" in ${from}, or run ufw route allow from POD_CIDR and ufw route allow to POD_CIDR.`,
  );

const isTrusted = (zone: ReturnType<typeof permanentZones>[number]): boolean =>
  zone.sources.length > 0 && zone.allows.some(({ protocol }) => protocol === '*');
