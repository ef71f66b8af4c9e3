import { isWritten, watchStreams, writeError, writeOut } from './commands/output.ts';
import { leaveRemovedFolder } from './commands/folder.ts';
import { readQuickly } from './commands/quick.ts';
import { commands } from './commands/table.ts';
import { OperatorError } from './errors.ts';
import { unknownBecause } from './views/problem-line.ts';
import { forLocale, safe } from './views/terminal.ts';

declare const NODE_PREP_VERSION: string;

/**
 * Runs the command line and sets the exit code. Mistakes of the operator are a message and a hint; anything else that is thrown
 * is a bug and may crash. `--version` alone is answered by the loader, which reads nothing for it.
 * Gives whether all is written: then the process need not wait for anything.
 */
export const main = async (words: readonly string[]): Promise<boolean> => {
  leaveRemovedFolder();
  const code = await run(words);
  process.exitCode ||= code;
  if (process.exitCode !== code && isForDetector(words)) process.exitCode = unknownToDetector;
  return isWritten();
};

const run = async (words: readonly string[]): Promise<number> => {
  try {
    const quick = readQuickly(words, commands);
    if (quick) return await quick.command.run(quick.args);
    watchStreams();
    return await (await import('./commands/yargs.ts')).runYargs(words, commands, NODE_PREP_VERSION);
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    writeError(forLocale(`node-prep: ${safe(error.message)}\n${error.hint ? `  ${safe(error.hint)}\n` : ''}`, process.env));
    if (!isForDetector(words)) return 1;
    writeOut(`${unknownBecause(error.message).line}\n`);
    return unknownToDetector;
  }
};

/** To node-problem-detector, 1 would be a problem of the host; 2 says that nothing is known. */
const unknownToDetector = 2;
const isForDetector = (words: readonly string[]): boolean => words.some((word) => word.split('=')[0] === '--problem-detector');
