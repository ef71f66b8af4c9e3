import type { Finding, Plan } from '../model.ts';
import { has } from '../plan.ts';
import { safeLine } from './terminal.ts';
import { unreadEnd } from './unread-text.ts';

/** A host in one line: "local: drifted: 2 to change: module/xt_set, swap/off". */
export const verdictLine = (host: string, plan: Plan): string => {
  const named = (verdict: Finding['verdict']) => plan.findings.filter((f) => f.verdict === verdict).map((f) => f.id);
  const [change, blocked] = [named('change'), named('blocked')];
  const word = has(plan, 'blocked') ? 'blocked' : has(plan, 'change') ? 'drifted' : 'converged';
  const parts = [
    ...(blocked.length > 0 ? [`${blocked.length} blocked: ${blocked.join(', ')}`] : []),
    ...(change.length > 0 ? [`${change.length} to change: ${change.join(', ')}`] : []),
  ];
  return safeLine(
    `${host}: ${word}: ${parts.length > 0 ? parts.join('; ') : `${named('ok').length} ok, ${plan.system.kernels ? 'at boot' : 'now and after a reboot'}`}${unreadEnd(plan.unread)}`,
  );
};
