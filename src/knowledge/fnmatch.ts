/** Whether a text matches a shell pattern whole, as fnmatch(3) without flags: `*`, `?` and `[...]`, also over slashes and dots. */
export const fnmatch = (pattern: string, text: string): boolean => {
  try {
    return new RegExp(`^${regexOf(pattern)}$`, 's').test(text);
  } catch {
    // A range that runs backwards, as [z-a], matches nothing.
    return false;
  }
};

const regexOf = (pattern: string): string =>
  pattern.replace(/\[!?\]?[^\]]*\]|\\.|[^]/g, (token) => {
    if (token === '*') return '.*';
    if (token === '?') return '.';
    if (token.length > 2 && token.startsWith('[')) return classOf(token.slice(1, -1));
    return (token.startsWith('\\') ? token.slice(1) : token).replace(/[\\^$.|?*+()[\]{}/]/g, '\\$&');
  });

const classOf = (inner: string): string => {
  const negated = inner.startsWith('!') || inner.startsWith('^');
  const members = (negated ? inner.slice(1) : inner).replace(/[\\\]^]/g, '\\$&');
  return `[${negated ? '^' : ''}${members}]`;
};
