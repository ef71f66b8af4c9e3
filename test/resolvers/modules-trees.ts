import fc from 'fast-check';

/** A file below the root of a guest: its text, or a link. */
export type TreeFile = { readonly text: string } | { readonly link: string };

/** One host's files by path, its kernel arguments, and what is asked for: nothing (systemd-modules-load runs) or modprobe's words. */
export type ModuleTree = {
  readonly files: { readonly [path: string]: TreeFile };
  readonly cmdline: string;
  readonly modprobe: readonly string[];
};

/** Small families that can be unloaded again; names with `-` are those of their files. */
const modules = [
  ...['dummy', 'ifb', 'vxlan', 'udp_tunnel', 'ip6_udp_tunnel', 'bridge', 'br_netfilter', 'stp', 'llc', 'x_tables', 'xt_mark'],
  ...['xt_LOG', 'xt_TRACE', 'xt_NFLOG', 'nf_log_syslog', 'nfnetlink_log', 'nfnetlink', 'ip_set', 'ip_set_hash_ip', 'xt_set'],
  ...['overlay', 'can-raw', 'can', 'ghash-generic', 'xt_DSCP', 'xt_dscp', 'gre', 'ip_tunnel', 'ipip', 'tunnel4'],
] as const;
/** The same, as the kernel writes them. */
export const loadable: readonly string[] = modules.map((name) => name.replaceAll('-', '_'));
const builtins = ['ext4', 'unix', 'mq-deadline', 'tcp_cubic'] as const;
/** Answered by modules.alias: of one module, of a built-in one, of two modules, of a module whose name has a dash. */
const aliases = [
  'ipt_LOG',
  'ip6t_mark',
  'ipt-dscp',
  'fs-ext4',
  'rtnl-link-vxlan',
  'net-pf-29',
  'crypto-ghash',
  'ip_set_hash:ip',
] as const;
const strangers = ['nosuch', 'foo', 'foo1', 'bar-baz', 'off', '[x', 'x]', 'f[o]o'] as const;

const pick = <T>(values: readonly T[]): fc.Arbitrary<T> => fc.constantFrom(...values);
const weighted = <T>(...options: (readonly [weight: number, arbitrary: fc.Arbitrary<T>])[]): fc.Arbitrary<T> =>
  fc.oneof(...options.map(([weight, arbitrary]) => ({ weight, arbitrary })));

/** Ways in which people write a name; the last ones are no name of anything. */
const written = (name: fc.Arbitrary<string>): fc.Arbitrary<string> =>
  weighted(
    [10, name],
    [2, name.map((n) => n.replaceAll('_', '-'))],
    [1, name.map((n) => n.replaceAll('-', '_'))],
    [1, name.map((n) => n.toUpperCase())],
    [1, name.map((n) => `${n}.ko`)],
  );

const anyName = weighted<string>([12, written(pick(modules))], [2, pick(builtins)], [3, pick(aliases)], [2, pick(strangers)]);

const listLine = weighted<string>(
  [10, anyName],
  [1, anyName.map((n) => ` \t${n} `)],
  [1, anyName.map((n) => `#${n}`)],
  [1, anyName.map((n) => ` ;${n}`)],
  [1, fc.tuple(anyName, anyName).map((names) => names.join(' '))],
  [1, fc.tuple(anyName, anyName).map((names) => names.join('\r'))],
  [1, anyName.map((n) => `${n} # why`)],
  [1, anyName.map((n) => `${n}\\`)],
  [1, pick(['', '   ', '\f'])],
);

const text = (line: fc.Arbitrary<string>, max: number): fc.Arbitrary<string> =>
  fc
    .tuple(fc.array(line, { maxLength: max }), weighted([6, fc.constant('\n')], [1, fc.constant('\r\n')]), fc.boolean())
    .map(([lines, end, last]) => lines.join(end) + (last ? end : ''));

/**
 * Modules whose install line may run modprobe for them again. No alias may lead away from these, nor may the module that other
 * commands load be spoken of anywhere: modprobe would call itself without end.
 */
const wrapped = ['dummy', 'vxlan', 'xt_LOG', 'br_netfilter'] as const;
const sink = 'macsec';

const command = pick([
  ...['/bin/true', '/bin/false', '/usr/bin/false', '/usr/sbin/nologin', '/bin/echo not today', 'exit 1', ' ', ':'],
  ...['/bin/false || /bin/true', '/bin/true; /bin/false', '/bin/true && /bin/false', `/sbin/modprobe ${sink}`],
  ...[`modprobe -q ${sink}; /bin/false`, '/sbin/modprobe nosuch', `/bin/false && /sbin/modprobe ${sink} || /bin/true`],
]);
const again = pick([
  '/sbin/modprobe --ignore-install M',
  'modprobe -i M $CMDLINE_OPTS',
  `modprobe -qi M && modprobe ${sink}`,
  '/bin/false || /sbin/modprobe -i M 2>&1',
]);
const installLine = weighted<string>(
  [4, fc.tuple(written(pick(modules)), command).map(([name, run]) => `install ${name} ${run}`)],
  [
    1,
    fc
      .tuple(pick(['foo', 'ipt_LOG', 'nosuch', 'xt_*', 'udp?tunnel', 'ip[6_]*', 'can[!_]']), command)
      .map(([name, run]) => `install ${name} ${run}`),
  ],
  [2, fc.tuple(pick(wrapped), again).map(([name, run]) => `install ${name} ${run.replace('M', name)}`)],
);

const aliasLine = fc
  .tuple(
    pick([
      'foo',
      'foo*',
      'f?o',
      'bar-baz',
      'nosuch',
      'ifb',
      'stp',
      'xt_mark',
      'xt-[LN]*G1',
      'ip_set_hash_ip',
      'can',
      'ext4',
      'ipt_LOG',
    ]),
    weighted<string>([5, pick(modules)], [1, pick(['off', 'nosuch', 'foo', 'ext4'])]),
  )
  .map(([name, module]) => `alias ${name} ${module}`);

const softdepLine = fc
  .tuple(
    written(pick(modules)),
    fc.array(weighted<string>([5, anyName], [2, pick(['pre:', 'post:'])]), { maxLength: 4 }),
    pick(['pre:', 'post:', '', ' pre:', '  post:']),
  )
  .map(([name, words, first]) => `softdep ${name} ${[first, ...words].join(' ')}`);

const ruleLine = weighted<string>(
  [6, written(pick(modules)).map((n) => `blacklist ${n}`)],
  [1, fc.tuple(pick(modules), pick(modules)).map((names) => `blacklist ${names.join(' ')}`)],
  [
    1,
    pick([
      'blacklist xt_*',
      'blacklist',
      'BLACKLIST dummy',
      'install dummy',
      'install ifb  ',
      'alias dummy',
      'softdep dummy',
      'nonsense',
      'options',
    ]),
  ],
  [6, installLine],
  [1, fc.tuple(anyName, command).map(([name, run]) => `remove ${name} ${run}`)],
  [4, aliasLine],
  [4, softdepLine],
  [1, pick(['options dummy numdummies=0', 'options ifb nosuch=1', 'options vxlan nosuch'])],
);
const ruleForm = weighted<string>(
  [12, ruleLine],
  [1, ruleLine.map((l) => `  ${l}`)],
  [1, ruleLine.map((l) => l.replaceAll(' ', '\t'))],
  [1, ruleLine.map((l) => l.replace(' ', ' \\\n'))],
  [1, ruleLine.map((l) => `${l} \\`)],
  [1, ruleLine.map((l) => `#${l}\\`)],
  [1, ruleLine.map((l) => `# ${l}`)],
  [1, ruleLine.map((l) => ` # ${l}`)],
  [1, ruleLine.map((l) => l.replace('a', '\\a'))],
);

const file = (content: fc.Arbitrary<string>): fc.Arbitrary<TreeFile> =>
  weighted<TreeFile>(
    [12, content.map((t) => ({ text: t }))],
    [1, fc.constant({ link: '/dev/null' })],
    [1, fc.constant({ link: '/nowhere' })],
    [1, fc.constant({ text: '' })],
  );

const roots = ['/etc', '/etc', '/etc', '/run', '/usr/local/lib', '/usr/lib'] as const;
const files = (folder: string, names: readonly string[], content: fc.Arbitrary<string>, max: number) =>
  fc
    .array(fc.tuple(pick(roots), pick(names), file(content)), { maxLength: max })
    .map((all) => Object.fromEntries(all.map(([root, name, f]) => [`${root}/${folder}/${name}`, f])));

const word = weighted<string>(
  [2, anyName.map((n) => `modules_load=${n}`)],
  [1, anyName.map((n) => `modules-load=,${n},,nosuch`)],
  [1, fc.tuple(anyName, anyName).map((names) => `modules_load="${names.join(',')}"`)],
  [1, fc.tuple(anyName, anyName).map((names) => `'modules-load=${names.join(', ')}'`)],
  [1, anyName.map((n) => `rd.modules_load=${n}`)],
  [1, anyName.map((n) => `modules.load=${n}`)],
  [2, written(pick(modules)).map((n) => `modprobe.blacklist=${n}`)],
  [1, fc.tuple(pick(modules), pick(modules)).map((names) => `modprobe.blacklist=${names.join(',')}`)],
  [1, fc.tuple(pick(modules), pick(modules)).map((names) => `modprobe.blacklist="${names.join(',')}"`)],
  [1, pick(['quiet', 'modules_load', 'modprobe.blacklist', 'a.b.c=d', 'rd.driver.blacklist=dummy', 'dummy.numdummies=0'])],
);

/** Debian's /etc/modules and the link by which systemd reads it. */
const etcModules = text(listLine, 4).map((t) => ({
  '/etc/modules': { text: t },
  '/etc/modules-load.d/modules.conf': { link: '../modules' },
}));

export const moduleTrees: fc.Arbitrary<ModuleTree> = fc.record({
  files: fc
    .tuple(
      files('modules-load.d', ['10-a.conf', 'a.conf', 'b.conf', 'b.conf', 'B.conf', 'none'], text(listLine, 4), 5),
      files('modprobe.d', ['a.conf', 'b.conf', 'b.conf', 'modules.conf', 'z.conf', 'c.alias', 'none'], text(ruleForm, 5), 5),
      weighted([2, etcModules], [1, fc.constant({})]),
    )
    .map((parts) => Object.assign({}, ...parts) as ModuleTree['files']),
  cmdline: fc.array(word, { maxLength: 3 }).map((words) => words.join(' ')),
  modprobe: weighted<string[]>([3, fc.constant([])], [1, fc.array(anyName, { minLength: 1, maxLength: 4 })]),
});

/** What the kernel of one boot refuses (module_blacklist=, which holds for all trees of that boot). */
export const refusals: fc.Arbitrary<string> = fc.array(written(pick(modules)), { maxLength: 3 }).map((names) => names.join(','));
