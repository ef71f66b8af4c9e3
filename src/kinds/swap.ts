import { compareDebian } from '../knowledge/versions.ts';
import { cgroupQueries, isCgroup2AtBoot, isCgroup2Now } from '../knowledge/cgroup.ts';
import { resumeDevice } from '../knowledge/swap-resume.ts';
import { swapClaims, swapQueries, swapsAtBoot, swapsNow } from '../knowledge/swap.ts';
import type { SwapSource } from '../knowledge/swap-source.ts';
import type { Claim, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { swapActions, swapObstacle } from './swap-actions.ts';
import { unmet } from './verdicts.ts';

type SwapNeed = NeedOf<'swap'>;

const id = 'swap/off';

/** Swap by policy: off now and after boot, or left alone where cgroup version 2 limits it. */
export const swapKind: Kind<SwapNeed> = {
  name: 'swap',
  title: 'Swap',
  id: () => id,
  want: (need) => ({ off: 'off', 'cgroup-v2': 'off, or cgroup v2', ignore: 'anything' })[need.policy],
  merge: (a, b) => (a.policy === b.policy ? a : undefined),
  queries: (needs) => (needs.length === 0 ? [] : [...swapQueries, ...cgroupQueries]),
  check: (requirements, host) => {
    const findings = requirements.map((r) => judge(r, host));
    const words = requirements.flatMap((r) => [...sourceAdvice(r, host), ...resumeAdvice(r, host), ...tmpfsAdvice(r, host)]);
    return {
      findings: [...findings, ...words],
      actions: findings.some((f) => f.verdict === 'change') ? swapActions(id, host) : [],
    };
  },
  claims: (_need, { answers }) => [
    ...swapsNow(answers).map(({ name, used }): Claim => ({
      from: '/proc/swaps',
      says: `${name}, ${used} KiB used`,
      role: 'on now',
    })),
    ...swapClaims(answers).map(({ source, offBy }): Claim => ({
      from: source.from,
      says: saying(source),
      role: offBy === undefined ? 'turns swap on at boot' : `without effect: ${offBy}`,
    })),
  ],
};

const judge = (requirement: Requirement<SwapNeed>, host: HostView): Finding => {
  const active = swapsNow(host.answers).map((swap) => swap.name);
  const sources = swapsAtBoot(host.answers);
  const base = {
    id,
    kind: 'swap' as const,
    want: swapKind.want(requirement),
    because: requirement.because,
    now: reading(active.length === 0 || mayStay(requirement, isCgroup2Now(host.answers)), active.join(', ')),
    boot: reading(
      sources.length === 0 || mayStay(requirement, isCgroup2AtBoot(host)),
      [...new Set(sources.map((s) => s.name))].join(', '),
      sources.map((s) => s.from).join(', '),
    ),
  };
  if (base.now.ok && base.boot.ok) return { ...base, verdict: 'ok' };
  return { ...base, ...unmet(requirement, swapObstacle(host), 'swapoff -a, and take swap out of /etc/fstab.') };
};

const mayStay = ({ policy }: SwapNeed, isCgroup2: boolean): boolean =>
  policy === 'ignore' || (policy === 'cgroup-v2' && isCgroup2);

const reading = (ok: boolean, have: string, from?: string): Reading => ({ ok, have: have || 'off', ...(from && { from }) });

const saying = ({ via, name }: SwapSource): string =>
  ({
    fstab: `swap on ${name}`,
    unit: `${name} is enabled`,
    gpt: `${name}, found by its partition type`,
    zram: `[${name}]`,
    script: name,
    argument: `makes ${name}`,
  })[via];

/** Swap that is on, and no file that is read here turns it on: a script may do so again. */
const sourceAdvice = (requirement: Requirement<SwapNeed>, { answers }: HostView): Finding[] => {
  const active = swapsNow(answers).map((swap) => swap.name);
  if (requirement.policy !== 'off' || active.length === 0 || swapsAtBoot(answers).length > 0) return [];
  const [now, boot] = [reading(false, active.join(', '), '/proc/swaps'), reading(true, 'not known')];
  return [
    {
      id: 'swap/source',
      kind: 'swap',
      want: 'known',
      because: requirement.because,
      now,
      boot,
      verdict: 'advice',
      reason: `nothing that node-prep reads turns ${active.join(', ')} on: a script may do so again at the next boot`,
      remedy: 'Find out who runs swapon, and run node-prep verify after the next boot.',
    },
  ];
};

/** The device of hibernation turns no swap on, but is worth a word where there is to be none. */
const resumeAdvice = (requirement: Requirement<SwapNeed>, { answers }: HostView): Finding[] => {
  const resume = requirement.policy === 'off' ? resumeDevice(answers) : undefined;
  if (!resume) return [];
  const state: Reading = { ok: false, have: resume.device, from: resume.from };
  return [
    {
      id: 'swap/resume',
      kind: 'swap',
      want: 'no device to resume from',
      now: state,
      boot: state,
      because: requirement.because,
      verdict: 'advice',
      reason: `${resume.from} names ${resume.device} to wake up from: this turns no swap on, but without that device the boot waits for it`,
      remedy:
        'Once the device is gone: RESUME=none in /etc/initramfs-tools/conf.d/resume and update-initramfs -u, or take resume= out.',
    },
  ];
};

/** What is in memory-backed volumes, secrets among it, can be swapped out unless tmpfs knows `noswap` (Linux 6.3). */
const tmpfsAdvice = (requirement: Requirement<SwapNeed>, host: HostView): Finding[] => {
  const on = swapsNow(host.answers).length > 0 || swapsAtBoot(host.answers).length > 0;
  const old = compareDebian(/^\d+(\.\d+)*/.exec(host.system.kernel)?.[0] ?? '0', '6.3') < 0;
  if (requirement.policy !== 'cgroup-v2' || !on || !old || !isCgroup2Now(host.answers)) return [];
  const state: Reading = { ok: false, have: host.system.kernel, from: '/proc/sys/kernel/osrelease' };
  return [
    {
      id: 'swap/tmpfs',
      kind: 'swap',
      want: 'tmpfs with noswap',
      now: state,
      boot: state,
      because: requirement.because,
      verdict: 'advice',
      reason: `kernel ${host.system.kernel} may lack the noswap option of tmpfs (Linux 6.3): secrets and other volumes in memory can reach the disk`,
      remedy: 'Encrypt the swap device, take a kernel of at least 6.3, or turn swap off (swap=off).',
    },
  ];
};
