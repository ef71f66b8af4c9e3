import { spawnSync } from 'node:child_process';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { writeReport } from '../../src/hosts/report-file.ts';
import type { Finding, Plan } from '../../src/model.ts';
import { problemOf, unknownBecause } from '../../src/views/problem-line.ts';
import { prometheusText } from '../../src/views/prometheus.ts';

const finding = (id: string, verdict: 'ok' | 'change' | 'blocked'): Finding =>
  ({
    id,
    kind: 'module',
    want: 'loaded',
    now: { ok: false, have: '' },
    boot: { ok: false, have: '' },
    because: [],
    verdict,
    reason: '',
    remedy: '',
  }) as Finding;
const planWith = (...findings: readonly Finding[]): Plan => ({
  system: { id: '', versionId: '', name: '', family: '', kernel: '', arch: '' },
  findings,
  actions: [],
});

describe('what node-problem-detector is told', () => {
  test('a converged host is no problem', () => {
    expect(problemOf(planWith(finding('module/a', 'ok')))).toEqual({ code: 0, line: 'converged: now and after a reboot' });
  });

  test('a host that has drifted is one, and as many ids are named as fit 80 bytes', () => {
    const { code, line } = problemOf(planWith(...Array.from({ length: 40 }, (_, i) => finding(`module/name_${i}`, 'change'))));
    expect([code, Buffer.byteLength(line) <= 80]).toEqual([1, true]);
    expect(line).toMatch(/^drifted: module\/name_0, .* \+\d+$/);
  });

  test('what is blocked comes first', () => {
    const { line } = problemOf(planWith(finding('module/a', 'change'), finding('module/b', 'blocked')));
    expect(line).toBe('blocked: module/b, module/a');
  });

  test('an id that alone is too long is counted', () => {
    expect(problemOf(planWith(finding(`sysctl/${'x'.repeat(90)}`, 'change')))).toEqual({
      code: 1,
      line: 'drifted: 1 requirements',
    });
  });

  test('what went wrong is one line of at most 80 bytes, without a character cut in two', () => {
    const { code, line } = unknownBecause(`no\n${'é'.repeat(60)}`);
    expect([code, Buffer.byteLength(line) <= 80, line.includes('\n'), line.endsWith('é')]).toEqual([2, true, false, true]);
  });
});

test('node-problem-detector waits longer than node-prep does for a host that is slow to answer', () => {
  const text = readFileSync(resolve(import.meta.dirname, '../../templates/package/node-problem-detector.json'), 'utf8');
  const { pluginConfig, rules } = JSON.parse(text) as { pluginConfig: { timeout: string }; rules: { timeout: string }[] };
  for (const { timeout } of [pluginConfig, ...rules]) expect(Number.parseInt(timeout, 10)).toBeGreaterThan(60);
});

describe('the metrics', () => {
  test('name each open requirement, with what would break the format escaped', () => {
    const text = prometheusText({ plan: planWith(finding('sysctl/a"b\\c\nd', 'blocked')), at: 5, version: '1' });
    expect(text).toContain('node_prep_drift{id="sysctl/a\\"b\\\\c\\nd",verdict="blocked"} 1\n');
    expect(text).toContain('node_prep_findings{verdict="blocked"} 1\n');
    expect(text).toContain('node_prep_converged 0\n');
    expect(text).toContain('node_prep_last_run_timestamp_seconds 5\n');
    expect(text.endsWith('\n')).toBe(true);
  });

  test('have a help and a type for each name', () => {
    const text = prometheusText({ plan: planWith(finding('a/b', 'ok')), at: 5, version: '1' });
    for (const [, name] of text.matchAll(/^(node_prep_\w+)/gm)) {
      expect(text).toContain(`# HELP ${name} `);
      expect(text).toContain(`# TYPE ${name} gauge\n`);
    }
  });
});

describe('verify', () => {
  const folder = mkdtempSync(join(tmpdir(), 'node-prep-monitoring-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const program = resolve(import.meta.dirname, '../../dist/node-prep.cjs');
  const verify = (...words: string[]) => spawnSync(process.execPath, [program, 'verify', ...words], { encoding: 'utf8' });
  const path = join(folder, 'x.prom');

  test('writes its metrics beside its verdict, and leaves nothing else there', () => {
    const { status, stdout } = verify('--textfile', path);
    expect(status).toBe(verify().status);
    expect(stdout).toMatch(/^local: /);
    expect(readFileSync(path, 'utf8')).toMatch(/^node_prep_last_run_success 1$/m);
    expect(readdirSync(folder)).toEqual(['x.prom']);
  });

  test('writes that it could not look, instead of leaving the old metrics there', () => {
    expect(verify('--textfile', path, '-p', 'nosuch').status).toBe(1);
    expect(readFileSync(path, 'utf8')).toMatch(/^node_prep_last_run_success 0$/m);
    expect(readFileSync(path, 'utf8')).not.toContain('node_prep_converged');
  });

  test('says what to do where the folder is missing', () => {
    const { status, stdout, stderr } = verify('--textfile', join(folder, 'none/x.prom'));
    expect([status, existsSync(join(folder, 'none'))]).toEqual([1, false]);
    expect(stdout, 'the verdict is given all the same').toMatch(/^local: /);
    expect(stderr).toMatch(/its folder is not there\.\n {2}Make it: mkdir -p /);
  });

  test('writes what everybody may read, whatever the umask', () => {
    const shared = join(folder, 'shared.prom');
    const before = process.umask(0o077);
    try {
      writeReport(shared, 'a 1\n');
    } finally {
      process.umask(before);
    }
    expect(statSync(shared).mode & 0o777).toBe(0o644);
    rmSync(shared);
  });

  test('does not write through a link that somebody laid where its temporary file goes', () => {
    const [mine, planted] = [join(folder, 'mine'), join(folder, `.x.prom.${process.pid}.tmp`)];
    writeFileSync(mine, 'mine');
    symlinkSync(mine, planted);
    writeReport(path, 'a 1\n');
    expect([readFileSync(mine, 'utf8'), readFileSync(path, 'utf8')]).toEqual(['mine', 'a 1\n']);
    rmSync(mine);
  });

  test('keeps a link that the collector reads through, and puts no file in the place of a device', () => {
    const [real, link] = [join(folder, 'real'), join(folder, 'link.prom')];
    writeFileSync(real, 'old');
    symlinkSync('real', link);
    writeReport(link, 'a 1\n');
    expect([lstatSync(link).isSymbolicLink(), readFileSync(real, 'utf8')]).toEqual([true, 'a 1\n']);
    for (const path of [real, link]) rmSync(path);
    expect(() => writeReport('/dev/null', 'a 1\n')).toThrow('no regular file');
  });

  test('a problem of the host is told to node-problem-detector also where the metrics cannot be written', () => {
    const { status, stdout } = verify('--problem-detector', '--textfile', join(folder, 'none/x.prom'));
    expect({ status, stdout }).toEqual({
      status: verify('--problem-detector').status,
      stdout: verify('--problem-detector').stdout,
    });
  });

  test('an answer that nobody can be given is no problem of the host', () => {
    const config = join(folder, 'met.yaml');
    writeFileSync(config, 'packages: { coreutils: "*" }\n');
    const words = [program, 'verify', '--problem-detector', '-c', config];
    expect(spawnSync(process.execPath, words).status).toBe(0);
    const full = openSync('/dev/full', 'w');
    expect(spawnSync(process.execPath, words, { stdio: ['ignore', full, 'ignore'] }).status).toBe(2);
    closeSync(full);
    rmSync(config);
    expect(spawnSync(process.execPath, [program, 'verify', '--problem-detector=true', '--nosuch']).status).toBe(2);
  });

  test('answers node-problem-detector with 2 to every mistake', () => {
    expect(verify('--problem-detector', '-p', 'nosuch')).toMatchObject({
      status: 2,
      stdout: 'unknown: There is no profile "nosuch".\n',
    });
    expect(verify('--problem-detector', '--nosuch').status).toBe(2);
  });
});
