import type { Need, Requirement } from '../../src/model.ts';
import type { Profile } from '../../src/profiles/profile.ts';
import { profiles } from '../../src/profiles/table.ts';

/** Choices as a person writes them; what is missing has its default, and the cluster is IPv4. */
export type Choices = {
  readonly ipFamilies?: readonly string[];
  readonly [option: string]: string | readonly string[] | undefined;
};

/** The requirements of a profile for these choices. Throws for a profile or an option that does not exist. */
export const wanted = (name: string, { ipFamilies = ['ipv4'], ...options }: Choices = {}): Requirement[] => {
  const profile = profileNamed(name);
  for (const [option, value] of Object.entries(options)) {
    const spec = profile.options[option];
    const allowed = spec?.values?.includes(String(value)) ?? (spec?.check && spec.check(String(value)) === undefined);
    if (!allowed) throw new Error(`${name} has no option ${option}=${String(value)}`);
  }
  const defaults = Object.fromEntries(Object.entries(profile.options).map(([option, spec]) => [option, spec.default]));
  const families = { ipv4: ipFamilies.includes('ipv4'), ipv6: ipFamilies.includes('ipv6') };
  return profile.requirements({ ...defaults, ...options, ...families } as Parameters<Profile['requirements']>[0]);
};

export const profileNamed = (name: string): Profile => {
  const found = profiles.find((p) => p.name === name);
  if (!found) throw new Error(`no profile ${name}`);
  return found;
};

/** The name of a need as people write it: written down here again, so that a slip in a kind shows. */
export const idOf = (need: Need): string => {
  switch (need.kind) {
    case 'module':
      return `module/${need.name}`;
    case 'sysctl':
      return `sysctl/${need.key}`;
    case 'package':
      return `package/${need.capability}`;
    case 'kernelconfig':
      return `kernelconfig/${need.symbol}`;
    case 'service':
      return `service/${need.name}`;
    case 'kernel':
      return 'kernel/version';
    case 'cgroup':
      return 'cgroup/v2';
    case 'swap':
      return 'swap/off';
    case 'iptables':
      return 'iptables/backend';
    case 'nft':
      return `nft/${need.about}`;
    case 'networkmanager':
      return 'networkmanager/unmanaged';
    case 'networkd':
      return `networkd/${need.leave}`;
    case 'port':
      return need.protocol === '4' ? 'port/protocol-4' : `port/${need.port}/${need.protocol}`;
    case 'firewall':
      return `firewall/${need.about}`;
  }
};

export const idsOf = (name: string, choices: Choices = {}): string[] => [...new Set(wanted(name, choices).map(idOf))];

/** The minimum version that a profile asks for under an id: the highest of its rows. */
export const minimumOf = (name: string, id: string, choices: Choices = {}): string | undefined =>
  wanted(name, choices)
    .filter((r) => idOf(r) === id)
    .flatMap((r) => ('min' in r && r.min ? [r.min] : []))
    .sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
    .at(-1);
