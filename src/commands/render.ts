import { existsSync, readFileSync } from 'node:fs';
import { defaultFile } from '../config.ts';
import { didYouMean, OperatorError } from '../errors.ts';
import type { Format, Said } from '../renders/format.ts';
import { formats } from '../renders/table.ts';
import { pathOption } from './folder.ts';
import { desiredOptions, texts } from './options.ts';
import type { Args, Command } from './options.ts';
import { printAsIs, settingsFrom } from './shared.ts';

declare const NODE_PREP_VERSION: string;

/** Prints the desired state for somebody else's tool. */
export const render: Command = {
  name: 'render',
  // In capitals, as another name than the --format of other commands.
  words: { '<FORMAT>': 'one of those' },
  about: `the same desired state for somebody else's tool: ${formats.map((f) => f.name).join(', ')}`,
  options: Object.assign({}, desiredOptions, ...formats.map((f) => f.options)) as Command['options'],
  run: async (args) => {
    const format = formats.find((f) => f.name === args.words[0]);
    if (!format) {
      throw didYouMean(
        `There is no format "${args.words[0]}".`,
        args.words[0] ?? '',
        formats.map((f) => f.name),
      );
    }
    requireOwnOptions(format, args);
    const { desired } = await settingsFrom(args);
    printAsIs((await format.render({ said: saidBy(args), desired, args, version: NODE_PREP_VERSION })).trimEnd());
    return 0;
  },
};

/** What is for another format would be left out without a word. */
const requireOwnOptions = (format: Format, args: Args): void => {
  const stray = formats
    .filter((f) => f !== format)
    .flatMap((f) => Object.keys(f.options))
    .find((name) => args.options[name] !== undefined && args.options[name] !== false && !Object.hasOwn(format.options, name));
  if (stray) throw new OperatorError(`--${stray} is not for ${format.name}.`, 'node-prep render --help says what each is for.');
};

const saidBy = (args: Args): Said => {
  const path = pathOption(args, 'config') ?? (existsSync(defaultFile) ? defaultFile : undefined);
  return {
    ...(path !== undefined && { config: readFileSync(path, 'utf8') }),
    words: Object.keys(desiredOptions).flatMap(wordsFor(args)),
  };
};

const wordsFor =
  (args: Args) =>
  (name: string): string[] =>
    name === 'config'
      ? []
      : args.options[name] === true
        ? [`--${name}`]
        : texts(args, name).flatMap((value) => [`--${name}`, value]);
