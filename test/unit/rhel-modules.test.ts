import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { planHost } from '../../src/apply.ts';
import { rhelModules } from '../../src/families/rhel-modules.ts';
import { rhel } from '../../src/families/rhel.ts';
import type { System } from '../../src/model.ts';
import { hostFrom, hosts } from '../recordings/hosts.ts';
import { withAvailable } from '../recordings/packages.ts';
import { commandsOf, desiredOf, findingOf } from './support.ts';

const release = '5.14.0-427.13.1.el9_4.aarch64';

const system = (kernel: string): System => ({
  id: 'rocky',
  versionId: '9.4',
  name: 'Rocky Linux 9.4',
  family: 'rhel',
  kernel,
  arch: 'aarch64',
});

/** What rpm is asked for, by the shell text that a host runs. */
const asked = (kernel: string): string[] => {
  // The words of os-release(5) are gone through with an empty IFS around it.
  const script = `k=$1; set --; IFS=; rpm() { shift 3; printf '%s\\n' "$@"; }\n${rhelModules.ask}`;
  return spawnSync('/bin/sh', ['-c', script, 'sh', kernel], { encoding: 'utf8', env: { PATH: '/nowhere' } })
    .stdout.split('\n')
    .filter((line) => line !== '');
};

describe('kernels with a flavour after a plus sign', () => {
  const flavours: readonly (readonly [suffix: string, name: string])[] = [
    ['+64k', 'kernel-64k'],
    ['+debug', 'kernel-debug'],
    ['+64k-debug', 'kernel-64k-debug'],
    ['+rt', 'kernel-rt'],
    ['+rt-debug', 'kernel-rt-debug'],
    ['+rt_debug', 'kernel-rt-debug'],
    ['+rt-64k', 'kernel-rt-64k'],
    ['', 'kernel'],
  ];
  test.each(flavours)('a kernel that ends in "%s" gets packages of %s alone', (suffix, name) => {
    const names = [`${name}-modules-extra-${release}`, `${name}-modules-${release}`];
    expect(rhelModules.packages(system(release + suffix), false)).toEqual(names);
    const all = asked(release + suffix);
    expect(all).toEqual(expect.arrayContaining(names));
    if (suffix !== '') expect(all).toEqual(names);
    expect(rhel.missingModule(system(release + suffix))).toContain(names[0]);
    expect(rhelModules.newer(system(release + suffix))).toContain(`dnf install ${name} ${name}-modules-extra;`);
  });

  test.each(['+mine', '+rt+debug', '+', '+debug-x', '+64k;id'])('one that ends in "%s" gets none', (suffix) => {
    expect(rhelModules.packages(system(release + suffix), false)).toEqual([]);
    expect(asked(release + suffix)).toEqual([]);
    expect(rhel.missingModule(system(release + suffix))).not.toContain('kernel-modules-extra');
  });

  test('others have a name of their own without one', () => {
    const first = (kernel: string): string | undefined => rhelModules.packages(system(kernel), false)[0];
    expect(first('5.14.0-162.6.1.rt21.168.el9_1.x86_64')).toBe('kernel-rt-modules-extra-5.14.0-162.6.1.rt21.168.el9_1.x86_64');
    expect(first('5.15.0-3.60.5.1.el9uek.x86_64')).toBe('kernel-uek-modules-extra-5.15.0-3.60.5.1.el9uek.x86_64');
    expect(first('6.12.22-27.96.amzn2023.x86_64')).toBe('kernel6.12-modules-extra-6.12.22-27.96.amzn2023.x86_64');
    expect(first('5.15.0-3.60.5.1.el9uek.x86_64+debug')).toBeUndefined();
  });

  test('a kernel of nobody known is not given the modules of the plain one, and nobody is told to fetch lists for it', async () => {
    const rocky = hosts['rocky-10']!;
    const host = hostFrom({
      ...rocky,
      kernel: `${rocky.kernel}+mine`,
      packages: withAvailable(rocky.packages!, { [`kernel-modules-extra-${rocky.kernel}`]: { version: '1' } }),
    });
    const plan = await planHost(host, desiredOf({ kind: 'module', name: 'br_netfilter' }));
    expect(findingOf(plan, 'module/br_netfilter')).toMatchObject({
      verdict: 'blocked',
      remedy: expect.not.stringMatching(/makecache|kernel-modules-extra/),
    });
    expect(commandsOf(plan)).toEqual([]);
  });
});
