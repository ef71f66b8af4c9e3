/** A word as a POSIX shell reads it back unchanged. The only way by which words get into shell text. */
export const quote = (word: string): string =>
  /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** A command as a person can paste it into a shell. */
export const quoteAll = (argv: readonly string[]): string => argv.map(quote).join(' ');
