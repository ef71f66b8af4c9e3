import { claimsFrom, planFrom, questionsTo } from '../apply.ts';
import { didYouMean, OperatorError } from '../errors.ts';
import { askersOf, knownIds } from '../explain.ts';
import { moduleFact, moduleName } from '../knowledge/module-names.ts';
import { sysctlKey, sysctlPath } from '../knowledge/sysctl.ts';
import { idOf } from '../requirements.ts';
import { explainText } from '../views/explain-text.ts';
import { jsonText } from '../views/json.ts';
import { desiredOptions, outputOptions, whereOptions } from './options.ts';
import type { Command } from './options.ts';
import { isJson, print, printAsIs, settingsFrom, styleFrom } from './shared.ts';
import { hostFrom } from './where.ts';

/** Tells the story of one requirement. */
export const explain: Command = {
  name: 'explain',
  words: { '<id>': 'a requirement as a plan names it, such as sysctl/net.ipv4.ip_forward, or a module or key by its name' },
  about: 'one requirement: who asks for it, why, since when, and how this host stands',
  options: { ...desiredOptions, ...whereOptions, format: outputOptions.format, color: outputOptions.color },
  run: async (args) => {
    const id = idFrom(args.words[0] ?? '');
    const { desired } = await settingsFrom(args);
    const askers = askersOf(id);
    const wanted = desired.requirements.find((r) => idOf(r) === id);
    const requirement = wanted ?? askers[0]?.requirement ?? bareModule(id);
    // What these profiles do not ask for is looked at all the same: how the host stands is part of the story.
    const asked = { ...desired, requirements: wanted || !requirement ? desired.requirements : [requirement] };
    const host = await hostFrom(args);
    const answers = await host.probe(questionsTo(host, asked));
    const plan = planFrom(host, asked, answers);
    // Some findings nobody asks for: they come with what the host is.
    const finding = plan.findings.find((f) => f.id === id);
    if (!finding) throw unknownId(id);
    const story = {
      finding,
      wanted: wanted !== undefined || !requirement,
      askedBy: desired.askedBy,
      askers,
      actions: plan.actions.filter((a) => a.for.includes(id)),
      claims: requirement ? claimsFrom(host, requirement, asked, answers) : [],
      ...(plan.unread && { unread: plan.unread.filter(({ kinds }) => kinds.includes(finding.kind)) }),
    };
    if (isJson(args)) printAsIs(jsonText({ version: 1, command: 'explain', ...story }, 2));
    else print(explainText(story, styleFrom(args)));
    return 0;
  },
};

/** `module/br-netfilter` and `br_netfilter` mean the same as module/br_netfilter. */
const idFrom = (word: string): string => {
  const id = word.includes('/')
    ? word
    : (knownIds().find((known) => known.slice(known.indexOf('/') + 1) === moduleName(word)) ?? `module/${word}`);
  if (id.startsWith('sysctl/')) return `sysctl/${sysctlKey(sysctlPath(id.slice(7)))}`;
  return id.startsWith('module/') ? `module/${moduleName(id.slice(7))}` : id;
};

const bareModule = (id: string) => {
  const name = id.slice(7);
  return id.startsWith('module/') && Object.keys(moduleFact(name)).length > 0
    ? { kind: 'module' as const, name, because: [] }
    : undefined;
};

const unknownId = (id: string): OperatorError => {
  const { message, hint } = didYouMean(`Nothing is known of "${id}".`, id, knownIds());
  return new OperatorError(
    message,
    hint?.startsWith('Did you') ? hint.replace(/ Known: .*/s, '') : 'node-prep profiles show NAME lists the ids of a profile.',
  );
};
