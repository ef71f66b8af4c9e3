import { planHost } from '../apply.ts';
import type { Desired, Host, Plan } from '../model.ts';
import { has } from '../plan.ts';
import { planText, summaryLine } from '../views/plan-text.ts';
import { pathOption } from './folder.ts';
import { desiredOptions, on, outputOptions, whereOptions } from './options.ts';
import type { Args, Command } from './options.ts';
import { owingOf } from './owing.ts';
import { detailFrom, isJson, note, print, printJson, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Shows what would change and what stands in the way. */
export const plan: Command = {
  name: 'plan',
  about: 'show what would change and what stands in the way; changes nothing',
  options: {
    ...desiredOptions,
    ...whereOptions,
    ...outputOptions,
    out: { about: 'also save the plan: apply FILE does exactly that, later', type: 'string', placeholder: 'FILE' },
    'detailed-exitcode': { about: 'exit with 2 where changes are pending, 3 where something is blocked', type: 'boolean' },
  },
  run: async (given) => {
    const out = pathOption(given, 'out');
    // Loaded only where it is wanted: most plans are looked at and forgotten.
    const saved = out === undefined ? undefined : await import('./saved.ts');
    const args = saved?.fromAnywhere(given) ?? given;
    const { host, desired, plan: made } = await (saved && out !== undefined ? saved.planAndSave(out, args) : planned(args));
    if (isJson(args)) await printJson('plan', [{ host: host.name, status: 'planned', plan: made }]);
    else if (on(args, 'quiet')) print(`${host.name}: ${summaryLine(made)}`);
    else print(await planText(host.name, made, desired.askedBy, detailFrom(args), styleFrom(args)));
    if (saved && out !== undefined) note(`saved as ${out}; exactly this is done by: ${saved.howToApply(out)}`);
    if (!on(args, 'detailed-exitcode')) return 0;
    return has(made, 'blocked') ? 3 : has(made, 'change') ? 2 : 0;
  },
};

const planned = async (args: Args): Promise<{ readonly host: Host; readonly desired: Desired; readonly plan: Plan }> => {
  const { desired } = await settingsFrom(args);
  const host = await hostFrom(args);
  return { host, desired, plan: await planHost(host, desired, owingOf(host)) };
};
