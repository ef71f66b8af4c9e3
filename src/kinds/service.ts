import { ran } from '../answers.ts';
import type { Action, Argv, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { unmet } from './verdicts.ts';

type ServiceNeed = NeedOf<'service'>;

/** A service that must neither run now nor start at boot. */
export const serviceKind: Kind<ServiceNeed> = {
  name: 'service',
  title: 'Services',
  id: (need) => `service/${need.name}`,
  want: () => 'inactive',
  merge: (a) => a,
  queries: (needs) => (needs.length === 0 ? [] : [{ ask: 'run', argv: question(needs) }]),
  check: (requirements, host) => {
    const findings = requirements.map((r) => judge(r, requirements, host));
    const actions = requirements.flatMap((r): Action[] => {
      const finding = findings.find((f) => f.id === serviceKind.id(r));
      return finding?.verdict === 'change'
        ? [
            {
              do: 'run',
              argv: ['systemctl', 'disable', '--now', unit(r)],
              why: `stop ${r.name} and keep it from starting at boot`,
              for: [finding.id],
            },
          ]
        : [];
    });
    return { findings, actions };
  },
};

const unit = (need: ServiceNeed): string => (need.name.includes('.') ? need.name : `${need.name}.service`);

/**
 * One process for all services; systemctl prints a block of properties for each. It takes longer to start than all else that a
 * plan does, so it is only started where one of the services is installed at all (systemd.unit(5) has the folders).
 */
const question = (needs: readonly ServiceNeed[]): Argv => [
  'sh',
  '-c',
  `for unit; do for folder in /etc /run /usr/local/lib /usr/lib /lib; do
  [ -e "$folder/systemd/system/$unit" ] && exec systemctl show --property=Id,LoadState,ActiveState,UnitFileState "$@"
done; done
exit 0`,
  'sh',
  ...[...new Set(needs.map(unit))].sort(),
];

const judge = (requirement: Requirement<ServiceNeed>, all: readonly ServiceNeed[], { answers }: HostView): Finding => {
  const answer = ran(answers, question(all));
  const state = stateOf(answer.text, unit(requirement));
  const base = { id: serviceKind.id(requirement), kind: 'service' as const, want: 'inactive', because: requirement.because };
  if (answer.status !== 0) {
    const unknown: Reading = { ok: false, have: 'unknown' };
    const obstacle = {
      reason: `systemctl could not be asked (exit code ${answer.status})`,
      remedy: `See what systemctl status ${unit(requirement)} says, then plan again.`,
    };
    return { ...base, now: unknown, boot: unknown, ...unmet(requirement, obstacle, obstacle.remedy) };
  }
  if (state === undefined || state.get('LoadState') === 'not-found') {
    const absent: Reading = { ok: true, have: 'not installed' };
    return { ...base, now: absent, boot: absent, verdict: 'ok' };
  }
  const [active, enabled] = [state.get('ActiveState') ?? '', state.get('UnitFileState') || 'disabled'];
  const now: Reading = { ok: !['active', 'activating', 'reloading'].includes(active), have: active };
  const boot: Reading = { ok: !enabled.startsWith('enabled') && !enabled.startsWith('linked'), have: enabled };
  if (now.ok && boot.ok) return { ...base, now, boot, verdict: 'ok' };
  return { ...base, now, boot, ...unmet(requirement, undefined, `systemctl disable --now ${unit(requirement)}`) };
};

const stateOf = (text: string, name: string): ReadonlyMap<string, string> | undefined =>
  text
    .split(/\n\n+/)
    .map(
      (block) =>
        new Map(
          block
            .split('\n')
            .map((line): [string, string] => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]),
        ),
    )
    .find((properties) => properties.get('Id') === name);
