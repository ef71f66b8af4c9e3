import type { Fingerprint } from './fingerprint.ts';
import type { Reading } from './model.ts';

/**
 * All in which a host differs from the one that a plan was made from, each in words for a person, what explains most first. Pure.
 * What could not be read then and can be now is no difference by itself: a plan that knows it and is the same proves that it did not matter.
 */
export const changesSince = (was: Fingerprint, is: Fingerprint): readonly string[] => {
  const others = [
    ...hostChanges(was, is),
    ...was.waivers.filter((id) => !is.waivers.includes(id)).map((id) => `the waiver of ${id} has ended`),
    ...fileChanges(was, is),
    ...packageChanges(was, is),
  ];
  const judged = findingChanges(was, is);
  return judged.length === 0 ? others : [...others, ...newlyRead(was, is), ...judged];
};

/** What could not be read when a plan was made and can be now. */
export const newlyRead = (was: Fingerprint, is: Fingerprint): readonly string[] =>
  was.unread.filter((path) => !is.unread.includes(path)).map((path) => `${path} could not be read when the plan was made`);

const hostChanges = (was: Fingerprint, is: Fingerprint): string[] => [
  ...(was.machineId === is.machineId ? [] : ['the plan was made on another host (/etc/machine-id)']),
  ...(was.bootId === is.bootId || was.machineId !== is.machineId ? [] : ['the host was rebooted since']),
  ...(['name', 'kernel', 'arch'] as const).flatMap((part) =>
    was.system[part] === is.system[part] ? [] : [`${systemWords[part]}: was ${was.system[part]}, is ${is.system[part]}`],
  ),
  ...(sameList(was.system.kernels, is.system.kernels)
    ? []
    : [`installed kernels: were ${listOf(was.system.kernels)}, are ${listOf(is.system.kernels)}`]),
];

const systemWords = { name: 'the system', kernel: 'the kernel', arch: 'the processor' } as const;

const sameList = (a: readonly string[] = [], b: readonly string[] = []): boolean => a.join('\n') === b.join('\n');

const listOf = (names: readonly string[] = []): string => names.join(', ') || 'none';

const fileChanges = (was: Fingerprint, is: Fingerprint): string[] =>
  namesOf(was.files, is.files).flatMap((path) => {
    const [before, after] = [was.files[path], is.files[path]];
    if (before === after || (before === undefined && isBelow(path, was.unread))) return [];
    if (before === undefined) return [`${path} is new`];
    if (after !== undefined) return [`${path} changed`];
    return [isBelow(path, is.unread) ? `${path} cannot be read any more` : `${path} is gone`];
  });

const isBelow = (path: string, folders: readonly string[]): boolean =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

/** What an install would bring is compared where both know it: a package manager may keep other lists for other users. */
const packageChanges = (was: Fingerprint, is: Fingerprint): string[] => {
  const installed = namesOf(was.packages, is.packages).filter((name) => was.packages[name] !== is.packages[name]);
  const offered = namesOf(was.candidates, is.candidates).filter((name) => {
    const [before, after] = [was.candidates[name], is.candidates[name]];
    return before !== undefined && after !== undefined && before !== after && !installed.includes(name);
  });
  const version = (name: string): string => `${name} (${was.packages[name] ?? 'none'}, now ${is.packages[name] ?? 'none'})`;
  return [
    ...(installed.length > 0 ? [`package versions: ${installed.map(version).join(', ')}`] : []),
    ...(offered.length > 0 ? [`package versions to be had: ${offered.join(', ')}`] : []),
  ];
};

/** Where a verdict changed and nothing else, the answers of the kernel did in a way that has no reading. */
const findingChanges = (was: Fingerprint, is: Fingerprint): string[] =>
  namesOf(was.findings, is.findings).flatMap((id) => {
    const [before, after] = [was.findings[id], is.findings[id]];
    const name = id.slice(id.indexOf('/') + 1);
    if (!before || !after) return [`${id}: ${after ? 'is asked for' : 'was asked for'} only ${after ? 'now' : 'then'}`];
    const readings = (['now', 'boot'] as const).flatMap((when) => readingChange(when, before[when], after[when]));
    if (readings.length > 0) return [`${shortNamed.test(id) ? name : id}: ${readings.join('; ')}`];
    return before.verdict === after.verdict ? [] : [`${id}: was ${before.verdict}, is ${after.verdict}`];
  });

/** A key of sysctl is known by its name alone. */
const shortNamed = /^sysctl\//;

const readingChange = (when: 'now' | 'boot', was: Reading, is: Reading): string[] => {
  if (was.have === is.have && was.ok === is.ok && was.from === is.from) return [];
  const [before, after] = was.have === is.have ? [fromOf(was), fromOf(is)] : [was.have, is.have];
  return [`${when === 'boot' ? 'at boot ' : ''}was ${before}, is ${after}`];
};

const fromOf = ({ have, from, ok }: Reading): string => `${have}${from ? ` (${from})` : ''}${ok ? '' : ', which is not enough'}`;

const namesOf = (a: object, b: object): string[] => [...new Set([...Object.keys(a), ...Object.keys(b)])].sort();
