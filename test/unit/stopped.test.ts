import { describe, expect, test } from 'vitest';
import { cutShort } from '../../src/stopped.ts';
import type { Action, Step } from '../../src/model.ts';
import { problemText } from '../../src/views/problem-text.ts';

const run = (why: string, judgedBy?: 'verify'): Action => ({
  do: 'run',
  argv: ['x'],
  why,
  for: [],
  ...(judgedBy && { judgedBy }),
});
const actions = [run('one'), run('two', 'verify'), run('three'), run('four')];
const step = (at: number, more: Partial<Step> = {}): Step => ({
  action: actions[at] ?? run(''),
  status: 'done',
  output: '',
  ...more,
});
const failed = { status: 'failed', exitCode: 1 } as const;

describe('why not all of a plan was done, and what was not', () => {
  test('nothing is said where all was done, a failure that proves nothing included', () => {
    expect(cutShort(actions, [step(0), step(1, failed), step(2), step(3)])).toBeUndefined();
  });

  test('a step that failed is the first that is not done', () => {
    expect(cutShort(actions, [step(0), step(1), step(2, failed)])).toEqual({
      problem: 'a step failed; the steps after it were not run',
      notDone: actions.slice(2),
    });
  });

  test('a signal before a step: those before it are done', () => {
    expect(cutShort(actions, [step(0), step(1, { status: 'failed', stopped: { by: 'SIGINT', begun: false } })])).toEqual({
      problem: 'stopped by SIGINT: 1 of 4 steps done',
      notDone: actions.slice(1),
    });
  });

  test('a step that was interrupted is not done, although its exit code proves nothing', () => {
    const steps = [
      step(0),
      step(1, { ...failed, stopped: { by: 'SIGTERM', begun: true } }),
      step(2, { status: 'failed', stopped: { by: 'SIGTERM', begun: false } }),
    ];
    expect(cutShort(actions, steps)).toEqual({
      problem: 'stopped by SIGTERM: 1 of 4 steps done; the step that ran was interrupted',
      notDone: actions.slice(1),
    });
  });

  test('in words the steps are named as the plan names them, with no sign that could fool a terminal', () => {
    const notDone = [run('three\u001b[2J'), run('four')];
    expect(problemText({ host: 'local', status: 'failed', problem: 'stopped by SIGINT: 1 of 3 steps done', notDone })).toBe(
      'stopped by SIGINT: 1 of 3 steps done; not done: three?[2J; four',
    );
  });
});
