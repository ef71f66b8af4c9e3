import { listed, ran } from '../answers.ts';
import { ufwQueries } from '../knowledge/ufw.ts';
import { hasUnitFile, unitOf, unitQueries } from '../knowledge/units.ts';
import type { Action, Answers, Argv, Finding, HostView, Kind, NeedOf, Query, Reading, Requirement } from '../model.ts';
import { judgeUfw, ufwClaims, ufwOff } from './service-ufw.ts';
import { unmet } from './verdicts.ts';

type ServiceNeed = NeedOf<'service'>;

/** A service that must neither run now nor start at boot, or (`kept`) that nobody here may turn off. */
export const serviceKind: Kind<ServiceNeed> = {
  name: 'service',
  title: 'Services',
  id: (need) => `service/${need.name}`,
  want: (need) => (need.state === 'kept' ? 'left as it is' : 'inactive'),
  merge: (a, b) => (a.state !== b.state ? undefined : a.mask ? a : b),
  queries: (needs) => [
    ...(needs.some(isUfw) ? ufwQueries : []),
    ...needs.filter(isUnit).flatMap((need) => unitQueries(unit(need))),
    ...(needs.some(isUnit) ? [unitQuestion(needs.filter(isUnit))] : []),
  ],
  check: (requirements, host) => {
    const units = requirements.filter(isUnit);
    const findings = requirements.map((r) => (isUfw(r) ? judgeUfw(r, host) : judge(r, units, host)));
    const changed = requirements.filter((r) => findings.some((f) => f.id === serviceKind.id(r) && f.verdict === 'change'));
    return { findings, actions: changed.flatMap((r) => (isUfw(r) ? [ufwOff] : turnOff(r, host))) };
  },
  claims: (need, { answers }) => (isUfw(need) ? ufwClaims(answers) : []),
};

/** systemctl is asked only where one of the units has a file. */
const unitQuestion = (needs: readonly ServiceNeed[]): Query => ({
  ask: 'run',
  argv: question(needs),
  known: (answers) => (needs.some((need) => hasUnitFile(answers, unit(need))) ? undefined : ''),
});

const isUfw = (need: ServiceNeed): boolean => need.name === 'ufw';
const isUnit = (need: ServiceNeed): boolean => !isUfw(need);

/** A mask goes where an administrator's own unit file would be: where there is one, to be disabled must do. */
const turnOff = (need: ServiceNeed, { answers }: HostView): Action[] => {
  const ids = [serviceKind.id(need)];
  const { atBoot } = unitOf(answers, unit(need));
  // To disable a unit takes links out of /etc only.
  const mask = need.mask === true || (atBoot !== undefined && !atBoot.startsWith('/etc/'));
  const free = listed(answers, maskPath(need)).length === 0;
  const disable = `stop ${need.name} and keep it from starting at boot`;
  return [
    ...(isHidden(need, answers)
      ? [
          {
            do: 'run',
            argv: ['systemctl', 'unmask', '--runtime', unit(need)],
            why: `let ${need.name} be seen`,
            for: ids,
          } as const,
        ]
      : []),
    { do: 'run', argv: ['systemctl', 'disable', '--now', unit(need)], why: disable, for: ids },
    ...(mask && free
      ? [
          {
            do: 'run',
            argv: ['systemctl', 'mask', unit(need)],
            why: `let nothing start ${need.name} again, by D-Bus or as a need of others`,
            for: ids,
          } as const,
        ]
      : []),
  ];
};

/** A mask in /run hides a unit until the reboot, from systemctl too. */
const isHidden = (need: ServiceNeed, answers: Answers): boolean =>
  listed(answers, `/run/systemd/system/${unit(need)}`).some((file) => file.link === '/dev/null');

const maskPath = (need: ServiceNeed): string => `/etc/systemd/system/${unit(need)}`;

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

/** Of an image the unit files tell all that there is. */
const stateInFiles = (name: string, answers: Answers): ReadonlyMap<string, string> => {
  const { installed, mask, atBoot } = unitOf(answers, name);
  return new Map([
    ['LoadState', installed ? 'loaded' : 'not-found'],
    ['ActiveState', 'inactive'],
    ['UnitFileState', mask !== undefined ? 'masked' : atBoot !== undefined ? 'enabled' : 'disabled'],
  ]);
};

const judge = (requirement: Requirement<ServiceNeed>, all: readonly ServiceNeed[], { answers, image }: HostView): Finding => {
  const answer = ran(answers, question(all));
  const state = image ? stateInFiles(unit(requirement), answers) : stateOf(answer.text, unit(requirement));
  const base = {
    id: serviceKind.id(requirement),
    kind: 'service' as const,
    want: serviceKind.want(requirement),
    because: requirement.because,
  };
  if (answer.status !== 0 && requirement.state !== 'kept') {
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
  const boot = bootReading(enabled, unit(requirement), answers);
  if (requirement.state === 'kept') return { ...base, now: { ...now, ok: true }, boot: { ...boot, ok: true }, verdict: 'ok' };
  if (now.ok && boot.ok) return { ...base, now, boot, verdict: 'ok' };
  return { ...base, now, boot, ...unmet(requirement, undefined, `systemctl disable --now ${unit(requirement)}`) };
};

/** What is enabled until the reboot is not after it, and a link of the distribution starts a unit that nobody enabled. */
const bootReading = (enabled: string, name: string, answers: Answers): Reading => {
  const pull = unitOf(answers, name).atBoot;
  const lasts = /^(?:enabled|linked)$/.test(enabled);
  return { ok: !lasts && pull === undefined, have: enabled, ...(pull !== undefined && { from: pull }) };
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
