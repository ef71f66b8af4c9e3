import { globMatches } from './glob.ts';
import type { Cut } from './glob.ts';

/** Whether a text matches a shell pattern whole, as fnmatch(3) without flags: `*`, `?` and `[...]`, also over slashes and dots. */
export const fnmatch = (pattern: string, text: string): boolean => globMatches(pattern, text, 'fnmatch', cut);

const cut: Cut = {
  token: /\[!?\]?[^\]]*\]|\\.|[^]/gu,
  piece: (token) => {
    if (token === '*' || token === '?') return token;
    if (token.length > 2 && token.startsWith('[')) return { set: classOf(token.slice(1, -1)) };
    return { sign: token.startsWith('\\') ? token.slice(1) : token };
  },
};

const classOf = (inner: string): string => {
  const negated = inner.startsWith('!') || inner.startsWith('^');
  const members = (negated ? inner.slice(1) : inner).replace(/[\\\]^]/g, '\\$&');
  return `[${negated ? '^' : ''}${members}]`;
};
