import { describe, expect, test } from 'vitest';
import { queryKey } from '../../src/answers.ts';
import { argumentIsOn } from '../../src/knowledge/cmdline.ts';
import { escapedPath, systemdVersion, systemdVersionQueries } from '../../src/knowledge/systemd.ts';

describe('names of systemd units', () => {
  // Each as systemd-escape --path of systemd 252 printed it.
  const paths = [
    ['/dev/sda2', 'dev-sda2'],
    ['/dev/disk/by-uuid/1-2', 'dev-disk-by\\x2duuid-1\\x2d2'],
    ['/srv/my swap/f', 'srv-my\\x20swap-f'],
    ['/.swap/.f', '\\x2eswap-.f'],
    ['//a//b/', 'a-b'],
    ['/aé', 'a\\xc3\\xa9'],
  ] as const;
  test.each(paths)('%s is %s', (path, name) => {
    expect(escapedPath(path)).toBe(name);
  });
});

describe('the version of systemd', () => {
  const libraries = [
    ['/usr/lib/x86_64-linux-gnu/systemd/libsystemd-shared-252.so', 252],
    ['/usr/lib/systemd/libsystemd-shared-252-46.el9_5.so', 252],
    ['/usr/lib/systemd/libsystemd-shared-258.1-1.fc43.so', 258],
  ] as const;
  test.each(libraries)('%s is of version %d', (path, version) => {
    const answers = systemdVersionQueries.map(
      (query) => [queryKey(query), { status: 0, text: '', files: [{ path, text: '' }] }] as const,
    );
    expect(systemdVersion(new Map(answers))).toBe(version);
  });

  test('a host without systemd has none', () => {
    expect(systemdVersion(new Map())).toBeUndefined();
  });
});

describe('boolean arguments of the kernel command line', () => {
  const lines = [
    ['quiet x.y=0', false],
    ['x.y', true],
    ['x.y=0 x.y=yes', true],
    ['x.y=on "x.y=off"', false],
    ['x.y=2', undefined],
    ['x.yz=1 ax.y=1', undefined],
  ] as const;
  test.each(lines)('"%s" makes x.y %s', (line, value) => {
    expect(argumentIsOn(line, 'x.y')).toBe(value);
  });
});
