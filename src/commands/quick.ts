import { parseArgs } from 'node:util';
import type { Args, Command } from './options.ts';

/**
 * Reads a plain, faultless call without yargs, which takes longer to load than a plan takes to make. Undefined for everything
 * else: help, completion and every mistake are yargs' to answer. Both read the same table of options.
 */
export const readQuickly = (
  words: readonly string[],
  commands: readonly Command[],
): { command: Command; args: Args } | undefined => {
  const command = commands.find((c) => c.name === words[0]);
  if (!command) return undefined;
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, o]) => [
      name,
      { type: o.type, ...(o.short && { short: o.short }), ...(o.many && { multiple: true }) },
    ]),
  );
  try {
    const { values, positionals } = parseArgs({ args: words.slice(1), options, allowPositionals: true, strict: true });
    const fits = Object.entries(command.options).every(
      ([name, o]) => !o.choices || values[name] === undefined || o.choices.includes(String(values[name])),
    );
    const needed = (command.words ?? []).filter((w) => w.startsWith('<')).length;
    const counted = positionals.length >= needed && positionals.length <= (command.words ?? []).length;
    return fits && counted ? { command, args: { words: positionals, options: values as Args['options'] } } : undefined;
  } catch {
    return undefined;
  }
};
