import { execFileSync, spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { has, withReason } from '../needs.ts';
import { treeWith } from './trees.ts';

/** The built bundle in a folder that everybody may look into; the global setup builds it. */
const folder = mkdtempSync(join(tmpdir(), 'node-prep-saved-'));
chmodSync(folder, 0o755);
cpSync(resolve(import.meta.dirname, '../../dist'), join(folder, 'dist'), { recursive: true });
const bundle = join(folder, 'dist/node-prep.cjs');
const { root, end } = treeWith({
  '/etc/os-release': 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian 12"\n',
  '/etc/sysctl.d/secret.conf': 'net.ipv4.ip_forward = 0\n',
  '/etc/modprobe.d/x.conf': '# nothing\n',
});
afterAll(() => {
  rmSync(folder, { recursive: true });
  end();
});

type Ran = { readonly status: number | null; readonly stdout: string; readonly stderr: string };
const runAs = (user: number | undefined, ...words: readonly string[]): Ran =>
  spawnSync(process.execPath, [bundle, ...words], {
    encoding: 'utf8',
    cwd: folder,
    timeout: 20_000,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
    ...(user !== undefined && { uid: user, gid: user }),
  });
const run = (...words: readonly string[]): Ran => runAs(undefined, ...words);

const sudo = process.geteuid?.() === 0 ? '' : 'sudo ';

/** Needs that an image meets with files alone. */
const config = join(folder, 'own.yaml');
writeFileSync(config, 'sysctl: { vm.max_map_count: 262144 }\n');
const wanted = ['-c', 'own.yaml', '--root', root];
const written = join(root, 'etc/sysctl.d/node-prep.conf');

describe('plan --out', () => {
  test('saves what it shows, for its owner alone, and says how to apply it', () => {
    const umask = process.umask(0);
    const shown = run('plan', ...wanted);
    const { status, stdout, stderr } = run('plan', ...wanted, '--out', 'a.plan');
    process.umask(umask);
    expect([status, stdout.replaceAll(config, 'own.yaml')]).toEqual([0, shown.stdout.replaceAll(config, 'own.yaml')]);
    expect(stderr).toBe(`node-prep: saved as a.plan; exactly this is done by: ${sudo}node-prep apply a.plan\n`);
    expect((statSync(join(folder, 'a.plan')).mode & 0o777).toString(8)).toBe('600');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  test('shows it in every form', () => {
    const json = run('plan', ...wanted, '--out', 'json.plan', '--format', 'json');
    const saved = JSON.parse(readFileSync(join(folder, 'json.plan'), 'utf8')) as { plan: unknown };
    expect((JSON.parse(json.stdout) as { outcomes: { plan: unknown }[] }).outcomes[0]?.plan).toEqual(saved.plan);
    expect(run('plan', ...wanted, '--out', 'quiet.plan', '-q').stdout.split('\n')).toHaveLength(2);
    const code = run('plan', ...wanted, '--detailed-exitcode').status;
    expect([code, run('plan', ...wanted, '--out', 'quiet.plan', '-q', '--detailed-exitcode').status]).toEqual([3, 3]);
  });

  test('takes the place of an earlier plan, and says so', () => {
    expect(run('plan', ...wanted, '--out', 'b.plan').status).toBe(0);
    const again = run('plan', ...wanted, '--out', 'b.plan');
    expect([again.status, again.stderr]).toEqual([
      0,
      expect.stringContaining('b.plan was an earlier plan; this one takes its place.\n'),
    ]);
  });

  test('refuses a configuration that comes out otherwise when it is read again, or never ends', () => {
    execFileSync('mkfifo', [join(folder, 'config-pipe')]);
    for (const from of ['config-pipe', '/dev/zero', '/dev/stdin']) {
      const { status, stdout, stderr } = run('plan', '-c', from, '--root', root, '--out', 'passing.plan');
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^node-prep: \S+ is no regular file: a saved plan could not be held against it later\.\n {2}Write/);
      expect(existsSync(join(folder, 'passing.plan'))).toBe(false);
    }
  });

  const foreign = join(folder, 'foreign');
  writeFileSync(foreign, 'root:x:0:0\n');
  symlinkSync('a.plan', join(folder, 'link'));
  symlinkSync('/nonexistent/x', join(folder, 'dangling'));
  mkdirSync(join(folder, 'dir'));
  execFileSync('mkfifo', [join(folder, 'pipe')]);
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['any other file', 'foreign', /foreign: it is there already and is no saved plan, so it is left alone\.\n/],
    ['a folder', 'dir', /dir: it is a folder\.\n/],
    ['a link', 'link', /link: it is a link\.\n/],
    ['a link that leads nowhere', 'dangling', /dangling: it is a link\.\n/],
    ['a pipe', 'pipe', /pipe: it is no regular file\.\n/],
    ['a device', '/dev/null', /\/dev\/null: it is no regular file\.\n/],
    ['a folder that is not there', 'none/x', /none\/x: its folder is not there\.\n {2}Make it: mkdir -p none\n/],
    ['a file in the place of a folder', 'foreign/x', /foreign\/x: a file is where a folder should be\.\n/],
    ['a file system that takes no files', '/proc/x', /Cannot save the plan as \/proc\/x: /],
    ['nothing', '', /--out is empty\.\n/],
  ];
  test.each(bad)('leaves alone %s', (_name, out, message) => {
    const { status, stdout, stderr } = run('plan', ...wanted, '--out', out);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([1, '']);
    expect(readFileSync(foreign, 'utf8')).toBe('root:x:0:0\n');
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

describe('apply FILE', () => {
  const save = (name: string): string => {
    rmSync(written, { force: true });
    expect(run('plan', ...wanted, '--out', name, '-q').status).toBe(0);
    return name;
  };
  const words = (...more: readonly string[]): readonly string[] => ['apply', '--yes', '--partial', ...more];

  test(withReason('does it, from whatever folder, and a second time says that it was done', 'flock'), (context) => {
    if (!has('flock')) context.skip();
    const file = join(folder, save('c.plan'));
    const { stdout } = spawnSync(process.execPath, [bundle, ...words(file)], { encoding: 'utf8', cwd: '/' });
    expect(stdout).toContain('image');
    expect(readFileSync(written, 'utf8')).toContain('vm.max_map_count = 262144\n');
    const again = run(...words(file));
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('c.plan was applied already, it seems')]);
    expect(again.stderr).toContain(`${root.split('/').at(-1)}`);
  });

  test('names what changed since, in JSON as well, and touches nothing', () => {
    save('d.plan');
    writeFileSync(join(root, 'etc/sysctl.d/99-x.conf'), 'a.b = 1\n');
    const { status, stdout, stderr } = run(...words('d.plan', '--format', 'json'));
    rmSync(join(root, 'etc/sysctl.d/99-x.conf'));
    expect([status, stderr]).toEqual([1, expect.stringMatching(/^node-prep: d\.plan no longer fits; nothing was touched/)]);
    expect((JSON.parse(stdout) as { outcomes: unknown[] }).outcomes).toEqual([
      {
        host: `image ${root}`,
        status: 'failed',
        problem: 'd.plan no longer fits; nothing was touched. Since it was made:\n  /etc/sysctl.d/99-x.conf is new',
      },
    ]);
    expect(stderr).toContain(`Plan again: node-prep plan -c ${config} --root ${root} --out d.plan`);
    expect(existsSync(written)).toBe(false);
  });

  test('names a configuration file that changed, or is gone', () => {
    save('e.plan');
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, `${text}# more\n`);
    expect(run(...words('e.plan')).stderr).toContain(`  the configuration file ${config} changed\n`);
    rmSync(config);
    expect(run(...words('e.plan')).stderr).toContain(`  the configuration file ${config} is gone\n`);
    writeFileSync(config, text);
    expect(existsSync(written)).toBe(false);
  });

  test.each(['pipe', '/dev/zero'])('waits for no configuration file that has become a %s', (what) => {
    save('pipe.plan');
    const text = readFileSync(config, 'utf8');
    rmSync(config);
    if (what === 'pipe') execFileSync('mkfifo', [config]);
    else symlinkSync(what, config);
    const { status, stdout, stderr } = run(...words('pipe.plan'));
    rmSync(config);
    writeFileSync(config, text);
    expect([status, stdout, stderr]).toEqual([1, '', expect.stringContaining(`${config} is no regular file`)]);
    expect(existsSync(written)).toBe(false);
  });

  test('wants no other settings beside it', () => {
    save('f.plan');
    for (const more of [['-p', 'istio'], ['-c', 'own.yaml'], ['--root', root], ['--waive', 'a/b=c'], ['--take-over']]) {
      const { status, stdout, stderr } = run(...words('f.plan', ...more));
      expect([status, stdout]).toEqual([1, '']);
      expect(stderr).toMatch(/^node-prep: A saved plan has its own --[a-z-]+\.\n {2}Leave that out, or plan again with it/);
    }
  });

  test('asks as always where nobody has said yes, and refuses what is blocked', () => {
    save('g.plan');
    const { status, stderr } = run('apply', 'g.plan');
    expect([status, stderr.includes('Nobody can be asked') || status === 3]).toEqual([status, true]);
    expect(existsSync(written)).toBe(false);
  });

  writeFileSync(join(folder, 'text'), 'hello\n');
  writeFileSync(join(folder, 'bytes'), Buffer.from([0x7b, 0xff, 0xfe, 0x00]));
  writeFileSync(join(folder, 'empty'), '');
  writeFileSync(join(folder, 'evil'), '{"version": "\\u001b[2J", "what": "node-prep plan"}');
  const bad: readonly (readonly [string, string, RegExp])[] = [
    ['no such file', 'none.plan', /^node-prep: Cannot read the saved plan none\.plan: there is no such file\.\n/],
    ['a folder', 'dir', /dir: it is a folder\.\n/],
    ['a pipe, without waiting for it', 'pipe', /pipe: it is no regular file\.\n/],
    ['a device', '/dev/zero', /\/dev\/zero: it is no regular file\.\n/],
    ['standard input', '-', /^node-prep: /],
    ['text', 'text', /^node-prep: text is no saved plan of node-prep\.\n/],
    ['an empty file', 'empty', /^node-prep: empty is no saved plan of node-prep\.\n/],
    ['bytes', 'bytes', /bytes: it is no text in UTF-8\.\n/],
    ['escapes', 'evil', /^node-prep: evil is in format \?\[2J of saved plans/],
    ['no name', '', /^node-prep: The saved plan is empty\.\n/],
  ];
  test.each(bad)('%s is one message', (_name, file, message) => {
    const { status, stdout, stderr } = run('apply', '--yes', file);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a file of more than 16 MiB is not read', () => {
    execFileSync('truncate', ['-s', '17M', join(folder, 'large')]);
    expect(run('apply', 'large').stderr).toMatch(/large: it is larger than 16 MiB\.\n/);
  });
});

describe.runIf(process.geteuid?.() === 0)('somebody without rights', () => {
  const nobody = 65534;

  test('is told what could not be read, by plan, verify and explain; root is not', () => {
    chmodSync(join(root, 'etc/sysctl.d/secret.conf'), 0o600);
    chmodSync(join(root, 'etc/modprobe.d'), 0o700);
    const own = ['-p', 'kubernetes', '--root', root];
    const planned = runAs(nobody, 'plan', ...own);
    expect(planned.stdout.replaceAll('\n', ' ')).toMatch(
      /Not read, for want of rights: \/etc\/modprobe\.d \(kernel modules, kernel settings\), \/etc\/sysctl\.d\/secret\.conf \(kernel modules, kernel settings\)\. What they say is not judged: run it with sudo to be sure\. $/,
    );
    expect(runAs(nobody, 'verify', ...own).stdout).toMatch(
      /; not read, for want of rights: \/etc\/modprobe\.d, \/etc\/sysctl\.d\/secret\.conf\n$/,
    );
    const explained = runAs(nobody, 'explain', 'sysctl/net.ipv4.ip_forward', ...own).stdout;
    expect(explained).toContain('/etc/sysctl.d/secret.conf (kernel modules');
    expect(runAs(nobody, 'explain', 'swap/off', ...own).stdout).not.toContain('secret.conf');
    for (const command of ['plan', 'verify']) expect(run(command, ...own).stdout).not.toMatch(/not read/i);
  });

  test('is told how to apply, in the same words', () => {
    const { status, stderr } = runAs(nobody, 'apply', '--yes', '-p', 'kubernetes:swap=off', '--waive', 'package/socat=no need');
    expect([status, stderr]).toEqual([
      1,
      "node-prep: Only root can change this host.\n  Run it with sudo: sudo node-prep apply --yes -p kubernetes:swap=off --waive 'package/socat=no need'\n",
    ]);
  });
});
