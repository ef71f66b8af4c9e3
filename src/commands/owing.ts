import { existsSync } from 'node:fs';
import type { Host } from '../model.ts';
import type { Owing } from '../owed.ts';

/**
 * What earlier runs on this host have left undone, as its journal tells; undefined for an image, and where there is no journal or it is
 * not for this user to read.
 */
export const owingOf = (host: Host): Owing | undefined =>
  host.image || !existsSync('/var/lib/node-prep/runs') ? undefined : fromJournal;

/** Most runs ended well, and owe nothing: how each of them ended is in its last bytes. */
const fromJournal: Owing = async (bootId) => {
  const [{ hostJournal }, { owedBy }] = [await import('../hosts/journal.ts'), await import('../owed.ts')];
  try {
    const journal = hostJournal();
    const some = owedBy((await journal.look('unsettled')).runs, bootId);
    return some.length === 0 ? [] : owedBy(await journal.runs(), bootId);
  } catch {
    // Whoever changes the host is told of it there; to look at it needs no journal.
    return [];
  }
};
