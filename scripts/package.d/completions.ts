import { commands } from '../../src/commands/table.ts';
import type { CliOption, Command } from '../../src/commands/options.ts';
import { knownIds } from '../../src/explain.ts';
import { quote } from '../../src/knowledge/quote.ts';
import { profiles } from '../../src/profiles/table.ts';
import { formats } from '../../src/renders/table.ts';

// Completions as plain words for each shell, made from the table of commands: pressing Tab starts no program.

/** What may follow an option: some words, a file, or nothing that is known. */
type Values = readonly string[] | 'file' | 'unknown';

const profileNames = profiles.map((p) => p.name);

const valuesOf = (name: string, option: CliOption): Values => {
  if (option.choices) return option.choices;
  if (name === 'profile') return profileNames;
  if (name === 'ip-families') return ['ipv4', 'ipv6', 'ipv4,ipv6'];
  return /^(?:FILE|DIR)/.test(option.placeholder ?? '') ? 'file' : 'unknown';
};

/** Whether a command takes a file that is no option's. */
const takesFile = ({ words = {} }: Command): boolean => '[FILE]' in words;

/** The words of a command that are no options. */
const wordsOf = ({ name }: Command): readonly string[] =>
  name === 'explain'
    ? knownIds()
    : name === 'profiles'
      ? ['show', ...profileNames]
      : name === 'render'
        ? formats.map((f) => f.name)
        : [];

const flagsOf = (name: string, option: CliOption): string[] => [`--${name}`, ...(option.short ? [`-${option.short}`] : [])];

/** For bash: _node_prep, with or without the package bash-completion. */
export const bashCompletion = (): string => `# bash completion for node-prep
_node_prep() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} words
  COMPREPLY=()
  # bash takes --option=value apart at the sign.
  if [[ $cur == = ]]; then cur=
  elif [[ $prev == = ]]; then prev=\${COMP_WORDS[COMP_CWORD - 2]}
  fi
  if ((COMP_CWORD == 1)); then
    COMPREPLY=($(compgen -W ${quote([...commands.map((c) => c.name), '--help', '--version'].join(' '))} -- "$cur"))
    return
  fi
  case \${COMP_WORDS[1]} in
${commands.map(bashCommand).join('\n')}
  esac
}
complete -F _node_prep node-prep
`;

const bashCommand = (command: Command): string => `    ${command.name})
      case $prev in
${Object.entries(command.options)
  .filter(([, option]) => option.type === 'string')
  .map(([name, option]) => `        ${flagsOf(name, option).join(' | ')}) ${bashValues(valuesOf(name, option))} ;;`)
  .join('\n')}
        *)
          words=${quote(
            Object.entries(command.options)
              .flatMap(([name]) => `--${name}`)
              .concat('--help')
              .join(' '),
          )}
          ${takesFile(command) ? `[[ $cur == -* ]] || { ${bashValues('file')}; return; }` : `[[ $cur == -* ]] || words=${quote(wordsOf(command).join(' '))}`}
          COMPREPLY=($(compgen -W "$words" -- "$cur"))
          ;;
      esac
      ;;`;

const bashValues = (values: Values): string =>
  values === 'unknown'
    ? ':'
    : values === 'file'
      ? 'compopt -o filenames; COMPREPLY=($(compgen -f -- "$cur"))'
      : `COMPREPLY=($(compgen -W ${quote(values.join(' '))} -- "$cur"))`;

/** For zsh, as the function _node-prep. */
export const zshCompletion = (): string => `#compdef node-prep
local -a commands
commands=(
${commands.map((c) => `  ${quote(`${c.name}:${c.about}`)}`).join('\n')}
)
_arguments -C '(- *)--help[show help]' '(- *)--version[show the version]' '1: :->command' '*:: :->rest'
case $state in
  command) _describe command commands ;;
  rest)
    case $words[1] in
${commands.map(zshCommand).join('\n')}
    esac
    ;;
esac
`;

const zshCommand = (command: Command): string => {
  const specs = Object.entries(command.options).flatMap(([name, option]) =>
    flagsOf(name, option).map((flag) =>
      quote(`${option.many ? '*' : ''}${flag}[${zshText(option.about)}]${zshValues(name, option)}`),
    ),
  );
  const words = wordsOf(command);
  const rest = takesFile(command) ? [quote('1:file:_files')] : words.length > 0 ? [quote(`*:word:(${words.join(' ')})`)] : [];
  return `      ${command.name}) _arguments ${[...specs, ...rest].join(' \\\n        ')} ;;`;
};

const zshText = (text: string): string => text.replace(/[\\[\]:]/g, '\\$&');

const zshValues = (name: string, option: CliOption): string => {
  if (option.type === 'boolean') return '';
  const values = valuesOf(name, option);
  return `:${name}:${values === 'file' ? '_files' : values === 'unknown' ? ' ' : `(${values.join(' ')})`}`;
};

/** For fish. */
export const fishCompletion = (): string =>
  [
    'complete -c node-prep -f',
    ...commands.map((c) => `complete -c node-prep -n __fish_use_subcommand -a ${c.name} -d ${fishQuote(c.about)}`),
    ...commands.flatMap((command) => {
      const when = `complete -c node-prep -n '__fish_seen_subcommand_from ${command.name}'`;
      const words = wordsOf(command);
      return [
        ...(takesFile(command) ? [`${when} -F`] : []),
        ...(words.length > 0 ? [`${when} -a ${fishQuote(words.join(' '))}`] : []),
        ...Object.entries(command.options).map(
          ([name, o]) =>
            `${when} -l ${name}${o.short ? ` -s ${o.short}` : ''}${fishValues(valuesOf(name, o), o)} -d ${fishQuote(o.about)}`,
        ),
      ];
    }),
    '',
  ].join('\n');

const fishValues = (values: Values, { type }: CliOption): string =>
  type === 'boolean' ? '' : values === 'file' ? ' -r -F' : values === 'unknown' ? ' -x' : ` -x -a ${fishQuote(values.join(' '))}`;

const fishQuote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
