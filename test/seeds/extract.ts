/** A name that a seed document contains. `backend`: the section of seed 001. `limited`: its remark limits it to some clusters. */
export type SeedName = { readonly name: string; readonly backend?: 'iptables' | 'nftables'; readonly limited?: boolean };

/** Names in the text of a seed, by patterns for how it is written; where prose has no form, by the words around them. */
export const namesIn = (seed: string, text: string): SeedName[] => {
  const reader = readers[seed];
  if (!reader) throw new Error(`no reader for seed ${seed}`);
  const seen = new Set<string>();
  return reader(text).filter((n) => !seen.has(JSON.stringify(n)) && seen.add(JSON.stringify(n)));
};

/** Markdown: table rows with a name and a remark, then everything else in backticks. */
const istioTables = (text: string): SeedName[] => {
  const matches = [...text.matchAll(/^\| `([^`]+)` \| *(.*?) *\|$/gm)];
  const rows = matches.map(([, name = '', remark = '']) => ({ name, limited: remark !== '' }));
  const others = plain(text.replace(/^\| `[^`]+`/gm, ''), /`([^`]+)`/g);
  return [...rows, ...others];
};

/** A page as plain text: tables start with ModuleRemark, and a remark follows its name without a space. */
const istioPage = (text: string): SeedName[] => {
  const names: SeedName[] = [];
  for (const block of text
    .split(/\n\s*\n/)
    .map((b) => b.trim())
    .filter((b) => b.startsWith('ModuleRemark'))) {
    const backend = text.indexOf(block) > text.indexOf('\nnftables Backend') ? 'nftables' : 'iptables';
    for (const line of block.split('\n').slice(1)) {
      const [, name = line, remark = ''] = /^(xt_[A-Z]+|[a-z0-9_]+)(.*)$/.exec(line.trim()) ?? [];
      names.push({ name, backend, limited: /only|needed for (ambient|IPv6)/i.test(remark) });
    }
  }
  return [
    ...names,
    ...plain(text, versions),
    ...plain(text, /\bThe (\w+) binary\b/g),
    ...plain(text, /\b(\w+ issue)\b(?= describes)/g),
  ];
};

/** Prose with bullets: lists after "match criteria" and "actions", names in capitals, version numbers, flags. */
const calicoPage = (text: string): SeedName[] => {
  const lists = [/match criteria:([^.]*)\./, /following actions:([^.]*)\./].flatMap((p) => (p.exec(text)?.[1] ?? '').split(','));
  const capitals = /\b([a-z]?[A-Z][A-Za-z_]*[A-Z][A-Za-z_0-9]*)\b/g;
  return withoutParts([
    ...lists.map((item) => ({ name: item.replace(/\(.*/, '').trim() })).filter(({ name }) => name !== ''),
    ...plain(text, capitals),
    ...plain(text, versions),
    ...plain(text, /(--[a-z-]+)/g),
    ...plain(text, /“?‘?\b(legacy|nft)”/g),
    ...plain(text, /\b([A-Z]\w+) or another\b/g),
    ...plain(text, /or another (\w+ manager)/g),
    ...plain(text, /• (RedHat [^\n]+)/g),
    ...plain(text, /• (OpenShift [^\n]+)/g),
    ...plain(text, /• (IP sets|Netfilter \w+)/g),
    ...plain(text, /including the (\w+) support/g),
    ...plain(text, /^ *(\w+\/\w+ store)$/gm),
  ]);
};

/** "IP" says nothing beside "IP sets". */
const withoutParts = (names: readonly SeedName[]): SeedName[] =>
  names.filter(({ name }) => !names.some((other) => other.name !== name && other.name.split(' ').includes(name)));

/** A list broken over many lines: a line that is one word is a name, and so is every word with an underscore. */
const calicoMatrix = (text: string): SeedName[] => {
  const unglued = text
    .replaceAll('subsystem', '')
    .replace(/^\(for IPv\d\)/gm, '')
    .replace(/^[(, ]+|[):]+$/gm, '');
  return [
    ...plain(unglued, /^([a-z][a-z0-9_/-]*)$/gm),
    ...plain(unglued, /\b([A-Za-z0-9]+_\w+)\b/g),
    ...plain(text, versions),
    ...plain(text, /^(\w+) \/ \w+$/gm),
    ...plain(text, /^\w+ \/ (\w+)$/gm),
    ...plain(text, /following (\w+)$/gm),
    ...plain(text, /^([\w/]+) container image/gm),
    ...plain(text, /and ([A-Z]+) target/g),
    ...plain(text, /for (netfilter)\//g),
    ...plain(text, /^(IP-in-IP \w+)$/gm),
  ];
};

/** Markdown with shell blocks and transcripts: backticks, heredocs, commands, keys before "=", modules that lsmod lists. */
const kubernetesPage = (text: string): SeedName[] => [
  ...plain(text.replace(/```[^\n]*/g, ''), /`([^`\n]+)`/g),
  ...plain(text, /^([a-z0-9]+(?:\.[a-z0-9_-]+)+) += /gm),
  ...plain(text, /setting key "([^"]+)"/g),
  ...[...text.matchAll(/^cat <<EOF[^\n]*tee ([^\n]+)\n([\s\S]*?)^EOF/gm)].flatMap(([, file = '', body = '']) =>
    [
      file,
      ...body
        .trim()
        .split('\n')
        .map((line) => line.split('=')[0]?.trim() ?? ''),
    ].map((name) => ({ name })),
  ),
  ...plain(text, /apt install (\S+)/g),
  ...plain(text, /^sudo (modprobe) /gm),
  ...plain(text, /^sudo modprobe (\S+)/gm),
  ...plain(text, /^(lsmod) /gm),
  ...plain(text, /^sudo (sysctl --system)$/gm),
  ...plain(text, /^(sysctl) net/gm),
  ...plain(text, /^(stat .+)$/gm),
  ...plain(text, /^([a-z_]+) +\d+ +\d+/gm),
  ...plain(text, /^([a-z0-9]*fs)$/gm),
  ...plain(text, /Kubernetes (\d+\.\d+)/g),
  ...plain(text, /amd64 \w+ amd64 (\S+)/g),
  ...plain(text, /Extensible LAN \((\w+)\)/g),
  ...plain(text, /cgroups v2, (\w+), socat/g),
];

const versions = /\b(?:OpenShift Container Platform )?(v?\d+(?:\.\d+)+)(?![\d+])/g;

const plain = (text: string, pattern: RegExp): SeedName[] =>
  [...text.matchAll(pattern)].map((match) => ({ name: (match[1] ?? '').trim() }));

const readers: { readonly [seed: string]: ((text: string) => SeedName[]) | undefined } = {
  '000': istioTables,
  '001': istioPage,
  '002': calicoPage,
  '003': calicoMatrix,
  '004': kubernetesPage,
};
