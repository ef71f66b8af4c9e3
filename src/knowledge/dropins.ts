import { listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';

/**
 * Directories of drop-in files in falling order of precedence: of two files with one name, only the one in the earlier
 * directory counts (sysctl.d(5), modules-load.d(5), modprobe.d(5)). /lib stands for hosts where it is no link to /usr/lib.
 */
const roots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'] as const;

/** What to ask in order to know the files NAME.d/*.conf of a host. */
export const dropinQueries = (name: string): Query[] => roots.map((root) => ({ ask: 'list', glob: dropinGlob(root, name) }));

/** The same for hidden files, which systemd passes over and procps reads. The glob matches more: look at the ending. */
export const hiddenDropinQueries = (name: string): Query[] =>
  roots.map((root) => ({ ask: 'list', glob: `${root}/${name}.d/.*conf` }));

/**
 * The files of NAME.d that count, in the order in which they are read. `skip`: a path to leave out, as if it were not there.
 */
export const dropins = (answers: Answers, name: string, skip?: string): FoundFile[] =>
  dropinsOf(roots.flatMap((root) => listed(answers, dropinGlob(root, name))).filter((file) => file.path !== skip));

/**
 * Of drop-in files those that count, in the order in which they are read: by file name, whatever their directory; a name in an
 * earlier directory masks the same name in a later one, and a link to nowhere or to /dev/null, an empty file or a directory of
 * that name masks with nothing.
 */
export const dropinsOf = (files: readonly FoundFile[]): FoundFile[] => {
  const byName = new Map<string, FoundFile>();
  const rank = ({ path }: FoundFile): number => roots.findIndex((root) => path.startsWith(`${root}/`));
  for (const file of [...files].sort((a, b) => rank(a) - rank(b))) {
    if (!byName.has(baseName(file.path))) byName.set(baseName(file.path), file);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
};

const dropinGlob = (root: string, name: string): string => `${root}/${name}.d/*.conf`;

/** The last segment of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
