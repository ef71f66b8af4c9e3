import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { chooseProfile, loadSettings } from '../../src/config.ts';
import type { DesiredFlags } from '../../src/config.ts';
import { parseConfig } from '../../src/config-file.ts';
import { configBytes } from '../../src/config-read.ts';
import { didYouMean, nearest, OperatorError } from '../../src/errors.ts';
import { isModuleName } from '../../src/knowledge/module-names.ts';
import { idOf } from '../../src/requirements.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

let count = 0;
const file = (text: string): string => {
  const path = join(folder, `${++count}.yaml`);
  writeFileSync(path, text);
  return path;
};
const today = new Date('2026-06-15T12:00:00Z');
const load = (flags: Partial<DesiredFlags>) => loadSettings({ profiles: [], waive: [], ...flags }, today);
const loadText = (text: string, flags: Partial<DesiredFlags> = {}) => load({ config: file(text), ...flags });

/** What an operator reads: the message, without the folder, and the hint. */
const complaint = async (doing: () => unknown): Promise<string> => {
  try {
    await doing();
  } catch (error) {
    if (!(error instanceof OperatorError)) throw error;
    return `${error.message} | ${error.hint ?? ''}`.replaceAll(`${folder}/`, '').replace(/\d+\.yaml/g, 'F');
  }
  return 'no complaint';
};

describe('a file that is wrong says where', () => {
  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ['an unknown key', 'profile:\n  kubernetes:\n', /^F:1:1: unknown key "profile" \| Did you mean "profiles"\?/],
    [
      'an unknown profile',
      'profiles:\n  kubernets: {}\n',
      /^F:2:3: unknown key "profiles\.kubernets" \| Did you mean "kubernetes"\?/,
    ],
    [
      'an unknown option',
      'profiles:\n  istio:\n    mod: ambient\n',
      /^F:3:5: unknown key "profiles\.istio\.mod" \| Did you mean "mode"\?/,
    ],
    ['a key like nothing known', 'frobnicate: 1\n', /^F:1:1: unknown key "frobnicate" \| Known here: ipFamilies, profiles/],
    [
      'an unknown value',
      'profiles:\n  istio: { mode: ambiant }\n',
      /^F:2:\d+: profiles\.istio\.mode: must be one of sidecar, ambient/,
    ],
    [
      'a version that is none',
      'profiles:\n  kubernetes: { version: v1.35 }\n',
      /profiles\.kubernetes\.version: a Kubernetes version is two numbers/,
    ],
    ['an IP family that is none', 'ipFamilies:\n  - ipv4\n  - ipv5\n', /^F:3:5: ipFamilies\.1: /],
    ['no IP family at all', 'ipFamilies: []\n', /^F:1:1: ipFamilies: /],
    [
      'a module name with odd characters',
      'modules:\n  - tun\n  - "tun; reboot"\n',
      /^F:3:5: modules\.2?1?: is no name of a kernel module/,
    ],
    ['a module name with a suffix', 'modules: [tun.ko]\n', /modules\.0: is no name of a kernel module/],
    ['a key with a newline in it', 'sysctl:\n  "a.b\\nc.d": 1\n', /^F:2:3: sysctl\./],
    ['a key that leaves /proc/sys', 'sysctl: { "../etc/passwd": 1 }\n', /^F:1:\d+: sysctl\..*is no sysctl key|Invalid key/],
    [
      'a value of two lines',
      'sysctl: { vm.max_map_count: "1\\nkernel.panic = 1" }\n',
      /must be one line without control characters/,
    ],
    ['an empty value', 'sysctl: { vm.max_map_count: "" }\n', /must be one line/],
    ['a package bound that is none', 'packages: { nftables: "1.0.1" }\n', /packages\.nftables: must be "\*" or ">=VERSION"/],
    ['a waiver without a reason', 'waive:\n  - { id: module/xt_u32 }\n', /^F:2:\d+: waive\.0\.reason: /],
    [
      'a waiver with a date that is none',
      'waive: [{ id: module/a, reason: b, until: soon }]\n',
      /waive\.0\.until: must be a date/,
    ],
    [
      'a misspelt key of a waiver',
      'waive: [{ id: module/a, reason: b, untill: 2027-01-01 }]\n',
      /unknown key "waive\.0\.untill" \| Did you mean "until"/,
    ],
    ['a list where a map belongs', 'profiles: [kubernetes]\n', /^F:1:1: profiles: /],
    ['text where a map belongs', 'kubernetes\n', /^F:\d+:\d+: the file: /],
    ['a tab', 'profiles:\n\tkubernetes: {}\n', /^F:2:1: .*[Tt]ab.* \| It must be valid YAML/],
    ['an open bracket', 'modules: [tun\n', /^F:\d+:\d+: .* \| It must be valid YAML/],
    ['one key twice', 'modules: [tun]\nmodules: [tap]\n', /^F:2:1: .*unique.* \| It must be valid YAML/i],
  ];
  test.each(wrong)('%s', async (_name, text, pattern) => {
    expect(await complaint(() => loadText(text))).toMatch(pattern);
  });

  test('a file that is not there', async () => {
    expect(await complaint(() => load({ config: join(folder, 'none.yaml') }))).toMatch(/^Cannot read none\.yaml: ENOENT/);
  });

  test('a folder in its place', async () => {
    expect(await complaint(() => load({ config: folder }))).toMatch(/EISDIR/);
  });
});

describe('a file that is right', () => {
  test('everything that the documents show is taken', () => {
    const text = `ipFamilies: [ipv4]
profiles:
  kubernetes: { version: "1.35", kubeProxy: iptables, swap: "off" }
  istio: { mode: ambient, backend: nftables, dnsCapture: true }
  calico:
modules: [tun]
sysctl: { vm.max_map_count: 262144 }
packages: { nftables: ">=1.0.1", socat: "*" }
waive:
  - { id: module/xt_u32, reason: "not used by our policies", until: 2027-06-30 }
`;
    expect(parseConfig(configBytes(file(text)))).toEqual({
      ipFamilies: ['ipv4'],
      profiles: {
        kubernetes: { version: '1.35', kubeProxy: 'iptables', swap: 'off' },
        istio: { mode: 'ambient', backend: 'nftables', dnsCapture: 'true' },
        calico: {},
      },
      modules: ['tun'],
      sysctl: { 'vm.max_map_count': '262144' },
      packages: { nftables: '>=1.0.1', socat: '*' },
      waive: [{ id: 'module/xt_u32', reason: 'not used by our policies', until: '2027-06-30' }],
    });
  });

  test('an empty file asks for kubernetes, as no file does', async () => {
    expect((await loadText('')).desired.askedBy).toEqual(['kubernetes']);
  });

  test('a file with only modules of its own asks for just those', async () => {
    const { desired } = await loadText('modules: [tun]\n');
    expect(desired.requirements.map(idOf)).toEqual(['package/kmod', 'module/tun']);
  });

  test('names are written in many ways and mean one: - is _, / is .', async () => {
    const { desired } = await loadText('modules: [br-netfilter]\nsysctl: { net/ipv4/ip_forward: 1 }\n');
    expect(desired.requirements.map(idOf)).toEqual(expect.arrayContaining(['module/br_netfilter', 'sysctl/net.ipv4.ip_forward']));
  });

  test('flags win over the file, whose options still hold where the flag is silent', async () => {
    const { desired } = await loadText('profiles:\n  istio: { mode: ambient, backend: nftables }\n  calico: {}\n', {
      profiles: ['istio:backend=iptables'],
    });
    expect(desired.askedBy).toEqual(['istio:mode=ambient,backend=iptables']);
  });

  test('--ip-families wins over the file', async () => {
    const ids = async (flags: Partial<DesiredFlags>) =>
      (await loadText('ipFamilies: [ipv4]\nprofiles: { kubernetes: }\n', flags)).desired.requirements.map(idOf);
    expect(await ids({})).not.toContain('sysctl/net.ipv6.conf.all.forwarding');
    expect(await ids({ ipFamilies: 'ipv4,ipv6' })).toContain('sysctl/net.ipv6.conf.all.forwarding');
  });
});

describe('waivers', () => {
  const waiver = (until: string) =>
    `waive: [{ id: module/xt_comment, reason: no, until: ${until} }]\nprofiles: { kubernetes: }\n`;

  test('one whose day has not passed holds, that day included', async () => {
    for (const day of ['2026-06-15', '2026-06-16']) {
      const { desired, warnings } = await loadText(waiver(day));
      expect([desired.waivers.map((w) => w.id), warnings], day).toEqual([['module/xt_comment'], []]);
    }
  });

  test('one whose day has passed counts no more, and that is said', async () => {
    const { desired, warnings } = await loadText(waiver('2026-06-14'));
    expect(desired.waivers).toEqual([]);
    expect(warnings).toEqual(['The waiver of module/xt_comment ended on 2026-06-14: it counts again.']);
  });

  test('one of something that nobody asks for is said to do nothing', async () => {
    const { warnings } = await load({ waive: ['module/xt_coment=a slip'] });
    expect(warnings).toEqual([expect.stringContaining('module/xt_coment does nothing')]);
  });

  test.each(['module/x', '=reason', 'module/x=', 'module/x=  '])('--waive %j gives no reason and is refused', async (text) => {
    expect(await complaint(() => load({ waive: [text] }))).toMatch(/gives no reason/);
  });

  test('a reason may hold an equals sign', async () => {
    expect((await load({ waive: ['module/xt_comment=a=b'] })).desired.waivers).toEqual([
      { id: 'module/xt_comment', reason: 'a=b' },
    ]);
  });
});

describe('profiles as -p names them', () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['kubernets', /There is no profile "kubernets"\. \| Did you mean "kubernetes"/],
    ['nonsense', /There is no profile "nonsense"\. \| Known: kubernetes, istio, calico/],
    ['', /There is no profile ""/],
    ['istio:mod=ambient', /Profile istio has no option "mod"\. \| Did you mean "mode"/],
    ['istio:mode=ambiant', /istio:mode cannot be "ambiant"\. \| Did you mean "ambient"/],
    ['istio:mode', /"mode" is no option of profile istio\. \| Options are written KEY=VALUE/],
    ['istio:=x', /"=x" is no option/],
    ['istio:toString=x', /has no option "toString"/],
    ['kubernetes:version=1.2.3', /kubernetes:version cannot be "1\.2\.3": a Kubernetes version is two numbers/],
  ];
  test.each(wrong)('-p %j is refused with what was perhaps meant', async (spec, pattern) => {
    expect(await complaint(() => chooseProfile(spec, ['ipv4']))).toMatch(pattern);
  });

  test('options that are not given have their defaults', () => {
    expect(chooseProfile('istio:mode=ambient', ['ipv6']).chosen).toMatchObject({
      mode: 'ambient',
      backend: 'iptables',
      ipv4: false,
      ipv6: true,
    });
  });

  test('one profile twice is refused', async () => {
    expect(await complaint(() => load({ profiles: ['istio', 'istio:mode=ambient'] }))).toMatch(/given twice/);
  });

  test.each(['ipv5', '', 'ipv4,', 'IPv4'])('--ip-families %j is refused', async (ipFamilies) => {
    expect(await complaint(() => load({ profiles: ['kubernetes'], ipFamilies }))).toMatch(/is no IP family/);
  });
});

describe('names that were perhaps meant', () => {
  test('near ones are found whatever their case, far ones are not', () => {
    expect(nearest('Kubernets', ['istio', 'kubernetes'])).toBe('kubernetes');
    expect(nearest('xyz', ['istio', 'kubernetes'])).toBeUndefined();
    expect(nearest('a', [])).toBeUndefined();
  });

  test('what is known is listed either way', () => {
    expect(didYouMean('No.', 'istoi', ['istio', 'calico']).hint).toBe('Did you mean "istio"? Known: istio, calico.');
    expect(didYouMean('No.', 'qqqqqqqq', ['istio', 'calico']).hint).toBe('Known: istio, calico.');
  });
});

describe('names of modules', () => {
  test.each(['tun', 'br-netfilter', 'nf_conntrack', '8021q', 'xt_TPROXY'])('%s is one', (name) =>
    expect(isModuleName(name)).toBe(true),
  );
  test.each(['', ' tun', 'a b', 'a\nb', '-a', '../x', 'a/b', 'tun.ko', 'tun.ko.xz', '$(x)', 'a'.repeat(56), '#a', ';a'])(
    '%j is none',
    (name) => expect(isModuleName(name)).toBe(false),
  );
});
