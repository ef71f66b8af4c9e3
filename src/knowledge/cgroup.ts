import { fileText, ran } from '../answers.ts';
import type { Answers, Argv, HostView, Query, System } from '../model.ts';
import { argumentIsOn, bootCmdline, cmdlineQueries, cmdlineWords, nowCmdline } from './cmdline.ts';
import { systemdVersion, systemdVersionQueries } from './systemd.ts';
import { compareDebian } from './versions.ts';

/** The question that Kubernetes' own documents ask: "cgroup2fs" is version 2, "tmpfs" version 1. */
const cgroupQuestion = ['stat', '-fc', '%T', '/sys/fs/cgroup'] as const satisfies Argv;

const controllersFile = '/sys/fs/cgroup/cgroup.controllers';

/** Controllers that the kubelet needs and that a kernel may keep off (devices and freezer are always there in version 2). */
const controllers = ['cpu', 'cpuset', 'memory', 'pids'] as const;

export const cgroupQueries: readonly Query[] = [
  { ask: 'run', argv: cgroupQuestion },
  { ask: 'read', path: controllersFile },
  ...cmdlineQueries,
  ...systemdVersionQueries,
];

/**
 * Control groups at one time. `fs`: as the question answers. `absent`: controllers that are kept off. `from`: the argument that
 * decides, and the file where it stands.
 */
export type Cgroups = { readonly fs: string; readonly absent: readonly string[]; readonly from?: string };

/** What is mounted now. */
export const cgroupsNow = (answers: Answers): Cgroups => {
  const text = fileText(answers, controllersFile)?.trim().split(/\s+/);
  const absent = text === undefined ? [] : controllers.filter((c) => !text.includes(c));
  const from = deciding(nowCmdline(answers), absent);
  return { fs: fsNow(answers), absent, ...(from !== undefined && { from: `/proc/cmdline: ${from}` }) };
};

/**
 * What systemd will mount at the next boot, by the command line that the boot loader has for it (src/basic/cgroup-util.c:
 * cg_is_unified_wanted()). Version 258 knows no other than version 2 any more.
 */
export const cgroupsAtBoot = ({ answers, system, image }: Pick<HostView, 'answers' | 'system' | 'image'>): Cgroups => {
  const { text, from: file } = bootCmdline(answers);
  const asked = askedFor(text);
  const unified = (systemdVersion(answers) ?? 0) >= 258 || (asked ?? unasked(answers, system));
  // systemd mounts them in every image that boots; elsewhere there may be none at all.
  const fs = image ? 'cgroup2fs' : fsNow(answers);
  const disabled = disabledBy(text);
  const gone = cgroupsNow(answers).absent.filter((c) => !disabledBy(nowCmdline(answers)).includes(c));
  const absent = controllers.filter((c) => disabled.includes(c) || gone.includes(c));
  const word = deciding(text, absent);
  return {
    fs: !isCgroups(fs) ? fs : unified ? 'cgroup2fs' : 'tmpfs',
    absent: unified ? absent : absent.filter((c) => disabled.includes(c)),
    ...(word !== undefined && { from: `${file}: ${word}` }),
  };
};

export const isCgroup2Now = (answers: Answers): boolean => fsNow(answers) === 'cgroup2fs';

export const isCgroup2AtBoot = (host: Pick<HostView, 'answers' | 'system' | 'image'>): boolean =>
  cgroupsAtBoot(host).fs === 'cgroup2fs';

/** Controllers that cgroup_disable= keeps off; it may be given several times (kernel/cgroup/cgroup.c). A later cgroup_enable= takes it back, in the kernels that know that. */
export const disabledBy = (cmdline: string): string[] => {
  const off = new Set<string>();
  for (const word of cmdlineWords(cmdline)) {
    const [, verb, names] = /^cgroup_(disable|enable)=(.*)$/.exec(word) ?? [];
    for (const name of names?.split(',') ?? []) {
      if (verb === 'disable') off.add(name);
      else off.delete(name);
    }
  }
  return [...off];
};

const fsNow = (answers: Answers): string => ran(answers, cgroupQuestion).text.trim() || 'not there';

const isCgroups = (fs: string): boolean => fs === 'cgroup2fs' || fs === 'tmpfs';

const unifiedArgument = 'systemd.unified_cgroup_hierarchy';

const askedFor = (cmdline: string): boolean | undefined =>
  argumentIsOn(cmdline, unifiedArgument) ??
  (cmdlineWords(cmdline).findLast((w) => w.startsWith('cgroup_no_v1=')) === 'cgroup_no_v1=all' || undefined);

/** What systemd does unasked: as now, where now it is unasked too, else what the distribution chose when it built it. */
const unasked = (answers: Answers, { id, versionId }: System): boolean => {
  if (isCgroups(fsNow(answers)) && askedFor(nowCmdline(answers)) === undefined) return isCgroup2Now(answers);
  const first: { readonly [id: string]: string } = {
    debian: '11',
    ubuntu: '21.10',
    fedora: '31',
    rhel: '9',
    rocky: '9',
    almalinux: '9',
    centos: '9',
    ol: '9',
    amzn: '2023',
  };
  const since = first[id];
  return since === undefined ? (systemdVersion(answers) ?? 0) >= 248 : compareDebian(versionId, since) >= 0;
};

/** The word of a command line that decides: the one about the version, else the one that keeps a controller off. */
const deciding = (cmdline: string, absent: readonly string[]): string | undefined =>
  cmdlineWords(cmdline).findLast((word) => word.startsWith(`${unifiedArgument}=`) || word === unifiedArgument) ??
  cmdlineWords(cmdline).findLast((word) => word.startsWith('cgroup_disable=') && absent.some((c) => word.includes(c)));
