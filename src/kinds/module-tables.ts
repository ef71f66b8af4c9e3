import { inWords, isLegacyTable, programFor, variantOf } from '../knowledge/iptables.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import type { TableChoice } from '../knowledge/module-providers.ts';
import type { HostView, NeedOf, Requirement } from '../model.ts';
import type { Obstacle } from './verdicts.ts';

type ModuleNeed = NeedOf<'module'>;

/** What this host's iptables means for a module of the legacy tables; undefined for every other module. */
export const tableChoice = (name: string, host: HostView): TableChoice | undefined => {
  if (!isLegacyTable(name)) return undefined;
  const choice = variantOf(programFor(name), host);
  return { ...(choice.variant && { variant: choice.variant }), words: inWords(programFor(name), choice) };
};

/** iptables-nft writes some rules as expressions of nftables, beside the xt_ module that says that they are valid. */
const written: ReadonlyMap<string, { readonly name: string; readonly why: string }> = new Map([
  ['xt_limit', { name: 'nft_limit', why: 'iptables-nft writes rate limits as an expression of nftables' }],
  ['xt_NFLOG', { name: 'nft_log', why: 'iptables-nft writes NFLOG as an expression of nftables' }],
]);

/** The code of iptables-nft that writes rules (add_match, add_action). Held against kernels 5.10, 6.1 and 6.12 with no other module. */
const source = 'git.netfilter.org/iptables:iptables/nft.c';

/** Modules that iptables-nft wants beside the named one. */
export const nftExtras = (name: string): readonly string[] => [written.get(name)?.name ?? []].flat();

/** Adds what the nft variant needs beside the modules that are wanted; nothing where iptables is the legacy one or not known. */
export const withNftExtras = (
  requirements: readonly Requirement<ModuleNeed>[],
  host: HostView,
): readonly Requirement<ModuleNeed>[] => {
  const wanted = requirements.filter((r) => written.has(r.name));
  if (wanted.length === 0 || variantOf('iptables', host).variant !== 'nft') return requirements;
  const named = new Set(requirements.map((r) => r.name));
  const extras = wanted.flatMap((r): Requirement<ModuleNeed>[] => {
    const { name, why } = written.get(r.name) ?? { name: r.name, why: '' };
    const because = [{ profile: r.because[0]?.profile ?? '', why, source, undocumented: true as const }];
    return named.has(name) ? [] : [{ kind: 'module', name, because, ...(r.advice && { advice: true as const }) }];
  });
  return [...requirements, ...extras];
};

/** Why a legacy table is not to be had, where the variant of iptables is the reason. */
export const missingTable = (name: string, host: HostView, kernel: RunningKernel): Obstacle | undefined => {
  const program = programFor(name);
  const choice = isLegacyTable(name) && kernel.indexed ? variantOf(program, host) : undefined;
  if (choice?.variant !== 'legacy') return undefined;
  return {
    reason: `${inWords(program, choice)}, and kernel ${kernel.release} has no legacy table of that name`,
    remedy: switchToNft(program, choice.from),
  };
};

/** How a person moves a host to the nft variant: node-prep leaves that choice alone. */
export const switchToNft = (program: string, from: string | undefined): string =>
  from?.startsWith('/etc/alternatives/') !== false
    ? `Run update-alternatives --set ${program} /usr/sbin/${program}-nft, or boot a kernel that has legacy tables; then plan again.`
    : `Make ${from} the nft variant, or boot a kernel that has legacy tables; then plan again.`;
