import { kernelConfig, kernelConfigQueries } from '../knowledge/kernel.ts';
import type { Finding, Kind, NeedOf, Reading } from '../model.ts';
import { obstructed } from './verdicts.ts';

/** A kernel option that must be built in or a module. */
export const kernelconfigKind: Kind<NeedOf<'kernelconfig'>> = {
  name: 'kernelconfig',
  title: 'Kernel options',
  id: (need) => `kernelconfig/${need.symbol}`,
  want: () => 'y or m',
  merge: (a) => a,
  queries: (needs) => (needs.length === 0 ? [] : kernelConfigQueries(needs.map((n) => n.symbol))),
  check: (requirements, { answers, system, image }) => {
    const config = requirements.length === 0 ? undefined : kernelConfig(answers, system.kernel);
    const findings = requirements.map((r): Finding => {
      const value = config?.values.get(r.symbol);
      const reading: Reading = {
        ok: value === 'y' || value === 'm',
        have: config ? (value ?? 'not set') : 'unknown',
        ...(config && { from: config.path }),
      };
      const base = {
        id: kernelconfigKind.id(r),
        kind: 'kernelconfig' as const,
        want: 'y or m',
        now: reading,
        boot: reading,
        because: r.because,
      };
      if (reading.ok) return { ...base, verdict: 'ok' };
      if (!config) return { ...base, verdict: 'advice', ...(image ? absent : unreadable)(system.kernel) };
      const reason = `kernel ${system.kernel} was built without CONFIG_${r.symbol}`;
      return {
        ...base,
        ...obstructed(r, { reason, remedy: 'Use a kernel of the distribution that has it (a generic flavour), then reboot.' }),
      };
    });
    return { findings, actions: [] };
  },
};

const unreadable = (release: string): { reason: string; remedy: string } => ({
  reason: `the configuration of kernel ${release} is not readable here, so this is not known`,
  remedy: `Run as root, or look into /boot/config-${release} yourself.`,
});

const absent = (release: string): { reason: string; remedy: string } => ({
  reason: `the image has no configuration of kernel ${release}, so this is not known`,
  remedy: `Look where that kernel comes from, or put its configuration into the image as /boot/config-${release}.`,
});
