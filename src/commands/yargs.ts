import yargs from 'yargs';
import type { Argv as Yargs, Options } from 'yargs';
import { didYouMean, OperatorError } from '../errors.ts';
import type { Args, CliOption, Command } from './options.ts';

/** Answers a call in full: help, version, completion, mistakes, and the command itself. Gives the exit code. */
export const runYargs = async (words: readonly string[], commands: readonly Command[], version: string): Promise<number> => {
  // yargs would leave out what comes after it: an apply of another plan than the one that was named.
  if (words.includes('--'))
    throw new OperatorError('"--" is not understood here.', 'A file whose name begins with a dash is written ./-name.');
  let code: Promise<number> | undefined;
  const parser = commands.reduce<Yargs>(
    (y, command) =>
      y.command(
        [command.name, ...Object.keys(command.words ?? {})].join(' '),
        command.about,
        (builder) => declare(builder, command),
        (argv) => {
          code = command.run(toArgs(argv, command));
        },
      ),
    start(words, commands, version),
  );
  await parser.parseAsync();
  return (await code) ?? 0;
};

const start = (words: readonly string[], commands: readonly Command[], version: string): Yargs =>
  yargs([...words])
    .scriptName('node-prep')
    .locale('en')
    .usage('$0 COMMAND [OPTIONS]\n\nMakes a Linux host ready to be a Kubernetes node that runs Istio and Calico.')
    .epilogue('Exit codes: 0 done or converged, 1 could not work, 2 drifted (verify), 3 blocked.')
    .version(version)
    .help()
    .alias('help', 'h')
    .completion('completion', 'print a completion script for bash or zsh')
    .strict()
    .demandCommand(1, 1, 'Say what to do.', 'One command at a time.')
    .wrap(80)
    .fail((message, error) => {
      // yargs' own errors are mistakes of the operator too.
      throw error && error.name !== 'YError' ? error : complaint(message, words, commands);
    });

/** yargs' words in ours, with the name that was perhaps meant. */
const complaint = (message: string, words: readonly string[], commands: readonly Command[]): OperatorError => {
  const stray = /^Unknown (?:argument|command)s?: (.*)$/.exec(message)?.[1]?.split(', ')[0];
  const command = commands.find((c) => c.name === words.find((w) => !w.startsWith('-')));
  if (stray === undefined) return new OperatorError(message, `See node-prep ${command ? `${command.name} ` : ''}--help.`);
  if (command && words.includes(stray))
    return new OperatorError(
      `${command.name} takes ${command.words ? `no more than ${Object.keys(command.words).join(' ')}` : 'no words'}: "${stray}" is too much.`,
      `See node-prep ${command.name} --help.`,
    );
  if (!command)
    return didYouMean(
      `There is no command "${stray}".`,
      stray,
      commands.map((c) => c.name),
    );
  return didYouMean(`${command.name} knows nothing of "${stray}".`, stray, Object.keys(command.options));
};

const declare = (builder: Yargs, command: Command): Yargs => {
  const withWords = Object.entries(command.words ?? {}).reduce<Yargs>(
    (y, [word, about]) => y.positional(word.replace(/[<>[\]]/g, ''), { type: 'string', describe: about }),
    builder,
  );
  return Object.entries(command.options).reduce<Yargs>((y, [name, option]) => y.option(name, toYargs(option)), withWords);
};

const toYargs = (option: CliOption): Options => ({
  type: option.type,
  describe: option.placeholder ? `${option.about} ${option.placeholder}` : option.about,
  ...(option.short && { alias: option.short }),
  // One value per flag: "-p kubernetes plan.yaml" must not swallow the next word.
  ...(option.many ? { array: true, nargs: 1 } : {}),
  ...(option.choices && { choices: option.choices }),
  ...(option.type === 'string' ? { requiresArg: true } : {}),
  // Given twice, the last one counts.
  ...(option.type === 'string' && !option.many
    ? { coerce: (value: unknown) => (Array.isArray(value) ? value.at(-1) : value) }
    : {}),
});

const toArgs = (argv: { readonly [key: string]: unknown }, command: Command): Args => ({
  words: Object.keys(command.words ?? {}).flatMap((word) => {
    const value = argv[word.replace(/[<>[\]]/g, '')];
    return typeof value === 'string' ? [value] : [];
  }),
  options: Object.fromEntries(Object.keys(command.options).map((name) => [name, argv[name] as Args['options'][string]])),
});
