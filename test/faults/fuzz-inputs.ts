import fc from 'fast-check';
import { nasty } from './fuzz-host.ts';

/** Words that mean something to one parser or another, or to a shell, a terminal or a program that takes options. */
const tokens = [
  ...['\u001b]0;title\u0007', '\u001b[2J', '\r', '\0', '\t', '\u0085', '\u2028', '\u202e', '\ufeff', '\ufffd', '\ud800', '\v\f'],
  ...[
    '$(touch /pwned)',
    '`reboot`',
    '; reboot',
    '&& rm -rf /',
    '| sh',
    '> /etc/passwd',
    '-rf',
    '--root=/',
    '-- ',
    '-a\n',
    "'",
    '"',
    '\\',
    '\\\n',
  ],
  ...[
    '*',
    '?',
    '[',
    ']',
    '[!',
    '[z-a]',
    '{',
    '}',
    '<',
    '>',
    '<!--',
    '-->',
    '=',
    '==',
    ':',
    ',',
    '#',
    ';',
    '@',
    '~',
    '..',
    '/',
    '//',
    '/./',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    '0',
    '-1',
    '1e999',
    '0x',
    '99999999999999999999',
    'NaN',
    'true',
    'off',
    'none',
    'swap',
  ],
  ...[
    'blacklist xt_set\n',
    'install overlay /bin/false\n',
    'alias overlay off\n',
    'softdep overlay pre: x\n',
    'overlay\n',
    'net.ipv4.ip_forward = 0\n',
  ],
  ...[
    '[Match]\nName=*\n',
    '[keyfile]\n',
    '[device]\nmatch-device=*\nmanaged=1\n',
    '[sysctl]\n',
    'include=own\n',
    '<service name="own"/>',
    '</zone>',
  ],
  ...[
    '\n\n',
    '\r\n',
    ' \n',
    '    ',
    'menuentry "x" {\n',
    'linux /x cgroup_disable=memory\n',
    'Package: kmod\n',
    'Status: install ok installed\n',
    'Version: 9\n',
  ],
] as const;

/** One change to a text; places are thousandths of its length. */
type Change = { readonly how: number; readonly at: number; readonly to: number; readonly what: number };

const change: fc.Arbitrary<Change> = fc.record({
  how: fc.nat(10),
  at: fc.nat(1000),
  to: fc.nat(1000),
  what: fc.nat(1_000_000),
});

/**
 * A text made from one of the corpus: bits flipped, cut, lines doubled, chunks swapped or moved, tokens and whole nasty texts put in.
 * What is real but for a few places gets deeper into a parser than what is random. `others`: what else may come to stand in it.
 */
export const mutationOf = (text: string, others: readonly string[] = nasty): fc.Arbitrary<string> =>
  fc
    .array(change, { minLength: 1, maxLength: 6 })
    .map((changes) => changes.reduce((now, one) => changedBy(now, one, others), text).slice(0, 20_000));

/** The same for one of several texts, and now and then a nasty one as it is, or anything at all. */
export const mutationOfAny = (texts: readonly string[]): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom(...texts).chain((text) => mutationOf(text, [...nasty, ...texts])) },
    { weight: 1, arbitrary: fc.constantFrom(...nasty) },
    { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  );

const changedBy = (text: string, { how, at, to, what }: Change, others: readonly string[]): string => {
  const [from, until] = [at, to].map((place) => Math.floor((place * text.length) / 1000)).sort((a, b) => a - b) as [
    number,
    number,
  ];
  const token = tokens[what % tokens.length] ?? '';
  const chunk = text.slice(from, Math.min(until, from + 400));
  const [before, after] = [text.slice(0, from), text.slice(from)];
  const rest = after.slice(chunk.length);
  switch (how) {
    case 0:
      return `${before}${String.fromCharCode((after.charCodeAt(0) || 0) ^ (1 << (what % 16)))}${after.slice(1)}`;
    case 1:
      return before;
    case 2:
      return `${before}${lineAt(text, from)}${after}`;
    case 3:
      return `${rest}${chunk}${before}`;
    case 4:
      return `${before}${rest}`;
    case 5:
      return `${before}${others[what % Math.max(1, others.length)] ?? ''}${after}`;
    case 6:
      return `${before}${chunk.repeat(1 + (what % 8))}${rest}`;
    case 7:
      return `${before}${token.repeat(1 + (what % 5))}${rest}`;
    case 8:
      return text.replace(/\n/g, what % 2 === 0 ? '\r\n' : ' ');
    default:
      return `${before}${token}${after}`;
  }
};

const lineAt = (text: string, at: number): string => {
  const end = text.indexOf('\n', at);
  return text.slice(text.lastIndexOf('\n', at - 1) + 1, end < 0 ? undefined : end + 1);
};

/** Names that a file can have, or that stand where one is expected. */
export const fileName: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '-rf',
    '--host=evil',
    'x y',
    'a\nb',
    '\u001b[2Jx',
    '$(reboot)',
    "it's",
    '"',
    '\ufffd',
    'ü',
    'x:1,y',
    '..x',
    'x'.repeat(200),
  ),
  fc.string({ maxLength: 20 }).map((text) => text.replaceAll(/[/\0]/g, '_') || 'x'),
);

/** A value as JSON may hold it where another one is expected: other types, huge numbers, `__proto__`, depth. */
const odd: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom<unknown>(null, true, -1, 1e308, '', '\u001b[2J', [], {}, [[[]]], JSON.parse('{"__proto__":{"x":1}}')),
  fc.jsonValue({ maxDepth: 3 }),
);

/** A document that is right but for one place: a value changed, added or gone somewhere in it. */
export const documentNear = (document: unknown): fc.Arbitrary<unknown> =>
  fc.tuple(fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }), odd).map(([way, value]) => grafted(document, way, value));

/** JSON text near to a document that is right: a value changed, added or gone somewhere in it, or the text itself mutated. */
export const jsonNear = (document: unknown): fc.Arbitrary<string> =>
  fc.oneof(
    documentNear(document).map((near) => JSON.stringify(near)),
    mutationOf(JSON.stringify(document)),
    fc.nat(20_000).map((depth) => `${'['.repeat(depth)}${']'.repeat(depth)}`),
    fc.nat(5000).map((depth) => `${'{"a":'.repeat(depth)}1`),
  );

const grafted = (document: unknown, [turn, ...way]: readonly number[], value: unknown): unknown => {
  if (turn === undefined || typeof document !== 'object' || document === null) return value;
  const entries = Object.entries(document);
  const at = turn % (entries.length + 1);
  const [key, inner] = entries[at] ?? [turn % 2 === 0 ? '__proto__' : 'stray', undefined];
  const changed = entries.map(([name, old], i) => [name, i === at ? grafted(inner, way, value) : old] as const);
  const kept =
    turn % 7 === 0 ? changed.filter((_, i) => i !== at) : at < entries.length ? changed : [...changed, [key, value] as const];
  return Array.isArray(document) ? kept.map(([, one]) => one) : Object.fromEntries(kept);
};

/** The first line of a run's file, but for its plan and the state before. */
export const runSeven = {
  format: 1,
  run: 7,
  command: 'apply',
  words: ['apply', '--yes'],
  since: '2026-01-01T00:00:00.000Z',
  by: 'root',
  version: '0.1.0',
  bootId: 'x',
  process: { pid: 9, start: '1' },
} as const;
