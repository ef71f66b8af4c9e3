import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
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
  const verify = (...words: string[]) =>
    spawnSync(process.execPath, [resolve(import.meta.dirname, '../../dist/node-prep.cjs'), 'verify', ...words], {
      encoding: 'utf8',
    });
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
    const { status, stderr } = verify('--textfile', join(folder, 'none/x.prom'));
    expect([status, existsSync(join(folder, 'none'))]).toEqual([1, false]);
    expect(stderr).toMatch(/its folder is not there\.\n {2}Make it: mkdir -p /);
  });

  test('answers node-problem-detector with 2 to every mistake', () => {
    expect(verify('--problem-detector', '-p', 'nosuch')).toMatchObject({
      status: 2,
      stdout: 'unknown: There is no profile "nosuch".\n',
    });
    expect(verify('--problem-detector', '--nosuch').status).toBe(2);
  });
});
