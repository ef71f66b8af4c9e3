import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { treeWith } from './trees.ts';

/** The built bundle, as a user has it; the global setup builds it. */
const bundle = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
const folder = mkdtempSync(join(tmpdir(), 'node-prep-cli-'));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
const run = (...words: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [bundle, ...words], {
    encoding: 'utf8',
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] ?? '', LC_ALL: 'C' },
  });

describe('bad input is one message on standard error, exit code 1, no stack trace', () => {
  const bad: readonly (readonly [string, readonly string[], RegExp])[] = [
    ['an unknown profile', ['plan', '-p', 'kubernets'], /There is no profile "kubernets"\.\n.*Did you mean "kubernetes"/],
    [
      'an unknown option of a profile',
      ['plan', '-p', 'istio:mod=ambient'],
      /Profile istio has no option "mod"\.\n.*Did you mean "mode"/,
    ],
    ['an unknown value', ['verify', '-p', 'istio:mode=ambiant'], /Did you mean "ambient"/],
    ['an unknown flag', ['plan', '--fromat', 'json'], /plan knows nothing of "fromat"\.\n.*Did you mean "format"/],
    ['an unknown option of undo', ['undo', '--parital'], /undo knows nothing of "parital"\.\n.*Did you mean "partial"/],
    ['two runs to undo', ['undo', '1', '2'], /undo/],
    ['an unknown command', ['paln'], /There is no command "paln"\.\n.*Did you mean "plan"/],
    ['no command', [], /Say what to do/],
    ['a flag without its value', ['plan', '--config'], /config/],
    ['an unknown format', ['plan', '--format', 'xml'], /format/],
    ['a missing file', ['plan', '-c', 'none.yaml'], /Cannot read none\.yaml: ENOENT/],
    ['bad YAML', ['plan', '-c', file('bad.yaml', 'profiles:\n  kubernetes: [\n')], /bad\.yaml:\d+:\d+: /],
    ['an unknown key', ['verify', '-c', file('key.yaml', 'profile: {}\n')], /key\.yaml:1:1: unknown key "profile"\n.*"profiles"/],
    ['a sysctl key with a newline', ['plan', '-c', file('odd.yaml', 'sysctl: { "a.b\\nc": 1 }\n')], /odd\.yaml:1:\d+: sysctl/],
    [
      'a module name with a semicolon',
      ['plan', '-c', file('mod.yaml', 'modules: ["tun;reboot"]\n')],
      /is no name of a kernel module/,
    ],
    ['escapes in what was typed', ['plan', '-p', '\u001b[2Jx'], /There is no profile "\?\[2Jx"/],
    ['a waiver without a reason', ['plan', '--waive', 'module/x'], /gives no reason/],
    ['an unknown id', ['explain', 'modul/xt_set'], /Nothing is known of "modul\/xt_set"/],
    ['an unknown profile to show', ['profiles', 'show', 'istoi'], /Did you mean "istio"/],
    ['an IP family that is none', ['plan', '--ip-families', 'ipv5'], /"ipv5" is no IP family/],
    [
      'an IP family that is none, for profiles show',
      ['profiles', 'show', 'istio', '--ip-families', 'ipv5'],
      /"ipv5" is no IP family/,
    ],
    ['a folder of an image that is not there', ['plan', '--root', 'none'], /--root none cannot be looked into: ENOENT/],
    ['a file in the place of that folder', ['verify', '--root', file('x', '')], /is no folder/],
    ['this host as an image', ['apply', '--yes', '--root', '/'], /is this host itself, which runs\.\n.*Leave --root out/],
    ['a folder without a system', ['explain', 'overlay', '--root', '.'], /holds no system: there is neither etc\/os-release/],
    ['one profile twice', ['plan', '-p', 'istio', '-p', 'istio'], /given twice/],
  ];
  test.each(bad)('%s', (_name, words, message) => {
    const { status, stdout, stderr } = run(...words);
    expect(stderr).toMatch(message);
    expect([status, stdout]).toEqual([1, '']);
    expect(stderr).not.toMatch(/^\s+at /m);
    expect(stderr.startsWith('node-prep: ')).toBe(true);
  });
});

describe('what works everywhere', () => {
  test('plan exits with 0 whatever the host is, and says it in text that fits', () => {
    const { status, stdout, stderr } = run('plan', '-p', 'kubernetes', '--color', 'never');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^local: /);
    expect(stdout).not.toContain('\u001b');
  });

  test('plan --detailed-exitcode and verify tell the same', () => {
    const [plan, verify] = [run('plan', '--detailed-exitcode'), run('verify')];
    expect([0, 2, 3]).toContain(verify.status);
    expect(plan.status).toBe(verify.status);
    expect(verify.stdout.trim().split('\n')).toHaveLength(1);
  });

  test('--format json is one document on standard output', () => {
    const { status, stdout } = run('plan', '--format', 'json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ version: 1, command: 'plan', outcomes: [{ host: 'local', status: 'planned' }] });
  });

  test('--quiet is one line, and a pipe gets no colour', () => {
    const { stdout } = run('plan', '-q');
    expect(stdout.trim().split('\n')).toHaveLength(1);
    expect(stdout).not.toContain('\u001b');
    expect(run('plan', '--color', 'always').stdout).toContain('\u001b[');
  });

  test('facts are JSON lines of queries and answers', () => {
    const lines = run('facts')
      .stdout.trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { query: object; answer: object });
    expect(lines.length).toBeGreaterThan(10);
    for (const line of lines) expect(Object.keys(line)).toEqual(['query', 'answer']);
  });

  test('profiles, profiles show and explain read well without any host', () => {
    expect(run('profiles').stdout).toMatch(/^kubernetes: .*\n {2}version=/);
    expect(run('profiles', 'show', 'istio:mode=ambient').stdout).toMatch(/module\/xt_connmark {2}loaded\n {6}istio: /);
    expect(run('explain', 'xt_connmark', '-p', 'istio:mode=ambient').stdout).toMatch(/^module\/xt_connmark: loaded\n/);
    expect(run('explain', 'module/br-netfilter').stdout).toMatch(/^module\/br_netfilter: loaded\n/);
  });

  test('--root has the image judged in place of this host, by its own configuration', () => {
    const { root, end } = treeWith({
      '/etc/os-release': 'ID=debian\nPRETTY_NAME="An image"\n',
      '/etc/node-prep.yaml': 'sysctl: { vm.max_map_count: 262144 }\n',
    });
    const { status, stdout } = run('plan', '--root', root, '--format', 'json');
    const applied = run('apply', '--yes', '--root', root);
    const again = run('verify', '--root', root);
    end();
    expect([status, applied.stderr, applied.status, again.status]).toEqual([0, expect.any(String), 3, 3]);
    expect(JSON.parse(stdout)).toMatchObject({
      outcomes: [{ host: `image ${root}`, plan: { system: { name: 'An image', kernels: [] } } }],
    });
    expect(stdout).toContain('# Wanted by /etc/node-prep.yaml');
  });

  test('--version and --help answer with 0', () => {
    expect(run('--version')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
    const help = run('--help');
    expect(help.status).toBe(0);
    for (const command of ['plan', 'apply', 'verify', 'undo', 'explain', 'facts', 'profiles'])
      expect(help.stdout).toContain(command);
    expect(help.stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
  });

  test('an expired waiver is said on standard error, and the result stays clean', () => {
    const path = file('waive.yaml', 'waive: [{ id: module/xt_set, reason: no, until: "2020-01-01" }]\n');
    const { status, stdout, stderr } = run('plan', '-c', path, '--format', 'json');
    expect([status, stderr]).toEqual([0, 'node-prep: The waiver of module/xt_set ended on 2020-01-01: it counts again.\n']);
    expect(() => JSON.parse(stdout) as unknown).not.toThrow();
  });

  test('a reader that goes away early is no error', () => {
    const ran = spawnSync('sh', ['-c', '"$0" "$1" profiles show calico | head -1', process.execPath, bundle], {
      encoding: 'utf8',
    });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
  });
});

describe('a bare session, as ssh without a terminal or another program begins it', () => {
  const within = (env: NodeJS.ProcessEnv, script: string, ...words: string[]) =>
    spawnSync('/bin/sh', ['-c', `${script}; exec "$0" "$@"`, process.execPath, bundle, ...words], {
      encoding: 'utf8',
      cwd: folder,
      env,
    });
  const gone = 'd=$(/bin/mktemp -d); cd "$d"; /bin/rmdir "$d"';
  const reason = 'später — nicht jetzt';

  test('a folder that was removed is no hindrance to help, and no path is taken from / in its place', () => {
    // What is named from there would else be looked for in /.
    expect(within({}, gone, 'plan', '-c', 'x.yaml')).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('not there any more'),
    });
    expect(within({}, gone, '--help')).toMatchObject({ status: 0, stderr: '' });
  });

  test('without PATH, the programs that are asked are found where every system has them', () => {
    const answers = (env: NodeJS.ProcessEnv) =>
      within({ ...env, LC_ALL: 'C' }, ':', 'facts')
        .stdout.split('\n')
        .filter((line) => line.includes('dpkg-query') || line.includes('"rpm"'));
    const without = answers({ PATH: '' });
    expect(without.length).toBeGreaterThan(0);
    expect(without).toEqual(answers({ PATH: '/usr/bin:/bin' }));
  });

  test('text for people is ASCII where the locale has nothing else; text for programs is as it was', { timeout: 60_000 }, () => {
    const id = 'module/nothing_of_that_name';
    const words = ['-c', file('waived.yaml', `modules: [nothing_of_that_name]\nwaive: [{ id: ${id}, reason: ${reason} }]\n`)];
    const plan = within({ LC_ALL: 'C' }, ':', 'plan', '-v', ...words);
    expect(plan.stdout).toContain('sp?ter ? nicht jetzt');
    expect(plan.stdout).toMatch(/^[\n -~]+$/);
    expect(within({ LC_ALL: 'C' }, ':', 'render', 'packer', ...words).stdout).toContain(reason);
  });
});
