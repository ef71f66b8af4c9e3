import type { Run } from './journal.ts';
import { isFailed, undoneBy } from './journal/ended.ts';
import type { Action, Argv, Desired, Finding, Plan, Requirement, RunAction } from './model.ts';
import { unjudged } from './plan.ts';
import { idOf } from './requirements.ts';

/** What earlier runs have left undone, for a host that is in the boot of that id. */
export type Owing = (bootId: string) => Promise<readonly Argv[]>;

/**
 * A command whose effect no file shows: were it cut off or failed, a look at the host would not tell. `id`: the finding that it is for.
 * `isOpen`: whether that finding stands so that it makes sense still. `have`: how the host stands without it. `by`: what does the same.
 * `lasts`: a boot does not make up for it. `isWanted`: of the requirement, where not each asks for it.
 */
type Unseen = {
  readonly at: RegExp;
  readonly id: (argv: Argv) => string;
  readonly isOpen: (finding: Finding) => boolean;
  readonly have: string;
  readonly action: Omit<RunAction, 'do' | 'argv'>;
  readonly by?: RegExp;
  readonly lasts?: true;
  readonly isWanted?: (requirement: Requirement) => boolean;
};

const earlier = 'an earlier run did not come to that';
// Not where it does not run: it reads its files when it starts.
const stands =
  (have: string) =>
  ({ verdict, now }: Finding): boolean =>
    verdict === 'ok' && now.have === have;

const unseen: readonly Unseen[] = [
  {
    at: /^systemctl try-reload-or-restart NetworkManager\.service$/,
    id: () => 'networkmanager/unmanaged',
    isOpen: stands('left alone'),
    have: 'written, not read yet',
    action: { why: `let NetworkManager read its files: ${earlier}` },
  },
  {
    at: /^networkctl reload$/,
    id: () => 'networkd/unmanaged',
    isOpen: stands('left alone'),
    have: 'written, not read yet',
    action: { why: `let networkd read its files: ${earlier}` },
    by: /^systemctl try-restart systemd-networkd\.service$/,
  },
  {
    at: /^systemctl try-restart systemd-networkd\.service$/,
    id: () => 'networkd/foreign',
    isOpen: stands('kept'),
    have: 'written, not read yet',
    action: { why: `networkd reads networkd.conf only when it starts (addresses stay): ${earlier}` },
  },
  {
    at: /^systemctl daemon-reload$/,
    id: () => 'swap/off',
    isOpen: (finding) => finding.verdict === 'change' || stands('off')(finding),
    have: 'off, systemd not told',
    action: { why: `let systemd forget the units it made of these lines: ${earlier}`, judgedBy: 'verify' },
  },
  {
    at: /^systemctl mask \S+$/,
    id: ([, , unit = '']) => `service/${unit.replace(/\.service$/, '')}`,
    isOpen: ({ verdict, now, boot }) => verdict === 'ok' && now.have !== 'not installed' && !boot.have.startsWith('masked'),
    have: 'not masked',
    action: { why: `let nothing start it again, by D-Bus or as a need of others: ${earlier}` },
    lasts: true,
    isWanted: (requirement) => requirement.kind === 'service' && requirement.state === 'inactive' && requirement.mask === true,
  },
];

const unseenOf = (argv: Argv): Unseen | undefined => unseen.find(({ at }) => at.test(argv.join(' ')));

/**
 * The commands of which no file shows that they were done, and that earlier runs planned and did not come to: they failed, were cut off, or
 * the run ended before, after it had begun with what they are about. What a later run did, or what was put back, is not owed. Of runs that
 * ended well none owes anything, so those alone that did not may be given to see whether anything is owed at all. Pure.
 */
export const owedBy = (runs: readonly Run[], bootId: string): readonly Argv[] => {
  const undone = undoneBy(runs);
  const owed = new Map<string, Argv>();
  for (const run of runs) {
    run.plan.actions.forEach((action, at) => {
      if (action.do !== 'run') return;
      if (isDone(run, at)) return settle(owed, action.argv);
      const what = unseenOf(action.argv);
      const counts = what && !undone.has(run.id) && (what.lasts || run.bootId === bootId);
      if (counts && hasBegunWith(run, action, at)) owed.set(action.argv.join(' '), action.argv);
    });
  }
  return [...owed.values()];
};

const isDone = (run: Run, at: number): boolean => {
  const step = run.steps[at];
  return step !== undefined && step.status !== 'begun' && !isFailed(run, step, at);
};

/** Begun is enough: a step that was cut off may have done its work. */
const hasBegunWith = (run: Run, action: Action, at: number): boolean =>
  run.plan.actions.slice(0, Math.min(at, run.steps.length)).some((other) => other.for.some((id) => action.for.includes(id)));

const settle = (owed: Map<string, Argv>, done: Argv): void => {
  for (const [line, argv] of owed) if (does(done, argv)) owed.delete(line);
};

/** Whether one command does what another would. */
const does = (one: Argv, other: Argv): boolean => {
  const line = one.join(' ');
  return line === other.join(' ') || unseenOf(other)?.by?.test(line) === true;
};

/** A plan that makes up for these as well, as far as what they were for is wanted still. Pure. */
export const withOwed = (plan: Plan, owed: readonly Argv[], desired: Desired): Plan =>
  owed.reduce((made, argv) => withOne(made, argv, desired), plan);

const withOne = (plan: Plan, argv: Argv, desired: Desired): Plan => {
  const what = unseenOf(argv);
  const finding = plan.findings.find(({ id }) => id === what?.id(argv));
  if (!what || !finding || !what.isOpen(finding) || !isWanted(finding.id, what, desired)) return plan;
  if (plan.actions.some((action) => action.do === 'run' && does(action.argv, argv))) return plan;
  const action: Action = { do: 'run', argv, ...what.action, for: [finding.id] };
  const now = { ...finding.now, ok: false, have: what.have };
  const open = { ...unjudged(finding), now, verdict: 'change' } as const;
  const findings = finding.verdict === 'ok' ? plan.findings.map((other) => (other === finding ? open : other)) : plan.findings;
  return { ...plan, findings, actions: [...plan.actions, action] };
};

const isWanted = (id: string, { isWanted: isAsked = () => true }: Unseen, { requirements, waivers }: Desired): boolean =>
  !waivers.some((waiver) => waiver.id === id) &&
  requirements.some((requirement) => idOf(requirement) === id && !requirement.advice && isAsked(requirement));
