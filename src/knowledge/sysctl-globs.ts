import { globMatches } from './glob.ts';
import type { Cut } from './glob.ts';

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
      if (name === undefined || !globMatches(part, name, 'sysctl', cut)) return undefined;
      spelt += name;
    }
  }
  return next === names.length ? spelt : undefined;
};

/** A segment of a glob(7): what stands for something else is an escaped sign, a bracket expression or a wildcard. */
const cut: Cut = {
  token: /\\(.)|\[([!^]?)(\]?(?:\[:[a-z]+:\]|\\.|[^\]\\])*)\]|[^]/gsu,
  piece: (whole, [escaped, not, set]) => {
    if (escaped !== undefined) return { sign: escaped };
    if (set !== undefined) return { set: `[${not ? '^' : ''}${classOf(set)}]` };
    return whole === '*' || whole === '?' ? whole : { sign: whole };
  },
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
