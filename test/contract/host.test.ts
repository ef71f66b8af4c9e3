import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import { OperatorError } from '../../src/errors.ts';
import { imageHost } from '../../src/hosts/image.ts';
import { localHost } from '../../src/hosts/local.ts';
import { linkOf } from '../../src/hosts/memory-files.ts';
import { memoryHost } from '../../src/hosts/memory.ts';
import type { MemorySpec } from '../../src/hosts/memory.ts';
import type { Action, Answer, FoundFile, Host, Query, Step } from '../../src/model.ts';
import { treeWith } from '../unit/trees.ts';

/** A host and the means to lay things on it and to look at them, past the host itself. */
type Bench = {
  readonly host: Host;
  /** The folder in which the tests work. */
  readonly root: string;
  put(path: string, text: string): void;
  link(path: string, target: string): void;
  text(path: string): string | undefined;
  target(path: string): string | undefined;
  mode(path: string): string | undefined;
  setMode(path: string, mode: string): void;
  names(folder: string): string[];
  readonly true: string;
  /** What stands before a command that changes this host. */
  readonly inside?: readonly [string, ...string[]];
  readonly plain?: (file: FoundFile) => FoundFile;
  end(): void;
};

const local = (): Bench => {
  const root = mkdtempSync(join(tmpdir(), 'node-prep-host-'));
  return {
    host: localHost(),
    root,
    put: (path, text) => {
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, path.endsWith('.gz') ? gzipSync(text) : text);
    },
    link: (path, target) => {
      mkdirSync(dirname(path), { recursive: true });
      symlinkSync(target, path);
    },
    text: (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined),
    target: (path) => readlinkSync(path),
    mode: (path) => `0${(statSync(path).mode & 0o777).toString(8)}`,
    setMode: (path, mode) => chmodSync(path, Number.parseInt(mode, 8)),
    names: (folder) => readdirSync(folder),
    true: 'true',
    end: () => rmSync(root, { recursive: true }),
  };
};

const memory = (spec: Partial<MemorySpec> = {}): Bench => {
  const host = memoryHost({ files: {}, ...spec });
  const textOf = (path: string): string | undefined => {
    const file = host.files.get(path);
    if (typeof file === 'object' && 'link' in file) return textOf(join(dirname(path), file.link));
    return typeof file === 'string' ? file : undefined;
  };
  return {
    host,
    root: '/srv',
    put: (path, text) => void host.files.set(path, text),
    link: (path, target) => void host.files.set(path, { link: target }),
    text: textOf,
    target: (path) => linkOf(host.files, path),
    mode: (path) => host.machine.modes.get(path),
    setMode: (path, mode) => void host.machine.modes.set(path, mode),
    names: (folder) => [...host.files.keys()].filter((key) => dirname(key) === folder).map((key) => key.slice(folder.length + 1)),
    true: 'true',
    end: () => undefined,
  };
};

/** A tree with a shell in it; what is laid in it past the host is found below `/srv`. */
const image = (): Bench => {
  const { root, end } = treeWith({ '/etc/os-release': 'ID=debian\n' }, { shell: true });
  const past = local();
  past.end();
  return {
    ...past,
    host: imageHost(root),
    root: '/srv',
    put: (path, text) => past.put(root + path, text),
    link: (path, target) => past.link(root + path, target),
    text: (path) => past.text(root + path),
    target: (path) => past.target(root + path),
    mode: (path) => past.mode(root + path),
    setMode: (path, mode) => past.setMode(root + path, mode),
    names: (folder) => past.names(root + folder),
    inside: ['chroot', root],
    // The tree tells what may be executed, beside what every host tells.
    plain: ({ executable: _executable, ...file }) => file,
    end,
  };
};

const benches: readonly (readonly [string, () => Bench])[] = [
  ['local', local],
  ['memory', memory],
  // Only root can run commands in a tree.
  ...(process.geteuid?.() === 0 ? [['image', image] as const] : []),
];

describe.each(benches)('every host: %s', (_name, make) => {
  let bench: Bench;
  beforeEach(() => (bench = make()));
  afterEach(() => bench.end());

  const at = (path: string): string => join(bench.root, path);
  const ask = async (query: Query): Promise<Answer> => {
    const answer = (await bench.host.probe([query])).get(queryKey(query)) ?? { status: -1, text: '' };
    return answer.files && bench.plain ? { ...answer, files: answer.files.map(bench.plain) } : answer;
  };
  const run = async (...actions: Action[]): Promise<Step[]> => {
    const steps: Step[] = [];
    for await (const step of bench.host.execute(actions)) steps.push(step);
    return steps;
  };
  const write = (path: string, before: string | null, after: string, mode: '0644' | '0600' | 'keep' = '0644'): Action => ({
    do: 'write',
    path: at(path),
    mode,
    before,
    after,
    for: [],
  });
  const command = (...argv: [string, ...string[]]): Action & { do: 'run' } => ({
    do: 'run',
    argv: bench.inside ? [...bench.inside, ...argv] : argv,
    why: 'test',
    for: [],
  });

  describe('read', () => {
    test('gives a file whole, signs beyond ASCII and a missing last line end included', async () => {
      bench.put(at('a'), 'één\n\nzwei');
      expect(await ask({ ask: 'read', path: at('a') })).toEqual({ status: 0, text: 'één\n\nzwei' });
    });

    test('answers 1 where nothing is, a file lies in the way, or a link leads nowhere', async () => {
      bench.put(at('file'), '');
      bench.link(at('dangling'), 'nowhere');
      for (const path of ['none', 'no/folder', 'file/below', 'dangling']) {
        expect(await ask({ ask: 'read', path: at(path) }), path).toEqual({ status: 1, text: '' });
      }
    });

    test('answers 2 and says why where something is there, but unreadable', async () => {
      bench.link(at('loop'), 'loop');
      expect(await ask({ ask: 'read', path: at('loop') })).toEqual({ status: 2, text: `${at('loop')}: ELOOP` });
    });

    test('follows links, in folders too', async () => {
      bench.put(at('real/file'), 'x');
      bench.link(at('folder'), 'real');
      bench.link(at('link'), 'folder/file');
      expect((await ask({ ask: 'read', path: at('link') })).text).toBe('x');
      expect((await ask({ ask: 'read', path: at('folder/file') })).text).toBe('x');
    });

    test('a folder is no file that could be read', async () => {
      bench.put(at('folder/file'), 'x');
      expect(await ask({ ask: 'read', path: at('folder') })).toMatchObject({
        status: 2,
        text: expect.stringContaining('no regular file'),
      });
    });

    test('gives all wanted lines at least, whole, in their order, and nothing where none is wanted', async () => {
      bench.put(at('a'), 'CONFIG_A=y\n# CONFIG_B is not set\nCONFIG_AB=m\nlast CONFIG_A=');
      const lines = async (...wanted: string[]): Promise<string> =>
        (await ask({ ask: 'read', path: at('a'), lines: wanted })).text;
      expect((await lines('CONFIG_A=')).split('\n').filter(Boolean)).toEqual(['CONFIG_A=y', 'last CONFIG_A=']);
      expect((await lines('CONFIG_AB=', 'CONFIG_A=')).split('\n').filter(Boolean)).toEqual([
        'CONFIG_A=y',
        'CONFIG_AB=m',
        'last CONFIG_A=',
      ]);
      expect(await lines('nothing')).toBe('');
      expect(await lines()).toBe('');
    });

    test('wanted texts are texts, not patterns', async () => {
      bench.put(at('a'), 'a.c\nabc\n(x)\n');
      expect((await ask({ ask: 'read', path: at('a'), lines: ['a.c', '(x)'] })).text).toBe('a.c\n(x)\n');
    });

    test('a file whose name ends in .gz is answered unpacked', async () => {
      bench.put(at('config.gz'), 'CONFIG_A=y\n');
      expect((await ask({ ask: 'read', path: at('config.gz') })).text).toBe('CONFIG_A=y\n');
    });
  });

  describe('list', () => {
    const paths = async (glob: string): Promise<string[]> =>
      ((await ask({ ask: 'list', glob: at(glob) })).files ?? []).map((f) => f.path.slice(bench.root.length + 1));

    test('finds what a glob matches, in byte order, with content', async () => {
      for (const name of ['b.conf', 'a.conf', 'B.conf', '10-x.conf', 'a.conf.bak', 'sub/c.conf'])
        bench.put(at(`d/${name}`), name);
      expect(await paths('d/*.conf')).toEqual(['d/10-x.conf', 'd/B.conf', 'd/a.conf', 'd/b.conf']);
      const files = (await ask({ ask: 'list', glob: at('d/*.conf') })).files ?? [];
      expect(files.map((f) => f.text)).toEqual(['10-x.conf', 'B.conf', 'a.conf', 'b.conf']);
    });

    test('a star stays within its segment, may stand for a folder, and finds no hidden file', async () => {
      for (const path of ['m/6.1/dep', 'm/6.12/dep', 'm/.hidden/dep', 'm/dep', 'm/6.1/x/dep']) bench.put(at(path), path);
      expect(await paths('m/*/dep')).toEqual(['m/6.1/dep', 'm/6.12/dep']);
      bench.put(at('d/.tmp.conf'), '');
      expect(await paths('d/*.conf')).toEqual([]);
    });

    test('signs that mean something in patterns mean themselves', async () => {
      for (const name of ['a+b.conf', 'aab.conf', 'a.b-conf']) bench.put(at(`d/${name}`), '');
      expect(await paths('d/a+b.*')).toEqual(['d/a+b.conf']);
      expect(await paths('d/*.conf')).toEqual(['d/a+b.conf', 'd/aab.conf']);
    });

    test('a link is found with its target as written, and the content of what it leads to', async () => {
      bench.put(at('real'), 'x');
      bench.link(at('d/link.conf'), '../real');
      bench.link(at('d/null.conf'), '/dev/null');
      bench.link(at('d/none.conf'), 'nowhere');
      expect((await ask({ ask: 'list', glob: at('d/*.conf') })).files).toEqual([
        { path: at('d/link.conf'), link: '../real', text: 'x' },
        { path: at('d/none.conf'), link: 'nowhere', text: '' },
        { path: at('d/null.conf'), link: '/dev/null', text: '' },
      ]);
    });

    test('folders that are links are looked into', async () => {
      bench.put(at('usr/lib/m.d/a.conf'), 'x');
      bench.link(at('lib'), 'usr/lib');
      expect(await paths('lib/m.d/*.conf')).toEqual(['lib/m.d/a.conf']);
    });

    test('nothing found is no error, and a path without a star is a question whether it is there', async () => {
      expect(await ask({ ask: 'list', glob: at('none/*.conf') })).toEqual({ status: 0, text: '', files: [] });
      bench.put(at('program'), 'x');
      expect((await ask({ ask: 'list', glob: at('program'), lines: [] })).files).toEqual([{ path: at('program'), text: '' }]);
      expect((await ask({ ask: 'list', glob: at('programs'), lines: [] })).files).toEqual([]);
    });
  });

  test('every query has its answer under its key, however many there are', async () => {
    bench.put(at('a'), '1');
    const queries: Query[] = [
      { ask: 'read', path: at('a') },
      { ask: 'read', path: at('b') },
      { ask: 'list', glob: at('*') },
      { ask: 'run', argv: ['uname', '-m'] },
    ];
    const answers = await bench.host.probe(queries);
    expect([...answers.keys()].sort()).toEqual(queries.map(queryKey).sort());
    expect((await ask(queries[3] as Query)).text).toMatch(/^\w+\n$/);
  });

  test('a command that is not there answers 127, asked or executed', async () => {
    expect(await ask({ ask: 'run', argv: ['no-such-command-here'] })).toEqual({ status: 127, text: '' });
    expect(await run(command('no-such-command-here'))).toMatchObject([{ status: 'failed', exitCode: 127 }]);
  });

  describe('write', () => {
    test('makes a file with its content and mode, and the folders to it', async () => {
      expect(await run(write('new/folder/file', null, 'één\n', '0600'))).toMatchObject([{ status: 'done' }]);
      expect([bench.text(at('new/folder/file')), bench.mode(at('new/folder/file'))]).toEqual(['één\n', '0600']);
    });

    test('replaces a file that is what the plan was made from', async () => {
      bench.put(at('a'), 'old');
      await run(write('a', 'old', 'new'));
      expect([bench.text(at('a')), bench.mode(at('a'))]).toEqual(['new', '0644']);
    });

    test('keeps the mode where it is told to', async () => {
      bench.put(at('a'), 'old');
      bench.setMode(at('a'), '0640');
      await run(write('a', 'old', 'new', 'keep'));
      expect(bench.mode(at('a'))).toBe('0640');
      await run(write('b', null, 'new', 'keep'));
      expect(bench.mode(at('b'))).toBe('0644');
    });

    const changed = [
      ['has another content', 'else', 'old'],
      ['is there, but should not be', 'else', null],
      ['is gone', undefined, 'old'],
      ['is empty, but should not be there', '', null],
    ] as const;
    test.each(changed)('leaves a file alone that %s, and says so', async (_case, there, before) => {
      if (there !== undefined) bench.put(at('a'), there);
      const steps = await run(write('a', before, 'new'));
      expect(steps).toMatchObject([{ status: 'failed', output: expect.stringContaining('is not what it was') }]);
      expect(bench.text(at('a'))).toBe(there);
    });

    test('a link stays a link, and what it leads to is replaced', async () => {
      bench.put(at('real'), 'old');
      bench.link(at('link'), 'real');
      await run(write('link', 'old', 'new'));
      expect([bench.target(at('link')), bench.text(at('real'))]).toEqual(['real', 'new']);
    });

    test('leaves nothing else in the folder', async () => {
      await run(write('d/a', null, 'x'), write('d/a', 'nonsense', 'y'));
      expect(bench.names(at('d'))).toEqual(['a']);
    });
  });

  test('remove takes a file away that is what the plan was made from, and no other', async () => {
    bench.put(at('a'), 'old');
    bench.put(at('b'), 'else');
    const remove = (path: string): Action => ({ do: 'remove', path: at(path), before: 'old', for: [] });
    expect(await run(remove('a'), remove('b'))).toMatchObject([{ status: 'done' }, { status: 'failed' }]);
    expect([bench.text(at('a')), bench.text(at('b'))]).toEqual([undefined, 'else']);
  });

  describe('the order of steps', () => {
    test('a failed step stops the ones after it', async () => {
      const steps = await run(write('a', null, '1'), write('b', 'nonsense', '2'), write('c', null, '3'));
      expect(steps.map((s) => s.status)).toEqual(['done', 'failed']);
      expect(bench.text(at('c'))).toBeUndefined();
    });

    test('a command whose exit status proves nothing does not stop them', async () => {
      const steps = await run({ ...command('false'), judgedBy: 'verify' }, write('c', null, '3'));
      expect(steps.map((s) => s.status)).toEqual(['failed', 'done']);
      expect(bench.text(at('c'))).toBe('3');
    });

    test('a command that fails for good stops them', async () => {
      expect(await run(command('false'), write('c', null, '3'))).toMatchObject([{ status: 'failed', exitCode: 1 }]);
      expect(bench.text(at('c'))).toBeUndefined();
    });

    test('a rescue that fails leaves the failure as it was', async () => {
      expect(await run({ ...command('false'), rescue: ['false'] })).toMatchObject([{ status: 'failed', exitCode: 1 }]);
    });

    test('nothing happens to a step before it is asked for', async () => {
      const steps = bench.host.execute([write('a', null, '1'), write('b', null, '2')])[Symbol.asyncIterator]();
      await steps.next();
      expect([bench.text(at('a')), bench.text(at('b'))]).toEqual(['1', undefined]);
    });
  });
});

describe('the local host alone', () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-prep-local-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const run = async (...actions: Action[]): Promise<Step[]> => {
    const steps: Step[] = [];
    for await (const step of localHost().execute(actions)) steps.push(step);
    return steps;
  };

  test('the owner of a file stays the same, whatever its mode becomes', async () => {
    const path = join(folder, 'owned');
    writeFileSync(path, 'old');
    if (process.geteuid?.() === 0) chownSync(path, 1234, 4321);
    const { uid, gid } = statSync(path);
    await run({ do: 'write', path, mode: 'keep', before: 'old', after: 'new', for: [] });
    expect([statSync(path).uid, statSync(path).gid, readFileSync(path, 'utf8')]).toEqual([uid, gid, 'new']);
  });

  test('a rescue runs when a command fails, and the command once more', async () => {
    const flag = join(folder, 'flag');
    const steps = await run({
      do: 'run',
      argv: ['sh', '-c', 'test -e "$0"', flag],
      rescue: ['sh', '-c', ': > "$0"', flag],
      why: '',
      for: [],
    });
    expect(steps).toMatchObject([{ status: 'done', exitCode: 0 }]);
  });

  test('a command that fails because somebody else is at work is tried again for a while, and any other failure is not', async () => {
    const tries = join(folder, 'tries');
    const script = 'echo x >> "$0"; test $(wc -l < "$0") -ge 2 || { echo "$1"; exit 100; }';
    const patient = (says: string): Action => ({
      do: 'run',
      argv: ['sh', '-c', script, tries, says],
      why: '',
      patience: { says: 'held by', seconds: 20 },
      for: [],
    });
    expect(await run(patient('lock is held by process 1'))).toMatchObject([{ status: 'done' }]);
    rmSync(tries);
    expect(await run(patient('no such package'))).toMatchObject([{ status: 'failed', exitCode: 100 }]);
  });

  test('a step tells the end of what its command printed, errors too, in their order', async () => {
    const [step] = await run({ do: 'run', argv: ['sh', '-c', 'echo one; echo two >&2; exit 3'], why: '', for: [] });
    expect(step).toMatchObject({ status: 'failed', exitCode: 3, output: 'one\ntwo\n' });
    const [long] = await run({ do: 'run', argv: ['sh', '-c', 'yes | head -c 100000; echo end'], why: '', for: [] });
    expect(long?.output.length).toBeLessThanOrEqual(8192);
    expect(long?.output).toMatch(/end\n$/);
  });

  test('a script gets its words, and how it ends does not touch the next', async () => {
    const first: Query = { ask: 'run', argv: ['sh', '-c', 'x=1; printf "%s|" "$@"; exit 3', 'ask-x', 'a b', "c'd"] };
    const second: Query = { ask: 'run', argv: ['sh', '-c', 'echo "${x-unset}$#"'] };
    const answers = await localHost().probe([first, second]);
    expect([first, second].map((query) => answers.get(queryKey(query)))).toEqual([
      { status: 3, text: "a b|c'd|" },
      { status: 0, text: 'unset0\n' },
    ]);
  });

  test('commands get English, no input, and /sbin in their PATH', async () => {
    const [step] = await run({ do: 'run', argv: ['sh', '-c', 'echo $LC_ALL $PATH; cat'], why: '', for: [] });
    expect(step?.output).toMatch(/^C .*\/usr\/sbin:(.*:)?\/sbin(:.*)?\n$/);
  });

  test('a folder that cannot be made is said before anything is done, or is a failed step, and no crash', async () => {
    writeFileSync(join(folder, 'file'), 'x');
    const write: Action = { do: 'write', path: join(folder, 'file/below'), mode: '0644', before: null, after: 'y', for: [] };
    const outcome = await run(write).catch((error: unknown) => (error instanceof OperatorError ? error.message : undefined));
    expect(typeof outcome === 'string' ? outcome : outcome?.[0]?.output).toContain(join(folder, 'file'));
    expect(readFileSync(join(folder, 'file'), 'utf8')).toBe('x');
  });
});

test('a read-only file system refuses before anything is done', async () => {
  const bench = memory({ readOnly: ['/etc'] });
  const actions: Action[] = [
    { do: 'write', path: '/srv/a', mode: '0644', before: null, after: 'x', for: [] },
    { do: 'write', path: '/etc/a', mode: '0644', before: null, after: 'x', for: [] },
  ];
  expect(() => bench.host.execute(actions)).toThrow(/read-only.*Nothing was touched/);
  expect(bench.text('/srv/a')).toBeUndefined();
});
