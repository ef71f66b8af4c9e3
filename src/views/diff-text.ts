import type { Action } from '../model.ts';
import { safe, safeLine, tint } from './terminal.ts';
import type { Style } from './terminal.ts';

/** Looking for the shortest way from one text to another takes the square of its length: so long a way is not worth seeing. */
const longestWay = 2000;

/** What a write or a removal changes in a file, line by line, as diff -u has it. */
export const diffText = async (action: Extract<Action, { do: 'write' | 'remove' }>, style: Style): Promise<string[]> => {
  const { createTwoFilesPatch } = await import('diff');
  const [before, after] = [action.before ?? '', action.do === 'write' ? action.after : ''];
  const path = safeLine(action.path);
  const [old, now] = [action.before === null ? '/dev/null' : path, action.do === 'write' ? path : '/dev/null'];
  const options = { context: 3, maxEditLength: longestWay };
  const patch = createTwoFilesPatch(old, now, before, after, undefined, undefined, options);
  if (patch === undefined) return [`--- ${old}`, `+++ ${now}`, `(${countOf(before)} lines become ${countOf(after)})`];
  return patch
    .split('\n')
    .filter((line) => line !== '' && !/^(=====|Index: )/.test(line))
    .map((line) => diffTint(safe(line.trimEnd()), style));
};

const countOf = (text: string): number => text.split('\n').length - 1;

const diffTint = (line: string, style: Style): string =>
  /^(\+\+\+|---)/.test(line)
    ? tint(style, 'bold', line)
    : line.startsWith('+')
      ? tint(style, 'green', line)
      : line.startsWith('-')
        ? tint(style, 'red', line)
        : line;
