import { driversOf } from './sysctl.ts';
import type { Resolver, Winner } from './sysctl-resolve.ts';

/**
 * What decides a key in the end: the last line about itself, or about a key whose write sets it too (ip_forward and
 * conf.all.forwarding are one switch; conf.all.forwarding sets that of every device). A switch is off when the kernel starts.
 */
export const effective = (resolve: Resolver, path: string, kind?: 'integer'): Winner | undefined => {
  const { paths, when } = driversOf(path);
  const writes = paths
    .flatMap((driver) => resolve(driver, kind) ?? [])
    .filter((winner) => winner.value !== undefined)
    .sort((a, b) => a.order - b.order);
  const driven = when === 'always' ? writes.at(-1) : writes.findLast((w, i) => w.value !== (writes[i - 1]?.value ?? '0'));
  const own = resolve(path, kind);
  return driven && (!own || driven.order > own.order) ? driven : own;
};
