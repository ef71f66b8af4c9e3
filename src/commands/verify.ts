import { planHost } from '../apply.ts';
import { has } from '../plan.ts';
import { findingsText } from '../views/plan-text.ts';
import { verdictLine } from '../views/verdict-line.ts';
import { desiredOptions, on, outputOptions, whereOptions } from './options.ts';
import type { Command } from './options.ts';
import { isJson, print, printJson, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Says in one line and an exit code whether the host is as wanted. */
export const verify: Command = {
  name: 'verify',
  about: 'one line and an exit code: 0 converged, 2 drifted, 3 blocked',
  options: { ...desiredOptions, ...whereOptions, ...outputOptions },
  run: async (args) => {
    const { desired } = await settingsFrom(args);
    const host = await hostFrom(args);
    const plan = await planHost(host, desired);
    if (isJson(args)) await printJson('verify', [{ host: host.name, status: 'planned', plan }]);
    else {
      print(verdictLine(host.name, plan));
      if (on(args, 'verbose')) print(findingsText(plan.findings, 'verbose', styleFrom(args)).join('\n'));
    }
    return has(plan, 'blocked') ? 3 : has(plan, 'change') ? 2 : 0;
  },
};
