import { defaultFile, loadSettings, settingsIn } from '../config.ts';
import type { ConfigBytes } from '../config-read.ts';
import type { DesiredFlags, Settings } from '../config.ts';
import type { Outcome } from '../model.ts';
import { forLocale, safe, wantsColor } from '../views/terminal.ts';
import type { Style } from '../views/terminal.ts';
import { pathOption } from './folder.ts';
import { on, text, texts } from './options.ts';
import { isTerminal, writeError, writeOut } from './output.ts';
import type { Args } from './options.ts';
import { imageConfig } from './where.ts';

/** The settings that the arguments name; warnings go to standard error. */
export const settingsFrom = async (args: Args): Promise<Settings> =>
  warned(await loadSettings(await flagsFrom(args), new Date()));

/** The same with a configuration file that was read before. */
export const settingsWith = async (args: Args, config: ConfigBytes | undefined): Promise<Settings> =>
  warned(await settingsIn(await flagsFrom(args), config, new Date()));

const warned = (settings: Settings): Settings => {
  for (const warning of settings.warnings) note(warning);
  return settings;
};

/** What the arguments say about the desired state. */
export const flagsFrom = async (args: Args): Promise<DesiredFlags> => {
  const [config, ipFamilies] = [pathOption(args, 'config'), text(args, 'ip-families')];
  return {
    profiles: texts(args, 'profile'),
    waive: texts(args, 'waive'),
    allow: { takeOver: on(args, 'take-over'), rebootChanges: on(args, 'allow-reboot-changes') },
    ...(config !== undefined && { config }),
    defaultAt: await imageConfig(args, defaultFile),
    ...(ipFamilies !== undefined && { ipFamilies }),
  };
};

/** How text is to look on standard output. */
export const styleFrom = (args: Args): Style => ({
  color: wantsColor(text(args, 'color'), process.env, isTerminal),
  width: 80,
});

export const isJson = (args: Args): boolean => text(args, 'format') === 'json';

/** A result for people, on standard output. */
export const print = (result: string): void => printAsIs(forLocale(result, process.env));

/** A result for programs or files, on standard output: in UTF-8, whatever the locale. */
export const printAsIs = (result: string): void => writeOut(`${result}\n`);

/** A word to the operator, on standard error. */
export const note = (word: string): void => writeError(forLocale(`node-prep: ${safe(word)}\n`, process.env));

/** One host's outcomes as the document of --format json. */
export const printJson = async (command: string, outcomes: readonly Outcome[]): Promise<void> =>
  printAsIs((await import('../views/json.ts')).outcomesJson(command, outcomes));

export const detailFrom = (args: Args): 'normal' | 'verbose' => (on(args, 'verbose') ? 'verbose' : 'normal');
