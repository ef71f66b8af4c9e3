import { partOfFamily } from '../families/question.ts';
import { families, familyNamed } from '../families/table.ts';
import type { Asked, Family, PackageFacts } from '../families/family.ts';
import { unknown } from '../families/unknown.ts';
import { ran } from '../answers.ts';
import { readSystem } from '../knowledge/system.ts';
import { compareDebian, upstreamVersion } from '../knowledge/versions.ts';
import { whyClosed } from '../knowledge/image.ts';
import type { Action, Answers, Argv, Finding, HostView, Image, Kind, NeedOf, Query, Reading, Requirement } from '../model.ts';
import { isCutOff } from './module-packages.ts';
import { unmet } from './verdicts.ts';
import type { Obstacle } from './verdicts.ts';

type PackageNeed = NeedOf<'package'>;
type AskedNeed = PackageNeed & { readonly advice?: true };

/** An installed package that serves a capability, new enough. Packages stay over a reboot: `now` and `boot` are one. */
export const packageKind: Kind<PackageNeed> = {
  name: 'package',
  title: 'Packages',
  id: (need) => `package/${need.capability}`,
  want: (need) => (need.min ? `>= ${need.min}` : 'installed'),
  merge: (a, b) => (compareDebian(a.min ?? '0', b.min ?? '0') >= 0 ? a : b),
  queries: (needs) =>
    needs.length === 0
      ? []
      : [
          {
            ask: 'run',
            argv: question(needs),
            of: 'files',
            known: (answers) => {
              const family = familyNamed(readSystem(answers).family);
              return family.known?.(
                needs.map((need) => askedOf(need, family)),
                answers,
              );
            },
          },
          ...families.flatMap((family) => recordQuery(needs, family)),
          ...families.flatMap((f) => (f.interrupted ? [{ ask: 'list' as const, glob: f.interrupted.glob, lines: [] }] : [])),
        ],
  check: (requirements, host) => {
    if (requirements.length === 0) return { findings: [], actions: [] };
    const family = familyNamed(host.system.family);
    const answer = ran(host.answers, question(requirements));
    const facts = answer.status === 0 ? family.read(answer.text) : host.image && family.inFiles?.(host.answers);
    if (!facts) return { findings: requirements.map((r) => unasked(r, answer.status, host)), actions: [] };
    const findings = requirements.map((r) => judge(r, family, facts, host));
    return { findings, actions: actionsFor(findings, requirements, family, facts, host) };
  },
};

/**
 * One process asks, whatever the family: the script looks at os-release(5) as data and runs that family's part. Needs are
 * put in order so that the question is the same for the same needs.
 */
const question = (needs: readonly AskedNeed[]): Argv => {
  const sorted = [...needs].sort((a, b) => (a.capability < b.capability ? -1 : 1));
  const part = (family: Family): string => family.ask(sorted.map((need) => askedOf(need, family)));
  return ['sh', '-c', `${partOfFamily(part)}${part(unknown)}`];
};

/** Reading the record is quicker than a package manager that reads it. */
const recordQuery = (needs: readonly AskedNeed[], { record, ...family }: Family): Query[] =>
  record
    ? [
        {
          ask: 'read',
          path: record.path,
          lines: needs
            .flatMap((n) => namesOf(n, family))
            .map(record.line)
            .sort(),
          paragraphs: true,
        },
      ]
    : [];

const askedOf = (need: AskedNeed, family: Family): Asked => ({
  names: namesOf(need, family),
  ...(need.min && { min: need.min }),
  ...(need.advice && { advice: true }),
});

/** A capability that the family has no names for is taken as the name of a package. */
const namesOf = (need: PackageNeed, family: Pick<Family, 'packages'>): readonly string[] =>
  Object.hasOwn(family.packages, need.capability) ? (family.packages[need.capability] ?? []) : [need.capability];

/** No answer is no proof that anything is missing. */
const unasked = (requirement: Requirement<PackageNeed>, status: number, host: HostView): Finding => {
  const reading: Reading = { ok: false, have: 'unknown' };
  const obstacle = host.image
    ? notInImage(host.image, host.answers)
    : {
        reason:
          status === 124
            ? 'the package manager did not answer within a minute'
            : `the package manager could not be asked (exit code ${status})`,
        remedy: 'Find out what holds it up (dpkg-query -W, rpm -qa), then plan again.',
      };
  const base = {
    id: packageKind.id(requirement),
    kind: 'package' as const,
    want: packageKind.want(requirement),
    because: requirement.because,
  };
  return { ...base, now: reading, boot: reading, ...unmet(requirement, obstacle, obstacle.remedy) };
};

const notInImage = (image: Image, answers: Answers): Obstacle => ({
  reason: `the package manager of this image cannot be asked: ${whyClosed(image, answers) ?? 'it gives no answer'}`,
  remedy: 'Plan as root, on a machine that can run its programs; or waive the packages and verify after the first boot.',
});

const judge = (requirement: Requirement<PackageNeed>, family: Family, facts: PackageFacts, host: HostView): Finding => {
  const names = namesOf(requirement, family);
  const found = readingOf(names, requirement.min, family, facts);
  const reading = requirement.advice ? found : unlessCutOff(found, family, facts, host);
  const base = {
    id: packageKind.id(requirement),
    kind: 'package' as const,
    want: packageKind.want(requirement),
    because: requirement.because,
  };
  const looked = { ...base, now: reading, boot: reading };
  if (reading.ok) return { ...looked, verdict: 'ok' };
  if (found.ok) return { ...looked, verdict: 'change' };
  const obstacle = obstacleTo(names[0] ?? requirement.capability, requirement.min, family, facts, host);
  return {
    ...looked,
    ...unmet(requirement, obstacle, `Add "${requirement.capability}" to packages: in the configuration file.`),
  };
};

const readingOf = (names: readonly string[], min: string | undefined, family: Family, facts: PackageFacts): Reading => {
  const name = names.find((n) => facts.installed.has(n));
  if (name === undefined) return { ok: false, have: 'not installed' };
  const version = facts.installed.get(name) ?? '';
  if (version === '') return { ok: true, have: 'found', from: `program ${name}, version unknown` };
  return { ok: !min || newEnough(version, min, family), have: version, from: `package ${name}` };
};

/** What is installed is not done where the package manager was cut off after it: its next user would be refused. One at work will end. */
const unlessCutOff = (reading: Reading, family: Family, facts: PackageFacts, host: HostView): Reading =>
  reading.ok && !host.done && isCutOff(host, family) && !facts.busy
    ? { ...reading, ok: false, have: `${reading.have}, but ${family.interrupted?.says ?? ''}` }
    : reading;

/** A minimum is the authors' version: the distribution's epoch does not count, its order does. */
const newEnough = (version: string, min: string, family: Family): boolean => family.compare(upstreamVersion(version), min) >= 0;

const obstacleTo = (
  name: string,
  min: string | undefined,
  family: Family,
  facts: PackageFacts,
  { system }: HostView,
): Obstacle | undefined => {
  const candidate = facts.candidates.get(name);
  if (family === unknown) {
    return { reason: `node-prep does not know the package manager of ${system.name}`, remedy: family.noCandidate(name, system) };
  }
  if (facts.sources && !candidate) {
    return { reason: `no package source of this host has ${name}`, remedy: family.noCandidate(name, system) };
  }
  // Without lists a made-up name cannot be told from a real one, and apt takes some for patterns.
  if (!facts.sources && !Object.values(family.packages).some((names) => names.includes(name))) {
    return {
      reason: `${name} cannot be looked up: the lists of available packages are not here`,
      remedy: `Fetch them (${family.refresh}), then plan again.`,
    };
  }
  return candidate && min && !newEnough(candidate, min, family)
    ? { reason: `the newest ${name} that this host can install is ${candidate}`, remedy: family.noCandidate(name, system) }
    : undefined;
};

const actionsFor = (
  findings: readonly Finding[],
  requirements: readonly Requirement<PackageNeed>[],
  family: Family,
  facts: PackageFacts,
  host: HostView,
): Action[] => {
  const open = requirements.filter((r) => findings.some((f) => f.id === packageKind.id(r) && f.verdict === 'change'));
  if (open.length === 0) return [];
  const missing = open.filter((r) => !readingOf(namesOf(r, family), r.min, family, facts).ok);
  const names = [...new Set(missing.map((r) => namesOf(r, family)[0] ?? r.capability))];
  const broken = (facts.broken ?? []).filter((name) => !names.includes(name));
  // What a package manager at work has half-way is its own to end, and the installation waits for it.
  const isCut = !facts.busy && (facts.unfinished || isCutOff(host, family));
  const mend = isCut ? (family.interrupted?.mend(broken) ?? []) : [];
  const install = names.length > 0 ? family.install(names, !facts.sources) : [];
  return [...mend, ...install].map((command) => ({ do: 'run', ...command, for: open.map((r) => packageKind.id(r)) }));
};
