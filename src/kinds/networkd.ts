import { fileText, overlay } from '../answers.ts';
import {
  foreignKeys,
  networkdLines,
  foreignSetting,
  networkFor,
  networkdOn,
  networkdQueries,
  ownForeign,
  ownNetwork,
} from '../knowledge/networkd.ts';
import { sampleDevices } from '../knowledge/pod-devices.ts';
import type { Action, Answers, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile, unwritable } from './own-file.ts';
import { outOfTheWay } from './take-over.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type NetworkdNeed = NeedOf<'networkd'>;
type Judged = { readonly finding: Finding; readonly actions: readonly Action[] };
type When = 'now' | 'boot';

/** What systemd-networkd must leave to the network plugin: routes and rules of others (`foreign`), and devices by name (`unmanaged`). */
export const networkdKind: Kind<NetworkdNeed> = {
  name: 'networkd',
  title: 'systemd-networkd',
  id: (need) => `networkd/${need.leave}`,
  want: (need) =>
    need.leave === 'foreign' ? 'routes and rules of others kept' : `${need.names.length} kinds of device left alone`,
  merge: (a, b) =>
    a.leave === 'unmanaged' && b.leave === 'unmanaged' ? { ...a, names: [...new Set([...a.names, ...b.names])] } : a,
  queries: (needs) => (needs.length === 0 ? [] : networkdQueries),
  check: (requirements, host) => {
    const judged = requirements.map((r) => judge(r, host));
    return { findings: judged.map((j) => j.finding), actions: activated(judged, host) };
  },
  claims: (need, { answers }) =>
    need.leave === 'foreign'
      ? foreignKeys.flatMap((key) =>
          networkdLines(key, answers, 'now').map(({ from, value }) => ({ from, says: `${key}=${value}`, role: 'sets' })),
        )
      : cares(need, answers, 'now').flatMap(({ leftAlone, from, name }) =>
          from ? [{ from, says: name, role: leftAlone ? 'left alone' : 'taken' }] : [],
        ),
};

const judge = (requirement: Requirement<NetworkdNeed>, host: HostView): Judged => {
  const id = networkdKind.id(requirement);
  const base = { id, kind: 'networkd' as const, want: networkdKind.want(requirement), because: requirement.because };
  const [now, boot] = [readingOf(requirement, host.answers, 'now'), readingOf(requirement, host.answers, 'boot')];
  if (now.ok && boot.ok) return { finding: { ...base, now, boot, verdict: 'ok' }, actions: [] };
  const own = writeOwn(requirement, id, host);
  const taken =
    host.allow.takeOver && requirement.leave === 'foreign'
      ? outOfTheWay(overlay(host.answers, [own]), id, (answers) => inTheWay(requirement, answers))
      : undefined;
  const verdict = unmet(
    requirement,
    unwritable(own.path, host) ?? (taken ? undefined : laterLine(requirement, overlay(host.answers, [own]), own.path)),
    `Write ${own.path} yourself.`,
  );
  const actions = [own, ...(taken ?? [])];
  return { finding: { ...base, now, boot, ...verdict }, actions: verdict.verdict === 'change' ? actions : [] };
};

/** networkd.conf is read at start alone (tried with systemd 252: `networkctl reload` passes it over); .network files are read again. */
const activated = (judged: readonly Judged[], { answers }: HostView): Action[] => {
  const changed = judged.filter((j) => j.actions.length > 0);
  const writes = changed.flatMap((j) => j.actions);
  const ids = changed.map((j) => j.finding.id);
  if (writes.length === 0 || !networkdOn(answers).now) return writes;
  const restart = ids.includes('networkd/foreign');
  return [
    ...writes,
    restart
      ? {
          do: 'run',
          argv: ['systemctl', 'try-restart', 'systemd-networkd.service'],
          why: 'networkd reads networkd.conf only when it starts; addresses stay',
          for: ids,
        }
      : { do: 'run', argv: ['networkctl', 'reload'], why: 'let networkd read its files', for: ids },
  ];
};

const readingOf = (need: NetworkdNeed, answers: Answers, when: When): Reading => {
  const on = networkdOn(answers);
  if (!on[when]) return { ok: true, have: !on.installed ? 'not installed' : when === 'now' ? 'not running' : 'not started' };
  return need.leave === 'foreign' ? foreignReading(answers, when) : unmanagedReading(need, answers, when);
};

const foreignReading = (answers: Answers, when: When): Reading => {
  const settings = foreignKeys.map((key) => ({ key, ...foreignSetting(key, answers, when) }));
  const removing = settings.filter((setting) => setting.on);
  const from = [...new Set((removing.length > 0 ? removing : settings).flatMap((setting) => setting.from ?? []))].join(', ');
  const what = removing.map(({ key }) => (key === 'ManageForeignRoutes' ? 'routes' : 'rules')).join(' and ');
  return { ok: removing.length === 0, have: what === '' ? 'kept' : `${what} removed`, ...(from && { from }) };
};

type Taken = { readonly name: string; readonly leftAlone: boolean; readonly from?: string };

const cares = (need: NetworkdNeed & { leave: 'unmanaged' }, answers: Answers, when: When): Taken[] =>
  need.names.map((name) => {
    const all = sampleDevices(name).map((device) => networkFor(device, answers, when));
    return { name, ...(all.find((care) => !care.leftAlone) ?? all[0] ?? { leftAlone: true }) };
  });

const unmanagedReading = (need: NetworkdNeed & { leave: 'unmanaged' }, answers: Answers, when: When): Reading => {
  const all = cares(need, answers, when);
  const taken = all.filter((care) => !care.leftAlone);
  const from = [...new Set((taken.length > 0 ? taken : all).flatMap((care) => care.from ?? []))].join(', ');
  const have = taken.length === 0 ? 'left alone' : `takes ${taken.map((care) => care.name).join(' ')}`;
  return { ok: taken.length === 0, have, ...(from && { from }) };
};

/** Lines that win over our file, now or at boot. */
const inTheWay = (need: NetworkdNeed, answers: Answers): string[] => [
  ...new Set((['now', 'boot'] as const).flatMap((when) => winners(need, answers, when))),
];

const winners = (need: NetworkdNeed, answers: Answers, when: When): string[] =>
  need.leave === 'foreign'
    ? foreignKeys.map((key) => foreignSetting(key, answers, when)).flatMap(({ on, from }) => (on && from ? [from] : []))
    : cares(need, answers, when).flatMap(({ leftAlone, from }) => (leftAlone || !from ? [] : [from]));

const laterLine = (need: NetworkdNeed, after: Answers, own: string): Obstacle | undefined => {
  const froms = inTheWay(need, after);
  if (froms.length === 0) return undefined;
  const lines = froms.join(' and ');
  return need.leave === 'foreign'
    ? {
        reason: `${lines} is read after ${own} and says the opposite`,
        remedy: `Take ${lines} out, then plan again; --take-over comments it out.`,
      }
    : {
        reason: `${lines} is tried before ${own} and takes the plugin's devices`,
        // Commented out it would take no device at all, not even the one that the host is reached by.
        remedy: `Rename that file so that it sorts after ${own}, or name its devices more closely, then plan again.`,
      };
};

const writeOwn = (need: NetworkdNeed, id: string, host: HostView): Extract<Action, { do: 'write' }> => {
  const foreign = need.leave === 'foreign';
  const path = foreign ? ownForeign : ownNetwork;
  return {
    ...ownFile(path, host, {
      purpose: foreign
        ? 'routes and rules of the network plugin that systemd-networkd keeps'
        : 'devices of the network plugin that systemd-networkd leaves alone',
      lines: foreign
        ? ['[Network]', ...foreignKeys.map((key) => `${key}=no`)]
        : ['[Match]', `Name=${need.names.join(' ')}`, '', '[Link]', 'Unmanaged=yes'],
      kept: [],
      before: fileText(host.answers, path),
    }),
    for: [id],
  };
};
