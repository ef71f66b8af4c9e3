import { fileText } from '../answers.ts';
import { setsModulesDisabled } from '../knowledge/rights.ts';
import type { Finding, HostView } from '../model.ts';

/**
 * A file that closes the kernel to modules at boot. systemd-modules-load has run by then (systemd-sysctl.service is ordered after
 * it), so what is listed is there; what is not can never be loaded.
 */
export const closing = ({ answers }: HostView): Finding[] => {
  const from = setsModulesDisabled(answers);
  if (from === undefined) return [];
  const now = fileText(answers, '/proc/sys/kernel/modules_disabled')?.trim() === '1' ? 'closed' : 'open';
  const reason = `${from} sets kernel.modules_disabled at boot, right after the listed modules were loaded: what is not listed, such as an iptables extension that is loaded on first use, cannot be loaded any more`;
  return [
    {
      id: 'module/modules_disabled',
      kind: 'module',
      want: 'open to more modules',
      now: { ok: now === 'open', have: now },
      boot: { ok: false, have: 'closed', from },
      because: [
        { profile: 'this host', why: 'plugins load modules when they first need them', source: 'man systemd-sysctl.service' },
      ],
      verdict: 'advice',
      reason,
      remedy: 'List all that pods and plugins will ever need under modules: in the configuration file, or take that line out.',
    },
  ];
};
