import { createHash } from 'node:crypto';
import * as z from 'zod';
import { OperatorError } from './errors.ts';
import type { Fingerprint } from './fingerprint.ts';
import type { Plan } from './model.ts';

declare const NODE_PREP_VERSION: string;

/**
 * A plan in a file: what was shown, the settings that it is made from again, and what it was made from. `host`: its name; `root`: the
 * folder of an image. `config`: the configuration file that was read. Nothing of it is ever executed: it is compared with the plan made anew.
 */
export type SavedPlan = {
  readonly madeAt: string;
  readonly host: string;
  readonly settings: SavedSettings;
  readonly config: SavedConfig | null;
  readonly fingerprint: Fingerprint;
  readonly plan: Plan;
};

/** The flags of the desired state as they were given. `config`, `root`: absolute. */
export type SavedSettings = {
  readonly profiles: readonly string[];
  readonly waive: readonly string[];
  readonly takeOver: boolean;
  readonly rebootChanges: boolean;
  readonly ipFamilies?: string | undefined;
  readonly config?: string | undefined;
  readonly root?: string | undefined;
};

export type SavedConfig = { readonly path: string; readonly digest: string };

const format = 1;
const what = 'node-prep plan';

/** The SHA-256 of a text or a file's bytes. */
export const digest = (text: string | Uint8Array): string => createHash('sha256').update(text).digest('hex');

/** The beginning of every file that `savedText` made, whatever its version. */
export const looksSaved = (text: string): boolean => /^\{\s*"version":\s*\d+,\s*"what":\s*"node-prep plan"/.test(text);

/** The file's text: JSON whose last member is the checksum of all before it. */
export const savedText = (saved: SavedPlan): string => {
  const { madeAt, host, settings, config, fingerprint, plan } = saved;
  return sealed({ version: format, what, madeBy: NODE_PREP_VERSION, madeAt, host, settings, config, fingerprint, plan });
};

const sealed = (document: object): string => {
  const rest = JSON.stringify(document, undefined, 2);
  return `${rest.slice(0, -2)},\n  "checksum": "${digest(rest)}"\n}\n`;
};

/**
 * Reads such a text; `path` names it in the OperatorErrors that say what is wrong. The least difference from what was written is refused:
 * it must come out the same, byte by byte, when it is written once more.
 */
export const readSaved = (text: string, path: string): SavedPlan => {
  const document = parsed(text);
  if (!isObject(document) || document['what'] !== what) throw looksSaved(text) ? damaged(path) : stranger(path);
  const { version, madeBy } = document;
  if (version !== format)
    throw outdated(path, `is in format ${shown(version)} of saved plans, and this node-prep writes ${format}`);
  if (madeBy !== NODE_PREP_VERSION)
    throw outdated(path, `was made by node-prep ${shown(madeBy)}, and this is ${NODE_PREP_VERSION}`);
  const { checksum: _checksum, ...rest } = document;
  if (!comesOutAs(text, rest)) throw damaged(path);
  const known = schema.safeParse(rest);
  if (!known.success) throw damaged(path);
  // What is in a plan is only ever compared, never executed or shown.
  return known.data as unknown as SavedPlan;
};

/** What is nested too deeply for the engine is nothing that we wrote. */
const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
};

const comesOutAs = (text: string, rest: object): boolean => {
  try {
    return sealed(rest) === text;
  } catch {
    return false;
  }
};

const isObject = (value: unknown): value is { readonly [name: string]: unknown } =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const shown = (value: unknown): string =>
  String(typeof value === 'object' ? '?' : value)
    .slice(0, 40)
    .replace(/\s/g, ' ');

const planAgain = (path: string): string => `Plan again: node-prep plan --out ${path}`;

const stranger = (path: string): OperatorError =>
  new OperatorError(`${path} is no saved plan of node-prep.`, `Make one: node-prep plan --out FILE`);

const damaged = (path: string): OperatorError =>
  new OperatorError(
    `${path} is not as node-prep wrote it: it was edited, or cut short. Nothing was touched.`,
    `A saved plan is applied whole or not at all. ${planAgain(path)}`,
  );

const outdated = (path: string, why: string): OperatorError =>
  new OperatorError(`${path} ${why}. Nothing was touched.`, planAgain(path));

const texts = z.array(z.string());
const named = z.record(z.string(), z.string());
const reading = z.strictObject({ ok: z.boolean(), have: z.string(), from: z.string().optional() });

const schema = z.strictObject({
  version: z.literal(format),
  what: z.literal(what),
  madeBy: z.string(),
  madeAt: z.string(),
  host: z.string(),
  settings: z.strictObject({
    profiles: texts,
    waive: texts,
    takeOver: z.boolean(),
    rebootChanges: z.boolean(),
    ipFamilies: z.string().optional(),
    config: z.string().startsWith('/').optional(),
    root: z.string().startsWith('/').optional(),
  }),
  config: z.strictObject({ path: z.string().startsWith('/'), digest: z.string() }).nullable(),
  fingerprint: z.strictObject({
    machineId: z.string(),
    bootId: z.string(),
    system: z.strictObject({
      id: z.string(),
      versionId: z.string(),
      name: z.string(),
      family: z.string(),
      kernel: z.string(),
      arch: z.string(),
      kernels: texts.optional(),
    }),
    asRoot: z.boolean(),
    waivers: texts,
    files: named,
    unread: texts,
    packages: named,
    candidates: named,
    findings: z.record(z.string(), z.strictObject({ verdict: z.string(), now: reading, boot: reading })),
  }),
  plan: z.looseObject({ actions: z.array(z.unknown()) }),
});
