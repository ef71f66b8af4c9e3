import { liveLines } from './shell-lines.ts';
import { sysctlPath, sysctlValue } from './sysctl.ts';
import type { Setting } from './sysctl-lines.ts';

/** What a shell command makes sysctl read: a file (`-p`, by default /etc/sysctl.conf), or all that `--system` reads. */
type Reads = { readonly file: string } | 'system';

/** The settings of a file that a script has sysctl read. */
export type Reader = (reads: Reads) => readonly Setting[];

/**
 * The kernel settings that a shell text makes, line by line, as far as they can be read without running it: `sysctl key=value`,
 * `sysctl -p FILE`, `sysctl --system` and `echo value > /proc/sys/key`. Conditions are taken to hold; a word with `$` is not known.
 */
export const shellSettings = (text: string, path: string, read: Reader): Setting[] =>
  liveLines(text).flatMap(({ line, text: raw }) =>
    commandsOf(raw).flatMap((words) => settingsOf(words, `${path}:${line}`, read)),
  );

/** The commands of a line as words; what stands before the program itself is taken away. */
const commandsOf = (line: string): string[][] => {
  const inner = /\b(?:ba|da)?sh\s+-[a-z]*c\s+(["'])(.*)\1/.exec(line)?.[2];
  return (inner ?? line)
    .split(/&&|\|\||[;&]/)
    .map((part) => words(part).filter((word) => word !== ''))
    .map((found) =>
      found.slice(
        Math.max(
          0,
          found.findIndex((word) => isProgram(word)),
        ),
      ),
    );
};

const isProgram = (word: string): boolean =>
  ['sysctl', 'echo', 'printf'].some((name) => word.endsWith(name) && /^(?:.*[/=]|[-@:+!]*)$/s.test(word.slice(0, -name.length)));

/** Words between blanks, without the quotes that held some together; a redirection is a word of its own. */
const words = (text: string): string[] =>
  (text.match(/>>?|(?:"[^"]*"|'[^']*'|[^\s"'>])+/g) ?? []).map((word) => word.replace(/"([^"]*)"|'([^']*)'/g, '$1$2'));

const settingsOf = ([program = '', ...args]: readonly string[], from: string, read: Reader): readonly Setting[] => {
  if (/sysctl$/.test(program)) return sysctlSettings(args, from, read);
  if (!/(?:echo|printf)$/.test(program)) return [];
  const target = /\/proc\/sys\/(\S+)/.exec(args.at(-1) ?? '')?.[1];
  const value = args.find((arg) => !/^-|^>|^%|^\|$|^tee$/.test(arg));
  return target === undefined || value === undefined ? [] : known({ path: target, value: sysctlValue(value), from });
};

const sysctlSettings = (all: readonly string[], from: string, read: Reader): readonly Setting[] => {
  const args = withoutRedirection(all);
  if (args.includes('--system')) return read('system');
  const load = args.findIndex((arg) => /^(?:-[a-z]*p|--load)/.test(arg));
  if (load >= 0) {
    const attached = /^(?:-[a-z]*p=?|--load=?)(.*)$/.exec(args[load] ?? '')?.[1];
    const file = attached || args.slice(load + 1).find((arg) => !arg.startsWith('-')) || '/etc/sysctl.conf';
    return read({ file });
  }
  return args.flatMap((arg) => {
    const [, key, value] = /^([^-=][^=]*)=(.*)$/.exec(arg) ?? [];
    return key === undefined ? [] : known({ path: sysctlPath(key), value: sysctlValue(value ?? ''), from });
  });
};

/** A digit before `>` names what is redirected. */
const withoutRedirection = (args: readonly string[]): readonly string[] => {
  const at = args.findIndex((arg) => arg.startsWith('>'));
  if (at < 0) return args;
  return args.slice(0, /^\d$/.test(args[at - 1] ?? '') ? at - 1 : at);
};

const known = (setting: Setting): Setting[] => (/[$`]/.test(`${setting.path}${setting.value}`) ? [] : [setting]);
