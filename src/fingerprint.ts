import type { PackageFacts } from './families/family.ts';
import { families, familyNamed } from './families/table.ts';
import { queryKey } from './answers.ts';
import { bootIdOf, machineIdOf } from './knowledge/identity.ts';
import { isRoot } from './knowledge/rights.ts';
import { isDenied } from './unread.ts';
import type { Answers, Desired, Finding, Plan, Query, Reading, System } from './model.ts';

/**
 * What a plan was made from, part by part. `files`: a digest of all that was asked of each file that is there, in every list and read;
 * what the running kernel tells (/proc, /sys, /run) is in `findings`, as what was made of it: use counts and free memory are none of
 * a plan's business. `unread`: what could not be read. `packages`: installed versions. `candidates`: versions that an install would
 * bring. `waivers`: those that still hold.
 */
export type Fingerprint = {
  readonly machineId: string;
  readonly bootId: string;
  readonly system: System;
  readonly asRoot: boolean;
  readonly waivers: readonly string[];
  readonly files: Named;
  readonly unread: readonly string[];
  readonly packages: Named;
  readonly candidates: Named;
  readonly findings: { readonly [id: string]: Judged };
};

type Named = { readonly [name: string]: string };
type Judged = { readonly verdict: Finding['verdict']; readonly now: Reading; readonly boot: Reading };

/** What came of a look at a host. `queries`: all that was asked. */
export type Look = {
  readonly plan: Plan;
  readonly answers: Answers;
  readonly desired: Desired;
  readonly queries: readonly Query[];
};

/** The fingerprint of a plan. `digest`: a text's cryptographic digest. */
export const fingerprintOf = ({ plan, answers, desired, queries }: Look, digest: (text: string) => string): Fingerprint => {
  const { installed, candidates } = packagesIn(answers, queries, plan);
  return {
    machineId: machineIdOf(answers),
    bootId: bootIdOf(answers),
    system: plan.system,
    asRoot: isRoot(answers),
    waivers: desired.waivers.map(({ id }) => id).sort(),
    files: filesIn(answers, queries, digest),
    unread: (plan.unread ?? []).filter(({ why }) => isDenied(why)).map(({ path }) => path),
    packages: sorted(installed),
    candidates: sorted(candidates),
    findings: Object.fromEntries(plan.findings.map(({ id, verdict, now, boot }) => [id, { verdict, now, boot }])),
  };
};

const sorted = (entries: Iterable<readonly [string, string]>): Named =>
  Object.fromEntries([...entries].sort(([a], [b]) => (a < b ? -1 : 1)));

/** A file may be asked about more than once, each time for other lines of it. What is not there has no entry. */
const filesIn = (answers: Answers, queries: readonly Query[], digest: (text: string) => string): Named => {
  const seen = new Map<string, string[]>();
  const see = (path: string, ...said: unknown[]): void => {
    if (!isJudged(path)) seen.set(path, [...(seen.get(path) ?? []), JSON.stringify(said)]);
  };
  for (const query of queries) {
    const answer = answers.get(queryKey(query));
    if (!answer || query.ask === 'run') continue;
    for (const file of answer.files ?? [])
      if (!answer.unread?.some(({ path }) => path === file.path)) see(file.path, query, file.link, file.text, file.executable);
    if (query.ask === 'read' && answer.status !== 1 && !isDenied(answer.text.slice(query.path.length + 2)))
      see(query.path, query, answer);
  }
  return sorted([...seen].map(([path, said]) => [path, digest(said.join('\n'))]));
};

/**
 * Whether findings say all that there is to say of a file: the running kernel's change by themselves, as do the boot loader's notes (a timer
 * of GRUB's writes boot_success there after a login), and of a record of packages only versions count. What sysctl and modprobe read in
 * /run is like the rest of what they read: a step that runs them does what it says.
 */
const isJudged = (path: string): boolean =>
  /^\/(?:proc|sys|run(?!\/(?:sysctl|modprobe|modules-load)\.d\/))\/|^\/boot\/grub2?\/grubenv$/.test(path) ||
  families.some(({ record }) => record?.path === path);

const packagesIn = (answers: Answers, queries: readonly Query[], { system }: Plan): PackageFacts => {
  const family = familyNamed(system.family);
  // The question for packages is the one that has no name of its own as $0.
  const question = queries.find((q) => q.ask === 'run' && q.of === 'files' && q.argv[3] === undefined);
  const answer = question && answers.get(queryKey(question));
  const facts = answer?.status === 0 ? family.read(answer.text) : answer && family.inFiles?.(answers);
  return facts ?? { installed: new Map(), candidates: new Map(), sources: false };
};
