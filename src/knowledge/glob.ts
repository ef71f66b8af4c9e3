/** One piece of a pattern: `*`, or what one sign has to be. */
type Piece = '*' | ((sign: string) => boolean);

/** No name that is asked for here is a hundredth as long: such a pattern is there to be slow. */
const longest = 4096;

/** The same few patterns are held against many names. */
const known = new Map<string, readonly Piece[] | undefined>();
const mostKnown = 10_000;

/**
 * Whether a text matches a shell pattern whole, in time that grows with both lengths and no faster, however many stars there are.
 * `dialect` names who cuts the pattern: `cut` finds its signs and sets with a regular expression and says what a set holds.
 */
export const globMatches = (pattern: string, text: string, dialect: string, cut: Cut): boolean => {
  if (pattern.length > longest) return false;
  const key = `${dialect} ${pattern}`;
  if (!known.has(key)) {
    if (known.size >= mostKnown) known.clear();
    known.set(key, piecesOf(pattern, cut));
  }
  const pieces = known.get(key);
  return pieces !== undefined && walk(pieces, [...text]);
};

/** `token`: a global expression of all signs; `setOf`: the inside of a set as a regular expression has it, or the sign itself. */
export type Cut = {
  readonly token: RegExp;
  readonly piece: (
    token: string,
    groups: readonly (string | undefined)[],
  ) => { readonly set: string } | { readonly sign: string } | '*' | '?';
};

/** Undefined where a range runs backwards, as [z-a]: that matches nothing. */
const piecesOf = (pattern: string, { token, piece }: Cut): readonly Piece[] | undefined => {
  const pieces: Piece[] = [];
  try {
    for (const [whole, ...groups] of pattern.matchAll(token)) {
      const found = piece(whole, groups);
      if (found === '*') {
        if (pieces.at(-1) !== '*') pieces.push('*');
      } else if (found === '?') pieces.push(() => true);
      else if ('sign' in found) for (const sign of found.sign) pieces.push((one) => one === sign);
      else {
        const set = new RegExp(`^${found.set}$`, 's');
        pieces.push((one) => set.test(one));
      }
    }
  } catch {
    return undefined;
  }
  return pieces;
};

/** Only the last star ever has to take more: what the stars before it took is as good as any. */
const walk = (pieces: readonly Piece[], signs: readonly string[]): boolean => {
  let [piece, at, star, from] = [0, 0, -1, 0];
  while (at < signs.length) {
    const now = pieces[piece];
    if (now === '*') {
      [star, from] = [piece, at];
      piece += 1;
    } else if (now !== undefined && now(signs[at] ?? '')) {
      piece += 1;
      at += 1;
    } else if (star >= 0) {
      from += 1;
      [piece, at] = [star + 1, from];
    } else return false;
  }
  return pieces.slice(piece).every((rest) => rest === '*');
};
