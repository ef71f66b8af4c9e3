/** A modprobe that a command runs. `ignoreInstall`: with -i, so that the module itself is inserted. */
export type NestedModprobe = {
  readonly names: readonly string[];
  readonly ignoreInstall: boolean;
  readonly useBlacklist: boolean;
};

/**
 * Follows the command of an `install` line as far as it is about modules: `modprobe` is passed on, programs that do nothing to
 * modules and succeed are known. All else is taken to fail, so that nothing is promised on its account: it may not even be there.
 * Gives whether the command succeeds. Pipes, substitutions and redirections are not followed.
 */
export const runInstall = (command: string, modprobe: (nested: NestedModprobe) => boolean): boolean => {
  let ok = true;
  const parts = command.split(/(&&|\|\||;|(?<!>)&)/);
  for (let i = 0; i < parts.length; i += 2) {
    const before = parts[i - 1];
    if ((before === '&&' && !ok) || (before === '||' && ok)) continue;
    const words = (parts[i] ?? '').split(/[ \t\n]+/).filter(Boolean);
    if (words.some(isSpoiled)) ok = false;
    else if (words[0] === 'exit') return !(Number(words[1] ?? 0) & 255);
    else if (words.length > 0) ok = runWords(words, modprobe);
  }
  return ok;
};

/** The carriage return of a DOS line's end makes the last word of a command another one: no program, file descriptor or number. */
const isSpoiled = (word: string, i: number, words: readonly string[]): boolean =>
  word.endsWith('\r') && (i === 0 || words[0] === 'exit' || /[<>]/.test(word));

const runWords = (words: readonly string[], modprobe: (nested: NestedModprobe) => boolean): boolean => {
  const program = /^(?:(?:\/usr)?\/s?bin\/)?([a-z]+)$/.exec(words[0] ?? '')?.[1];
  if (program !== 'modprobe') return words[0] === ':' || ['true', 'echo', 'printf', 'logger', 'sleep'].includes(program ?? '');
  const args = words.slice(1).filter((word) => !/^[0-9]?[<>]|^\$/.test(word));
  const options = args.filter((word) => word.startsWith('-'));
  const has = (short: string, long: string): boolean =>
    options.some((o) => o === long || (/^-[a-z]+$/i.test(o) && o.includes(short)));
  if (has('r', '--remove') || has('n', '--dry-run')) return true;
  const names = args.filter((word) => !word.startsWith('-'));
  return modprobe({
    names: has('a', '--all') ? names : names.slice(0, 1),
    ignoreInstall: has('i', '--ignore-install'),
    useBlacklist: has('b', '--use-blacklist'),
  });
};
