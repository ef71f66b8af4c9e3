import { fileText, ran } from '../answers.ts';
import type { Argv, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { obstructed } from './verdicts.ts';

type CgroupNeed = NeedOf<'cgroup'>;

/** The question that Kubernetes' own documents ask: "cgroup2fs" is version 2, "tmpfs" version 1. */
export const cgroupQuestion = ['stat', '-fc', '%T', '/sys/fs/cgroup'] as const satisfies Argv;

const controllersFile = '/sys/fs/cgroup/cgroup.controllers';

/** Controllers that the kubelet needs and that a kernel may keep off (devices and freezer are always there in version 2). */
const controllers = ['cpu', 'cpuset', 'memory', 'pids'] as const;

/** cgroup version 2. `v1`: whether version 1 stands in the way or is only worth a word. */
export const cgroupKind: Kind<CgroupNeed> = {
  name: 'cgroup',
  title: 'Control groups',
  id: () => 'cgroup/v2',
  want: () => 'cgroup2fs',
  merge: (a, b) => (a.v1 === 'blocked' ? a : b),
  queries: (needs) =>
    needs.length === 0
      ? []
      : [
          { ask: 'run', argv: cgroupQuestion },
          { ask: 'read', path: controllersFile },
          { ask: 'read', path: '/proc/cmdline' },
        ],
  check: (requirements, host) => ({ findings: requirements.map((r) => judge(r, host)), actions: [] }),
};

const judge = (requirement: Requirement<CgroupNeed>, { answers }: HostView): Finding => {
  const fs = ran(answers, cgroupQuestion).text.trim() || 'not there';
  const absent = absentControllers(fileText(answers, controllersFile));
  const forced = /\b(systemd\.unified_cgroup_hierarchy=\S+)/.exec(fileText(answers, '/proc/cmdline') ?? '')?.[1];
  const have = fs === 'cgroup2fs' && absent.length > 0 ? `${fs} without ${absent.join(', ')}` : fs;
  const reading: Reading = {
    ok: fs === 'cgroup2fs' && absent.length === 0,
    have,
    ...(forced && { from: `/proc/cmdline: ${forced}` }),
  };
  const base = {
    id: 'cgroup/v2',
    kind: 'cgroup' as const,
    want: 'cgroup2fs',
    now: reading,
    boot: reading,
    because: requirement.because,
  };
  if (reading.ok) return { ...base, verdict: 'ok' };
  if (fs === 'cgroup2fs') {
    return {
      ...base,
      verdict: 'blocked',
      reason: `the kernel keeps cgroup controllers off that the kubelet needs: ${absent.join(', ')}`,
      remedy: `Take cgroup_disable= from the kernel command line or add ${absent.map((c) => `cgroup_enable=${c}`).join(' ')}, then reboot.`,
    };
  }
  if (fs !== 'tmpfs') {
    const remedy = 'Mount cgroup2 there (systemd does so by itself); in a chroot, mount /sys/fs/cgroup before.';
    return { ...base, ...obstructed(requirement, { reason: 'there are no control groups at /sys/fs/cgroup', remedy }) };
  }
  const why = requirement.because[0]?.why ?? '';
  return { ...base, verdict: requirement.v1, reason: `this host runs cgroup version 1: ${why}`, remedy: remedyFor(forced) };
};

const absentControllers = (text: string | undefined): string[] =>
  text === undefined ? [] : controllers.filter((c) => !text.trim().split(/\s+/).includes(c));

const remedyFor = (forced: string | undefined): string =>
  forced
    ? `Take ${forced} from the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or grubby), and reboot.`
    : 'Add systemd.unified_cgroup_hierarchy=1 to the kernel command line (GRUB_CMDLINE_LINUX in /etc/default/grub, then update-grub or grubby), and reboot.';
