/** Whether both programs take a path for a pattern: GLOB_CHARS of procps's sysctl.c and of systemd's glob-util.c. */
export const isGlob = (path: string): boolean => /[*?[]/.test(path);

/**
 * The path as glob(3) spells it where `glob` matches it, undefined where it does not. The spelling differs from the path in
 * repeated slashes, which stay as they are in the pattern; a closing slash is dropped.
 */
export const globbed = (glob: string, path: string): string | undefined => {
  const parts = glob.replace(/\/$/, '').split(/(\/+)/);
  const names = path.split('/');
  let next = 0;
  let spelt = '';
  for (const part of parts) {
    if (/^\/+$/.test(part) || part === '') spelt += part;
    else {
      const name = names[next++];
      if (name === undefined || !segmentPattern(part).test(name)) return undefined;
      spelt += name;
    }
  }
  return next === names.length ? spelt : undefined;
};

/** A segment of a glob(7) as an anchored pattern; one that matches nothing where a range is empty, as [z-a]. */
const segmentPattern = (segment: string): RegExp => {
  try {
    return new RegExp(`^${segment.replace(token, translate)}$`, 's');
  } catch {
    return /(?!)/;
  }
};

/** What stands for something else in a glob: an escaped sign, a bracket expression, a wildcard; and what would in a RegExp. */
const token = /\\(.)|\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]|[*?]|[\\^$.|+()[\]{}]/gs;

const translate = (whole: string, escaped?: string, not?: string, set?: string): string => {
  if (escaped !== undefined) return escape(escaped);
  if (set !== undefined) return `[${not ? '^' : ''}${classOf(set)}]`;
  return whole === '*' ? '.*' : whole === '?' ? '.' : escape(whole);
};

const classOf = (set: string): string =>
  set.replace(/\[:([a-z]+):\]|\\(.)|[\]\\^[]/gs, (whole: string, name?: string, escaped?: string) =>
    name === undefined ? escape(escaped ?? whole) : (classes[name] ?? ''),
  );

const classes: { readonly [name: string]: string } = {
  alpha: 'A-Za-z',
  digit: '0-9',
  alnum: 'A-Za-z0-9',
  lower: 'a-z',
  upper: 'A-Z',
  xdigit: '0-9A-Fa-f',
  space: '\\s',
  punct: '!-\\/:-@\\[-`{-~',
};

const escape = (sign: string): string => (/[\\^$.|?*+()[\]{}/-]/.test(sign) ? `\\${sign}` : sign);
