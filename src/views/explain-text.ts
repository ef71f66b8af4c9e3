import type { Asker } from '../explain.ts';
import { moduleFact } from '../knowledge/module-names.ts';
import type { Action, Claim, Finding, Unread } from '../model.ts';
import { actionTitle, reasonText } from './plan-text.ts';
import { isNoNow, readingText } from './state-text.ts';
import { safeLine, tint, wrap } from './terminal.ts';
import type { Style } from './terminal.ts';
import { unreadText } from './unread-text.ts';

/** All that is known of one requirement on one host. `askers`: who could ask for it. `wanted`: whether the chosen profiles do. `claims`: what the host's files say. `unread`: those that may say more. */
type Story = {
  readonly finding: Finding;
  readonly wanted: boolean;
  readonly askedBy: readonly string[];
  readonly askers: readonly Asker[];
  readonly actions: readonly Action[];
  readonly claims: readonly Claim[];
  readonly unread?: readonly Unread[];
};

/** The story for a person: what is wanted, by whom and why, what is known of the name, how this host stands, what would be done. */
export const explainText = (story: Story, style: Style): string => {
  const { finding } = story;
  return [
    `${tint(style, 'bold', safeLine(finding.id))}: ${safeLine(finding.want)}`,
    '',
    ...(story.wanted ? wantedText(finding, style) : unwantedText(story, style)),
    ...knownText(finding, style),
    '',
    tint(style, 'bold', isNoNow(finding.now) ? 'In this image' : 'On this host'),
    ...(isNoNow(finding.now) ? [] : wrap(`now:  ${readingText(finding.now)}`, style.width, '  ')),
    ...wrap(`boot: ${readingText(finding.boot)}`, style.width, '  '),
    ...(finding.after ? wrap(`boot after apply: ${readingText(finding.after)}`, style.width, '  ') : []),
    ...claimsText(story.claims, style),
    ...verdictText(story, style),
    ...unreadText(story.unread, style.width),
  ].join('\n');
};

const wantedText = ({ because }: Finding, style: Style): string[] => [
  tint(style, 'bold', 'Wanted by'),
  ...because.flatMap((reason) => reasonText(reason, style.width, '  ')),
];

const unwantedText = ({ askers, askedBy }: Story, style: Style): string[] => [
  ...wrap(`Not asked for by ${askedBy.join(', ')}.`, style.width, ''),
  ...(askers.length > 0 ? [tint(style, 'bold', 'Asked for by')] : []),
  ...askers.flatMap(({ profile, choices, requirement }) => [
    ...wrap(`${profile}${choices.length > 0 ? ` with ${choices.join(', ')}` : ''}`, style.width, '  '),
    ...requirement.because.flatMap((reason) => reasonText(reason, style.width, '    ')),
  ]),
];

/** What is known of a module's name beyond this host. */
const knownText = ({ id, kind }: Finding, style: Style): string[] => {
  if (kind !== 'module') return [];
  const name = id.slice('module/'.length);
  const { alias, into, since, replacedBy, kconfig } = moduleFact(name);
  const when = since ? ` since Linux ${since}` : '';
  const facts = [
    into && `${name} is no module of its own any more: it is part of ${into.join(', ')}${when}.`,
    alias && `modprobe loads ${alias} for this name${when}.`,
    replacedBy && `A kernel without it serves iptables-nft with ${replacedBy.join(', ')}.`,
    kconfig && `Kernel option: ${kconfig.map((k) => `CONFIG_${k}`).join(', ')}.`,
  ].filter((fact): fact is string => typeof fact === 'string');
  return facts.length === 0
    ? []
    : ['', tint(style, 'bold', 'The name'), ...facts.flatMap((fact) => wrap(fact, style.width, '  '))];
};

/** Who says what about it, in the order in which it is heard, and what becomes of that. */
const claimsText = (claims: readonly Claim[], style: Style): string[] =>
  claims.length === 0
    ? []
    : [
        '',
        tint(style, 'bold', 'Who speaks about it, in this order'),
        ...claims.flatMap(({ from, says, role }) => [
          ...wrap(safeLine(`${from}: ${says}`), style.width, '  '),
          ...wrap(safeLine(role), style.width, '    '),
        ]),
        '',
      ];

const verdictText = ({ finding, actions, wanted }: Story, style: Style): string[] => {
  if (finding.verdict === 'ok') return [tint(style, 'green', '  verdict: ok, nothing to do')];
  if (finding.verdict === 'waived') return wrap(safeLine(`verdict: waived: ${finding.reason}`), style.width, '  ');
  if (finding.verdict === 'change') {
    const done = actions.map((a, i) => `  ${i + 1}. ${actionTitle(a)}`);
    return [
      tint(style, 'yellow', `  verdict: ${wanted ? 'to change; apply would' : 'apply would, were it asked for'}`),
      ...done.map((l) => `  ${l}`),
    ];
  }
  return [
    ...wrap(`verdict: ${finding.verdict}: ${safeLine(finding.reason)}`, style.width, '  '),
    ...wrap(safeLine(finding.remedy), style.width, '  '),
  ];
};
