import { queryKey } from '../answers.ts';
import { questionsTo } from '../apply.ts';
import { jsonText } from '../views/json.ts';
import { desiredOptions, whereOptions } from './options.ts';
import type { Command } from './options.ts';
import { printAsIs, settingsFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Prints what was asked of the host and what it answered. */
export const facts: Command = {
  name: 'facts',
  about: 'what was asked of the host and what it answered, as JSON lines, for bug reports',
  options: { ...desiredOptions, ...whereOptions },
  run: async (args) => {
    const { desired } = await settingsFrom(args);
    const host = await hostFrom(args);
    const queries = questionsTo(host, desired);
    const answers = await host.probe(queries);
    for (const query of queries) printAsIs(jsonText({ query, answer: answers.get(queryKey(query)) }));
    return 0;
  },
};
