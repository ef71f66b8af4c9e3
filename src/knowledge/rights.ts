import { fileText } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { containerOf, containerQueries } from './containers.ts';
import { bootResolver } from './sysctl-resolve.ts';

export const rightsQueries: readonly Query[] = [
  { ask: 'read', path: '/proc/self/status', lines: ['Uid:', 'CapEff:'] },
  { ask: 'read', path: '/proc/self/uid_map' },
  { ask: 'read', path: '/proc/self/mounts', lines: [' /proc/sys '] },
  { ask: 'read', path: '/proc/sys/kernel/modules_disabled' },
  ...containerQueries,
];

/** Bits of capabilities (linux/capability.h). */
const [CAP_SYS_MODULE, CAP_SYS_ADMIN] = [16n, 21n] as const;

/**
 * Why root cannot load a module here, if so: a container has no CAP_SYS_MODULE (capabilities(7)), in a user namespace it does
 * not count (user_namespaces(7)), and kernel.modules_disabled=1 holds until the next boot. Nothing is said of other users.
 */
export const cannotLoad = (answers: Answers): { readonly reason: string; readonly remedy: string } | undefined => {
  if (!isRoot(answers)) return undefined;
  if (lacks(CAP_SYS_MODULE, answers)) {
    return { reason: `no right to load modules here: ${thisContainer(answers)}`, remedy: onItsHost(answers) };
  }
  if (fileText(answers, '/proc/sys/kernel/modules_disabled')?.trim() !== '1') return undefined;
  const setter = setsModulesDisabled(answers);
  return {
    reason: 'kernel.modules_disabled=1: this kernel loads no more modules until it is booted again',
    remedy: setter
      ? `${setter} sets it at every boot: take that line out, reboot, then plan again.`
      : 'No file of sysctl.d sets it, so a script or a unit does: find that, take it out, reboot, then plan again.',
  };
};

/** The line of sysctl.d that will set kernel.modules_disabled at the next boot, after systemd-modules-load has run. */
export const setsModulesDisabled = (answers: Answers): string | undefined => {
  const winner = bootResolver(answers)('kernel/modules_disabled', 'integer');
  return winner?.value !== undefined && winner.value !== '0' ? winner.from : undefined;
};

const thisContainer = (answers: Answers): string => {
  const container = containerOf(answers);
  return container ? `this is a container of ${container.kind} (${container.from})` : 'this looks like a container';
};

const onItsHost = (answers: Answers): string => {
  const container = containerOf(answers);
  return container
    ? `The machine that owns the kernel must do it: run node-prep there, on the host of this ${container.kind} container.`
    : 'The machine that owns the kernel must do it: run node-prep there.';
};

/** Why a kernel setting cannot be written here, if so: containers mount /proc/sys read-only. */
export const cannotSet = (answers: Answers): { readonly reason: string; readonly remedy: string } | undefined =>
  /^\S+ \/proc\/sys \S+ ro[, ]/m.test(fileText(answers, '/proc/self/mounts') ?? '')
    ? { reason: `/proc/sys is read-only here: ${thisContainer(answers)}`, remedy: onItsHost(answers) }
    : undefined;

/** Whether the one who asks is root (effective user id 0). */
export const isRoot = (answers: Answers): boolean => /^Uid:\s+\d+\s+0\s/m.test(fileText(answers, '/proc/self/status') ?? '');

/** Whether root here has no power over the machine itself, as in a container: no CAP_SYS_ADMIN, or a user namespace. */
export const inContainer = (answers: Answers): boolean => isRoot(answers) && lacks(CAP_SYS_ADMIN, answers);

/** Whether a capability (its bit) is not held, or does not count on the machine itself, as in a user namespace. */
const lacks = (cap: bigint, answers: Answers): boolean => {
  const uidMap = fileText(answers, '/proc/self/uid_map')?.trim().split(/\s+/).join(' ');
  const caps = /^CapEff:\s*([0-9a-f]+)/m.exec(fileText(answers, '/proc/self/status') ?? '')?.[1];
  return (
    (uidMap !== undefined && uidMap !== '0 0 4294967295') || (caps !== undefined && ((BigInt(`0x${caps}`) >> cap) & 1n) === 0n)
  );
};
