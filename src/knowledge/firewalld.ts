import { fileText, listed, numbered, remembered, said } from '../answers.ts';
import type { Answers, Argv, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';
import { elementsOf } from './firewalld-xml.ts';
import type { Element } from './firewalld-xml.ts';
import { coversPort, isIpInIp } from './ports.ts';
import type { PortNeed } from './ports.ts';
import { unitOf, unitQueries } from './units.ts';

const unit = 'firewalld.service';
export const firewalldConf = '/etc/firewalld/firewalld.conf';

/** Files of a name in the first folder hide those in the second. */
const zoneGlobs = ['/etc/firewalld/zones/*.xml', '/usr/lib/firewalld/zones/*.xml'] as const;

/** Of the hundreds of services that firewalld brings along only those that can open what is asked for here. */
const serviceGlobs = [
  '/etc/firewalld/services/*.xml',
  ...['kube*', 'etcd*', 'bgp', 'wireguard'].map((name) => `/usr/lib/firewalld/services/${name}.xml`),
];

/** firewall-cmd takes a third of a second: it is only started where firewalld runs. */
const runningQuestion = [
  'sh',
  '-c',
  `[ -h /run/systemd/units/invocation:${unit} ] || exit 0
firewall-cmd --list-all-zones`,
  'ask-firewalld',
] as const satisfies Argv;

/** The IPv4 networks of this host's devices (proc_pid_net(5)): numbers in hexadecimal, the last byte first. */
export const routeTable = '/proc/net/route';

export const firewalldQueries: readonly Query[] = [
  ...unitQueries(unit),
  { ask: 'read', path: firewalldConf },
  { ask: 'read', path: routeTable },
  ...[...zoneGlobs, ...serviceGlobs].map((glob): Query => ({ ask: 'list', glob })),
  { ask: 'run', argv: runningQuestion, known: (answers) => (unitOf(answers, unit).runs ? undefined : '') },
];

/** Whether firewalld runs, and whether it starts at boot. */
export const firewalldOn = (answers: Answers): { readonly now: boolean; readonly boot: boolean } => {
  const { atBoot, runs } = unitOf(answers, unit);
  return { now: runs, boot: atBoot !== undefined };
};

/** A setting of firewalld.conf, whose last line of a key counts. */
export const firewalldSetting = (key: string, answers: Answers): { readonly value: string; readonly from: string } | undefined =>
  numbered(fileText(answers, firewalldConf) ?? '')
    .flatMap(({ line, text }) => {
      const [, name, value] = /^\s*(\w+)\s*=\s*(\S*)/.exec(text) ?? [];
      return name === key && value ? [{ value, from: `${firewalldConf}:${line}` }] : [];
    })
    .at(-1);

/** A zone: what it lets in, and whether it is bound to interfaces or to addresses. `from`: its file, or that it is a running one. */
export type Zone = {
  readonly name: string;
  readonly from: string;
  readonly interfaces: readonly string[];
  readonly sources: readonly string[];
  readonly allows: readonly Allowed[];
};

/** What a zone lets in: everything, a port, a protocol. */
type Allowed = { readonly protocol: string; readonly port?: string; readonly from: string };

/** The zones as their files have them. */
export const permanentZones = (answers: Answers): Zone[] =>
  firstOfName(zoneGlobs.flatMap((glob) => listed(answers, glob))).map((file) => {
    const elements = elementsOf(file);
    const values = (name: string, attribute: string) =>
      elements.flatMap((e) => (e.name === name ? (e.attributes.get(attribute) ?? []) : []));
    return {
      name: baseName(file.path).replace(/\.xml$/, ''),
      from: file.path,
      interfaces: values('interface', 'name'),
      sources: [...values('source', 'address'), ...values('source', 'ipset'), ...values('source', 'mac')],
      allows: elements.flatMap((element) => allowedBy(element, answers)),
    };
  });

const firstOfName = (files: readonly FoundFile[]): FoundFile[] =>
  [...new Map(files.toReversed().map((file) => [baseName(file.path), file])).values()].reverse();

const allowedBy = ({ name, attributes, from }: Element, answers: Answers): Allowed[] => {
  if (name === 'zone') return attributes.get('target') === 'ACCEPT' ? [{ protocol: '*', from }] : [];
  if (name === 'port') return [{ protocol: attributes.get('protocol') ?? '', port: attributes.get('port') ?? '', from }];
  if (name === 'protocol') return [{ protocol: attributes.get('value') ?? '', from }];
  if (name === 'service') return serviceAllows(attributes.get('name') ?? '', answers).map((allowed) => ({ ...allowed, from }));
  return [];
};

/** What a service opens, and those that it includes, each of them once. */
const serviceAllows = (name: string, answers: Answers): readonly Allowed[] => servicesOpen(answers, name);

const servicesOpen = remembered((answers, name): readonly Allowed[] => {
  const files = serviceFiles(answers);
  const names = new Set([name]);
  const allowed: Allowed[] = [];
  for (const one of names) {
    const file = files.get(`${one}.xml`);
    for (const element of file ? elementsOf(file) : []) {
      if (element.name === 'include') names.add(element.attributes.get('service') ?? '');
      else if (element.name !== 'service') allowed.push(...allowedBy(element, answers));
    }
  }
  return allowed;
});

const serviceFiles = remembered(
  (answers): ReadonlyMap<string, FoundFile> =>
    new Map(firstOfName(serviceGlobs.flatMap((glob) => listed(answers, glob))).map((file) => [baseName(file.path), file])),
);

/** The zones of the running firewalld, as firewall-cmd tells them; none where it does not run or could not be asked. */
export const runningZones = (answers: Answers): Zone[] =>
  (said(answers, runningQuestion) ?? '')
    .split(/\n(?=\S)/)
    .filter((block) => block.trim() !== '')
    .map((block) => {
      const words = (key: string) => (new RegExp(`^ +${key}: *(.*)$`, 'm').exec(block)?.[1] ?? '').split(/\s+/).filter(Boolean);
      const name = /^\S+/.exec(block)?.[0] ?? '';
      const from = `the running zone ${name}`;
      return {
        name,
        from,
        interfaces: words('interfaces'),
        sources: words('sources'),
        allows: [
          ...(words('target')[0] === 'ACCEPT' ? [{ protocol: '*', from }] : []),
          ...words('ports').map((word) => ({ protocol: word.split('/')[1] ?? '', port: word.split('/')[0] ?? '', from })),
          ...words('protocols').map((protocol) => ({ protocol, from })),
          ...words('services').flatMap((service) => serviceAllows(service, answers).map((allowed) => ({ ...allowed, from }))),
        ],
      };
    });

/** The line of a zone that lets a need in. */
export const opening = (zone: Zone, need: PortNeed): string | undefined =>
  zone.allows.find(({ protocol, port }) =>
    protocol === '*'
      ? true
      : need.protocol === '4'
        ? isIpInIp(protocol)
        : protocol === need.protocol && (port === undefined || port === '' || coversPort(port, need.port)),
  )?.from;
