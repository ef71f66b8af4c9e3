import { choiceInWords, isLegacyTable, programFor, variantOf } from '../knowledge/iptables.ts';
import { runningKernel } from '../knowledge/kernel.ts';
import type { RunningKernel } from '../knowledge/kernel.ts';
import type { TableChoice } from '../knowledge/module-providers.ts';
import type { HostView, NeedOf, Requirement } from '../model.ts';
import type { Obstacle } from './verdicts.ts';

type ModuleNeed = NeedOf<'module'>;

/** What this host's iptables means for a module of the legacy tables; undefined for every other module. */
export const tableChoice = (name: string, host: HostView): TableChoice | undefined => {
  if (!isLegacyTable(name)) return undefined;
  const choice = variantOf(programFor(name), host);
  return { ...(choice.variant && { variant: choice.variant }), words: choiceInWords(programFor(name), choice) };
};

/** A module that another one needs beside it on some hosts, though neither its dependencies nor the profiles name it. */
type Companion = {
  readonly of: string;
  readonly name: string;
  readonly why: string;
  readonly source: string;
  readonly when: (look: Look) => boolean;
};
type Look = { readonly host: HostView; readonly kernel: RunningKernel; readonly names: readonly string[] };

/** The code of iptables-nft that writes rules (add_match, add_action). */
const iptablesNft = 'git.netfilter.org/iptables:iptables/nft.c';
const xtLog = 'torvalds/linux:net/netfilter/xt_LOG.c';
const isNft = ({ host }: Look): boolean => variantOf('iptables', host).variant === 'nft';

/**
 * Held against kernels 5.10 and 6.1 that load nothing more once these are there. From 5.13 on the loggers are one module,
 * nf_log_syslog, which modprobe loads with xt_LOG (its softdep); before, a LOG rule fails where they are not there.
 */
const companions: readonly Companion[] = [
  { of: 'xt_limit', name: 'nft_limit', why: 'iptables-nft writes rate limits with nftables', source: iptablesNft, when: isNft },
  { of: 'xt_NFLOG', name: 'nft_log', why: 'iptables-nft writes NFLOG with nftables', source: iptablesNft, when: isNft },
  {
    of: 'xt_LOG',
    name: 'nf_log_ipv4',
    why: 'writes down what LOG rules say',
    source: xtLog,
    when: ({ kernel }) => kernel.files.has('nf_log_ipv4'),
  },
  {
    of: 'xt_LOG',
    name: 'nf_log_ipv6',
    why: 'writes down what LOG rules say of IPv6',
    source: xtLog,
    when: ({ kernel, names }) => kernel.files.has('nf_log_ipv6') && names.some((name) => name.startsWith('ip6')),
  },
];

/** Modules that may be needed beside the named one. */
export const companionsOf = (name: string): readonly string[] => companions.filter((c) => c.of === name).map((c) => c.name);

/** Adds what this host needs beside the modules that are wanted. */
export const withCompanions = (
  requirements: readonly Requirement<ModuleNeed>[],
  host: HostView,
): readonly Requirement<ModuleNeed>[] => {
  const names = requirements.map((r) => r.name);
  const open = companions.filter((c) => names.includes(c.of) && !names.includes(c.name));
  if (open.length === 0) return requirements;
  const kernel = runningKernel(
    host.answers,
    host.system.kernel,
    open.map((c) => c.name),
  );
  return [...requirements, ...open.filter((c) => c.when({ host, kernel, names })).map((c) => asRequirement(c, requirements))];
};

/** Asked for by whoever asked for the module beside which it stands. */
const asRequirement = (
  { of, name, why, source }: Companion,
  requirements: readonly Requirement<ModuleNeed>[],
): Requirement<ModuleNeed> => {
  const asked = requirements.find((r) => r.name === of);
  const because = [{ profile: asked?.because[0]?.profile ?? '', why, source, undocumented: true as const }];
  return { kind: 'module', name, because, ...(asked?.advice && { advice: true as const }) };
};

/** Why a legacy table is not to be had, where the variant of iptables is the reason. */
export const missingTable = (name: string, host: HostView, kernel: RunningKernel): Obstacle | undefined => {
  const program = programFor(name);
  const choice = isLegacyTable(name) && kernel.indexed ? variantOf(program, host) : undefined;
  if (choice?.variant !== 'legacy') return undefined;
  return {
    reason: `${choiceInWords(program, choice)}, and kernel ${kernel.release} has no legacy table of that name`,
    remedy: switchToNft(program, choice.from),
  };
};

/** How a person moves a host to the nft variant: node-prep leaves that choice alone. */
export const switchToNft = (program: string, from: string | undefined): string =>
  from?.startsWith('/etc/alternatives/') !== false
    ? `Run update-alternatives --set ${program} /usr/sbin/${program}-nft, or boot a kernel that has legacy tables; then plan again.`
    : `Make ${from} the nft variant, or boot a kernel that has legacy tables; then plan again.`;
