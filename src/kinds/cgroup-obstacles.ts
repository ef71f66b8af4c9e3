import { listed } from '../answers.ts';
import { families, familyNamed } from '../families/table.ts';
import { bootCmdline, firmwareFile, unreadableBootFile } from '../knowledge/cmdline.ts';
import { grubArgumentQueries, hasGrubDefaults, laterGrubFile, ownGrubFile } from '../knowledge/grub-arguments.ts';
import type { ArgumentChange } from '../knowledge/grub-arguments.ts';
import { inContainer } from '../knowledge/rights.ts';
import { systemdVersion } from '../knowledge/systemd.ts';
import { compareDebian } from '../knowledge/versions.ts';
import type { HostView, Query } from '../model.ts';
import { unwritable } from './own-file.ts';

const programs = families.flatMap((family) => family.kernelArguments?.programs ?? []);

export const kernelArgumentQueries: readonly Query[] = [
  ...grubArgumentQueries,
  ...programs.map((glob) => ({ ask: 'list' as const, glob, lines: [] })),
];

/** Why node-prep cannot bring version 2 by kernel arguments. `why` is "" where there is nothing to add to the reason itself. */
type CannotChange = { readonly why: string; readonly remedy: string };

/** What stands in the way of a change of kernel arguments on this host, if anything does. */
export const cannotChange = (change: ArgumentChange, host: HostView): CannotChange | undefined => {
  if (inContainer(host.answers))
    return { why: 'this looks like a container', remedy: 'Run node-prep on the machine that owns the kernel.' };
  if (change.add.length === 0 && change.remove.length === 0) {
    return { why: 'no kernel argument says so', remedy: 'Boot a kernel that is built with these controllers, then plan again.' };
  }
  return tooOld(change, host) ?? noWay(change, host) ?? overruled(change, host);
};

/** Kernel 5.8 and systemd 233 are the first that can; the kernel of RHEL 8 has what it takes ported back. */
const tooOld = ({ add }: ArgumentChange, { system, answers }: HostView): CannotChange | undefined => {
  if (!add.some((word) => word.startsWith('systemd.'))) return undefined;
  const kernel = /^\d+(\.\d+)*/.exec(system.kernel)?.[0] ?? '0';
  const systemd = systemdVersion(answers);
  const ported = system.family === 'rhel' && kernel.startsWith('4.18');
  const why =
    compareDebian(kernel, '5.8') < 0 && !ported
      ? `kernel ${system.kernel} is older than 5.8 and cannot run Kubernetes on version 2`
      : systemd !== undefined && systemd < 233
        ? `systemd ${systemd} cannot mount version 2 alone`
        : undefined;
  return why === undefined
    ? undefined
    : { why, remedy: 'Move to a newer release of the distribution; a kernel argument does not mend it.' };
};

const noWay = ({ add, remove }: ArgumentChange, { system, answers }: HostView): CannotChange | undefined => {
  const words = [
    ...(remove.length > 0 ? [`take ${remove.join(' ')} away`] : []),
    ...(add.length > 0 ? [`add ${add.join(' ')}`] : []),
  ].join(', ');
  const firmware = firmwareFile(answers);
  if (firmware !== undefined) {
    // The firmware brings cgroup_disable=memory itself, so that it can only be taken back.
    const back = remove.filter((word) => word.startsWith('cgroup_disable=')).map((word) => word.replace('disable', 'enable'));
    return { why: '', remedy: `Put ${[...add, ...back].join(' ')} at the end of the one line of ${firmware}, and reboot.` };
  }
  const way = familyNamed(system.family).kernelArguments;
  const there = way?.programs.some((path) => listed(answers, path).length > 0) === true;
  const menu = bootCmdline(answers).from !== '/proc/cmdline' || unreadableBootFile(answers) !== undefined;
  return way && there && menu && (!way.ownFile || hasGrubDefaults(answers))
    ? undefined
    : { why: '', remedy: `Change the kernel command line where this host's boot loader has it (${words}), and reboot.` };
};

const overruled = ({ add }: ArgumentChange, host: HostView): CannotChange | undefined => {
  if (!familyNamed(host.system.family).kernelArguments?.ownFile) return undefined;
  const own = unwritable(ownGrubFile, host);
  if (own) return { why: own.reason, remedy: own.remedy };
  const later = laterGrubFile(host.answers);
  return later === undefined
    ? undefined
    : {
        why: `${later} puts GRUB_CMDLINE_LINUX_DEFAULT anew after ${ownGrubFile}`,
        remedy: `Add ${add.join(' ')} in ${later}, run update-grub and reboot.`,
      };
};
