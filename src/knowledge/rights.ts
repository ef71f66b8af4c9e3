import { fileText } from '../answers.ts';
import type { Answers, Query } from '../model.ts';

export const rightsQueries: readonly Query[] = [
  { ask: 'read', path: '/proc/self/status', lines: ['Uid:', 'CapEff:'] },
  { ask: 'read', path: '/proc/self/uid_map' },
  { ask: 'read', path: '/proc/self/mounts', lines: [' /proc/sys '] },
  { ask: 'read', path: '/proc/sys/kernel/modules_disabled' },
];

const CAP_SYS_MODULE = 16n;

/**
 * Why root cannot load a module here, if so: a container has no CAP_SYS_MODULE (capabilities(7)), in a user namespace it does
 * not count (user_namespaces(7)), and kernel.modules_disabled=1 holds until the next boot. Nothing is said of other users.
 */
export const cannotLoad = (answers: Answers): { readonly reason: string; readonly remedy: string } | undefined => {
  if (!isRoot(answers)) return undefined;
  const uidMap = fileText(answers, '/proc/self/uid_map')?.trim().split(/\s+/).join(' ');
  const inNamespace = uidMap !== undefined && uidMap !== '0 0 4294967295';
  const caps = /^CapEff:\s*([0-9a-f]+)/m.exec(fileText(answers, '/proc/self/status') ?? '')?.[1];
  if (inNamespace || (caps && ((BigInt(`0x${caps}`) >> CAP_SYS_MODULE) & 1n) === 0n)) {
    return {
      reason: 'no right to load modules here: this looks like a container',
      remedy: 'Run node-prep on the machine that owns the kernel.',
    };
  }
  if (fileText(answers, '/proc/sys/kernel/modules_disabled')?.trim() === '1') {
    return {
      reason: 'kernel.modules_disabled=1: this kernel loads no more modules until it is booted again',
      remedy: 'Find what sets kernel.modules_disabled (sysctl.d), take it out, and reboot.',
    };
  }
  return undefined;
};

/** Why a kernel setting cannot be written here, if so: containers mount /proc/sys read-only. */
export const cannotSet = (answers: Answers): { readonly reason: string; readonly remedy: string } | undefined =>
  /^\S+ \/proc\/sys \S+ ro[, ]/m.test(fileText(answers, '/proc/self/mounts') ?? '')
    ? {
        reason: '/proc/sys is read-only here: this looks like a container',
        remedy: 'Run node-prep on the machine that owns the kernel.',
      }
    : undefined;

/** Whether the one who asks is root (effective user id 0). */
export const isRoot = (answers: Answers): boolean => /^Uid:\s+\d+\s+0\s/m.test(fileText(answers, '/proc/self/status') ?? '');

const CAP_SYS_ADMIN = 21n;

/** Whether root here has no power over the machine itself, as in a container: no CAP_SYS_ADMIN, or a user namespace. */
export const inContainer = (answers: Answers): boolean => {
  const uidMap = fileText(answers, '/proc/self/uid_map')?.trim().split(/\s+/).join(' ');
  const inNamespace = uidMap !== undefined && uidMap !== '0 0 4294967295';
  const caps = /^CapEff:\s*([0-9a-f]+)/m.exec(fileText(answers, '/proc/self/status') ?? '')?.[1];
  const lacks = caps !== undefined && ((BigInt(`0x${caps}`) >> CAP_SYS_ADMIN) & 1n) === 0n;
  return isRoot(answers) && (inNamespace || lacks);
};
