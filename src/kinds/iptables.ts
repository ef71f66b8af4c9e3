import { choiceInWords, iptablesQueries, variantOf } from '../knowledge/iptables.ts';
import type { Choice, Tables } from '../knowledge/iptables.ts';
import { askRules } from '../knowledge/iptables-rules.ts';
import type { RuleCount } from '../knowledge/iptables-rules.ts';
import { kernelQueries, runningKernel } from '../knowledge/kernel.ts';
import type { Claim, Finding, HostView, Kind, NeedOf, Reading, Requirement } from '../model.ts';
import { switchToNft } from './module-tables.ts';
import { obstructed } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type IptablesNeed = NeedOf<'iptables'>;

const id = 'iptables/backend';
const programs = ['iptables', 'ip6tables'] as const;
/** The core of the legacy tables of each program. */
const core = { iptables: 'ip_tables', ip6tables: 'ip6_tables' } as const;

/** One variant of iptables, which the kernel can do, with all rules on its side. Nothing is changed: that choice is the owner's. */
export const iptablesKind: Kind<IptablesNeed> = {
  name: 'iptables',
  title: 'iptables',
  id: () => id,
  want: () => 'one variant',
  merge: (a) => a,
  queries: (needs) => (needs.length === 0 ? [] : [...iptablesQueries, ...kernelQueries(Object.values(core))]),
  check: (requirements, host) => ({ findings: requirements.map((r) => judge(r, host)), actions: [] }),
  claims: (_need, host) => [...programClaims(host), ...ruleClaims(host)],
};

const judge = (requirement: Requirement<IptablesNeed>, host: HostView): Finding => {
  const choice = variantOf('iptables', host);
  const lacking = programs.map((p) => withoutTables(p, host)).find((obstacle) => obstacle !== undefined);
  const mixed = mixedRules(choice, host);
  const base = {
    id,
    kind: 'iptables' as const,
    want: iptablesKind.want(requirement),
    because: requirement.because,
    now: { ...reading(choice), ok: !lacking && !mixed && !unasked(host), ...(mixed && { have: mixed.have, from: mixed.from }) },
    boot: { ...reading(choice), ok: !lacking },
  };
  const obstacle = lacking ?? mixed;
  if (obstacle) return { ...base, ...obstructed(requirement, { reason: obstacle.reason, remedy: obstacle.remedy }) };
  const doubt = unasked(host) ?? unlikeTwins(choice, host) ?? uncounted(choice, host);
  return doubt ? { ...base, verdict: 'advice', ...doubt } : { ...base, verdict: 'ok' };
};

const reading = ({ have, from }: Choice): Omit<Reading, 'ok'> => ({ have, ...(from && { from }) });

/** The legacy variant on a kernel without legacy tables, as far as the kernel's modules are known. */
const withoutTables = (program: Tables, host: HostView): Obstacle | undefined => {
  const choice = variantOf(program, host);
  const module = core[program];
  const kernel = runningKernel(host.answers, host.system.kernel, [module]);
  const there = !kernel.indexed || kernel.loaded.has(module) || kernel.builtin.has(module) || kernel.files.has(module);
  if (choice.variant !== 'legacy' || there) return undefined;
  return {
    reason: `${choiceInWords(program, choice)}, and kernel ${kernel.release} has no ${module}: no rule can be written`,
    remedy: switchToNft(program, choice.from),
  };
};

/** Rules on the side that the host's iptables does not look at, where they count all the same: packets pass both. */
const mixedRules = (
  { variant }: Choice,
  host: HostView,
): (Obstacle & { readonly have: string; readonly from: string }) | undefined => {
  const { legacy, nft } = askRules(host.answers);
  const other = variant === 'legacy' ? nft : legacy;
  if (legacy.length === 0 || other.length === 0) return undefined;
  const both = nft.length > 0;
  return {
    have: both ? 'legacy and nft rules' : 'legacy rules',
    from: [...new Set(legacy.map(namesFile))].join(', '),
    reason: both
      ? `packets pass two sets of rules: legacy (${counted(legacy)}) and nft (${counted(nft)})`
      : `there are legacy rules (${counted(legacy)}), which iptables here does not see and Istio and Calico go by`,
    remedy: `Find out who writes them and stop it, then reboot, which is the safe way; or ${flush(variant === 'legacy' ? 'nft' : 'legacy', other)}; then plan again.`,
  };
};

const counted = (counts: readonly RuleCount[]): string => counts.map(({ table, rules }) => `${table}: ${rules}`).join(', ');

/** The file that says which legacy tables exist. */
const namesFile = ({ table }: RuleCount): string => `/proc/net/${table.split(' ', 1)[0] ?? 'ip'}_tables_names`;

/** The commands that empty the tables of one side. A policy may drop: without the rules that let ssh in, it would lock people out. */
const flush = (variant: string, counts: readonly RuleCount[]): string =>
  counts
    .map(({ table }) => table.split(' '))
    .flatMap(([family, table]) => {
      const program = `${family === 'ip6' ? 'ip6tables' : 'iptables'}-${variant}`;
      const open = table === 'filter' ? ['INPUT', 'FORWARD', 'OUTPUT'].map((chain) => `${program} -P ${chain} ACCEPT`) : [];
      return [...open, `${program} -t ${table} -F`];
    })
    .join(' && ');

const unasked = ({ answers }: HostView): Obstacle | undefined =>
  askRules(answers).unasked
    ? {
        reason: 'which legacy and nft rules there are could not be asked within a minute',
        remedy: 'See what iptables-save, iptables-legacy-save and iptables-nft-save say, then plan again.',
      }
    : undefined;

const unlikeTwins = (choice: Choice, host: HostView): Obstacle | undefined => {
  const twin = variantOf('ip6tables', host);
  if (!choice.variant || !twin.variant || choice.variant === twin.variant) return undefined;
  return {
    reason: `${choiceInWords('iptables', choice)}, but ${choiceInWords('ip6tables', twin)}: images choose one for both`,
    remedy: `Run update-alternatives --set ip6tables /usr/sbin/ip6tables-${choice.variant}, reboot, then plan again.`,
  };
};

const uncounted = ({ variant }: Choice, host: HostView): Obstacle | undefined => {
  const { uncounted: unread, tables } = askRules(host.answers);
  if (!unread || variant === 'legacy') return undefined;
  return {
    reason: `legacy tables exist (${tables.join(', ')}), and no iptables-legacy-save is here to tell whether they hold rules`,
    remedy: 'Find out who made them (lsmod, containers with an older iptables) and stop it, then reboot.',
  };
};

const programClaims = (host: HostView): Claim[] =>
  programs.flatMap((program) => {
    const choice = variantOf(program, host);
    return choice.from
      ? [{ from: choice.from, says: choiceInWords(program, choice), role: 'decides which tables rules go to' }]
      : [];
  });

const ruleClaims = ({ answers }: HostView): Claim[] => {
  const { legacy, nft } = askRules(answers);
  const sides = { legacy, nft };
  return (['legacy', 'nft'] as const).flatMap((side) =>
    sides[side].map(({ table, rules }) => ({
      from: side === 'legacy' ? namesFile({ table, rules }) : 'iptables-nft-save',
      says: `${rules} ${side} rules in ${table}`,
      role: 'every packet passes them',
    })),
  );
};
