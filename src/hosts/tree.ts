import { lstatSync, readlinkSync } from 'node:fs';
import type { Place } from './place.ts';

/** What the kernel and the running system fill: in the tree of an image they count as absent, also where they are mounted in. */
const ofTheKernel: ReadonlySet<string> = new Set(['proc', 'sys', 'run', 'dev']);

/** As many links as the kernel follows (path_resolution(7)). */
const mostLinks = 40;

/**
 * The files below a folder, as they would be found were it `/`: an absolute link starts there again, and no `..` climbs out of it.
 * `root` has no link in it. Nothing may change the tree meanwhile: each part is looked at on its own.
 */
export const treePlace = (root: string): Place => ({
  at: (path) => resolved(root, path, false),
  behind: (path) => resolved(root, path, true),
  modes: true,
});

const resolved = (root: string, path: string, follow: boolean): string => {
  let [open, done] = [partsOf(path), [] as readonly string[]];
  let [links, gone] = [0, false];
  for (let part = open[0]; part !== undefined; part = open[0]) {
    open = open.slice(1);
    if (part === '..') {
      if (gone) throw errorOf('ENOENT', path);
      done = done.slice(0, -1);
      continue;
    }
    const next = [...done, part];
    if (next.length === 1 && ofTheKernel.has(part)) throw errorOf('ENOENT', path);
    const target = open.length > 0 || follow ? linkAt(below(root, next)) : undefined;
    gone ||= target === null;
    if (typeof target !== 'string') done = next;
    else {
      if (++links > mostLinks) throw errorOf('ELOOP', path);
      if (target.startsWith('/')) done = [];
      open = [...partsOf(target), ...open];
    }
  }
  return below(root, done);
};

const partsOf = (path: string): readonly string[] => path.split('/').filter((part) => part !== '' && part !== '.');

const below = (root: string, parts: readonly string[]): string => [root, ...parts].join('/');

/** A link's target; undefined where it is no link, null where nothing is there. */
const linkAt = (path: string): string | undefined | null => {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  return stat === undefined ? null : stat.isSymbolicLink() ? readlinkSync(path) : undefined;
};

const errorOf = (code: string, path: string): Error => Object.assign(new Error(`${code}: ${path}`), { code });
