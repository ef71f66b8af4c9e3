import { planHost } from '../apply.ts';
import { has } from '../plan.ts';
import { planText, summaryLine } from '../views/plan-text.ts';
import { desiredOptions, on, outputOptions, whereOptions } from './options.ts';
import type { Command } from './options.ts';
import { detailFrom, isJson, print, printJson, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Shows what would change and what stands in the way. */
export const plan: Command = {
  name: 'plan',
  about: 'show what would change and what stands in the way; changes nothing',
  options: {
    ...desiredOptions,
    ...whereOptions,
    ...outputOptions,
    'detailed-exitcode': { about: 'exit with 2 where changes are pending, 3 where something is blocked', type: 'boolean' },
  },
  run: async (args) => {
    const { desired } = await settingsFrom(args);
    const host = await hostFrom(args);
    const made = await planHost(host, desired);
    if (isJson(args)) await printJson('plan', [{ host: host.name, status: 'planned', plan: made }]);
    else if (on(args, 'quiet')) print(`${host.name}: ${summaryLine(made)}`);
    else print(await planText(host.name, made, desired.askedBy, detailFrom(args), styleFrom(args)));
    if (!on(args, 'detailed-exitcode')) return 0;
    return has(made, 'blocked') ? 3 : has(made, 'change') ? 2 : 0;
  },
};
