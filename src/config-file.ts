import { LineCounter, isMap, isNode, isScalar, parseDocument } from 'yaml';
import type { Document } from 'yaml';
import * as z from 'zod';
import type { ConfigBytes } from './config-read.ts';
import { OperatorError, nearest } from './errors.ts';
import { isModuleName } from './knowledge/module-names.ts';
import { isSysctlKey } from './knowledge/sysctl.ts';
import type { Waiver } from './model.ts';
import { profiles } from './profiles/table.ts';

/** A configuration file's content: everything optional, every value as text. */
export type OwnConfig = {
  readonly ipFamilies?: readonly string[];
  readonly profiles?: { readonly [profile: string]: { readonly [option: string]: string } };
  readonly modules?: readonly string[];
  readonly sysctl?: { readonly [key: string]: string };
  readonly packages?: { readonly [capability: string]: string };
  readonly waive?: readonly Waiver[];
};

const asText = z.union([z.string(), z.number(), z.boolean()]).transform(String);

const optionSchema = (name: string) =>
  Object.fromEntries(
    Object.entries(profiles.find((p) => p.name === name)?.options ?? {}).map(([key, spec]) => {
      const boundless = asText.refine((value) => !spec.check?.(value), {
        error: (issue) => spec.check?.(String(issue.input)) ?? 'not valid',
      });
      const values = spec.values;
      const closed = asText.refine((value) => values?.includes(value), { error: () => `must be one of ${values?.join(', ')}` });
      return [key, (values ? closed : boundless).optional().describe(spec.about)];
    }),
  );

/** The shape of the file, made from the table of profiles. */
export const configSchema = z.strictObject({
  ipFamilies: z
    .array(z.enum(['ipv4', 'ipv6']))
    .min(1)
    .optional(),
  profiles: z
    .strictObject(Object.fromEntries(profiles.map((p) => [p.name, z.strictObject(optionSchema(p.name)).nullable().optional()])))
    .optional(),
  modules: z
    .array(z.string().refine(isModuleName, 'is no name of a kernel module (letters, digits, - and _, without .ko)'))
    .optional(),
  sysctl: z
    .record(
      z.string().refine(isSysctlKey, 'is no sysctl key'),
      asText.refine(oneLine, 'must be one line without control characters'),
    )
    .optional(),
  packages: z
    .record(
      z.string().regex(/^[a-z0-9]([a-z0-9+.-]*[a-z0-9])?$/i, 'is no name of a package'),
      z.string().regex(/^(\*|>=\s*\d[\w.+~]*)$/, 'must be "*" or ">=VERSION"'),
    )
    .optional(),
  waive: z
    .array(
      z.strictObject({
        id: z.string().regex(/^[a-z]+\/\S+$/, 'must look like module/NAME'),
        reason: z.string().min(1),
        until: z
          .string()
          .regex(/^\d{4}-\d\d-\d\d$/, 'must be a date such as 2027-06-30')
          .refine((day) => !Number.isNaN(Date.parse(day)), 'is no day of the calendar')
          .optional(),
      }),
    )
    .optional(),
});

function oneLine(value: string): boolean {
  return value.trim() !== '' && !/[\x00-\x1f\x7f]/.test(value);
}

/**
 * Reads a configuration file. Every scalar is taken as it is written: YAML would make 1.3 of 1.30 and round large numbers. Throws an OperatorError that
 * names file, line, column and key.
 */
export const parseConfig = ({ path, bytes }: ConfigBytes): OwnConfig => {
  const lines = new LineCounter();
  const document = parseDocument(textOf(path, bytes), {
    lineCounter: lines,
    version: '1.2',
    schema: 'failsafe',
    logLevel: 'error',
  });
  const problem = document.errors[0];
  if (problem) {
    const at = lines.linePos(problem.pos[0]);
    throw new OperatorError(
      `${path}:${at.line}:${at.col}: ${(problem.message.split('\n')[0] ?? '').replace(/ at line \d+, column \d+:?$/, '')}`,
      'It must be valid YAML.',
    );
  }
  const parsed = configSchema.safeParse(plainOf(path, document));
  if (!parsed.success) throw issueError(path, document, lines, parsed.error.issues[0]);
  return withoutNulls(parsed.data);
};

const plainOf = (path: string, document: Document): unknown => {
  try {
    const plain: unknown = document.toJS() || {};
    return typeof plain === 'object' && plain !== null && 'profiles' in plain
      ? { ...plain, profiles: withNulls(plain.profiles) }
      : plain;
  } catch (error) {
    throw new OperatorError(
      `${path}: ${error instanceof Error ? error.message : String(error)}`,
      'Write it without anchors and aliases.',
    );
  }
};

/** Scalars are text here, so that a profile without options comes as an empty one. */
const withNulls = (profiles: unknown): unknown =>
  typeof profiles === 'object' && profiles !== null && !Array.isArray(profiles)
    ? Object.fromEntries(
        Object.entries(profiles).map(([name, options]) => [name, ['', '~', 'null'].includes(options) ? null : options]),
      )
    : profiles;

const textOf = (path: string, bytes: Buffer): string => {
  const text = bytes.toString('utf8');
  if (isTooDeep(text)) throw new OperatorError(`${path} has lists in lists too deep to read.`, 'Three levels are enough.');
  return text;
};

/** The parser takes the square of the depth in time, and the stack for it. */
const isTooDeep = (text: string): boolean => {
  let depth = 0;
  for (const [sign] of text.matchAll(/[[\]{}]/g)) {
    depth = Math.max(0, depth + (sign === '[' || sign === '{' ? 1 : -1));
    if (depth > 100) return true;
  }
  return /(?:[-?:][ \t]+){100}/.test(text);
};

/** `calico:` without options is a profile with all its defaults. */
const withoutNulls = (data: z.infer<typeof configSchema>): OwnConfig => {
  const named = Object.entries(data.profiles ?? {}).map(([name, options]) => [name, defined(options ?? {})]);
  const { waive, ...rest } = data;
  return {
    ...defined(rest),
    ...(data.profiles && { profiles: Object.fromEntries(named) }),
    ...(waive && { waive: waive.map((w) => defined(w) as Waiver) }),
  } as OwnConfig;
};

const defined = (object: object): object => Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined));

const issueError = (path: string, document: Document, lines: LineCounter, issue: z.core.$ZodIssue | undefined): OperatorError => {
  if (!issue) return new OperatorError(`${path} is not valid.`);
  const stray = issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined;
  const keys = [...issue.path.map(String), ...(stray === undefined ? [] : [stray])];
  const at = positionOf(document, lines, keys);
  if (stray === undefined)
    return new OperatorError(
      `${path}:${at}: ${keys.join('.') || 'the file'}: ${wordsOf(issue)}`,
      'node-prep profiles lists the profiles and their options; the README shows every key.',
    );
  const known = knownKeys(issue.path.map(String));
  const near = nearest(stray, known);
  return new OperatorError(
    `${path}:${at}: unknown key "${keys.join('.')}"`,
    near ? `Did you mean "${near}"?` : `Known here: ${known.join(', ')}.`,
  );
};

/** What is wrong with a key of a table is told one level down. */
const wordsOf = (issue: z.core.$ZodIssue): string =>
  issue.code === 'invalid_key' ? (issue.issues[0]?.message ?? issue.message) : issue.message;

const knownKeys = (path: readonly string[]): string[] => {
  if (path.length === 0) return Object.keys(configSchema.shape);
  if (path[0] === 'waive') return ['id', 'reason', 'until'];
  const profile = path[0] === 'profiles' && path[1] !== undefined ? profiles.find((p) => p.name === path[1]) : undefined;
  return profile ? Object.keys(profile.options) : profiles.map((p) => p.name);
};

/** Line and column of the key, or of the nearest thing around it. */
const positionOf = (document: Document, lines: LineCounter, keys: readonly string[]): string => {
  for (let length = keys.length; length > 0; length--) {
    const parent: unknown = length === 1 ? document.contents : document.getIn(keys.slice(0, length - 1), true);
    const key = keys[length - 1];
    const inMap = isMap(parent)
      ? parent.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === key)?.key
      : undefined;
    const node = inMap ?? document.getIn(keys.slice(0, length), true);
    if (isNode(node) && node.range) {
      const { line, col } = lines.linePos(node.range[0]);
      return `${line}:${col}`;
    }
  }
  return '1:1';
};
