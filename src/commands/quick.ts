import type { Args, CliOption, Command } from './options.ts';

/**
 * Reads a plain, faultless call without yargs, which takes longer to load than a plan takes to make. Undefined for everything
 * else: help, completion, short options in one word and every mistake are yargs' to answer. Both read the same table of options.
 */
export const readQuickly = (
  words: readonly string[],
  commands: readonly Command[],
): { command: Command; args: Args } | undefined => {
  const command = commands.find((c) => c.name === words[0]);
  const given = command && scan(words, command);
  if (!given) return undefined;
  const takes = Object.keys(command.words ?? {});
  const needed = takes.filter((w) => w.startsWith('<')).length;
  const counted = given.words.length >= needed && given.words.length <= takes.length;
  return counted ? { command, args: given } : undefined;
};

const scan = (words: readonly string[], { options }: Command): Args | undefined => {
  const found: { words: string[]; options: { [name: string]: string | boolean | string[] } } = { words: [], options: {} };
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    if (!word.startsWith('-')) {
      found.words.push(word);
      continue;
    }
    const equals = word.startsWith('--') ? word.indexOf('=') : -1;
    const name = nameOf(equals < 0 ? word : word.slice(0, equals), options);
    const option = name === undefined ? undefined : options[name];
    if (name === undefined || !option || (option.type === 'boolean' && equals >= 0)) return undefined;
    const value = option.type === 'boolean' ? true : equals < 0 ? words[++i] : word.slice(equals + 1);
    if (!fits(value, option, equals >= 0)) return undefined;
    if (option.many) (found.options[name] = (found.options[name] ?? []) as string[]).push(value as string);
    else found.options[name] = value as string | boolean;
  }
  return found;
};

const nameOf = (word: string, options: Command['options']): string | undefined => {
  if (word.startsWith('--')) return Object.hasOwn(options, word.slice(2)) ? word.slice(2) : undefined;
  return word.length === 2 ? Object.keys(options).find((name) => options[name]?.short === word[1]) : undefined;
};

/** A value that looks like an option is perhaps a forgotten value; around one in quotes yargs takes them away. */
const fits = (value: string | boolean | undefined, option: CliOption, attached: boolean): boolean =>
  typeof value === 'boolean' ||
  (value !== undefined &&
    (attached || !value.startsWith('-')) &&
    !/^(['"]).*\1$/s.test(value) &&
    (!option.choices || option.choices.includes(value)));
