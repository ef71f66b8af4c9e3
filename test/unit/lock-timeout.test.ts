import { expect, test } from 'vitest';
import { secondsOf } from '../../src/commands/lock.ts';
import { OperatorError } from '../../src/errors.ts';

test.each([
  ['0', 0],
  ['90', 90],
  ['30s', 30],
  ['5m', 300],
  ['1h30m', 5400],
  ['24h', 86_400],
])('--lock-timeout %s is %i seconds', (duration, seconds) => {
  expect(secondsOf(duration)).toBe(seconds);
});

test.each(['soon', '-1', '5 m', '1.5h', '25h', '', '1m1h', '9999999'])('--lock-timeout %j is refused in words', (duration) => {
  expect(() => secondsOf(duration)).toThrow(OperatorError);
  expect(() => secondsOf(duration)).toThrow(`--lock-timeout ${duration} is no duration`);
});
