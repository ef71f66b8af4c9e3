/**
 * Where a host's files are on this machine. `at`: the place of a path whose last part may be a link, `behind`: of what it leads to;
 * both throw as lstat(2) would where a part on the way is not there. `modes`: lists tell what may be executed.
 */
export type Place = {
  readonly at: (path: string) => string;
  readonly behind: (path: string) => string;
  readonly modes?: true;
};

/** This machine itself. */
export const here: Place = { at: (path) => path, behind: (path) => path };
