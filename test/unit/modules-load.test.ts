import { describe, expect, test } from 'vitest';
import { bootModules, denialAtBoot, denialNow } from '../../src/knowledge/boot-modules.ts';
import { runningKernel, kernelQueries } from '../../src/knowledge/kernel.ts';
import { moduleRuleQueries, moduleRules } from '../../src/knowledge/modprobe.ts';
import { bootEntries, bootEntryQueries, withoutRun } from '../../src/knowledge/modules-load.ts';
import type { MemoryFile } from '../../src/hosts/memory-machine.ts';
import { debianWith } from './support.ts';

type Files = { readonly [path: string]: MemoryFile };

const release = '6.1.0-50-amd64';
const dep = [
  'kernel/a.ko:',
  'kernel/b.ko: kernel/a.ko',
  'kernel/c-d.ko: kernel/b.ko kernel/a.ko',
  'kernel/lone.ko:',
  'kernel/log.ko:',
  'kernel/xt_LOG.ko:',
  '',
].join('\n');
const index = {
  [`/lib/modules/${release}/modules.dep`]: dep,
  [`/lib/modules/${release}/modules.builtin`]: 'kernel/inside.ko\n',
  [`/lib/modules/${release}/modules.softdep`]: '# Soft dependencies\nsoftdep xt_LOG pre: log\n',
};
const names = ['a', 'b', 'c_d', 'lone', 'log', 'xt_LOG', 'inside'];

/** What comes at boot and through what, and who keeps a module out. */
const look = async (files: Files) => {
  const answers = await debianWith({ ...index, ...files }).probe([
    ...bootEntryQueries,
    ...moduleRuleQueries,
    ...kernelQueries(names),
  ]);
  const kernel = runningKernel(answers, release, names);
  const rules = { boot: moduleRules(withoutRun(answers), release), now: moduleRules(answers, release) };
  const boot = bootModules(bootEntries(answers), kernel, rules.boot);
  return {
    boot: Object.fromEntries(boot),
    atBoot: (name: string) => denialAtBoot(name, boot, kernel, rules.boot),
    now: (name: string) => denialNow(name, kernel, rules.now),
  };
};

const list = (text: string): Files => ({ '/etc/modules-load.d/x.conf': text });
const rule = (text: string): Files => ({ '/etc/modprobe.d/r.conf': text });
const listed = (...lines: number[]) => lines.map((line) => `/etc/modules-load.d/x.conf:${line}`);

describe('what systemd-modules-load loads, and through what', () => {
  const [first, second, third] = listed(1, 2, 3);
  const cases: readonly (readonly [string, Files, { readonly [name: string]: string | undefined }])[] = [
    ['a module brings what it needs', list('c-d\n'), { a: `${first}, needed by c_d`, b: `${first}, needed by c_d`, c_d: first }],
    ['the first line that brings a module is named', list('lone\nlone\n'), { lone: first }],
    ['comments, spaces and DOS line ends are passed over', list('#a\r\n ;b\r\n\tlone \r\n'), { lone: third }],
    ['a carriage return or a NUL within a line ends it', list('lone\rlog\0a\n'), { lone: first, log: first, a: first }],
    ['several names, a comment behind, .ko, other case: no name', list('a b\na # x\na.ko\nA\n'), {}],
    ['a name with an open bracket is refused, the rest goes on', list('[x\nlone\n'), { lone: second }],
    [
      'what is built in needs no line; a name that the kernel does not have brings nothing',
      list('inside\nnosuch\nlone\n'),
      { lone: third },
    ],
    [
      'modules_load= and modules-load= add up, quotes fall away, empty names too',
      { '/proc/cmdline': 'modules_load=a,,lone "modules-load=log,x"\n' },
      { a: '/proc/cmdline', lone: '/proc/cmdline', log: '/proc/cmdline' },
    ],
    [
      'rd.modules_load= is for the initial RAM disk, modules.load= for nobody',
      { '/proc/cmdline': 'rd.modules_load=a modules.load=lone rd.modules-load=log\n' },
      {},
    ],
    [
      'a file in /run masks that of /usr/lib today, but not after a boot',
      { '/run/modules-load.d/x.conf': 'lone\n', '/usr/lib/modules-load.d/x.conf': 'log\n' },
      { log: '/usr/lib/modules-load.d/x.conf:1' },
    ],
    [
      'Debian reads /etc/modules through a link',
      { '/etc/modules': '# x\nlone\n', '/etc/modules-load.d/modules.conf': { link: '../modules' } },
      { lone: '/etc/modules-load.d/modules.conf:2' },
    ],
    [
      'files are read by name, whatever their folder',
      { '/usr/lib/modules-load.d/1.conf': 'lone\n', '/etc/modules-load.d/2.conf': 'lone\n' },
      { lone: '/usr/lib/modules-load.d/1.conf:1' },
    ],
    [
      'a softdep of the kernel comes too, and is told from a need',
      list('xt_LOG\n'),
      { log: `${first}, softdep of xt_LOG`, xt_LOG: first },
    ],
    [
      'softdeps of modprobe.d come before and after, what is missing among them is passed over',
      { ...list('lone\n'), ...rule('softdep lone pre: nosuch a post: log\n') },
      { a: `${first}, softdep of lone`, lone: first, log: `${first}, softdep of lone` },
    ],
    [
      'of two softdep lines for a module the first in file order counts, the kernel’s own file being named modules.softdep',
      { ...list('xt_LOG\n'), '/etc/modprobe.d/z.conf': 'softdep xt_LOG pre: a\n' },
      { log: `${first}, softdep of xt_LOG`, xt_LOG: first },
    ],
    [
      'a softdep line in a file before modules.softdep takes its place',
      { ...list('xt_LOG\n'), '/etc/modprobe.d/a.conf': 'softdep xt_LOG pre: a\n' },
      { a: `${first}, softdep of xt_LOG`, xt_LOG: first },
    ],
    [
      'a program that nobody knows is taken to fail: what waits for the module is not promised, nor what comes after it',
      { ...list('c-d\nlone\n'), ...rule('install a   \\\nblacklist b\n') },
      { lone: second },
    ],
    [
      'a pattern whose range runs backwards matches nothing and harms nothing',
      { ...list('lone\n'), ...rule('alias l[z-a]ne log\nalias l[a-z]n[!x] log\n') },
      { log: first },
    ],
    [
      'two blanks before the first pre: make it unreadable, three do not',
      { ...list('lone\na\n'), ...rule('softdep lone  pre: log\nsoftdep a   pre: xt_LOG\n') },
      { lone: first, log: `${second}, softdep of a`, xt_LOG: `${second}, softdep of a`, a: second },
    ],
    ['an alias of modprobe.d leads to its module', { ...list('foo1\n'), ...rule('alias foo* lone\n') }, { lone: first }],
    [
      'every alias that matches counts',
      { ...list('foo\n'), ...rule('alias foo lone\nalias f* log\n') },
      { log: first, lone: first },
    ],
    ['an alias of an alias leads nowhere', { ...list('foo\n'), ...rule('alias foo bar\nalias bar lone\n') }, {}],
    ['an alias with the name of a module hides that module', { ...list('lone\n'), ...rule('alias lone log\n') }, { log: first }],
    [
      'blacklist does not hold for what another module needs, nor for softdeps',
      { ...list('b\nxt_LOG\n'), ...rule('blacklist a\nblacklist log\n') },
      { a: `${first}, needed by b`, b: first, log: `${second}, softdep of xt_LOG`, xt_LOG: second },
    ],
    [
      'what was loaded before a dependency failed stays',
      { ...list('c-d\n'), ...rule('install b /bin/false\n') },
      { a: `${first}, needed by c_d` },
    ],
    [
      'an install line that does nothing, without an error, leaves out all that needs the module',
      { ...list('c-d\n'), ...rule('install a /bin/true\n') },
      {},
    ],
    [
      'an install line for a module that has softdeps is passed over',
      { ...list('xt_LOG\n'), ...rule('install xt_LOG /bin/false\n') },
      { log: `${first}, softdep of xt_LOG`, xt_LOG: first },
    ],
    [
      'of two install lines the first counts',
      { ...list('lone\n'), ...rule('install lone :\ninstall lone modprobe -i lone\n') },
      {},
    ],
    [
      'an install line that loads the module itself, and another one, brings both',
      { ...list('lone\n'), ...rule('install lone /sbin/modprobe --ignore-install lone $CMDLINE_OPTS && modprobe log\n') },
      { lone: first, log: first },
    ],
    [
      'an install line for a name that no module has is run',
      { ...list('zz\n'), ...rule('install zz /sbin/modprobe lone\n') },
      { lone: first },
    ],
    [
      'a DOS line end spoils a redirection, and so the modprobe before it',
      { ...list('lone\n'), ...rule('install lone /bin/false || /sbin/modprobe -i lone 2>&1\r\n') },
      {},
    ],
    [
      'the argument of module_blacklist= is compared as it is',
      { ...list('c-d\n'), '/proc/cmdline': 'module_blacklist=c-d\n' },
      { a: `${first}, needed by c_d`, b: `${first}, needed by c_d`, c_d: first },
    ],
    [
      'of two module_blacklist= the last counts',
      { ...list('lone\nlog\n'), '/proc/cmdline': 'module_blacklist=lone module-blacklist=log\n' },
      { lone: first },
    ],
    [
      'what follows -- on the command line is for init',
      { ...list('lone\n'), '/proc/cmdline': 'quiet -- module_blacklist=lone\n' },
      { lone: first },
    ],
    [
      'modprobe.blacklist= with a dash or quotes keeps nothing out',
      { ...list('c-d\nlone\n'), '/proc/cmdline': 'modprobe.blacklist=c-d modprobe.blacklist="lone"\n' },
      { a: `${first}, needed by c_d`, b: `${first}, needed by c_d`, c_d: first, lone: second },
    ],
  ];
  test.each(cases)('%s', async (_name, files, expected) => {
    expect((await look(files)).boot).toEqual(expected);
  });
});

describe('what keeps a module out', () => {
  const from = '/etc/modprobe.d/r.conf:1';
  const cases: readonly (readonly [string, Files, string, object | undefined, object | undefined])[] = [
    ['blacklist: at boot, not for modprobe', rule('blacklist lone\n'), 'lone', { how: 'blacklist', from }, undefined],
    ['blacklist with a dash holds', rule('blacklist c-d\n'), 'c_d', { how: 'blacklist', from }, undefined],
    ['blacklist takes no pattern and one name a line', rule('blacklist lo*\nblacklist log lone\n'), 'lone', undefined, undefined],
    ['a DOS line end makes another name of it', rule('blacklist lone\r\n'), 'lone', undefined, undefined],
    [
      'a blacklist line with spaces before and words behind holds',
      rule(' \tblacklist\tlone # x\n'),
      'lone',
      { how: 'blacklist', from },
      undefined,
    ],
    [
      'a comment that ends in a backslash swallows the next line',
      rule('# no \\\nblacklist lone\n'),
      'lone',
      undefined,
      undefined,
    ],
    [
      'a line that goes on is known by the number of its first line',
      rule('#\nblacklist \\\nlone\n'),
      'lone',
      { from: '/etc/modprobe.d/r.conf:2' },
      undefined,
    ],
    ['install takes a pattern', rule('install lo?e /bin/false\n'), 'lone', { how: 'install', from }, { how: 'install', from }],
    [
      'install without a command is no line, with a blank one it does nothing',
      rule('install lone\ninstall log  \n'),
      'log',
      { how: 'install' },
      { how: 'install' },
    ],
    [
      'install with any command that loads nothing',
      rule('install lone /usr/bin/logger no\n'),
      'lone',
      { how: 'install', from },
      { from },
    ],
    [
      'install of what the module needs names that',
      rule('install a /bin/false\n'),
      'c_d',
      { how: 'install', name: 'a', from },
      { name: 'a', from },
    ],
    ['alias off', rule('alias lone off\n'), 'lone', { how: 'alias', name: 'lone', from }, { how: 'alias', from }],
    [
      'an alias keeps the module of its name out, even where what it leads to is loaded before',
      { ...rule('alias lone log\n'), ...list('lone\n') },
      'lone',
      { how: 'alias', name: 'lone', from },
      { how: 'alias', from },
    ],
    [
      'remove, options and what is no directive keep nothing out',
      rule('remove lone /bin/false\noptions lone x=1\nBLACKLIST lone\n'),
      'lone',
      undefined,
      undefined,
    ],
    [
      'a file NAME.alias is read as well',
      { '/etc/modprobe.d/n.alias': 'blacklist lone\n' },
      'lone',
      { from: '/etc/modprobe.d/n.alias:1' },
      undefined,
    ],
    [
      'a file in /run holds now, not at boot',
      { '/run/modprobe.d/r.conf': 'install lone /bin/false\n' },
      'lone',
      undefined,
      { from: '/run/modprobe.d/r.conf:1' },
    ],
    [
      'a file in /run hides that of /usr/lib now, not at boot',
      { '/run/modprobe.d/r.conf': '', '/usr/lib/modprobe.d/r.conf': 'install lone /bin/false\n' },
      'lone',
      { from: '/usr/lib/modprobe.d/r.conf:1' },
      undefined,
    ],
    [
      'module_blacklist= of what the module needs',
      { '/proc/cmdline': 'module_blacklist=a\n' },
      'b',
      { how: 'kernel', name: 'a', text: 'module_blacklist=a' },
      { how: 'kernel' },
    ],
    [
      'modprobe.blacklist=',
      { '/proc/cmdline': 'x modprobe.blacklist=z,lone\n' },
      'lone',
      { how: 'blacklist', from: '/proc/cmdline' },
      undefined,
    ],
    [
      'what is built in cannot be kept out',
      rule('blacklist inside\ninstall inside /bin/false\n'),
      'inside',
      undefined,
      undefined,
    ],
    [
      'what another listed module brings is not kept out by blacklist',
      { ...rule('blacklist a\n'), ...list('b\n') },
      'a',
      undefined,
      undefined,
    ],
  ];
  test.each(cases)('%s', async (_name, files, name, atBoot, now) => {
    const seen = await look(files);
    const expected = (denial: object | undefined) => (denial ? expect.objectContaining(denial) : undefined);
    expect(seen.atBoot(name)).toEqual(expected(atBoot));
    expect(seen.now(name)).toEqual(expected(now));
  });
});
