import type { Finding, Kind, NeedOf, Reading } from '../model.ts';
import { compareDebian } from '../knowledge/versions.ts';
import { obstructed } from './verdicts.ts';

/** A kernel that is new enough. node-prep never changes the kernel itself. */
export const kernelKind: Kind<NeedOf<'kernel'>> = {
  name: 'kernel',
  title: 'Kernel',
  id: () => 'kernel/version',
  want: (need) => `>= ${need.min}`,
  merge: (a, b) => (compareDebian(a.min, b.min) >= 0 ? a : b),
  queries: () => [],
  check: (requirements, { system }) => ({
    findings: requirements.map((r): Finding => {
      const reading: Reading = {
        ok: compareDebian(numbers(system.kernel), r.min) >= 0,
        have: system.kernel || 'unknown',
        from: '/proc/sys/kernel/osrelease',
      };
      const base = {
        id: kernelKind.id(r),
        kind: 'kernel' as const,
        want: kernelKind.want(r),
        now: reading,
        boot: reading,
        because: r.because,
      };
      if (reading.ok) return { ...base, verdict: 'ok' };
      const strictest = r.because.find((b) => b.why.includes(r.min)) ?? r.because[0];
      const reason = `kernel ${system.kernel} is older than ${r.min}${strictest ? ` (${strictest.profile}: ${strictest.why})` : ''}`;
      return {
        ...base,
        ...obstructed(r, {
          reason,
          remedy: `Install a kernel of at least ${r.min} (backports or a newer release) and reboot, or choose other options.`,
        }),
      };
    }),
    actions: [],
  }),
};

/** "6.1.0-56-amd64" is 6.1.0: what follows is the distribution's. */
const numbers = (release: string): string => /^\d+(\.\d+)*/.exec(release)?.[0] ?? '0';
