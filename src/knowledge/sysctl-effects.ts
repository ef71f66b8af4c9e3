import { driverOf } from './sysctl.ts';
import type { Driver } from './sysctl.ts';
import type { Resolver, Winner } from './sysctl-resolve.ts';

/**
 * What decides a key in the end: the last line about itself, or about a key whose write sets it too (ip_forward and
 * conf.all.forwarding are one switch; conf.all.forwarding sets that of every device).
 */
export const effective = (resolve: Resolver, path: string, kind?: 'integer'): Winner | undefined => {
  const driver = driverOf(path);
  const [own, driven] = [resolve(path, kind), driver && drivenBy(driver, resolve, kind)];
  return driven && (!own || driven.order > own.order) ? driven : own;
};

const drivenBy = ({ paths, when, gives }: Driver, resolve: Resolver, kind: 'integer' | undefined): Winner | undefined =>
  paths
    .flatMap((driver) => resolve(driver, kind) ?? [])
    .filter((winner) => winner.value !== undefined)
    .sort((a, b) => a.order - b.order)
    .filter((winner, i, all) => when === 'always' || winner.value !== (all[i - 1]?.value ?? '0'))
    .map((winner) => ({ ...winner, value: gives(winner.value ?? '') }))
    .findLast((winner) => winner.value !== undefined);
