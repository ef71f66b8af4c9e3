import { OperatorError } from './errors.ts';
import { kindNamed, kinds } from './kinds/table.ts';
import type { Desired, Need, Permissions, Reason, Requirement, Waiver } from './model.ts';
import type { Chosen, Profile } from './profiles/profile.ts';

/** A profile with every option chosen. `asked`: how the operator asked for it, for people to read. */
export type ChosenProfile = { readonly profile: Profile; readonly chosen: Chosen; readonly asked: string };

/** What the operator's own words ask for beside profiles; it wins over them. */
type OwnNeeds = { readonly needs: readonly Need[]; readonly from: string };

/**
 * The desired state: one requirement per id, with the reasons of all who ask for it. What the operator asked for himself
 * replaces what profiles say. Throws an OperatorError where two profiles contradict each other.
 */
export const desiredState = (
  profiles: readonly ChosenProfile[],
  own: OwnNeeds,
  waivers: readonly Waiver[],
  allow: Permissions = { takeOver: false, rebootChanges: false },
): Desired => {
  const byId = new Map<string, Requirement>();
  const settled = new Set(own.needs.map(idOf));
  for (const { profile, chosen } of profiles)
    for (const requirement of profile.requirements(chosen)) add(byId, requirement, settled);
  for (const need of own.needs) override(byId, need, own.from);
  for (const requirement of [...byId.values()]) addImplied(byId, requirement);
  return {
    requirements: inKindOrder([...byId.values()]),
    waivers,
    askedBy: [...profiles.map((p) => p.asked), ...(own.needs.length > 0 ? [own.from] : [])],
    allow,
  };
};

/** The id by which a requirement is known everywhere. */
export const idOf = (need: Need): string => kindNamed(need.kind).id(need);

/** `settled`: ids about which the operator has decided, whatever profiles say. */
const add = (byId: Map<string, Requirement>, requirement: Requirement, settled: ReadonlySet<string>): void => {
  const id = idOf(requirement);
  const seen = byId.get(id);
  if (seen && settled.has(id)) byId.set(id, withBecause(seen, [...seen.because, ...requirement.because]));
  else byId.set(id, seen ? union(id, seen, requirement) : requirement);
};

/** Both reasons; a must beats advice; two wants become the one that covers both. */
const union = (id: string, a: Requirement, b: Requirement): Requirement => {
  if (a.advice && !b.advice) return withBecause(b, [...b.because, ...a.because]);
  if (b.advice && !a.advice) return withBecause(a, [...a.because, ...b.because]);
  const kind = kindNamed(a.kind);
  const merged = kind.merge(a, b);
  if (!merged) {
    const who = (r: Requirement) => `${r.because[0]?.profile ?? 'somebody'} wants ${kind.want(r)}`;
    throw new OperatorError(
      `${id}: ${who(a)}, ${who(b)}.`,
      'Choose other options, or settle it in the configuration file, which wins over profiles.',
    );
  }
  const { because: _because, ...need } = merged as Requirement;
  return { ...need, because: [...a.because, ...b.because] };
};

const withBecause = (requirement: Requirement, because: readonly Reason[]): Requirement => ({ ...requirement, because });

const override = (byId: Map<string, Requirement>, need: Need, from: string): void => {
  const id = idOf(need);
  const own: Reason = { profile: from, why: 'asked for by the operator', source: from };
  byId.set(id, { ...need, because: [own, ...(byId.get(id)?.because ?? [])] });
};

/** A need that another one brings takes that one's reasons, and gives way to what is asked for outright. */
const addImplied = (byId: Map<string, Requirement>, requirement: Requirement): void => {
  for (const need of kindNamed(requirement.kind).implies?.(requirement) ?? []) {
    const id = idOf(need);
    const seen = byId.get(id);
    if (seen && (!seen.advice || requirement.advice)) continue;
    const because = requirement.because.map((reason) => ({ ...reason, why: `brings what ${idOf(requirement)} needs` }));
    const implied: Requirement = { ...need, because: because.slice(0, 1), ...(requirement.advice && { advice: true }) };
    byId.set(id, implied);
    addImplied(byId, implied);
  }
};

const inKindOrder = (requirements: readonly Requirement[]): Requirement[] =>
  kinds.flatMap((kind) => requirements.filter((r) => r.kind === kind.name));
