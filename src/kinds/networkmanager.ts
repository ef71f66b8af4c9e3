import { fileText, overlay } from '../answers.ts';
import { hasNetworkManager, networkManagerQueries, ownNetworkManager, unmanagedDevices } from '../knowledge/networkmanager.ts';
import type { Action, Answers, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile, unwritable } from './own-file.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type UnmanagedNeed = NeedOf<'networkmanager'>;

const id = 'networkmanager/unmanaged';

/** Devices that NetworkManager must leave to the network plugin. */
export const networkmanagerKind: Kind<UnmanagedNeed> = {
  name: 'networkmanager',
  title: 'NetworkManager',
  id: () => id,
  want: (need) => `all ${need.unmanaged.length} device patterns left alone`,
  merge: (a, b) => ({ ...a, unmanaged: [...new Set([...a.unmanaged, ...b.unmanaged])] }),
  queries: (needs) => (needs.length === 0 ? [] : networkManagerQueries),
  check: (requirements, host) => {
    const judged = requirements.map((r) => judge(r, host));
    return { findings: judged.map((j) => j.finding), actions: judged.flatMap((j) => j.actions) };
  },
};

const judge = (requirement: Requirement<UnmanagedNeed>, host: HostView): { finding: Finding; actions: readonly Action[] } => {
  const base = { id, kind: 'networkmanager' as const, want: networkmanagerKind.want(requirement), because: requirement.because };
  if (!hasNetworkManager(host.answers)) {
    const absent: Reading = { ok: true, have: 'not installed' };
    return { finding: { ...base, now: absent, boot: absent, verdict: 'ok' }, actions: [] };
  }
  const reading = readingOf(requirement, host.answers);
  if (reading.ok) return { finding: { ...base, now: reading, boot: reading, verdict: 'ok' }, actions: [] };
  const write = writeOwn(requirement, host);
  const verdict = unmet(
    requirement,
    unwritable(ownNetworkManager, host) ?? laterFile(requirement, write, host),
    `Write unmanaged-devices+= into ${ownNetworkManager} yourself.`,
  );
  const finding: Finding = { ...base, now: reading, boot: reading, ...verdict };
  return { finding, actions: verdict.verdict === 'change' ? [write, reload] : [] };
};

const reload: Action = {
  do: 'run',
  argv: ['systemctl', 'try-reload-or-restart', 'NetworkManager.service'],
  why: 'let NetworkManager read its files',
  for: [id],
};

/** A file that is read after ours and replaces what it says. */
const laterFile = (need: UnmanagedNeed, write: Action, host: HostView): Obstacle | undefined => {
  const { ok, from } = readingOf(need, overlay(host.answers, [write]));
  return ok
    ? undefined
    : {
        reason: `${from ?? 'a later file'} replaces the list after ${ownNetworkManager}`,
        remedy: `Take unmanaged-devices= out of ${from ?? 'the later file'}, or make it +=, then plan again.`,
      };
};

const readingOf = (need: UnmanagedNeed, answers: Answers): Reading => {
  const inForce = unmanagedDevices(answers);
  const absent = need.unmanaged.filter((pattern) => !inForce.some((u) => u.pattern === pattern));
  const files = [...new Set(inForce.map((u) => u.from))].join(', ');
  const have = absent.length === 0 ? 'left alone' : `${need.unmanaged.length - absent.length} of ${need.unmanaged.length}`;
  return { ok: absent.length === 0, have, ...(files && { from: files }) };
};

const writeOwn = (need: UnmanagedNeed, host: HostView): Action => ({
  ...ownFile(ownNetworkManager, host, {
    purpose: 'devices of the network plugin that NetworkManager leaves alone',
    lines: ['[keyfile]', `unmanaged-devices+=${need.unmanaged.join(';')}`],
    kept: [],
    before: fileText(host.answers, ownNetworkManager),
  }),
  for: [id],
});
