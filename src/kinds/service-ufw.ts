import { ufwConf, ufwSetting } from '../knowledge/ufw-config.ts';
import { ufwOn, ufwUnasked } from '../knowledge/ufw.ts';
import type { Action, Answers, Claim, Finding, HostView, NeedOf, Reading, Requirement } from '../model.ts';
import { unmet } from './verdicts.ts';

const id = 'service/ufw';

/** ufw by what decides about it: ENABLED= in its file, not the state of its unit, which is active even where ufw is off. */
export const judgeUfw = (requirement: Requirement<NeedOf<'service'>>, { answers }: HostView): Finding => {
  const kept = requirement.state === 'kept';
  const base = { id, kind: 'service' as const, want: kept ? 'left as it is' : 'inactive', because: requirement.because };
  const ufw = ufwOn(answers);
  if (!ufw.installed) {
    const absent: Reading = { ok: true, have: 'not installed' };
    return { ...base, now: absent, boot: absent, verdict: 'ok' };
  }
  const now: Reading = {
    ok: kept || !(ufw.now || ufw.unknown),
    have: ufw.unknown ? 'unknown' : ufw.now ? 'active' : 'inactive',
  };
  const boot: Reading = { ok: kept || !ufw.boot, have: ufw.boot ? 'enabled' : 'disabled', ...(ufw.from && { from: ufw.from }) };
  if (now.ok && boot.ok) return { ...base, now, boot, verdict: 'ok' };
  return { ...base, now, boot, ...unmet(requirement, ufw.unknown ? ufwUnasked : undefined, 'ufw disable') };
};

/** ufw takes its rules out of the kernel and writes ENABLED=no; the rules stay in its files. */
export const ufwOff: Action = {
  do: 'run',
  argv: ['ufw', 'disable'],
  why: 'turn ufw off, now and at boot; its rules stay in its files',
  for: [id],
};

/** The line that turns ufw on or off. */
export const ufwClaims = (answers: Answers): Claim[] => {
  const enabled = ufwSetting(ufwConf, 'ENABLED', answers);
  return enabled ? [{ from: enabled.from, says: `ENABLED=${enabled.value}`, role: 'decides at boot' }] : [];
};
