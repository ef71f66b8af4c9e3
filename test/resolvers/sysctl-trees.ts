import fc from 'fast-check';
import { folders } from './sysctl-namespace.ts';
import type { Entry, Tree } from './sysctl-namespace.ts';

const interfaces = ['all', 'default', 'lo', 'eth0.100', 'none'];
const patterns = [
  '*',
  '?o',
  'l*',
  '[a-d]*',
  '[!a-d]*',
  '[^e]*',
  'eth0.*',
  'eth0.1??',
  '*0*',
  '[[:alpha:]]o',
  '[l',
  'l\\o',
  '**',
  '[]l]o',
  '[z-a]o',
];

/** Keys in the slash form, from the plain to the odd. */
const slashed = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...interfaces), leaf()).map(([name, key]) => `net/ipv4/conf/${name}/${key}`) },
  { weight: 5, arbitrary: fc.tuple(fc.constantFrom(...patterns), leaf()).map(([name, key]) => `net/ipv4/conf/${name}/${key}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      'net/ipv4/ip_forward',
      'net/ipv4/ip_for*',
      'net/*/ip_forward',
      '*/ipv4/ip_forward',
      'net/ipv4/conf/*/*_filter',
      'net/ipv4/*/lo/rp_filter',
      'net/*/rp_filter',
      'net/ipv4/*',
      'net/ipv4/ip_forward/',
      'net/ipv4/conf/*/rp_filter/',
      'net//ipv4/ip_forward',
      'net/ipv4//conf/*/rp_filter',
      'net//ipv4/conf/lo/rp_filter',
      '/net/ipv4/ip_forward',
      '/net/ipv4/conf/*/arp_ignore',
      'net/./ipv4/ip_forward',
      'net/ipv4',
      'net/ipv4/conf/{lo,all}/rp_filter',
      'ip_forward',
      'net/ipv4/IP_forward',
    ),
  },
);

function leaf() {
  return fc.constantFrom('rp_filter', 'rp_filter', 'arp_ignore', 'rp_*');
}

const dotted = (path: string): string => path.replace(/[./]/g, (sign) => (sign === '/' ? '.' : '/'));
const key = fc.oneof({ weight: 3, arbitrary: slashed.map(dotted) }, { weight: 1, arbitrary: slashed });

const space = fc.oneof({ weight: 6, arbitrary: fc.constant('') }, fc.constantFrom(' ', '\t', '  ', '\r', '\v', '\f'));
const dash = fc.oneof({ weight: 5, arbitrary: fc.constant('') }, fc.constantFrom('-', '-', '- ', '--', '-\t'));
const value = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom('0', '1', '2', '3') },
  fc.constantFrom(
    '',
    'x',
    '1x',
    '0x2',
    '01',
    '08',
    '-1',
    '+1',
    '2 1',
    '1 # on',
    '"1"',
    '=1',
    '1\r2',
    '3\0x',
    '2;',
    '1\\',
    '1\v2',
  ),
);

const line = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(space, dash, key, space, space, value, space)
      .map(([a, minus, name, b, c, text, d]) => `${a}${minus}${name}${b}=${c}${text}${d}`),
  },
  { weight: 3, arbitrary: fc.tuple(space, fc.constantFrom('-', '-', '- ', '--'), key, space).map((parts) => parts.join('')) },
  fc.tuple(space, fc.constantFrom('#', ';', '# x '), key).map(([a, sign, name]) => `${a}${sign}${name} = 1`),
  fc.constantFrom(
    '',
    ' ',
    'x',
    '-',
    '=',
    '=1',
    '-=1',
    'junk',
    'net.ipv4.ip_forward',
    'net.ipv4.ip_forward: 1',
    '\0',
    '\uFFFDx=1',
    '\u00a0net.ipv4.ip_forward=1',
  ),
  fc.constantFrom(`#${'x'.repeat(5000)}`, `net.ipv4.ip_forward =${' '.repeat(5000)}2`),
);

const text = fc
  .tuple(fc.array(line, { maxLength: 7 }), fc.constantFrom('\n', '\n', '\n', '\r\n'), fc.boolean())
  .map(([lines, end, closed]) => lines.join(end) + (closed ? end : ''));

const names = [
  'a.conf',
  'a.conf',
  'b.conf',
  'b.conf',
  '10-x.conf',
  '9-y.conf',
  'Z.conf',
  '99-sysctl.conf',
  'zz.conf',
  'sp ace.conf',
  '\u00e9.conf',
  '.h.conf',
  '.conf',
  'b.conf~',
  'c.txt',
  'conf',
  'node-prep.conf',
];
const targets = [
  '/dev/null',
  '/dev/null',
  '/nowhere',
  '../sysctl.conf',
  '/etc/sysctl.conf',
  'a.conf',
  '/run/sysctl.d/a.conf',
  '/usr/lib/sysctl.d/b.conf',
  'c.txt',
];

const path = fc.tuple(fc.constantFrom(...folders), fc.constantFrom(...names)).map(([folder, name]) => `${folder}/${name}`);
const entry: fc.Arbitrary<Entry> = fc.oneof(
  { weight: 9, arbitrary: fc.record({ path, text }) },
  { weight: 2, arbitrary: fc.record({ path, link: fc.constantFrom(...targets) }) },
  fc.record({ path, dir: fc.constant(true as const) }),
  fc.record({ path: fc.constant('/etc/sysctl.conf'), text }),
);

/** Trees of sysctl.d files, hostile in every way that the two programs treat differently. */
export const trees: fc.Arbitrary<Tree> = fc.uniqueArray(entry, { minLength: 1, maxLength: 6, selector: (e) => e.path });

/** The trees that are one line or one file smaller. */
export const smaller = (tree: Tree): Tree[] =>
  tree.flatMap((e, i) => {
    const others = tree.filter((_, j) => j !== i);
    if (!('text' in e)) return [others];
    const lines = e.text.split('\n');
    const shorter = lines.map((_, l) => tree.with(i, { ...e, text: lines.filter((__, k) => k !== l).join('\n') }));
    return e.text === '' ? [others] : [others, ...shorter];
  });

/** Trees too rare to be met by chance. A glob repeated with the same value: systemd leaves it where it was. */
export const picked: readonly Tree[] = [
  [
    {
      path: '/etc/sysctl.d/a.conf',
      text: 'net.ipv4.conf.*.rp_filter = 1\nnet.ipv4.conf.l*.rp_filter = 2\nnet.ipv4.conf.*.rp_filter = 1\n',
    },
  ],
];
