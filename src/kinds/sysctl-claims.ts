import { bootResolver, systemResolver } from '../knowledge/sysctl-resolve.ts';
import { toldOf } from '../knowledge/sysctl-story.ts';
import type { Told } from '../knowledge/sysctl-story.ts';
import { driverOf, sysctlKey, sysctlPath } from '../knowledge/sysctl.ts';
import type { Claim, HostView } from '../model.ts';
import { decided } from './sysctl-file.ts';
import type { SysctlNeed } from './sysctl-file.ts';

/** Every line that speaks about a key, in the order in which the boot hears them, and what becomes of each. */
export const sysctlClaims = (need: SysctlNeed, { answers }: HostView): readonly Claim[] => {
  const path = sysctlPath(need.key);
  const boot = decided(bootResolver(answers), need)?.from;
  const system = decided(systemResolver(answers), need)?.from;
  const told = toldOf(path, driverOf(path)?.paths ?? [], answers);
  return told.map((line) => ({ from: line.from, says: saidBy(line), role: roleOf(line, boot, system) }));
};

const saidBy = ({ path, value }: Told): string => (value === undefined ? `-${sysctlKey(path)}` : `${sysctlKey(path)} = ${value}`);

const roleOf = (line: Told, boot: string | undefined, system: string | undefined): string => {
  const decides = [
    line.boot && line.from === boot ? 'at boot' : '',
    line.system && line.from === system ? 'in sysctl --system' : '',
  ].filter(Boolean);
  if (decides.length === 0) return line.lost ?? 'overridden by a later line';
  return `decides ${decides.join(' and ')}${line.lost && !line.boot ? `; ${line.lost}` : ''}`;
};
