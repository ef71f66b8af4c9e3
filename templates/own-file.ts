/** The head of every file that node-prep owns: `#` is a comment in all of their formats. */
export const header = (purpose: string, askedBy: readonly string[]): string[] => [
  `# Written by node-prep: ${purpose}.`,
  // A name with a line end in it must not become a line of its own.
  ...askedBy.map((by) => `# Wanted by ${by.replace(/[\x00-\x1f\x7f]/g, '?')}`),
  '# Change it with node-prep apply; put your own lines elsewhere.',
];

/** Lines that an earlier run wrote and the present one does not ask for: dropping them could break what relies on them. */
export const keptLines = (lines: readonly string[]): string[] =>
  lines.length === 0 ? [] : ['# Kept from an earlier run; delete what nothing needs any more:', ...lines];
