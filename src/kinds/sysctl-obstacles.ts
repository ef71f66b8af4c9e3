import { maskedService } from '../knowledge/boot-services.ts';
import { runningKernel } from '../knowledge/kernel.ts';
import { candidatesFor, providerOf } from '../knowledge/module-providers.ts';
import { cannotSet } from '../knowledge/rights.ts';
import { ownSysctl } from '../knowledge/sysctl-resolve.ts';
import type { Winner } from '../knowledge/sysctl-resolve.ts';
import { bringerOf, sysctlPath } from '../knowledge/sysctl.ts';
import type { HostView, Reading } from '../model.ts';
import { commentedOut } from './foreign-file.ts';
import { unwritable } from './own-file.ts';
import { ahead, clearedFor, rivalOf, wins } from './sysctl-file.ts';
import type { FilePlan, SysctlNeed } from './sysctl-file.ts';
import { noKey, nowReading, unreadable } from './sysctl-look.ts';
import type { Looked } from './sysctl-look.ts';
import type { Obstacle } from './verdicts.ts';

/** A key that nothing in this plan brings, or that cannot be set here: what is blocked is not written down either. */
export const isHindered = (need: SysctlNeed, host: HostView): boolean => {
  const { ok, have } = nowReading(need, host);
  return have === noKey
    ? missingKey(need, host) !== undefined
    : have === unreadable || (!ok && cannotSet(host.answers) !== undefined);
};

/** What stands in the way of a need, if anything does, once our file is there. */
export const obstacleTo = (
  need: SysctlNeed,
  { now, boot }: Looked['base'],
  plan: FilePlan,
  host: HostView,
): Obstacle | undefined => {
  const masked = boot.ok ? undefined : maskedService(host.answers, 'systemd-sysctl.service');
  if (masked) return masked;
  const own = boot.ok || wins(plan.boot, need) ? undefined : unwritable(ownSysctl, host);
  if (own) return own;
  if (now.have === unreadable) {
    return {
      reason: `${need.key} cannot be read: ${now.from}`,
      remedy: 'Write a key, not a folder of keys; some keys are for root alone.',
    };
  }
  const rival = rivalOf(need, plan);
  if (rival && !(host.allow.takeOver && clearedFor(need, plan, { answers: ahead(host), edits: [] })))
    return rivalWords(rival, host);
  if (now.have === noKey) return missingKey(need, host);
  return lateKey(need, boot, host) ?? (now.ok ? undefined : cannotSet(host.answers));
};

const rivalWords = ({ last, when }: { last: Winner; when: string }, { allow, answers }: HostView): Obstacle => {
  const does = last.value === undefined ? 'keeps it from being set' : `sets it to ${last.value}`;
  const able = !allow.takeOver && commentedOut([last.from], answers) !== undefined;
  return {
    reason: last.by
      ? `${last.from} ${does}: ${last.by} applies it at boot, after sysctl.d`
      : `${last.from} ${does} and is read after ${ownSysctl} ${when}`,
    remedy: `Take that line out of ${last.from.replace(/:\d+$/, '')}${able ? ', or let --take-over comment it out' : ''}; then plan again.`,
  };
};

const missingKey = (need: SysctlNeed, host: HostView): Obstacle | undefined => {
  const module = bringerOf(sysctlPath(need.key));
  if (!module) {
    const ipv6 = sysctlPath(need.key).startsWith('net/ipv6/');
    const remedy = ipv6
      ? 'IPv6 may be off (ipv6.disable=1 on the kernel command line): turn it on and reboot.'
      : 'Check the spelling; a newer kernel may have it.';
    return { reason: `kernel ${host.system.kernel} has no ${need.key}`, remedy };
  }
  const verdict = host.verdicts.get(`module/${module}`);
  // A change may bring a module that this kernel does not have yet.
  if (verdict === 'change') return undefined;
  const kernel = runningKernel(host.answers, host.system.kernel, candidatesFor([module]));
  return (verdict ?? 'ok') !== 'ok' || !providerOf(module, kernel)
    ? { reason: `the key comes with ${module}, which cannot be loaded here`, remedy: `See module/${module}.` }
    : undefined;
};

/** The key is there now, but will not be when systemd-sysctl looks for it, and nothing in this plan mends that. */
const lateKey = (need: SysctlNeed, boot: Reading, host: HostView): Obstacle | undefined => {
  const module = bringerOf(sysctlPath(need.key)) ?? '';
  return boot.have === noKey && !['ok', 'change'].includes(host.verdicts.get(`module/${module}`) ?? 'blocked')
    ? {
        reason: `the key comes with ${module}, which is not loaded at boot: what is loaded later gets the kernel's own value`,
        remedy: `See module/${module}; or list ${module} in /etc/modules-load.d.`,
      }
    : undefined;
};
