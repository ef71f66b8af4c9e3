/** A mistake of the operator or a limit of the machine: shown as message and hint, exit code 1, no stack trace. */
export class OperatorError extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'OperatorError';
    this.hint = hint;
  }
}

/** The name among `known` that is nearest to a mistyped one (at most a third of its letters away), if any. */
export const nearest = (word: string, known: readonly string[]): string | undefined => {
  const ranked = known
    .map((name) => ({ name, far: distance(word.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.far - b.far);
  const best = ranked[0];
  return best && best.far <= Math.max(2, Math.floor(word.length / 3)) ? best.name : undefined;
};

/** `message`, and where a name is near enough, the question whether that was meant. */
export const didYouMean = (message: string, word: string, known: readonly string[]): OperatorError => {
  const near = nearest(word, known);
  return new OperatorError(message, near ? `Did you mean "${near}"? Known: ${known.join(', ')}.` : `Known: ${known.join(', ')}.`);
};

/** Levenshtein's distance. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const swap = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min((row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1, swap));
    }
    row = next;
  }
  return row[b.length] ?? 0;
};
