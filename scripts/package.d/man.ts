import { commands } from '../../src/commands/table.ts';
import { desiredOptions, outputOptions } from '../../src/commands/options.ts';
import type { CliOption, CliOptions, Command } from '../../src/commands/options.ts';
import { wrap } from '../../src/views/terminal.ts';
import type { About } from './about.ts';

/** node-prep(1) in mdoc(7), from the same table of commands and options as --help. */
export const manPage = (about: About): string =>
  [
    `.Dd ${new Date(about.epoch * 1000).toLocaleDateString('en-US', { dateStyle: 'long', timeZone: 'UTC' })}`,
    '.Dt NODE-PREP 1',
    '.Os',
    ...section('NAME', '.Nm node-prep', `.Nd ${sentence(about.summary).replace(/\.$/, '').replace(/^M/, 'm')}`),
    ...section('SYNOPSIS', ...commands.flatMap(synopsis), '.Nm node-prep', '.Fl Fl version | Fl Fl help'),
    ...section('DESCRIPTION', ...paragraphs(description)),
    ...section('COMMANDS', '.Bl -tag -width Ds', ...commands.flatMap(commandItem), '.El'),
    ...section(
      'OPTIONS',
      '.Ss What is wanted',
      ...list(desiredOptions),
      '.Ss What is printed',
      ...list(outputOptions),
      ...commands.flatMap(ownOptions),
    ),
    ...section('ENVIRONMENT', ...items(environment)),
    ...section('FILES', ...items(files)),
    ...section(
      'EXIT STATUS',
      '.Bl -tag -width Ds',
      ...Object.entries(exitCodes).flatMap(([code, text]) => [`.It ${code}`, ...lines(text)]),
      '.El',
    ),
    ...section(
      'EXAMPLES',
      ...examples.flatMap(([text, command]) => [...lines(text), '.Pp', `.Dl ${escaped(command)}`, '.Pp']).slice(0, -1),
    ),
    ...section('SEE ALSO', '.Xr modprobe.d 5 ,', '.Xr modules-load.d 5 ,', '.Xr sysctl.d 5 ,', '.Xr systemd.timer 5'),
    '',
  ].join('\n');

const description = [
  'Makes this host ready to be a Kubernetes node that runs Istio and Calico. It compares the host with what the chosen profiles need, shows a plan, does it when told so, and verifies the result. Everything is judged twice: as it is now, and as it will be after the next boot.',
  'Without a profile and without a file, the profile kubernetes is wanted. node-prep profiles lists all profiles and their options.',
];

const exitCodes = {
  0: 'plan: a plan was made. apply, verify: the host is converged. undo: the run is undone, or there was none.',
  1: 'node-prep could not do its work: bad input, no rights, a step failed.',
  2: 'verify, and plan with --detailed-exitcode: changes are pending.',
  3: 'Something is blocked. apply refused and touched nothing, or --partial left something. undo: what was changed since was not touched.',
};

const environment = {
  NO_COLOR: 'No colours, unless --color asks for them.',
  FORCE_COLOR: 'Colours also where standard output is no terminal; 0 turns them off.',
};

const files = {
  '/etc/node-prep.yaml': 'The desired state, where it exists and no -c names another file.',
  '/etc/modules-load.d/node-prep.conf': 'The modules that the next boot is to load.',
  '/etc/sysctl.d/node-prep.conf': 'The kernel settings.',
  '/etc/NetworkManager/conf.d/node-prep.conf': 'The devices that NetworkManager is to leave alone.',
  '/etc/systemd/networkd.conf.d/node-prep.conf':
    'What systemd-networkd is to leave alone; with it /etc/systemd/network/05-node-prep.network.',
  '/etc/default/grub.d/node-prep.cfg': 'Kernel arguments, where --allow-reboot-changes lets them be written.',
  '/run/node-prep.lock': 'Held by an apply at work.',
  '/var/lib/node-prep/runs': 'The journal: what each apply and undo did, a file for each of the last hundred; for root alone.',
  '/var/lib/prometheus/node-exporter/node_prep.prom':
    'Metrics that node-prep-verify.service writes. Its timer, node-prep-verify.timer, is off until it is enabled.',
};

const examples: readonly (readonly [string, string])[] = [
  ['What would change here, for all three:', 'node-prep plan -p kubernetes:version=1.35 -p istio:mode=ambient -p calico'],
  ['Do it, without being asked:', 'node-prep apply --yes -p kubernetes -p istio -p calico'],
  ['Is it still so?', 'node-prep verify'],
  ['Who wants a requirement, and what on this host speaks about it:', 'node-prep explain sysctl/net.ipv4.ip_forward'],
  ['Check it after every boot, with metrics for node-exporter:', 'systemctl enable --now node-prep-verify.timer'],
];

const synopsis = (command: Command): string[] => [
  '.Nm node-prep',
  `.Cm ${command.name}`,
  ...(Object.keys(command.options).length > 0 ? ['.Op Ar options'] : []),
  ...Object.keys(command.words ?? {}).map((word) => (word.startsWith('<') ? `.Ar ${bare(word)}` : `.Op Ar ${bare(word)}`)),
];

const bare = (word: string): string => word.replace(/[<>[\]]/g, '');

const commandItem = (command: Command): string[] => {
  const words = Object.keys(command.words ?? {}).map((word) =>
    word.startsWith('<') ? ` Ar ${bare(word)}` : ` Op Ar ${bare(word)}`,
  );
  return [`.It Cm ${command.name}${words.join('')}`, ...lines(sentence(command.about)), ...takes(command)];
};

const groups = [
  ['what is wanted', desiredOptions],
  ['what is printed', outputOptions],
] as const;

/** Which of the shared options a command takes, in a sentence. */
const takes = ({ options }: Command): string[] => {
  const parts = groups.flatMap(([title, group]) => {
    const some = Object.keys(group).filter((name) => name in options);
    if (some.length === 0) return [];
    return [some.length === Object.keys(group).length ? `those of ${title}` : some.map((name) => `--${name}`).join(', ')];
  });
  return parts.length === 0
    ? []
    : lines(`Options: ${parts.join('; ')}${Object.keys(ownOf(options)).length > 0 ? '; its own' : ''}.`);
};

const ownOf = (options: CliOptions): CliOptions =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !(name in desiredOptions) && !(name in outputOptions)));

const ownOptions = (command: Command): string[] => {
  const own = ownOf(command.options);
  return Object.keys(own).length === 0 ? [] : [`.Ss Of ${command.name} alone`, ...list(own)];
};

const list = (options: CliOptions): string[] => ['.Bl -tag -width Ds', ...Object.entries(options).flatMap(optionItem), '.El'];

const optionItem = ([name, option]: [string, CliOption]): string[] => {
  const value = option.choices?.join(' | ') ?? option.placeholder ?? 'VALUE';
  const argument = option.type === 'boolean' ? '' : ` Ar "${escaped(value)}"`;
  return [
    `.It ${option.short ? `Fl ${option.short} , ` : ''}Fl Fl ${escaped(name)}${argument}`,
    ...lines(sentence(option.about)),
  ];
};

const items = (table: { readonly [name: string]: string }): string[] => [
  '.Bl -tag -width Ds',
  ...Object.entries(table).flatMap(([name, text]) => [`.It ${name.startsWith('/') ? 'Pa' : 'Ev'} ${name}`, ...lines(text)]),
  '.El',
];

const section = (title: string, ...body: string[]): string[] => [`.Sh ${title}`, ...body];

const paragraphs = (texts: readonly string[]): string[] =>
  texts.flatMap((text, i) => [...(i > 0 ? ['.Pp'] : []), ...lines(text)]);

/** A new line of text for each sentence and after 80 characters, as mdoc wants it, none of which is taken for a macro. */
const lines = (text: string): string[] =>
  text
    .split(/(?<=[.:?]) (?=[A-Z])/)
    .flatMap((line) => wrap(escaped(line), 80, ''))
    .map((line) => line.replace(/^(?=[.'])/, '\\&'));

const escaped = (text: string): string => text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll('"', '\\(dq');

const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`;
