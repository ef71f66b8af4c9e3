import { fileText, ran } from '../answers.ts';
import { fstabPath, isSwapLine, swapQueries, swapsAtBoot, swapsNow } from '../knowledge/swap.ts';
import type { SwapSource } from '../knowledge/swap.ts';
import type { Action, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { cgroupQuestion } from './cgroup.ts';
import { unwritable } from './own-file.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type SwapNeed = NeedOf<'swap'>;

const id = 'swap/off';

/** Swap by policy: off now and after boot, or left alone where cgroup version 2 limits it. */
export const swapKind: Kind<SwapNeed> = {
  name: 'swap',
  title: 'Swap',
  id: () => id,
  want: (need) => ({ off: 'off', 'cgroup-v2': 'off, or cgroup v2', ignore: 'anything' })[need.policy],
  merge: (a, b) => (a.policy === b.policy ? a : undefined),
  queries: (needs) => (needs.length === 0 ? [] : [...swapQueries, { ask: 'run', argv: cgroupQuestion }]),
  check: (requirements, host) => {
    const findings = requirements.map((r) => judge(r, host));
    return { findings, actions: findings.some((f) => f.verdict === 'change') ? actionsFor(host) : [] };
  },
};

const judge = (requirement: Requirement<SwapNeed>, host: HostView): Finding => {
  const active = swapsNow(host.answers);
  const sources = swapsAtBoot(host.answers);
  const allowed = requirement.policy === 'ignore' || (requirement.policy === 'cgroup-v2' && isCgroup2(host));
  const base = {
    id,
    kind: 'swap' as const,
    want: swapKind.want(requirement),
    because: requirement.because,
    now: reading(active.length === 0 || allowed, active.join(', ')),
    boot: reading(sources.length === 0 || allowed, sources.map((s) => s.name).join(', '), sources.map((s) => s.from).join(', ')),
  };
  if (base.now.ok && base.boot.ok) return { ...base, verdict: 'ok' };
  return {
    ...base,
    ...unmet(requirement, zramObstacle(sources) ?? fstabObstacle(sources, host), 'swapoff -a, and take swap out of /etc/fstab.'),
  };
};

/** fstab is somebody else's file: it is only changed where every byte of it can be written back. */
const fstabObstacle = (sources: readonly SwapSource[], host: HostView): Obstacle | undefined =>
  sources.some((s) => s.via === 'fstab') ? unwritable(fstabPath, host) : undefined;

const zramObstacle = (sources: readonly SwapSource[]): Obstacle | undefined => {
  const zram = sources.find((s) => s.via === 'zram');
  return (
    zram && {
      reason: `${zram.from} makes ${zram.name} swap at boot, which node-prep does not edit`,
      remedy: 'Make /etc/systemd/zram-generator.conf an empty file (it hides the one in /usr/lib), reboot, then plan again.',
    }
  );
};

const isCgroup2 = (host: HostView): boolean => ran(host.answers, cgroupQuestion).text.trim() === 'cgroup2fs';

const reading = (ok: boolean, have: string, from?: string): Reading => ({ ok, have: have || 'off', ...(from && { from }) });

const actionsFor = ({ answers }: HostView): Action[] => {
  const sources = swapsAtBoot(answers);
  const units = sources.filter((s) => s.via === 'unit').map((s) => s.name);
  return [
    ...editFstab(fileText(answers, fstabPath) ?? '', sources),
    ...(units.length > 0
      ? [
          {
            do: 'run' as const,
            argv: ['systemctl', 'mask', ...units] as const,
            why: 'keep swap units from starting at boot',
            for: [id],
          },
        ]
      : []),
    ...(swapsNow(answers).length > 0
      ? [{ do: 'run' as const, argv: ['swapoff', '-a'] as const, why: 'turn swap off now', for: [id] }]
      : []),
  ];
};

/** The lines stay, commented out, so that a person can put them back. */
const editFstab = (before: string, sources: readonly SwapSource[]): Action[] => {
  if (!sources.some((s) => s.via === 'fstab')) return [];
  const after = before
    .split('\n')
    .map((line) => (isSwapLine(line) ? `# off for Kubernetes, by node-prep: ${line}` : line))
    .join('\n');
  return [{ do: 'write', path: fstabPath, mode: 'keep', before, after, for: [id] }];
};
