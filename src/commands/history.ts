import { OperatorError } from '../errors.ts';
import { on, outputOptions } from './options.ts';
import type { Args, Command } from './options.ts';
import { isJson, note, print, printAsIs, styleFrom } from './shared.ts';

/** Lists the runs that changed this host, or tells all of one. */
export const history: Command = {
  name: 'history',
  words: { '[run]': 'the number of a run, to be told all of it' },
  about: 'the runs that changed this host; "history NUMBER" tells all of one',
  options: {
    format: outputOptions.format,
    color: outputOptions.color,
    verbose: { about: 'with a number: show what was changed, and all that was said', type: 'boolean', short: 'v' },
  },
  run: async (args) => {
    const { told, damage } = await readJournal();
    const word = args.words[0];
    const shown = word === undefined ? told : [await chosenOrTold(word, told, damage, args)];
    const { damageNote } = await import('../views/history-words.ts');
    if (isJson(args)) printAsIs((await import('../views/history-json.ts')).historyJson(shown, damage, word !== undefined));
    else {
      if (word === undefined) for (const one of damage) note(damageNote(one));
      print(await textOf(shown, word !== undefined, on(args, 'verbose'), styleFrom(args)));
    }
    return 0;
  },
};

const readJournal = async () => {
  const { hostJournal } = await import('../hosts/journal.ts');
  const { isUnderWay } = await import('../hosts/recover.ts');
  const { partlyUndoneBy, undoneBy } = await import('../journal/ended.ts');
  const { runs, damage } = await hostJournal().look();
  const [undone, partly] = [undoneBy(runs), partlyUndoneBy(runs)];
  return {
    told: runs.map((run) => ({
      run,
      undone: undone.get(run.id),
      partly: partly.get(run.id),
      busy: isUnderWay(run),
    })),
    damage,
  };
};

type Read = Awaited<ReturnType<typeof readJournal>>;

/** Whoever reads JSON is told there, too, that there is no such run. */
const chosenOrTold = async (
  word: string,
  told: Read['told'],
  damage: Read['damage'],
  args: Args,
): Promise<Read['told'][number]> => {
  try {
    return chosen(word, told, damage);
  } catch (error) {
    if (isJson(args)) printAsIs((await import('../views/history-json.ts')).historyJson([], damage, true));
    throw error;
  }
};

const chosen = (word: string, told: Read['told'], damage: Read['damage']): Read['told'][number] => {
  const id = /^\d{1,9}$/.test(word) ? Number(word) : undefined;
  const found = told.find(({ run }) => run.id === id);
  if (found) return found;
  const broken = damage.find((one) => one.id === id && id !== undefined);
  if (broken) throw new OperatorError(`Run ${word} cannot be read: ${broken.path}: ${broken.problem}.`, `Then ${broken.remedy}`);
  throw new OperatorError(
    id === undefined ? `"${word}" is no number of a run.` : `There is no run ${word}.`,
    'node-prep history lists those that there are.',
  );
};

const textOf = async (
  told: Read['told'],
  one: boolean,
  verbose: boolean,
  style: ReturnType<typeof styleFrom>,
): Promise<string> => {
  const { historyText, runText } = await import('../views/history-text.ts');
  if (told[0] === undefined) return 'No run has changed this host yet.';
  return one ? runText(told[0], verbose, style) : historyText(told, style);
};
