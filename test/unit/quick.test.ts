import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { commands } from '../../src/commands/table.ts';
import type { Args, Command } from '../../src/commands/options.ts';
import { readQuickly } from '../../src/commands/quick.ts';
import { runYargs } from '../../src/commands/yargs.ts';

/** The commands, but they only tell what they were called with. */
const recording = (calls: Args[]): Command[] =>
  commands.map((command) => ({ ...command, run: (args) => Promise.resolve(calls.push(args)) }));

/** Only what was given: an absent option is the same as an undefined one. */
const given = (args: Args | undefined): unknown =>
  args && {
    words: args.words,
    options: Object.fromEntries(Object.entries(args.options).filter(([, value]) => value !== undefined)),
  };

const byYargs = async (words: readonly string[]): Promise<unknown> => {
  const calls: Args[] = [];
  await runYargs(words, recording(calls), '0');
  return given(calls[0]);
};

const word = fc.constantFrom(
  'kubernetes',
  'istio:mode=ambient,backend=nftables',
  'a b',
  'x=y',
  '1.35',
  '0',
  'true',
  'é',
  'module/xt_set=no, not here',
  "'in quotes'",
  '"x"',
);
const flag = fc.oneof(
  word.map((w) => ['-p', w]),
  word.map((w) => ['--profile', w]),
  word.map((w) => [`--profile=${w}`]),
  word.map((w) => [`--waive=${w}`]),
  word.map((w) => ['-c', w]),
  word.map((w) => ['--config', w]),
  fc.constantFrom('text', 'json').map((w) => ['--format', w]),
  fc.constantFrom('auto', 'always', 'never').map((w) => [`--color=${w}`]),
  fc.constantFrom(['-v'], ['--verbose'], ['-q'], ['--ip-families', 'ipv4,ipv6']),
);

describe('the quick reader and yargs', () => {
  test('read the same from any faultless call', async () => {
    const calls = fc.tuple(
      fc.constantFrom('plan', 'verify'),
      fc.uniqueArray(flag, {
        maxLength: 4,
        selector: (f) =>
          (f[0] ?? '')
            .replace(/=.*/, '')
            .replace(/^-c$/, '--config')
            .replace(/^(-p|--profile|--waive)$/, () => f.join(' ')),
      }),
    );
    await fc.assert(
      fc.asyncProperty(calls, async ([command, flags]) => {
        const words = [command, ...flags.flat()];
        const quick = readQuickly(words, commands);
        if (quick) expect(given(quick.args), words.join(' ')).toEqual(await byYargs(words));
      }),
      { numRuns: 150 },
    );
  });

  const calls = [
    ['plan'],
    ['plan', '-p', 'kubernetes', '-p', 'calico:dataplane=ebpf'],
    ['plan', '--detailed-exitcode', '--format=json'],
    ['apply', '-y', '--partial'],
    ['verify', '-q', '-c', 'a.yaml'],
    ['explain', 'module/xt_set', '-p', 'istio'],
    ['explain', '-p', 'istio', 'module/xt_set'],
    ['profiles'],
    ['profiles', 'show', 'istio:mode=ambient'],
    ['facts', '--waive', 'a=b'],
  ];
  test.each(calls.map((c) => [c.join(' '), c] as const))('node-prep %s', async (_line, words) => {
    const quick = readQuickly(words, commands);
    expect(quick?.command.name).toBe(words[0]);
    expect(given(quick?.args)).toEqual(await byYargs(words));
  });

  test('an option that takes one value, given twice, means the last, by whichever it is read', async () => {
    const words = ['plan', '-c', 'a.yaml', '--config', 'b.yaml'];
    expect(given(readQuickly(words, commands)?.args)).toEqual({ words: [], options: { config: 'b.yaml' } });
    expect(await byYargs(words)).toEqual({ words: [], options: { config: 'b.yaml' } });
  });

  const mistakes = [
    [],
    ['--help'],
    ['plan', '--help'],
    ['paln'],
    ['plan', '--fromat', 'json'],
    ['plan', '--format', 'yaml'],
    ['plan', '--format'],
    ['plan', 'extra'],
    ['explain'],
    ['explain', 'a', 'b'],
    ['profiles', 'show', 'a', 'b'],
    ['completion'],
    ['--version'],
  ];
  test.each(mistakes.map((c) => [c.join(' '), c] as const))('the quick reader leaves "node-prep %s" to yargs', (_line, words) => {
    expect(readQuickly(words, commands)).toBeUndefined();
  });

  const refused: readonly (readonly [string[], RegExp])[] = [
    [['paln'], /There is no command "paln"/],
    [['plan', '--fromat', 'json'], /plan knows nothing of "fromat"/],
    [['apply', '--yes', '--', 'plan.json'], /"--" is not understood here/],
    [['undo', '1', '2'], /undo takes no more than \[run\]: "2" is too much/],
    [['verify', 'x'], /verify takes no words: "x" is too much/],
    [['plan', '--format', 'yaml'], /Invalid values|Choices/],
    [['explain'], /Not enough/],
    [[], /Say what to do/],
    [['plan', '--config'], /Not enough arguments following: config/],
  ];
  test.each(refused)('%j is a message, not a crash', async (words, message) => {
    await expect(runYargs(words, recording([]), '0')).rejects.toThrow(message);
  });
});

test('every option has a short description, and short names are not taken twice', () => {
  for (const command of commands) {
    const shorts = Object.values(command.options).flatMap((o) => o.short ?? []);
    expect(new Set(shorts).size, command.name).toBe(shorts.length);
    for (const [name, option] of Object.entries(command.options)) {
      expect(option.about.length, name).toBeGreaterThan(5);
      expect(option.about.length, name).toBeLessThan(90);
    }
  }
});
