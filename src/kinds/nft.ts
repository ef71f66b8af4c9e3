import { crashesOnTypes, hostNft, imageNft, nftAnswered, nftQuery, writesTypes } from '../knowledge/nft.ts';
import type { Nft } from '../knowledge/nft.ts';
import type { Finding, HostView, Kind, NeedOf, NftUser, Reading, Requirement } from '../model.ts';
import type { Obstacle } from './verdicts.ts';

type NftNeed = NeedOf<'nft'>;

/**
 * What is to be known of the host's nft beside its package: whether it has JSON, and whether it and the nft in images crash each
 * other. Only ever advice: the images bring an nft of their own, and what is wrong with a pair depends on their versions too.
 */
export const nftKind: Kind<NftNeed> = {
  name: 'nft',
  title: 'nft',
  id: (need) => `nft/${need.about}`,
  want: (need) => ({ json: 'built with JSON', version: 'no pair of versions that crashes' })[need.about],
  merge: (a, b) => ({ ...a, users: [...new Set([...a.users, ...b.users])] }),
  queries: (needs) => (needs.length === 0 ? [] : [nftQuery]),
  check: (requirements, host) => ({ findings: requirements.map((r) => judge(r, host)), actions: [] }),
  claims: (need, host) => {
    const nft = hostNft(host.answers);
    const own = nft ? [{ from: nft.path, says: describe(nft, need.about), role: 'the nft of this host' }] : [];
    return [
      ...own,
      ...need.users.map((user) => ({ from: imageNft[user].crash.source, says: pairOf(user), role: 'known to crash' })),
    ];
  },
};

const judge = (requirement: Requirement<NftNeed>, host: HostView): Finding => {
  const nft = hostNft(host.answers);
  const asked = nftAnswered(host.answers);
  const complaint = asked ? nft && complaintOf(nft, requirement) : host.image ? unaskedImage : unasked;
  // A package that is still to be installed is judged by the verification after it.
  const reading: Reading = {
    ok: !complaint,
    have: nft ? describe(nft, requirement.about) : asked ? 'not installed' : 'unknown',
    ...(nft && { from: nft.path }),
  };
  const base = {
    id: nftKind.id(requirement),
    kind: 'nft' as const,
    want: nftKind.want(requirement),
    because: requirement.because,
    now: reading,
    boot: reading,
  };
  return complaint ? { ...base, verdict: 'advice', ...complaint } : { ...base, verdict: 'ok' };
};

const unasked: Obstacle = {
  reason: 'which nft this host has could not be asked within a minute',
  remedy: 'See what nft --version says, then plan again.',
};

const unaskedImage: Obstacle = {
  reason: 'which nft this image has is asked of its own programs, and they cannot be run here',
  remedy: 'Look at it as root, on a machine of the same processor, or run node-prep verify after its first boot.',
};

const complaintOf = (nft: Nft, { about, users }: NftNeed): Obstacle | undefined =>
  about === 'json' ? withoutJson(nft) : crashing(nft, users);

const describe = ({ version, json }: Nft, about: NftNeed['about']): string =>
  about === 'version' ? `nft ${version ?? 'of an unknown version'}` : json === undefined ? 'unknown' : json ? 'JSON' : 'no JSON';

const withoutJson = ({ json, path }: Nft): Obstacle | undefined =>
  json === false
    ? {
        reason: `${path} was built without JSON: an Istio that runs it falls back to iptables, whose modules are not listed here`,
        remedy: "Install the distribution's own nftables in its place, or ask for istio:backend=iptables; then plan again.",
      }
    : undefined;

const crashing = (nft: Nft, users: readonly NftUser[]): Obstacle | undefined => {
  if (nft.version === undefined) return undefined;
  if (writesTypes(nft.version)) return newerHere(nft.version, users);
  return crashesOnTypes(nft) ? olderHere(nft, users) : undefined;
};

const newerHere = (version: string, users: readonly NftUser[]): Obstacle => {
  const known = users.map((user) => imageNft[user].crash);
  return {
    reason: `sets that nft ${version} writes crash ${known.map((k) => k.which).join('; ')} (${known.map((k) => k.source).join('; ')})`,
    remedy: `${sentence(known.map((k) => k.instead).join(', '))}; until then load no sets with the host's nft. Reboot after a move from iptables to nftables.`,
  };
};

const olderHere = (nft: Nft, users: readonly NftUser[]): Obstacle | undefined => {
  const known = users.flatMap((user) => imageNft[user].write ?? []);
  if (known.length === 0) return undefined;
  return {
    reason: `nft ${nft.package ?? nft.version} crashes on sets that nft 1.1.2 or 1.0.6.1 and later write: ${known.map((k) => `${k.which} (${k.source})`).join('; ')}`,
    remedy:
      "Update nftables to 1.1.4, or to a build of your distribution with its repair; until then do not list the images' tables.",
  };
};

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;

const pairOf = (user: NftUser): string => {
  const { crash, write } = imageNft[user];
  return `${crash.which}, on sets of nft 1.1.2 and later${write ? `; older hosts, on sets of ${write.which}` : ''}`;
};
