import { mergeQueries, overlay, queryKey } from './answers.ts';
import { forImage } from './image-actions.ts';
import type { Held, Translated } from './image-actions.ts';
import { merged } from './image-findings.ts';
import { imageLabelQueries, withImageLabels } from './image-labels.ts';
import { imageQueries, kernelsIn } from './knowledge/image.ts';
import type { Action, Answers, Claim, Desired, Image, Plan, Query, Requirement } from './model.ts';
import { claimsAbout, makePlan, queriesFor } from './plan.ts';

/** Everything to ask of the tree of an image, at once. */
export const queriesForImage = (desired: Desired, image: Image): Query[] =>
  mergeQueries([...queriesFor(desired), ...imageQueries(image), ...imageLabelQueries]);

/**
 * One plan for all kernels of an image: each is judged as though it were the one that boots, the worst verdict counts, and its
 * reading names the kernel. Pure, as `makePlan` is.
 */
export const planImage = (desired: Desired, answers: Answers, image: Image): Plan => {
  const kernels = kernelsIn(answers);
  const judged = (known: Answers): Plan[] =>
    (kernels.length > 0 ? kernels : ['']).map((kernel) => makePlan(desired, asBooted(known, kernel), image));
  const plans = judged(answers);
  const { actions, held } = actionsFor(desired, answers, image, kernels);
  const later = actions.length > 0 ? judged(overlay(answers, actions)) : plans;
  const { system, unread } = plans[0] as Plan;
  return {
    system: { ...system, kernels },
    ...(unread && { unread }),
    findings: merged(plans, later, kernels, held, desired),
    actions,
  };
};

/** All that speaks about a requirement in the files of an image, as its newest kernel will hear it. */
export const claimsOfImage = (requirement: Requirement, desired: Desired, answers: Answers, image: Image): readonly Claim[] =>
  claimsAbout(requirement, desired, asBooted(answers, kernelsIn(answers)[0] ?? ''), image).filter(
    ({ from }) => !/^\/(?:proc|run|sys)\//.test(from),
  );

/** The answers of a machine that was booted with that kernel. */
const asBooted = (answers: Answers, kernel: string): Answers =>
  new Map([
    ...answers,
    [
      queryKey({ ask: 'read', path: '/proc/sys/kernel/osrelease' }),
      kernel ? { status: 0, text: `${kernel}\n` } : { status: 1, text: '' },
    ],
  ]);

/** Each kernel's plan is made on top of what the others' plans write, so that one file comes to serve all of them. */
const actionsFor = (desired: Desired, answers: Answers, image: Image, kernels: readonly string[]): Translated => {
  const held = new Map<string, Held>();
  let all: readonly Action[] = [];
  for (const kernel of kernels.length > 0 ? kernels : ['']) {
    const known = overlay(answers, all);
    const translated = forImage(makePlan(desired, asBooted(known, kernel), image).actions, known, image);
    for (const [id, why] of translated.held) held.set(id, why);
    all = translated.actions.reduce(withAction, all);
  }
  return { actions: withImageLabels(all, answers, image), held };
};

/** Two writes of one file are one, from what is there to what comes of both; a command is run once. */
const withAction = (all: readonly Action[], action: Action): readonly Action[] => {
  const same = all.find((a) =>
    a.do === 'run'
      ? action.do === 'run' && JSON.stringify(a.argv) === JSON.stringify(action.argv)
      : action.do !== 'run' && a.path === action.path,
  );
  if (!same) return [...all, action];
  const ids = [...new Set([...same.for, ...action.for])];
  const both: Action =
    same.do === 'run' || action.do === 'run' ? { ...same, for: ids } : ({ ...action, before: same.before, for: ids } as Action);
  return all.map((a) => (a === same ? both : a));
};
