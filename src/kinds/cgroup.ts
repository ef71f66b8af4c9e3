import { familyNamed } from '../families/table.ts';
import { cgroupQueries, cgroupsAtBoot, cgroupsNow } from '../knowledge/cgroup.ts';
import type { Cgroups } from '../knowledge/cgroup.ts';
import { bootCmdline, cmdlineWords, nowCmdline, unreadableBootFile } from '../knowledge/cmdline.ts';
import type { Claim, Finding, HostView, Kind, NeedOf, Reading, Requirement, Verdict } from '../model.ts';
import { ownGrubFile } from '../knowledge/grub-arguments.ts';
import { cgroupActions, changeFor, isWritten } from './cgroup-actions.ts';
import { cannotChange, kernelArgumentQueries } from './cgroup-obstacles.ts';
import { obstructed } from './verdicts.ts';

type CgroupNeed = NeedOf<'cgroup'>;

const id = 'cgroup/v2';

/** cgroup version 2, now and at the next boot. `v1`: whether version 1 stands in the way or is only worth a word. */
export const cgroupKind: Kind<CgroupNeed> = {
  name: 'cgroup',
  title: 'Control groups',
  id: () => id,
  want: () => 'cgroup2fs',
  merge: (a, b) => (a.v1 === 'blocked' ? a : b),
  queries: (needs) => (needs.length === 0 ? [] : [...cgroupQueries, ...kernelArgumentQueries]),
  check: (requirements, host) => {
    const findings = requirements.map((r) => judge(r, host));
    return { findings, actions: findings.some((f) => f.verdict === 'change') ? cgroupActions(id, host) : [] };
  },
  claims: (_need, { answers }) => {
    const boot = bootCmdline(answers);
    const about = (text: string): string =>
      cmdlineWords(text)
        .filter((w) => /cgroup/i.test(w))
        .join(' ') || 'nothing about cgroups';
    return [
      { from: '/proc/cmdline', says: about(nowCmdline(answers)), role: 'what the running kernel was given' },
      { from: boot.from, says: about(boot.text), role: 'what the next boot gets' },
    ] satisfies Claim[];
  },
};

const judge = (requirement: Requirement<CgroupNeed>, host: HostView): Finding => {
  const [now, boot] = [host.image ? cgroupsAtBoot(host) : cgroupsNow(host.answers), cgroupsAtBoot(host)];
  const base = {
    id,
    kind: 'cgroup' as const,
    want: 'cgroup2fs',
    now: reading(now),
    boot: reading(boot),
    because: requirement.because,
  };
  if (base.now.ok && base.boot.ok) return { ...base, verdict: 'ok' };
  return { ...base, ...verdictOn(requirement, now, boot, host) };
};

const reading = ({ fs, absent, from }: Cgroups): Reading => ({
  ok: fs === 'cgroup2fs' && absent.length === 0,
  have: fs === 'cgroup2fs' && absent.length > 0 ? `${fs} without ${absent.join(', ')}` : fs,
  ...(from !== undefined && { from }),
});

const verdictOn = (requirement: Requirement<CgroupNeed>, now: Cgroups, boot: Cgroups, host: HostView): Verdict => {
  if (now.fs !== 'cgroup2fs' && now.fs !== 'tmpfs') {
    const remedy = 'Mount cgroup2 there (systemd does so by itself); in a chroot, mount /sys/fs/cgroup before.';
    return obstructed(requirement, { reason: 'there are no control groups at /sys/fs/cgroup', remedy });
  }
  const only = requirement.advice || (requirement.v1 === 'advice' && ![now, boot].some(lacksControllers)) ? 'advice' : 'blocked';
  const reason = reasonFor(requirement, now, boot);
  if (host.image && isWritten(host))
    return { verdict: only, reason: `${reason}; ${ownGrubFile} is not in the menu yet`, remedy: menuByHand };
  if (reading(boot).ok) {
    return { verdict: only, reason: pending(now), remedy: 'Reboot this host: nothing else is left to do.' };
  }
  const obstacle = cannotChange(changeFor(host), host);
  if (obstacle) return { verdict: only, reason: obstacle.why ? `${reason}; ${obstacle.why}` : reason, remedy: obstacle.remedy };
  return only === 'advice' || !host.allow.rebootChanges
    ? { verdict: only, reason: guessed(reason, host), remedy: byHand(host, only) }
    : { verdict: 'change' };
};

/** The menu of GRUB is made for devices that are there: in a tree that is not running node-prep cannot know that it would be right. */
const menuByHand =
  'Run update-grub in the image where its disk is mounted with /dev, /proc and /sys, or let its first boot do so; then plan again.';

const pending = (now: Cgroups): string =>
  lacksControllers(now)
    ? `this host must be rebooted: the controllers ${now.absent.join(', ')} are still off, the next boot has them`
    : 'this host must be rebooted: it still runs cgroup version 1, the next boot brings version 2';

const lacksControllers = ({ fs, absent }: Cgroups): boolean => fs === 'cgroup2fs' && absent.length > 0;

const reasonFor = (requirement: Requirement<CgroupNeed>, now: Cgroups, boot: Cgroups): string => {
  const why = requirement.because[0]?.why ?? '';
  const at = reading(now).ok ? 'the next boot' : 'this host';
  const bad = reading(now).ok ? boot : now;
  if (lacksControllers(bad)) return `the kernel keeps cgroup controllers off that the kubelet needs: ${bad.absent.join(', ')}`;
  return reading(now).ok ? `${at} runs cgroup version 1 (${boot.from ?? ''}): ${why}` : `${at} runs cgroup version 1: ${why}`;
};

const guessed = (reason: string, { answers }: HostView): string => {
  const path = unreadableBootFile(answers);
  return path === undefined ? reason : `${reason} (the next boot is guessed from this one: ${path} cannot be read without root)`;
};

const byHand = (host: HostView, only: 'advice' | 'blocked'): string => {
  const { add, remove } = changeFor(host);
  const words = [
    ...(remove.length > 0 ? [`take ${remove.join(' ')} from`] : []),
    ...(add.length > 0 ? [`add ${add.join(' ')} to`] : []),
  ];
  const how = familyNamed(host.system.family).kernelArguments?.byHand ?? '';
  const todo = `${words.join(', ')} the kernel command line (${how}), then reboot.`;
  return only === 'advice' ? `To have it: ${todo}` : `With --allow-reboot-changes node-prep does it; or ${todo}`;
};
