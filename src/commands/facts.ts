import { queryKey } from '../answers.ts';
import { localHost } from '../hosts/local.ts';
import { queriesFor } from '../plan.ts';
import { desiredOptions } from './options.ts';
import type { Command } from './options.ts';
import { printAsIs, settingsFrom } from './shared.ts';

/** Prints what was asked of the host and what it answered. */
export const facts: Command = {
  name: 'facts',
  about: 'what was asked of the host and what it answered, as JSON lines, for bug reports',
  options: desiredOptions,
  run: async (args) => {
    const { desired } = await settingsFrom(args);
    const queries = queriesFor(desired);
    const answers = await localHost().probe(queries);
    for (const query of queries) printAsIs(JSON.stringify({ query, answer: answers.get(queryKey(query)) }));
    return 0;
  },
};
