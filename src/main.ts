import { readQuickly } from './commands/quick.ts';
import { commands } from './commands/table.ts';
import { OperatorError } from './errors.ts';
import { safe } from './views/terminal.ts';

declare const NODE_PREP_VERSION: string;

/**
 * Runs the command line and sets the exit code. Mistakes of the operator are a message and a hint; anything else that is thrown
 * is a bug and may crash. `--version` alone is answered by the loader, which reads nothing for it.
 */
export const main = (words: readonly string[]): void => {
  watchOutput();
  void run(words).then((code) => {
    process.exitCode ||= code;
  });
};

const run = async (words: readonly string[]): Promise<number> => {
  try {
    const quick = readQuickly(words, commands);
    if (quick) return await quick.command.run(quick.args);
    return await (await import('./commands/yargs.ts')).runYargs(words, commands, NODE_PREP_VERSION);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    process.stderr.write(`node-prep: ${safe(error.message)}\n${error.hint ? `  ${safe(error.hint)}\n` : ''}`);
    // To node-problem-detector, 1 would be a problem of the host; 2 says that nothing is known.
    return words.includes('--problem-detector') ? 2 : 1;
  }
};

const watchOutput = (): void => {
  // A reader that goes away (node-prep plan | head) is no error of ours; that a result cannot be written is.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') return;
    process.stderr.write(`node-prep: the result could not be written: ${error.code}\n`);
    process.exitCode = 1;
  });
  // Work that has begun is not given up because nobody reads how it goes.
  process.stderr.on('error', () => undefined);
};
