import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { planOwing, questionsTo } from '../apply.ts';
import type { ApplyOptions } from '../apply.ts';
import { configBytes } from '../config-read.ts';
import type { ConfigBytes } from '../config-read.ts';
import { configFileOf } from '../config.ts';
import { OperatorError } from '../errors.ts';
import { changesSince, newlyRead } from '../fingerprint-changes.ts';
import { fingerprintOf } from '../fingerprint.ts';
import type { Fingerprint } from '../fingerprint.ts';
import { readPlanFile, writePlanFile } from '../hosts/plan-file.ts';
import { identityQueries } from '../knowledge/identity.ts';
import { quoteAll } from '../knowledge/quote.ts';
import type { Answers, Desired, Host, Plan } from '../model.ts';
import type { Owing } from '../owed.ts';
import { digest, looksSaved, readSaved, savedText } from '../saved-plan.ts';
import type { SavedConfig, SavedPlan, SavedSettings } from '../saved-plan.ts';
import { localTime } from '../views/history-words.ts';
import { requirePath } from './folder.ts';
import { desiredOptions, on, text, texts, whereOptions } from './options.ts';
import type { Args } from './options.ts';
import { owingOf } from './owing.ts';
import { flagsFrom, note, settingsWith } from './shared.ts';
import { hostFrom } from './where.ts';

/** What is to be applied where. `agree`: see ApplyOptions. */
export type Target = { readonly host: Host; readonly desired: Desired; readonly agree?: NonNullable<ApplyOptions['agree']> };

/** The same arguments from whatever folder they are read: what is shown is what will be applied, and names the same files. */
export const fromAnywhere = (args: Args): Args => {
  const config = text(args, 'config');
  return config === undefined ? args : { ...args, options: { ...args.options, config: resolve(config) } };
};

/** Plans, and saves that plan as a file. `args` come from `fromAnywhere`. */
export const planAndSave = async (
  file: string,
  args: Args,
): Promise<{ readonly host: Host; readonly desired: Desired; readonly plan: Plan }> => {
  const config = await configNow(args);
  const { desired } = await settingsWith(args, config);
  const host = await hostFrom(args);
  const saved = await planToSave(host, desired, args, config, owingOf(host));
  if (writePlanFile(file, savedText(saved), looksSaved)) note(`${file} was an earlier plan; this one takes its place.`);
  return { host, desired, plan: saved.plan };
};

/** Plans, with all that has to be known of it later. */
export const planToSave = async (
  host: Host,
  desired: Desired,
  args: Args,
  config?: ConfigBytes,
  owing?: Owing,
): Promise<SavedPlan> => {
  const queries = questionsTo(host, desired);
  const answers = await host.probe([...queries, ...identityQueries]);
  const plan = await planOwing(host, desired, answers, owing);
  return {
    madeAt: new Date().toISOString(),
    host: host.name,
    settings: settingsOf(args, host),
    config: rememberedOf(config),
    fingerprint: fingerprintOf({ plan, answers, desired, queries }, digest),
    plan,
  };
};

/** How a plan that was saved is applied, in words that a shell takes. */
export const howToApply = (file: string): string =>
  quoteAll([...(process.geteuid?.() === 0 ? [] : ['sudo']), 'node-prep', 'apply', file]);

/** What a saved plan wants, to be planned anew; `agree` refuses where that comes out otherwise. Throws OperatorErrors. */
export const savedTarget = async (args: Args): Promise<Target> => {
  const file = args.words[0] ?? '';
  requirePath('The saved plan', file);
  requireNothingElse(args);
  const saved = readSaved(readPlanFile(file), file);
  const own = argsOf(saved.settings);
  const config = await configThen(own);
  const changed = configChange(saved.config, rememberedOf(config));
  if (changed) throw unfit(file, saved, [changed]);
  const { desired } = await settingsWith(own, config);
  const host = await hostFrom(own);
  return {
    host,
    desired,
    agree: (plan, answers) => {
      requireSame(file, saved, { host, desired }, plan, answers);
      if (!on(args, 'quiet')) note(`${file}, saved ${localTime(saved.madeAt)}, still fits: what follows is that plan.`);
    },
  };
};

/** Throws an OperatorError that names what changed, where a plan made now and all that it was made from is not as saved. */
export const requireSame = (file: string, saved: SavedPlan, { host, desired }: Target, plan: Plan, answers: Answers): void => {
  const is = fingerprintOf({ plan, answers, desired, queries: questionsTo(host, desired) }, digest);
  const changes = changesSince(saved.fingerprint, is);
  const same = JSON.stringify(plan.actions) === JSON.stringify(saved.plan.actions);
  if (same && changes.length === 0) return;
  const all = same || changes.length > 0 ? changes : [...newlyRead(saved.fingerprint, is), 'what there is to do is not the same'];
  const isDone = plan.actions.length === 0 && saved.plan.actions.length > 0;
  throw unfit(file, saved, all, isDone ? 'done' : lackedRights(saved.fingerprint, is) ? 'rights' : undefined);
};

/** Whether who planned could read less than who applies. */
const lackedRights = (was: Fingerprint, is: Fingerprint): boolean => !was.asRoot && is.asRoot && newlyRead(was, is).length > 0;

/** How many changes are named: the rest is most often more of the same. */
const mostNamed = 10;

const unfit = (file: string, { settings }: SavedPlan, changes: readonly string[], why?: 'done' | 'rights'): OperatorError => {
  const lines = changes.slice(0, mostNamed).map((change) => `  ${change.replace(/\s+/g, ' ').slice(0, 300)}`);
  const more = changes.length > mostNamed ? [`  and ${changes.length - mostNamed} more`] : [];
  const again = quoteAll([...(why === 'rights' ? ['sudo'] : []), 'node-prep', 'plan', ...wordsOf(settings), '--out', file]);
  const hint =
    why === 'done'
      ? `See how the host stands: ${quoteAll(['node-prep', 'verify', ...wordsOf(settings)])}`
      : why === 'rights'
        ? `Plan again, with the rights that apply has: ${again}`
        : `Plan again: ${again}`;
  const head =
    why === 'done'
      ? `${file} was applied already, it seems: nothing of it is left to do. Since it was made:`
      : `${file} no longer fits; nothing was touched. Since it was made:`;
  return new OperatorError([head, ...lines, ...more].join('\n'), hint);
};

const requireNothingElse = (args: Args): void => {
  const given = Object.keys({ ...desiredOptions, ...whereOptions }).filter(
    (name) => on(args, name) || texts(args, name).length > 0,
  );
  if (given.length > 0)
    throw new OperatorError(
      `A saved plan has its own ${given.map((name) => `--${name}`).join(', ')}.`,
      'Leave that out, or plan again with it: node-prep plan --out FILE',
    );
};

const settingsOf = (args: Args, { image }: Host): SavedSettings => {
  const [ipFamilies, config] = [text(args, 'ip-families'), text(args, 'config')];
  return {
    profiles: texts(args, 'profile'),
    waive: texts(args, 'waive'),
    takeOver: on(args, 'take-over'),
    rebootChanges: on(args, 'allow-reboot-changes'),
    ...(ipFamilies !== undefined && { ipFamilies }),
    ...(config !== undefined && { config }),
    ...(image && { root: image.root }),
  };
};

/** The arguments that these settings came from. */
const argsOf = ({ profiles, waive, takeOver, rebootChanges, ipFamilies, config, root }: SavedSettings): Args => ({
  words: [],
  options: {
    profile: profiles,
    waive,
    'take-over': takeOver,
    'allow-reboot-changes': rebootChanges,
    'ip-families': ipFamilies,
    config,
    root,
  },
});

const wordsOf = ({ profiles, waive, takeOver, rebootChanges, ipFamilies, config, root }: SavedSettings): string[] => [
  ...profiles.flatMap((profile) => ['-p', profile]),
  ...(config === undefined ? [] : ['-c', config]),
  ...(ipFamilies === undefined ? [] : ['--ip-families', ipFamilies]),
  ...waive.flatMap((waiver) => ['--waive', waiver]),
  ...(takeOver ? ['--take-over'] : []),
  ...(rebootChanges ? ['--allow-reboot-changes'] : []),
  ...(root === undefined ? [] : ['--root', root]),
];

/** The configuration file that counts now, read once for all that is made of it. Throws an OperatorError. */
const configNow = async (args: Args): Promise<ConfigBytes | undefined> => {
  const path = configFileOf(await flagsFrom(args));
  return path === undefined ? undefined : configBytes(path, true);
};

/** The same, where one that was there may be gone. */
const configThen = async (args: Args): Promise<ConfigBytes | undefined> => {
  const path = configFileOf(await flagsFrom(args));
  return path === undefined || !existsSync(path) ? undefined : configBytes(path, true);
};

const rememberedOf = (config: ConfigBytes | undefined): SavedConfig | null =>
  config ? { path: resolve(config.path), digest: digest(config.bytes) } : null;

const configChange = (was: SavedConfig | null, is: SavedConfig | null): string | undefined => {
  if (was?.path === is?.path && was?.digest === is?.digest) return undefined;
  if (was === null) return `the configuration file ${is?.path} is new`;
  return `the configuration file ${was.path} ${is === null ? 'is gone' : 'changed'}`;
};
