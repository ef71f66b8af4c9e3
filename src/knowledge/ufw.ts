import { fileText, numbered, said } from '../answers.ts';
import type { Answers, Argv, Query } from '../model.ts';
import { coversPort, isIpInIp } from './ports.ts';
import type { PortNeed } from './ports.ts';
import { ufwConf, ufwConfigQueries, ufwDefaults, ufwEnabled, ufwSetting } from './ufw-config.ts';
import { unitOf, unitQueries } from './units.ts';

const ufwBefore = '/etc/ufw/before.rules';
const userRules = '/etc/ufw/user.rules';
const unit = 'ufw.service';
/** ufw makes it when it first does something after a boot. */
const lockFile = '/run/ufw.lock';

/** ufw.service is active even where ufw is off: its chains tell, and iptables is only asked where ufw is on or was used since boot. */
const runningQuestion = [
  'sh',
  '-c',
  `[ -f ${ufwConf} ] || exit 0
[ -e ${lockFile} ] || { on=; while read -r line; do case $line in ENABLED=*[yY][eE][sS]*) on=1;; ENABLED=*) on=;; esac; done < ${ufwConf}
[ "$on" ] || exit 0; }
iptables -S ufw-user-input >/dev/null 2>&1 && echo running
exit 0`,
  'ask-ufw',
] as const satisfies Argv;

export const ufwQueries: readonly Query[] = [
  ...unitQueries(unit),
  ...ufwConfigQueries,
  ...[ufwBefore, userRules].map((path): Query => ({ ask: 'read', path })),
  { ask: 'read', path: lockFile, lines: [] },
  { ask: 'run', argv: runningQuestion, known: (answers) => (mayRun(answers) ? undefined : '') },
];

/** Whether ufw is there and on, or was used since boot. */
const mayRun = (answers: Answers): boolean => {
  const [conf, lock] = [ufwConf, lockFile].map((path) => answers.get(`read ${path}`));
  return conf?.status !== 1 && (conf?.status !== 0 || lock?.status !== 1 || /^[ \t]*ENABLED=.*yes/im.test(conf.text));
};

/** `unknown`: whether it is on now could not be asked. `from`: the line ENABLED=. */
type UfwState = {
  readonly installed: boolean;
  readonly now: boolean;
  readonly unknown: boolean;
  readonly boot: boolean;
  readonly from?: string;
};

/** `boot`: ENABLED=yes, unless the unit is known and nothing starts it. `now`: its chains are there. */
export const ufwOn = (answers: Answers): UfwState => {
  const configured = fileText(answers, ufwConf) !== undefined;
  const running = said(answers, runningQuestion);
  const enabled = ufwSetting(ufwConf, 'ENABLED', answers);
  const { installed, atBoot } = unitOf(answers, unit);
  return {
    installed: configured,
    now: running?.trim() === 'running',
    unknown: configured && running === undefined,
    boot: ufwEnabled(answers) && (!installed || atBoot !== undefined),
    ...(enabled && { from: enabled.from }),
  };
};

/** What there is to say where that could not be asked. */
export const ufwUnasked = {
  reason: 'whether ufw is on could not be asked',
  remedy: 'See what ufw status says, then plan again.',
} as const;

/**
 * What ufw's rules make of a need, and the line that decides; rules are tried from above, and the first that fits counts.
 * `sameRule`: it is about just this port, so that `ufw allow` turns it round in its place.
 */
export const ufwCare = (
  need: PortNeed,
  answers: Answers,
): { readonly open: boolean; readonly from?: string; readonly sameRule?: boolean } => {
  const before = need.protocol === '4' ? protocol4Rule(answers) : undefined;
  if (before) return { open: true, from: before };
  const rule = need.protocol === '4' ? undefined : rulesOf(answers).find((r) => speaksOf(r, need.port, need.protocol));
  if (rule) return { open: /^(?:allow|limit)/.test(rule.action), from: rule.from, sameRule: isSame(rule, need) };
  const policy = ufwSetting(ufwDefaults, 'DEFAULT_INPUT_POLICY', answers);
  return { open: policy?.value === 'ACCEPT', ...(policy && { from: policy.from }) };
};

const isSame = (rule: Rule, need: PortNeed): boolean =>
  need.protocol === rule.protocol && need.protocol !== '4' && rule.ports === need.port.replace('-', ':');

type Rule = { readonly action: string; readonly protocol: string; readonly ports: string; readonly from: string };

/** Lines `### tuple ### ACTION PROTOCOL PORTS TO FROM-PORT FROM DIRECTION`; what refuses only some peers refuses not this node's. */
const rulesOf = (answers: Answers): Rule[] =>
  numbered(fileText(answers, userRules) ?? '').flatMap(({ line, text }) => {
    const [, words] = /^### tuple ### (?!route:)(.*)$/.exec(text) ?? [];
    if (words === undefined) return [];
    const [action = '', protocol = '', ports = '', to = '', peerPort = '', peer = '', ...rest] = words.split(' ');
    const direction = rest.find((word) => /^(?:in|out)(?:_|$)/.test(word)) ?? 'in';
    const whole = to === '0.0.0.0/0' && peer === '0.0.0.0/0' && direction === 'in';
    if (direction.startsWith('out') || peerPort !== 'any' || (!whole && !action.startsWith('allow'))) return [];
    return [{ action, protocol, ports, from: `${userRules}:${line}` }];
  });

/** A rule against part of a range shuts some of it. */
const speaksOf = ({ action, protocol, ports }: Rule, port: string, wanted: string): boolean => {
  if (protocol !== 'any' && protocol !== wanted) return false;
  const listedPorts = ports.split(',');
  if (ports === 'any' || listedPorts.some((one) => coversPort(one, port))) return true;
  return !action.startsWith('allow') && listedPorts.some((one) => coversPort(port, one));
};

const protocol4Rule = (answers: Answers): string | undefined => {
  const found = numbered(fileText(answers, ufwBefore) ?? '').find(({ text }) => {
    const words = text.split(/\s+/);
    const [protocol, target] = ['-p', '-j'].map((option) => words[words.lastIndexOf(option) + 1]);
    if (!/^-[AI]$/.test(words[0] ?? '') || words[1] !== 'ufw-before-input' || target !== 'ACCEPT') return false;
    return words.includes('-p') && protocol !== undefined && isIpInIp(protocol);
  });
  return found && `${ufwBefore}:${found.line}`;
};

/** Where in before.rules a rule of one's own has its place: the line that ends the table. */
export const ufwBeforeEnd = (answers: Answers): string => {
  const commit = numbered(fileText(answers, ufwBefore) ?? '').find(({ text }) => text.trim() === 'COMMIT');
  return commit ? `${ufwBefore}:${commit.line}` : ufwBefore;
};
