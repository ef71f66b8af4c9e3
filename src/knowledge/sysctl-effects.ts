import { driversOf } from './sysctl.ts';
import type { Resolver, Winner } from './sysctl-resolve.ts';

/**
 * What decides a key in the end: the last line about itself, or about a key whose write changes it too (ip_forward and
 * conf.all.forwarding are one switch; conf.all.forwarding sets that of every device).
 */
export const effective = (resolve: Resolver, path: string, kind?: 'integer'): Winner | undefined =>
  driversOf(path)
    .map(({ path: driver, when }) => ({ winner: resolve(driver, kind), when }))
    .filter(({ winner, when }) => winner?.value !== undefined && (when === 'always' || winner.value !== '0'))
    .reduce((last, { winner }) => (winner && (!last || winner.order > last.order) ? winner : last), resolve(path, kind));
