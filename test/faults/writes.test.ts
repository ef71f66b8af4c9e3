import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { because, has } from '../needs.ts';
import type { Action } from '../../src/model.ts';
import { runApart, whyNotApart } from './namespace.ts';
import type { Answer, Asked } from './writes-host.ts';

const program = resolve(import.meta.dirname, 'writes-host.ts');
const whyNot = whyNotApart();
const whyNoExt4 =
  whyNot !== false
    ? whyNot
    : has('mkfs.ext4') && has('chattr') && existsSync('/dev/loop-control')
      ? false
      : 'there is no ext4 in a loop device here';

const write = (path: string, before: string | null = 'old', after = 'new', mode: 'keep' | '0644' = 'keep'): Action => ({
  do: 'write',
  path: path.startsWith('/') ? path : `/mnt/${path}`,
  mode,
  before,
  after,
  for: [],
});
const remove = (path: string, before = 'old'): Action => ({ do: 'remove', path: `/mnt/${path}`, before, for: [] });

const on = (prepare: string, actions: readonly Action[], look = '', more: Partial<Asked> = {}): Promise<Answer> =>
  runApart(program, { prepare, actions, look, ...more } satisfies Asked);

const ext4 =
  'truncate -s 8M img; mkfs.ext4 -q img; mkdir fs; mount -o loop img fs; printf old > fs/a; mkdir fs/d; printf old > fs/d/a;';
const all = 'find fs -name lost+found -prune -o -printf "%P %m\\n" | sort; cat fs/a fs/d/a';

describe.skipIf(whyNot !== false)(because('what stands in the way is named before anything is touched', whyNot), () => {
  const cases: readonly (readonly [string, string, readonly Action[], RegExp])[] = [
    [
      'a file system without room',
      'mkdir fs; mount -t tmpfs -o size=16k none fs; printf old > fs/a; ! cat /dev/zero > fs/full 2>/dev/null',
      [write('fs/a', 'old', 'x'.repeat(9000))],
      /fs\/a: no space is left on its file system\. Nothing was touched\. Make room \(see df/,
    ],
    [
      'a file system without inodes',
      'mkdir fs; mount -t tmpfs -o nr_inodes=2 none fs; printf old > fs/a',
      [write('fs/a')],
      /no space is left.*df -i/,
    ],
    [
      'a read-only file system',
      'mkdir fs; mount -t tmpfs none fs; printf old > fs/a; mount -o remount,ro fs',
      [write('fs/a')],
      /mounted read-only\. Nothing was touched\. Mount it read-write/,
    ],
    [
      'a file that something is mounted on',
      'printf old > a; printf old > b; mount --bind b a',
      [write('a')],
      /something is mounted on that very file, so it cannot be replaced\. Nothing was touched\. See findmnt \/mnt\/a\./,
    ],
    [
      'the same, to be removed',
      'printf old > a; printf old > b; mount --bind b a',
      [remove('a')],
      /something is mounted on that very file/,
    ],
    [
      'the same, with a blank in its name',
      'printf old > "a b"; printf old > b; mount --bind b "a b"',
      [write('a b')],
      /mounted on that very file/,
    ],
    [
      'the same, behind a link',
      'printf old > a; printf old > b; mount --bind b a; ln -s a l',
      [write('l')],
      /mounted on that very file/,
    ],
    [
      'a file in the place of a folder',
      'printf x > d',
      [write('d/e/a', null)],
      /\/mnt\/d is a file where a folder should be\. Nothing was touched\./,
    ],
    [
      'a folder that is a link to nowhere',
      'ln -s gone d',
      [write('d/a', null)],
      /\/mnt\/d is a link that leads nowhere\. Nothing was touched\./,
    ],
    ['a link to nowhere', 'ln -s gone a', [write('a', null)], /is a link that does not lead to a regular file/],
    ['links in a circle', 'ln -s b a; ln -s a b', [write('a', null)], /is a link that does not lead to a regular file/],
    ['a name that is too long', ':', [write('x'.repeat(256), null)], /its name is too long for its file system/],
    ['a pipe', 'mkfifo a', [write('a')], /is no regular file/],
    [
      'what somebody else put in the place of the temporary file',
      'printf old > a; mkdir .a.node-prep.tmp',
      [write('a')],
      /node-prep did not make it/,
    ],
  ];
  test.each(cases)('%s', async (_name, prepare, actions, words) => {
    const look =
      'find /mnt -mindepth 1 -not -path "/mnt/store*" -not -path "/mnt/seen*" -printf "%P %y %l\\n" | sort; for f in a b fs/a; do [ ! -f $f ] || cat $f; done';
    const { refused, steps, seen } = await on(
      `${prepare}; ( ${look} ) > /run/before`,
      actions,
      `( ${look} ) | diff /run/before -`,
    );
    expect(refused).toMatch(words);
    expect([steps, seen]).toEqual([[], '']);
  });
});

describe.skipIf(whyNoExt4 !== false)(because('what chattr forbids is named before anything is touched', whyNoExt4), () => {
  test.each([
    ['+i', 'fs/a', 'fs/a'],
    ['+a', 'fs/a', 'fs/a'],
    ['+i', 'fs/d', 'fs/d/a'],
    ['+a', 'fs/d', 'fs/d/a'],
    ['+a', 'fs/d', 'fs/d/b'],
    ['+i', 'fs/d', 'fs/d/e/b'],
  ])('chattr %s %s, where %s is to be written', async (how, what, path) => {
    const isNew = !path.endsWith('a');
    const { refused, steps, seen } = await on(
      `${ext4} chattr ${how} ${what}`,
      [write('fs/a'), write(path, isNew ? null : 'old')],
      `chattr -R -ia fs; ${all}`,
    );
    expect(refused).toMatch(/may not be changed \(immutable\? see lsattr\)\. Nothing was touched\. .*lsattr/);
    expect([steps, seen]).toEqual([[], ' 755\na 644\nd 755\nd/a 644\noldold']);
  });

  test('a file system that turns read-only in between: the step that meets it says so, the file is whole, the rest is not begun', async () => {
    const stop: Action = { do: 'run', argv: ['mount', '-o', 'remount,ro', '/mnt/fs'], why: 'x', for: [] };
    const { steps, seen } = await on(ext4, [write('fs/a'), stop, write('fs/d/a')], all);
    expect(steps.map(({ status }) => status)).toEqual(['done', 'done', 'failed']);
    expect(steps[2]?.output).toContain('/mnt/fs/d/a: its file system is mounted read-only. Mount it read-write');
    expect(seen).toContain('newold');
  });
});

describe.skipIf(whyNot !== false)(because('a file that is replaced', whyNot), () => {
  const setup = `cat > set.py <<'E'
import os, struct
acl = struct.pack('<I', 2) + b''.join(struct.pack('<HHI', *e) for e in [(1,6,0xffffffff),(2,4,1234),(4,4,0xffffffff),(16,4,0xffffffff),(32,0,0xffffffff)])
os.setxattr('a', 'system.posix_acl_access', acl)
os.setxattr('a', 'security.selinux', b'system_u:object_r:etc_t:s0\\0')
os.setxattr('a', 'trusted.mine', b'2')
E
`;
  const show = `cat > show.py <<'E'
import os
for n in sorted(os.listxattr('a')): print(n, os.getxattr('a', n).hex()[:80])
E
python3 show.py; stat -c '%a %u:%g' a`;

  test.skipIf(!has('python3'))(
    because(
      'keeps its access list, its SELinux label and all other attributes, mode and owner; its time is new',
      !has('python3') && 'there is no python3 here',
    ),
    async () => {
      const prepare = `printf old > a; chmod 640 a; chown 7:8 a; ${setup} python3 set.py; touch -d 2001-01-01 a; ( ${show} ) > /run/before`;
      const { steps, seen } = await on(
        prepare,
        [write('a')],
        `( ${show} ) | diff /run/before - && wc -l < /run/before && cat a && find a -newermt 2020-01-01`,
      );
      expect(steps).toMatchObject([{ status: 'done', output: '' }]);
      expect(seen).toBe('4\nnewa\n');
    },
  );

  test('keeps mode and owner where cp knows nothing of attributes, as that of busybox', async () => {
    const { steps, seen } = await on('printf old > a; chown 7:8 a; chmod 4640 a', [write('a')], 'stat -c "%a %u:%g" a; cat a', {
      programs: { cp: 'echo "cp: unrecognized option" >&2; exit 1' },
    });
    expect([steps[0]?.status, seen]).toEqual(['done', '4640 7:8\nnew']);
  });

  test('and had other names: they keep the old text, and the step says so', async () => {
    const { steps, seen } = await on('printf old > a; ln a b; ln a c', [write('a')], 'cat a b c; ls -A | grep tmp');
    expect(steps).toMatchObject([
      { status: 'done', output: '/mnt/a had 2 other names (hard links): what is found there is the old text' },
    ]);
    expect(seen).toBe('newoldold');
  });

  test('behind a link to another file system is replaced there, and the link stays', async () => {
    const { steps, seen } = await on(
      'mkdir fs; mount -t tmpfs none fs; printf old > fs/a; ln -s fs/a l',
      [write('l')],
      'readlink l; cat fs/a; ls -A fs',
    );
    expect([steps[0]?.status, seen]).toEqual(['done', 'fs/a\nnewa\n']);
  });

  test('on an overlay comes to the upper layer, and the lower one stays as it was', async () => {
    const { steps, seen } = await on(
      'mkdir low up work fs low/d; printf old > low/a; printf old > low/d/a; mount -t overlay o -o lowerdir=low,upperdir=up,workdir=work fs',
      [write('fs/a'), remove('fs/d/a'), write('fs/d/e/b', null)],
      'cat low/a fs/a low/d/a fs/d/e/b; [ -e fs/d/a ] || echo gone; stat -c %a fs/d/e',
    );
    expect(steps.map(({ status }) => status)).toEqual(['done', 'done', 'done']);
    expect(seen).toBe('oldnewoldnewgone\n755\n');
  });

  test('needs its folders: those that are missing are made, open to all to read, whatever the umask', async () => {
    const { steps, seen } = await on(':', [write('d/e/f/a', null)], 'stat -c "%a %n" d d/e d/e/f d/e/f/a');
    expect([steps[0]?.status, seen]).toEqual(['done', '755 d\n755 d/e\n755 d/e/f\n644 d/e/f/a\n']);
  });

  test('below /proc fails, and comes to an end', async () => {
    const { steps } = await on(':', [write('/proc/x/y/a', null)]);
    expect(steps).toMatchObject([{ status: 'failed', output: expect.stringContaining('/proc/x/y/a: ENOENT') }]);
  });

  test('is not, where somebody wrote it after the plan was made', async () => {
    const { steps, seen } = await on('printf theirs > a', [write('a')], 'cat a; ls -A | grep tmp');
    expect(steps).toMatchObject([
      { status: 'failed', output: expect.stringContaining('is not what it was when the plan was made') },
    ]);
    expect(seen).toBe('theirs');
  });
});
