import { existsSync } from 'node:fs';
import { didYouMean, OperatorError } from './errors.ts';
import type { OwnConfig } from './config-file.ts';
import { configBytes } from './config-read.ts';
import type { ConfigBytes } from './config-read.ts';
import { isModuleName, moduleName } from './knowledge/module-names.ts';
import { isSysctlKey, sysctlKey, sysctlPath } from './knowledge/sysctl.ts';
import type { Desired, Need, Permissions, Waiver } from './model.ts';
import type { Chosen, Profile } from './profiles/profile.ts';
import { profiles } from './profiles/table.ts';
import { desiredState, idOf } from './requirements.ts';
import type { ChosenProfile } from './requirements.ts';

/** What the flags say about the desired state. */
export type DesiredFlags = {
  readonly profiles?: readonly string[];
  readonly config?: string;
  /** Where the default file is read from; undefined where the host, an image, has none. */
  readonly defaultAt?: string | undefined;
  readonly ipFamilies?: string;
  readonly waive?: readonly string[];
  readonly allow?: Permissions;
};

/** The desired state, and what the operator should know about his settings. */
export type Settings = { readonly desired: Desired; readonly warnings: readonly string[] };

/** Read where it exists and no other file is named. */
export const defaultFile = '/etc/node-prep.yaml';
const families = ['ipv4', 'ipv6'] as const;

/**
 * Flags and file together. Flags win: `-p` names the profiles in place of the file's, whose options still hold where the flag
 * is silent. Throws OperatorErrors that say what is wrong and where.
 */
export const loadSettings = async (flags: DesiredFlags, today: Date): Promise<Settings> => {
  const path = configFileOf(flags);
  return settingsIn(flags, path === undefined ? undefined : configBytes(path), today);
};

/** The same of a configuration file that was read before; undefined: there is none. */
export const settingsIn = async (flags: DesiredFlags, config: ConfigBytes | undefined, today: Date): Promise<Settings> => {
  const file = config ? (await import('./config-file.ts')).parseConfig(config) : {};
  const ip = ipFamilies(flags.ipFamilies?.split(',') ?? file.ipFamilies ?? ['ipv4']);
  const chosen = chooseProfiles(flags.profiles ?? [], file, ip);
  const { waivers, warnings } = currentWaivers(
    [...(file.waive ?? []), ...(flags.waive ?? []).map(waiverOf)].map((w) => ({ ...w, id: normalId(w.id) })),
    today,
  );
  const desired = desiredState(
    chosen,
    { needs: ownNeeds(file), from: config ? (flags.config ?? defaultFile) : '' },
    waivers,
    flags.allow,
  );
  const known = new Set(desired.requirements.map(idOf));
  const idle = waivers
    .filter((w) => !known.has(w.id))
    .map((w) => `The waiver of ${w.id} does nothing: nobody asks for that here.`);
  return { desired, warnings: [...warnings, ...idle] };
};

/** The configuration file that counts: the one that is named, else the default one where it is there. */
export const configFileOf = (flags: DesiredFlags): string | undefined => {
  const standard = 'defaultAt' in flags ? flags.defaultAt : defaultFile;
  return flags.config ?? (standard !== undefined && existsSync(standard) ? standard : undefined);
};

/** A profile as `-p` names it: "istio:mode=ambient,backend=nftables". */
export const chooseProfile = (
  spec: string,
  ip: readonly string[],
  base: { readonly [option: string]: string } = {},
): ChosenProfile => {
  const [name = '', ...rest] = spec.split(':');
  const profile = profileNamed(name);
  const given = Object.fromEntries(
    rest
      .join(':')
      .split(',')
      .filter((word) => word !== '')
      .map((word) => option(profile, word)),
  );
  return choose(profile, { ...base, ...given }, ip);
};

/** The profile of that name. */
export const profileNamed = (name: string): Profile => {
  const profile = profiles.find((p) => p.name === name);
  if (!profile)
    throw didYouMean(
      `There is no profile "${name}".`,
      name,
      profiles.map((p) => p.name),
    );
  return profile;
};

const chooseProfiles = (flags: readonly string[], file: OwnConfig, ip: readonly string[]): ChosenProfile[] => {
  const inFile = file.profiles ?? {};
  const flagged = new Map(flags.map((spec) => [spec.split(':', 1)[0] ?? '', spec]));
  if (flagged.size < flags.length)
    throw new OperatorError('A profile is given twice.', 'Put all its options after one -p, separated by commas.');
  if (flagged.size > 0) return [...flagged].map(([name, spec]) => chooseProfile(spec, ip, inFile[name]));
  const names = Object.keys(inFile);
  // A file that lists only modules or packages of its own asks for just those.
  const wanted =
    names.length === 0 && file.modules === undefined && file.sysctl === undefined && file.packages === undefined
      ? ['kubernetes']
      : names;
  return wanted.map((name) => choose(profileNamed(name), inFile[name] ?? {}, ip));
};

const option = (profile: Profile, word: string): [string, string] => {
  const equals = word.indexOf('=');
  if (equals <= 0)
    throw new OperatorError(
      `"${word}" is no option of profile ${profile.name}.`,
      'Options are written KEY=VALUE, separated by commas.',
    );
  return [word.slice(0, equals), word.slice(equals + 1)];
};

const choose = (profile: Profile, given: { readonly [option: string]: string }, ip: readonly string[]): ChosenProfile => {
  for (const [key, value] of Object.entries(given)) requireValid(profile, key, value);
  const defaults = Object.fromEntries(Object.entries(profile.options).map(([key, spec]) => [key, spec.default]));
  const chosen = { ...defaults, ...given, ipv4: ip.includes('ipv4'), ipv6: ip.includes('ipv6') } as unknown as Chosen;
  const said = Object.entries(given).map(([key, value]) => `${key}=${value}`);
  return { profile, chosen, asked: said.length > 0 ? `${profile.name}:${said.join(',')}` : profile.name };
};

const requireValid = (profile: Profile, key: string, value: string): void => {
  const spec = Object.hasOwn(profile.options, key) ? profile.options[key] : undefined;
  if (!spec) throw didYouMean(`Profile ${profile.name} has no option "${key}".`, key, Object.keys(profile.options));
  if (spec.values && !spec.values.includes(value))
    throw didYouMean(`${profile.name}:${key} cannot be "${value}".`, value, spec.values);
  const wrong = spec.check?.(value);
  if (wrong) throw new OperatorError(`${profile.name}:${key} cannot be "${value}": ${wrong}`);
};

/** The families as given, each known and at least one. */
export const ipFamilies = (names: readonly string[]): readonly string[] => {
  for (const name of names)
    if (!(families as readonly string[]).includes(name)) throw didYouMean(`"${name}" is no IP family.`, name, families);
  return names;
};

const ownNeeds = (file: OwnConfig): Need[] => {
  const needs = listedNeeds(file);
  const twice = needs.find((need, i) =>
    needs.some((other, j) => j < i && idOf(other) === idOf(need) && JSON.stringify(other) !== JSON.stringify(need)),
  );
  if (twice)
    throw new OperatorError(
      `${idOf(twice)} is asked for twice, and not the same.`,
      'Keep one of the two spellings in the configuration file.',
    );
  return needs;
};

const listedNeeds = (file: OwnConfig): Need[] => [
  ...(file.modules ?? []).map((name): Need => ({ kind: 'module', name: ownModule(name) })),
  ...Object.entries(file.sysctl ?? {}).map(([key, value]): Need => ({ kind: 'sysctl', key: ownKey(key), value })),
  ...Object.entries(file.packages ?? {}).map(([capability, bound]): Need => {
    const min = /^>=\s*(\S+)$/.exec(bound)?.[1];
    return { kind: 'package', capability, ...(min && { min }) };
  }),
];

const ownModule = (name: string): string => {
  if (!isModuleName(name))
    throw new OperatorError(`"${name}" is no name of a kernel module.`, 'Letters, digits, - and _, without .ko.');
  return moduleName(name);
};

const ownKey = (key: string): string => {
  if (!isSysctlKey(key)) throw new OperatorError(`"${key}" is no sysctl key.`, 'Write it as sysctl does: net.ipv4.ip_forward.');
  return sysctlKey(sysctlPath(key));
};

/** Ids as they are known here: `-` in modules' names and `/` in keys are written as everywhere else. */
const normalId = (id: string): string => {
  const kind = id.split('/', 1)[0] ?? '';
  const name = id.slice(kind.length + 1);
  return kind === 'module' ? `module/${moduleName(name)}` : kind === 'sysctl' ? `sysctl/${sysctlKey(sysctlPath(name))}` : id;
};

const waiverOf = (text: string): Waiver => {
  const equals = text.indexOf('=');
  const [id, reason] = [text.slice(0, equals), text.slice(equals + 1).trim()];
  if (equals <= 0 || reason === '')
    throw new OperatorError(
      `--waive ${text} gives no reason.`,
      'Write --waive ID=REASON, such as --waive "module/xt_set=no network policies here".',
    );
  if (!/^[a-z]+\/\S+$/.test(id))
    throw new OperatorError(`--waive ${text}: "${id}" is no id.`, 'Ids look like module/xt_set; node-prep plan -v shows them.');
  return { id, reason };
};

/** Waivers whose day has not passed; an expired one is said, not followed. */
const currentWaivers = (all: readonly Waiver[], today: Date): { waivers: Waiver[]; warnings: string[] } => {
  const expired = all.filter((w) => w.until !== undefined && w.until < today.toISOString().slice(0, 10));
  return {
    waivers: all.filter((w) => !expired.includes(w)),
    warnings: expired.map((w) => `The waiver of ${w.id} ended on ${w.until}: it counts again.`),
  };
};
