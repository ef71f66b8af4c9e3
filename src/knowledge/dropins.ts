import { listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';

/**
 * Directories of drop-in files in falling order of precedence: of two files with one name, only the one in the earlier
 * directory counts (sysctl.d(5), modules-load.d(5), modprobe.d(5)). /lib stands for hosts where it is no link to /usr/lib.
 */
const roots = ['/etc', '/run', '/usr/local/lib', '/usr/lib', '/lib'] as const;

/** What to ask in order to know the files NAME.d/*.conf of a host. */
export const dropinQueries = (name: string): Query[] => roots.map((root) => ({ ask: 'list', glob: dropinGlob(root, name) }));

/**
 * The files of NAME.d that count, in the order in which they are read: by file name, whatever their directory; a name in an
 * earlier directory masks the same name in a later one, and a link to /dev/null or an empty file masks with nothing.
 * `skip`: a path to leave out, as if it were not there.
 */
export const dropins = (answers: Answers, name: string, skip?: string): FoundFile[] => {
  const byName = new Map<string, FoundFile>();
  for (const file of roots.flatMap((root) => listed(answers, dropinGlob(root, name)))) {
    if (file.path !== skip && !byName.has(baseName(file.path))) byName.set(baseName(file.path), file);
  }
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file);
};

const dropinGlob = (root: string, name: string): string => `${root}/${name}.d/*.conf`;

/** The last segment of a path. */
export const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
