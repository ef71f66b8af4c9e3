/** One option of the command line, in words that both parsers understand. `many`: it may be given more than once. */
export type CliOption = {
  readonly about: string;
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  readonly many?: true;
  readonly choices?: readonly string[];
  readonly placeholder?: string;
};

export type CliOptions = { readonly [name: string]: CliOption };

/** What a command was called with: positional words and options by their long names. */
export type Args = {
  readonly words: readonly string[];
  readonly options: { readonly [name: string]: string | boolean | readonly string[] | undefined };
};

/**
 * One command. `words`: its positional arguments as the help shows them, `<needed>` or `[optional]`, and what they are. `run` gives the
 * exit code and throws OperatorErrors.
 */
export type Command = {
  readonly name: string;
  readonly words?: { readonly [word: string]: string };
  readonly about: string;
  readonly options: CliOptions;
  readonly run: (args: Args) => Promise<number>;
};

/** Options that describe the desired state. */
export const desiredOptions = {
  profile: {
    about: 'a profile and its options; may be repeated (default: kubernetes)',
    type: 'string',
    short: 'p',
    many: true,
    placeholder: 'NAME[:KEY=VALUE,...]',
  },
  config: {
    about: 'the desired state as a YAML file (default: /etc/node-prep.yaml where it exists)',
    type: 'string',
    short: 'c',
    placeholder: 'FILE',
  },
  'ip-families': { about: 'the address families of the cluster: ipv4, ipv6 or both', type: 'string', placeholder: 'LIST' },
  waive: { about: 'set a requirement aside, and say why; may be repeated', type: 'string', many: true, placeholder: 'ID=REASON' },
  'take-over': {
    about: "let lines in other people's files that stand in the way be commented out",
    type: 'boolean',
  },
  'allow-reboot-changes': {
    about: 'let changes be made that only count after a reboot, such as kernel arguments',
    type: 'boolean',
  },
} as const satisfies CliOptions;

/** Where the host is. */
export const whereOptions = {
  root: {
    about: 'the file tree of an image, in place of this host; its etc/node-prep.yaml counts',
    type: 'string',
    placeholder: 'DIR',
  },
} as const satisfies CliOptions;

/** What to do where another run is at work. */
export const lockOptions = {
  'lock-timeout': {
    about: 'wait so long for another node-prep to end, such as 30s, 5m, 1h (default: 0)',
    type: 'string',
    placeholder: 'DURATION',
  },
} as const satisfies CliOptions;

/** Options that shape what is printed. */
export const outputOptions = {
  format: { about: 'text for people, json for programs', type: 'string', choices: ['text', 'json'] },
  color: { about: 'when to colour text', type: 'string', choices: ['auto', 'always', 'never'] },
  verbose: { about: 'show what is met as well, with the reasons', type: 'boolean', short: 'v' },
  quiet: { about: 'show only the verdict', type: 'boolean', short: 'q' },
} as const satisfies CliOptions;

/** An option that takes one text; the last one given counts. */
export const text = (args: Args, name: string): string | undefined => {
  const value = args.options[name];
  return typeof value === 'string' ? value : undefined;
};

/** An option that may be repeated. */
export const texts = (args: Args, name: string): readonly string[] => {
  const value = args.options[name];
  return Array.isArray(value) ? (value as readonly string[]) : typeof value === 'string' ? [value] : [];
};

/** A switch. */
export const on = (args: Args, name: string): boolean => args.options[name] === true;
