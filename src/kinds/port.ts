import { firewalldOn, firewalldQueries, opening, permanentZones } from '../knowledge/firewalld.ts';
import { clusterZones, firewalldReading } from '../knowledge/firewalld-zones.ts';
import { portText } from '../knowledge/ports.ts';
import type { PortNeed } from '../knowledge/ports.ts';
import { ufwBeforeEnd, ufwCare, ufwOn, ufwQueries, ufwUnasked } from '../knowledge/ufw.ts';
import type { Action, Answers, Argv, Claim, Finding, HostView, Kind, Reading, Requirement } from '../model.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type When = 'now' | 'boot';
type Judged = { readonly requirement: Requirement<PortNeed>; readonly finding: Finding };

/** Ports that must be open in the firewall that the host has, now and after boot; none has to have one. */
export const portKind: Kind<PortNeed> = {
  name: 'port',
  title: 'Firewall',
  id: (need) => `port/${portText(need)}`,
  want: () => 'open',
  merge: (a) => a,
  queries: (needs) => (needs.length === 0 ? [] : [...firewalldQueries, ...ufwQueries]),
  check: (requirements, host) => {
    const judged = requirements.map((requirement) => ({ requirement, finding: judge(requirement, host) }));
    const changed = judged.filter((j) => j.finding.verdict === 'change');
    return { findings: judged.map((j) => j.finding), actions: [...openFirewalld(changed, host), ...openUfw(changed, host)] };
  },
  claims: (need, { answers }) => [
    ...permanentZones(answers).flatMap((zone) => {
      const from = opening(zone, need);
      return from ? [{ from, says: portText(need), role: `open in zone ${zone.name}` }] : [];
    }),
    ...ufwClaims(need, answers),
  ],
};

const ufwClaims = (need: PortNeed, answers: Answers): Claim[] => {
  const { open, from } = ufwCare(need, answers);
  return from ? [{ from, says: portText(need), role: open ? 'open in ufw' : 'shut in ufw' }] : [];
};

const judge = (requirement: Requirement<PortNeed>, { answers }: HostView): Finding => {
  const [now, boot] = [readingOf(requirement, answers, 'now'), readingOf(requirement, answers, 'boot')];
  const base = { id: portKind.id(requirement), kind: 'port' as const, want: 'open', now, boot, because: requirement.because };
  if (now.ok && boot.ok) return { ...base, verdict: 'ok' };
  const obstacle = firewalldObstacle(requirement, answers) ?? ufwObstacle(requirement, answers);
  return { ...base, ...unmet(requirement, obstacle, `Open ${portText(requirement)} in the firewall.`) };
};

const readingOf = (need: PortNeed, answers: Answers, when: When): Reading => {
  const readings = [
    ...(firewalldOn(answers)[when] ? [firewalldReading(need, answers, when)] : []),
    ...(ufwOn(answers)[when] ? [ufwReading(need, answers)] : []),
    ...(when === 'now' && ufwMayShut(need, answers) ? [{ ok: false, have: 'unknown' }] : []),
  ];
  return readings.find((reading) => !reading.ok) ?? readings[0] ?? { ok: true, have: 'no firewall' };
};

const ufwReading = (need: PortNeed, answers: Answers): Reading => {
  const { open, from } = ufwCare(need, answers);
  return { ok: open, have: open ? 'open' : 'shut', ...(from && { from }) };
};

/** Whether ufw is on could not be asked, and if it is, it shuts this. */
const ufwMayShut = (need: PortNeed, answers: Answers): boolean => ufwOn(answers).unknown && !ufwCare(need, answers).open;

/** Which way the cluster's packets come is written nowhere, so nothing is opened on several sides of a host. */
const firewalldObstacle = (need: PortNeed, answers: Answers): Obstacle | undefined => {
  const lacking = (['now', 'boot'] as const).filter(
    (when) => firewalldOn(answers)[when] && !firewalldReading(need, answers, when).ok,
  );
  if (lacking.length === 0) return undefined;
  const zones = clusterZones(answers);
  if (zones.unknown)
    return {
      reason: 'firewalld runs, and firewall-cmd --list-all-zones tells nothing',
      remedy: 'See what firewall-cmd --list-all-zones says, then plan again.',
    };
  if (zones.names.length < 2) return undefined;
  const command = `firewall-cmd --permanent --zone=ZONE ${addition(need)}`;
  return {
    reason: `interfaces are in the zones ${zones.names.join(' and ')} (${zones.from}), and ${portText(need)} is open in none of them`,
    remedy: `Open it where the cluster's traffic comes in, with ${command} and once more without --permanent, then plan again.`,
  };
};

const ufwObstacle = (need: PortNeed, answers: Answers): Obstacle | undefined => {
  if (ufwMayShut(need, answers)) return ufwUnasked;
  const { now, boot } = ufwOn(answers);
  const { open, from, sameRule } = ufwCare(need, answers);
  if (open || (!now && !boot)) return undefined;
  if (need.protocol === '4')
    return {
      reason: `ufw shuts protocol 4 (${from ?? 'its default'}), and no ufw command opens it`,
      remedy: `Write "-A ufw-before-input -p 4 -j ACCEPT" above ${ufwBeforeEnd(answers)}, run iptables -I ufw-before-input -p 4 -j ACCEPT, then plan again.`,
    };
  if (!from?.includes('user.rules') || sameRule) return undefined;
  return {
    reason: `${from} shuts ${portText(need)} before a new rule would be asked`,
    remedy: `Take that rule out (ufw status numbered, then ufw delete NUMBER), then plan again.`,
  };
};

const addition = (need: PortNeed): string => (need.protocol === '4' ? '--add-protocol=4' : `--add-port=${portText(need)}`);

/** Twice the same instead of a reload, which would put other people's rules at risk. */
const openFirewalld = (changed: readonly Judged[], { answers }: HostView): Action[] => {
  const on = firewalldOn(answers);
  const zone = clusterZones(answers).names[0] ?? '';
  const lacking = (when: When) =>
    changed.filter(({ requirement }) => on[when] && !firewalldReading(requirement, answers, when).ok);
  // One command takes ports or protocols, not both: firewall-cmd refuses the mixture.
  const open = (when: When, command: Argv, why: string): Action[] =>
    ['--add-port', '--add-protocol'].flatMap((option): Action[] => {
      const found = lacking(when).filter(({ requirement }) => addition(requirement).startsWith(option));
      const argv: Argv = [...command, `--zone=${zone}`, ...found.map(({ requirement }) => addition(requirement))];
      return found.length === 0 ? [] : [{ do: 'run', argv, why, for: found.map(({ finding }) => finding.id) }];
    });
  const permanent: Argv = on.now ? ['firewall-cmd', '--permanent'] : ['firewall-offline-cmd'];
  return [
    ...open('boot', permanent, `open the ports in zone ${zone} for good`),
    ...open('now', ['firewall-cmd'], 'open them in the running firewall, without a reload'),
  ];
};

const openUfw = (changed: readonly Judged[], { answers }: HostView): Action[] => {
  const { now, boot } = ufwOn(answers);
  if (!now && !boot) return [];
  return changed
    .filter(({ requirement }) => !ufwCare(requirement, answers).open)
    .map(({ requirement, finding }) => ({
      do: 'run',
      argv: ['ufw', 'allow', portText(requirement).replace('-', ':')],
      why: `open ${portText(requirement)}, now and for good`,
      for: [finding.id],
    }));
};
