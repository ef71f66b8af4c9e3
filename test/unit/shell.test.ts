import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quote, quoteAll } from '../../src/knowledge/quote.ts';

const shells = ['/bin/dash', '/bin/bash', '/bin/busybox', '/bin/mksh', '/bin/sh'].filter((path) => existsSync(path));
const nasty = fc.constantFrom(
  "'",
  '"',
  '\\',
  '$',
  '`',
  '$(x)',
  '!',
  '*',
  '?',
  '[a]',
  '~',
  ';',
  '&',
  '|',
  '\n',
  '\t',
  ' ',
  '-n',
  '%s',
  '\\n',
  '{a,b}',
  '#',
  '=',
  '(',
  ')',
  '<',
  '>',
  '',
  'é',
  '\u2028',
);
const word = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 20 }).filter((s) => !s.includes('\0')),
  fc.array(nasty, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary-ascii', maxLength: 12 }).filter((s) => !s.includes('\0')),
);

test.each(shells)('%s reads every quoted word back unchanged', (shell) => {
  const prefix = shell.endsWith('busybox') ? ['sh'] : [];
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
      const ran = spawnSync(shell, [...prefix, '-c', `printf '%s\\0' ${quoteAll(words)}`], { stdio: ['ignore', 'pipe', 'pipe'] });
      expect(ran.stdout.toString('utf8').split('\0').slice(0, -1)).toEqual(words);
    }),
    { numRuns: 100 },
  );
});

test('ordinary words stay readable', () => {
  expect(quoteAll(['modprobe', '-a', 'br_netfilter', 'a b', "it's"])).toBe(`modprobe -a br_netfilter 'a b' 'it'\\''s'`);
  expect(quote('')).toBe("''");
});
