import { linkTarget, listed } from '../answers.ts';
import type { Answers, FoundFile, Query, System, Verdict } from '../model.ts';
import { baseName } from './dropins.ts';
import { askRules, ruleQueries } from './iptables-rules.ts';
import { moduleFact } from './module-names.ts';
import { compareDebian } from './versions.ts';

/** The two programs, one per family of addresses; each can be of a variant of its own. */
export type Tables = 'iptables' | 'ip6tables';

/** `legacy` fills the tables of ip_tables and iptable_*; `nft` fills those of nf_tables, with the help of nft_compat (xtables-nft(8)). */
export type Variant = 'nft' | 'legacy';

/**
 * Which variant a host has. `from`: the file that decides. `have`: what is there, for people. `foreseen`: it is not installed yet,
 * this is what the distribution's package will bring.
 */
export type Choice = { readonly variant?: Variant; readonly have: string; readonly from?: string; readonly foreseen?: true };

/** Where programs are looked for, in the order of PATH: what was built by hand hides what a package brought. */
const folders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin'] as const;
const alternatives = '/etc/alternatives';
const programs = ['iptables', 'ip6tables'] as const satisfies readonly Tables[];

export const iptablesQueries: readonly Query[] = [
  ...[...folders, alternatives].flatMap((folder) =>
    programs.map((program) => ({ ask: 'list' as const, glob: `${folder}/${program}`, lines: [] })),
  ),
  ...ruleQueries((answers) => programs.every((program) => isNamed(program, answers))),
];

/** What an answered host and the verdicts so far tell. */
type Known = {
  readonly answers: Answers;
  readonly system: System;
  readonly verdicts: ReadonlyMap<string, Verdict['verdict']>;
};

/** The variant of a program on this host, or the one that it will have once the package that is wanted is installed. */
export const variantOf = (program: Tables, host: Known): Choice => {
  const { answers, system, verdicts } = host;
  const found = installed(program, answers);
  if (found) return found;
  const comes = verdicts.get('package/iptables');
  const variant = comes === 'change' || comes === 'blocked' ? packaged(system) : undefined;
  return { have: 'not installed', ...(variant && { variant, foreseen: true }) };
};

/** What decides over a module of the legacy tables: ip6tables for names with a 6. */
export const programFor = (module: string): Tables => (module.startsWith('ip6') ? 'ip6tables' : 'iptables');

/** Whether a module is a part of the legacy tables: iptables-nft has no use for it. */
export const isLegacyTable = (module: string): boolean => moduleFact(module).replacedBy !== undefined;

/** A choice in words: "iptables here is the nft variant (/etc/alternatives/iptables)". */
export const choiceInWords = (program: Tables, { variant, from, foreseen }: Choice): string =>
  foreseen
    ? `${program} will be the ${variant} variant once it is installed`
    : `${program} here is the ${variant ?? 'unknown'} variant${from ? ` (${from})` : ''}`;

/** Whether the program is not there, or links tell its variant. */
const isNamed = (program: Tables, answers: Answers): boolean => {
  const path = pathOf(program, answers);
  return path === undefined || followed(path, answers).variant !== undefined;
};

const pathOf = (program: Tables, answers: Answers): string | undefined =>
  folders.map((folder) => `${folder}/${program}`).find((p) => fileAt(p, answers));

const installed = (program: Tables, answers: Answers): Choice | undefined => {
  const path = pathOf(program, answers);
  if (path === undefined) return undefined;
  const { variant, from } = followed(path, answers);
  const told = variant ?? askRules(answers).versions.get(program);
  return told ? { variant: told, have: told, from } : { have: 'of an unknown variant', from };
};

const fileAt = (path: string, answers: Answers): FoundFile | undefined => listed(answers, path)[0];

/** Follows links as far as they were listed: the first whose target has a telling name decides. */
const followed = (path: string, answers: Answers, depth = 0): { readonly variant?: Variant; readonly from: string } => {
  const file = fileAt(path, answers);
  const target = file && linkTarget(file);
  if (target === undefined || depth > 8) return { from: path };
  const variant = named(baseName(target));
  if (variant) return { variant, from: path };
  const next = followed(target, answers, depth + 1);
  return next.variant || fileAt(target, answers) ? next : { from: path };
};

/** xtables-multi is the only program of iptables before 1.8, which knew no other variant. */
const named = (name: string): Variant | undefined =>
  /\bnft\b/.test(name) ? 'nft' : /\blegacy\b|^(?:x|ip|ip6)tables-multi$/.test(name) ? 'legacy' : undefined;

/** The release from which on a distribution's package iptables is the nft variant; RHEL and its clones: 8. */
const firstWithNft = new Map([
  ['debian', '10'],
  ['raspbian', '10'],
  ['ubuntu', '20.10'],
  ['amzn', '2023'],
  ['fedora', '32'],
]);

/** The variant that an install brings; undefined for distributions that nobody looked at. */
const packaged = ({ id, versionId, family }: System): Variant | undefined => {
  const first = firstWithNft.get(id) ?? (family === 'rhel' ? '8' : undefined);
  if (first === undefined) return undefined;
  // Debian's testing and unstable have no number.
  return versionId === '' || compareDebian(versionId, first) >= 0 ? 'nft' : 'legacy';
};
