import { profiles } from './profiles/table.ts';
import type { Chosen, Profile } from './profiles/profile.ts';
import type { Requirement } from './model.ts';
import { idOf } from './requirements.ts';

/** A profile that can ask for something, and the choices that make it do so; none where it always does. */
export type Asker = { readonly requirement: Requirement; readonly profile: string; readonly choices: readonly string[] };

/**
 * Who could ask for an id: for each profile the smallest sets of choices, apart from the defaults, that make it do so. At most
 * two choices are combined, which reaches every row that the profiles have.
 */
export const askersOf = (id: string): Asker[] => profiles.flatMap((profile) => askersIn(profile, id));

/** Every id that some profile can ask for. */
export const knownIds = (): string[] => [
  ...new Set(
    profiles.flatMap((p) =>
      [[], ...singles(p), ...pairs(p)].flatMap((choices) => p.requirements(chosenWith(p, choices)).map(idOf)),
    ),
  ),
];

type Choice = readonly [option: string, value: string];

const askersIn = (profile: Profile, id: string): Asker[] => {
  const asks = (choices: readonly Choice[]): Requirement | undefined =>
    profile.requirements(chosenWith(profile, choices)).find((r) => idOf(r) === id);
  const always = asks([]);
  if (always) return [{ requirement: always, profile: profile.name, choices: [] }];
  const found: (readonly Choice[])[] = [];
  for (const choices of [...singles(profile), ...pairs(profile)]) {
    const covered = found.some((smaller) => smaller.every(([k, v]) => choices.some(([key, value]) => key === k && value === v)));
    if (!covered && asks(choices)) found.push(choices);
  }
  return found.flatMap((choices) => {
    const requirement = asks(choices);
    return requirement ? [{ requirement, profile: profile.name, choices: choices.map(([k, v]) => `${k}=${v}`) }] : [];
  });
};

const singles = (profile: Profile): Choice[][] => [
  ...Object.entries(profile.options).flatMap(([name, spec]) =>
    (spec.values ?? spec.milestones ?? []).filter((v) => v !== spec.default).map((v): Choice[] => [[name, v]]),
  ),
  [['ip-families', 'ipv4,ipv6']],
];

const pairs = (profile: Profile): Choice[][] =>
  singles(profile).flatMap(([a], i) =>
    singles(profile)
      .slice(i + 1)
      .flatMap(([b]) => (a && b && a[0] !== b[0] ? [[a, b]] : [])),
  );

const chosenWith = (profile: Profile, choices: readonly Choice[]): Chosen => {
  const ip = choices.find(([name]) => name === 'ip-families')?.[1] ?? 'ipv4';
  const defaults = Object.entries(profile.options).map(([name, spec]): Choice => [name, spec.default]);
  return {
    ...Object.fromEntries([...defaults, ...choices]),
    ipv4: ip.includes('ipv4'),
    ipv6: ip.includes('ipv6'),
  } as unknown as Chosen;
};
