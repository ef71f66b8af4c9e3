import type { Action, Step } from '../model.ts';
import { actionTitle } from './plan-text.ts';
import { isTolerated } from '../stopped.ts';
import { forLocale, safe } from './terminal.ts';

/** Shows steps as they end, and gives them back. Goes to standard error: results alone go to standard output. */
export const showSteps = (actions: readonly Action[], steps: AsyncIterable<Step>, fancy: boolean): Promise<readonly Step[]> =>
  fancy ? drawn(actions, steps) : plain(actions, steps);

/** One line per step, for logs, pipes and dumb terminals. */
const plain = async (actions: readonly Action[], steps: AsyncIterable<Step>): Promise<readonly Step[]> => {
  const done: Step[] = [];
  const announce = (): void => {
    const next = actions[done.length];
    if (next) process.stderr.write(`[${done.length + 1}/${actions.length}] ${actionTitle(next)} ... `);
  };
  announce();
  for await (const step of steps) {
    done.push(step);
    process.stderr.write(forLocale(`${wordFor(step)}\n${complaint(step)}`, process.env));
    if (step.status === 'done' || isTolerated(step)) announce();
  }
  return done;
};

/** A list that is drawn over, for a person at a terminal. */
const drawn = async (actions: readonly Action[], steps: AsyncIterable<Step>): Promise<readonly Step[]> => {
  const { Listr, ListrLogger, ProcessOutput } = await import('listr2');
  const done: Step[] = [];
  const iterator = steps[Symbol.asyncIterator]();
  const tasks = actions.map((action) => ({
    title: actionTitle(action),
    task: async (_context: unknown, task: { skip: (why: string) => void; output: string }) => {
      const next = await iterator.next();
      if (next.done) return task.skip('not run');
      done.push(next.value);
      if (next.value.status === 'failed' && !isTolerated(next.value)) throw new Error(wordFor(next.value));
    },
  }));
  const list = new Listr(tasks, {
    exitOnError: false,
    registerSignalListeners: false,
    fallbackRenderer: 'verbose',
    rendererOptions: {
      collapseErrors: false,
      logger: new ListrLogger({ useIcons: true, processOutput: new ProcessOutput(process.stderr, process.stderr) }),
    },
  });
  await list.run();
  for (const step of done) process.stderr.write(complaint(step));
  return done;
};

const wordFor = (step: Step): string =>
  step.status === 'done'
    ? 'done'
    : step.stopped
      ? step.stopped.begun
        ? 'interrupted'
        : 'not begun'
      : isTolerated(step)
        ? `exit code ${step.exitCode}; the verification decides`
        : step.exitCode === undefined
          ? 'failed'
          : `failed, exit code ${step.exitCode}`;

/** What a failed command said, and what is to be known of a file that was written, indented. */
const complaint = (step: Step): string =>
  (step.status === 'done' && step.action.do === 'run') || step.output.trim() === ''
    ? ''
    : `${safe(step.output.trim())
        .split('\n')
        .slice(-30)
        .map((line) => `    | ${line}`)
        .join('\n')}\n`;
