import { fileText, overlay } from '../answers.ts';
import {
  careOf,
  hasNetworkManager,
  networkManagerOn,
  networkManagerQueries,
  ownNetworkManager,
  unmanagedLines,
} from '../knowledge/networkmanager.ts';
import type { Care } from '../knowledge/networkmanager.ts';
import { iniLines } from '../knowledge/ini-lines.ts';
import { splitSpecs } from '../knowledge/networkmanager-match.ts';
import { sampleDevices } from '../knowledge/pod-devices.ts';
import type { Action, Answers, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { ownFile, unwritable } from './own-file.ts';
import { outOfTheWay } from './take-over.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type UnmanagedNeed = NeedOf<'networkmanager'>;
type Judged = { readonly finding: Finding; readonly actions: readonly Action[] };

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
  claims: (_need, { answers }) =>
    unmanagedLines(answers, 'now').map(({ from, key, value }) => ({
      from,
      says: `${key}=${value}`,
      role: from.startsWith('/run/')
        ? 'until the next boot'
        : key.endsWith('-')
          ? 'takes away'
          : key.endsWith('+')
            ? 'adds'
            : 'sets',
    })),
};

const judge = (requirement: Requirement<UnmanagedNeed>, host: HostView): Judged => {
  const base = { id, kind: 'networkmanager' as const, want: networkmanagerKind.want(requirement), because: requirement.because };
  const [now, boot] = [readingOf(requirement, host.answers, 'now'), readingOf(requirement, host.answers, 'boot')];
  if (now.ok && boot.ok) return { finding: { ...base, now, boot, verdict: 'ok' }, actions: [] };
  const own = writeOwn(requirement, host);
  const taken = host.allow.takeOver ? outOfTheWay(overlay(host.answers, [own]), id, (a) => inTheWay(requirement, a)) : undefined;
  const verdict = unmet(
    requirement,
    unwritable(ownNetworkManager, host) ?? (taken ? undefined : laterLine(requirement, own, host)),
    `Write unmanaged-devices+= into ${ownNetworkManager} yourself.`,
  );
  const others = taken ?? [];
  const writes = [writeOwn(requirement, host, wordsLost(host.answers, others)), ...others];
  const actions = [...writes, ...(networkManagerOn(host.answers).now ? [reload] : [])];
  return { finding: { ...base, now, boot, ...verdict }, actions: verdict.verdict === 'change' ? actions : [] };
};

const reload: Action = {
  do: 'run',
  argv: ['systemctl', 'try-reload-or-restart', 'NetworkManager.service'],
  why: 'let NetworkManager read its files',
  for: [id],
};

/** Lines that undo what our file says. */
const laterLine = (need: UnmanagedNeed, own: Action, host: HostView): Obstacle | undefined => {
  const froms = inTheWay(need, overlay(host.answers, [own]));
  if (froms.length === 0) return undefined;
  const [lines, one] = [froms.join(' and '), froms.length === 1];
  return {
    reason: `${lines} ${one ? 'replaces' : 'replace'} or ${one ? 'takes' : 'take'} from the list, whatever ${ownNetworkManager} says`,
    remedy: `Make unmanaged-devices= there +=, or take the ${one ? 'line' : 'lines'} out, then plan again; --take-over comments ${one ? 'it' : 'them'} out.`,
  };
};

/** Judged as at boot and as now: a file in /run may win today. */
const inTheWay = (need: UnmanagedNeed, answers: Answers): string[] => [
  ...new Set(
    (['now', 'boot'] as const).flatMap((when) =>
      need.unmanaged
        .map((pattern) => patternCare(pattern, answers, when))
        .flatMap((care) => (care.leftAlone ? [] : [care.from ?? 'NetworkManager'])),
    ),
  ),
];

const readingOf = (need: UnmanagedNeed, answers: Answers, when: 'now' | 'boot'): Reading => {
  if (!hasNetworkManager(answers)) return { ok: true, have: 'not installed' };
  const on = networkManagerOn(answers);
  if (!on[when])
    return {
      ok: true,
      have: on.mask ? 'masked' : when === 'now' ? 'not running' : 'not started',
      ...(on.mask && { from: on.mask }),
    };
  const cares = need.unmanaged.map((pattern) => patternCare(pattern, answers, when));
  const good = cares.filter((care) => care.leftAlone);
  const ok = good.length === cares.length;
  const deciding = ok || cares.every((care) => care.leftAlone || !care.from) ? good : cares.filter((care) => !care.leftAlone);
  const from = [...new Set(deciding.flatMap((care) => care.from ?? []))].join(', ');
  return { ok, have: ok ? 'left alone' : `${good.length} of ${cares.length}`, ...(from && { from }) };
};

/** What becomes of every device that a pattern `interface-name:NAME` means: the worst of them counts. */
const patternCare = (pattern: string, answers: Answers, when: 'now' | 'boot'): Care => {
  const cares = sampleDevices(pattern.replace(/^interface-name:/, '')).map((device) => careOf(device, answers, when));
  return cares.find((care) => !care.leftAlone) ?? cares[0] ?? { leftAlone: true };
};

/** What lines that are commented out left alone: the host's own network card may be among it, so our file says it in their place. */
const wordsLost = (answers: Answers, writes: readonly Action[]): string[] => {
  const words = (lines: Answers) =>
    unmanagedLines(lines, 'boot').flatMap(({ key, value }) => (/^unmanaged-devices\+?$/.test(key) ? splitSpecs(value) : []));
  const kept = words(overlay(answers, writes));
  return words(answers).filter((word) => !kept.includes(word) && !word.startsWith('except:'));
};

/** What an earlier run carried over stays. */
const wordsBefore = (text: string): string[] =>
  iniLines({ path: ownNetworkManager, text }).flatMap(({ key, value }) =>
    key === 'unmanaged-devices+' ? splitSpecs(value) : [],
  );

const writeOwn = (need: UnmanagedNeed, host: HostView, more: readonly string[] = []): Action => ({
  ...ownFile(ownNetworkManager, host, {
    purpose: 'devices of the network plugin that NetworkManager leaves alone',
    lines: [
      '[keyfile]',
      `unmanaged-devices+=${[...new Set([...need.unmanaged, ...wordsBefore(fileText(host.answers, ownNetworkManager) ?? ''), ...more])].join(';')}`,
    ],
    kept: [],
    before: fileText(host.answers, ownNetworkManager),
  }),
  for: [id],
});
