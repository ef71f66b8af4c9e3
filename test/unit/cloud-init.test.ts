import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { Args } from '../../src/commands/options.ts';
import { loadSettings } from '../../src/config.ts';
import type { Settings } from '../../src/config.ts';
import { OperatorError } from '../../src/errors.ts';
import { cloudInit } from '../../src/renders/cloud-init.ts';
import { configText } from '../../src/renders/config-text.ts';
import { desiredFrom } from './support.ts';
import { because } from '../needs.ts';

const folder = mkdtempSync(join(tmpdir(), 'node-prep-cloud-init-'));
afterAll(() => rmSync(folder, { recursive: true }));

const sum = 'b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c';
type Options = Args['options'];
const render = async (options: Options, config?: string): Promise<string> =>
  await cloudInit.render({
    said: { ...(config !== undefined && { config }), words: wordsOf(options) },
    desired: desiredFrom(['kubernetes']),
    args: { words: ['cloud-init'], options },
    version: '1.2.3',
  });
const wordsOf = (options: Options): string[] =>
  ['profile', 'ip-families', 'waive'].flatMap((name) => [options[name] ?? []].flat().flatMap((v) => [`--${name}`, String(v)]));

type UserData = { write_files: { path: string; permissions: string; content: string; encoding?: string }[]; runcmd: unknown[] };
/** As cloud-init reads it: YAML 1.1, files by their encoding. */
const filesOf = (text: string): { [path: string]: string } => {
  const { write_files } = parse(text, { version: '1.1' }) as UserData;
  return Object.fromEntries(
    write_files.map((f) => [f.path, f.encoding === 'b64' ? Buffer.from(f.content, 'base64').toString() : f.content]),
  );
};
const scriptOf = async (options: Options): Promise<string> =>
  filesOf(await render(options))['/var/lib/node-prep/first-boot.sh'] ?? '';

const ways: { readonly [name: string]: Options } = {
  url: {
    profile: ['kubernetes:version=1.35', 'istio:mode=ambient'],
    url: 'https://example.org/v1/node-prep-linux-{arch}.gz?a=1&b=2',
    sha256: [`x64=${sum}`, `arm64=${sum.toUpperCase()}`],
  },
  disk: { path: '/bin/node-prep-linux-{arch}', label: 'cidata', 'take-over': true },
  image: { path: "/opt/it's here/node-prep", sha256: [sum], 'ip-families': 'ipv4,ipv6' },
  path: { waive: ['module/xt_set=no policies here'] },
};

describe.each(Object.entries(ways))('user-data for an executable that comes by way of: %s', (name, options) => {
  test('reads as it did before', async () => {
    await expect(await render(options)).toMatchFileSnapshot(`../golden/cloud-init.${name}.yaml`);
  });

  test('is YAML with two files and two commands', async () => {
    const text = await render(options);
    expect(text.split('\n')[0]).toBe('#cloud-config');
    const data = parse(text, { version: '1.1' }) as UserData;
    expect(data.write_files.map((f) => [f.path, f.permissions])).toEqual([
      ['/etc/node-prep.yaml', '0644'],
      ['/var/lib/node-prep/first-boot.sh', '0700'],
    ]);
    expect(data.runcmd).toEqual(['set -e', ['sh', '/var/lib/node-prep/first-boot.sh']]);
  });

  test('has a script that shells accept', async () => {
    const script = await scriptOf(options);
    for (const [shell, ...argv] of [
      ['sh', '-n'],
      ['bash', '--posix', '-n'],
      ['shellcheck', '-s', 'sh', '-S', 'warning', '-'],
    ] as const) {
      const checked = spawnSync(shell, argv, { input: script, encoding: 'utf8' });
      if (checked.error === undefined) expect(checked.stdout + checked.stderr).toBe('');
    }
  });
});

describe('what the operator said comes through as it was', () => {
  const odd = [
    '## template: jinja\nsysctl: { a.b: "{{ v1.region }}" }\n',
    'a: "quotes \' and \\" and $HOME `x`: #no comment"\n',
    '# 🦊 é \u2028 \u0085 \ufeff\n',
    '\ufeffmodules: [tun]\n',
    'a: 1\r\nb: 2\r\n',
    '  indented: yes\n',
    'no: end',
    'ends: twice\n\n\n',
    '\n\nstarts: late\n',
    'a: |\n  \ttab  \n   \n  x\n',
    'nul: \0 bell: \x07\n',
    '#cloud-config\nruncmd: [reboot]\n',
    '',
  ];
  test.each(odd)('the text of a configuration file: %j', async (config) => {
    expect(filesOf(await render({}, config))['/etc/node-prep.yaml']).toBe(config);
  });

  test('any text of a configuration file', async () => {
    const piece = fc.oneof(
      fc.constantFrom('\n', ' ', '\t', ': ', '- ', '#', '|', '{{', "'", '"', '\r', '\x85'),
      fc.string({ unit: 'binary' }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece), async (pieces) => {
        const config = Buffer.from(pieces.join('')).toString();
        expect(filesOf(await render({}, config))['/etc/node-prep.yaml']).toBe(config);
      }),
    );
  });

  const python = spawnSync('python3', ['-c', 'import yaml']).status === 0;
  test.runIf(python)(because('for the parser of cloud-init too', !python && 'python3 has no yaml here'), async () => {
    const read = 'import yaml,sys,json; print(json.dumps([yaml.safe_load(t)["write_files"][0] for t in json.load(sys.stdin)]))';
    const input = JSON.stringify(await Promise.all(odd.map((config) => render({}, config))));
    const { stdout } = spawnSync('python3', ['-c', read], { input, encoding: 'utf8' });
    const files = JSON.parse(stdout) as { content: string; encoding?: string }[];
    expect(files.map((f) => (f.encoding === 'b64' ? Buffer.from(f.content, 'base64').toString() : f.content))).toEqual(odd);
  });

  test('a flag with a line end does not get out of the comment', async () => {
    const hostile = 'module/x=a\nruncmd: [reboot]\u2028b\u0085c\rd\x1b[2J';
    const text = await render({ waive: [hostile] });
    expect(text.split('\n')[1]).toMatch(/^# Made by .*a\?runcmd: \[reboot\]\?b\?c\?d\?\[2J/);
    expect(Object.keys(parse(text, { version: '1.1' }) as object)).toEqual(['write_files', 'runcmd']);
  });

  test('a URL and a path are words for the shell, whatever is in them', async () => {
    const url = "https://example.org/'$(reboot)`x`;&!/{arch}";
    expect(await scriptOf({ url, sha256: [`x64=${sum}`] })).toContain(
      "x86_64) at='https://example.org/'\\''$(reboot)`x`;&!/x64' sum=",
    );
  });
});

describe('the file on the host says what file and flags say together', () => {
  const sameFrom = async (config: string | undefined, options: Options): Promise<void> => {
    const given = join(folder, 'given.yaml');
    writeFileSync(given, config ?? '');
    const ip = options['ip-families'] as string | undefined;
    const flags = { profiles: (options['profile'] ?? []) as string[], waive: (options['waive'] ?? []) as string[] };
    const said = await loadSettings({ ...flags, config: given, ...(ip && { ipFamilies: ip }) }, new Date());
    const merged = join(folder, 'merged.yaml');
    writeFileSync(merged, configText(config, { words: [], options }));
    const read = await loadSettings({ profiles: [], waive: [], config: merged }, new Date());
    // A file's profiles count in the order of the table, not in that of the flags.
    const sorted = (value: unknown): unknown =>
      Array.isArray(value)
        ? value.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
        : typeof value === 'object' && value !== null
          ? Object.fromEntries(Object.entries(value).map(([key, v]) => [key, sorted(v)]))
          : value === merged
            ? given
            : value;
    const facts = ({ desired: { requirements, waivers }, warnings }: Settings) => sorted({ requirements, waivers, warnings });
    expect(facts(read)).toEqual(facts(said));
  };
  const file = `# ours
ipFamilies: [ipv6]
profiles:
  kubernetes: { version: 1.30, swap: "off" } # keep
  calico:
modules: [tun]
sysctl: { vm.max_map_count: 262144 }
waive:
  - { id: module/xt_u32, reason: not used }
`;
  const said: readonly (readonly [string | undefined, Options])[] = [
    [undefined, {}],
    [undefined, { profile: ['istio:mode=ambient,backend=nftables', 'kubernetes'], 'ip-families': 'ipv4,ipv6' }],
    [undefined, { waive: ['module/xt_set=a: b # "c" {{ d }}\n🦊 - [e', 'swap/off=yes'] }],
    [file, {}],
    [file, { profile: ['kubernetes:kubeProxy=nftables', 'istio'] }],
    [file, { waive: ['module/xt_set=no'], 'ip-families': 'ipv4' }],
    ['{}', { waive: ['module/xt_set=no'] }],
    ['modules: [tun]\n', { 'ip-families': 'ipv6' }],
    ['profiles: { istio: { mode: ambient } }\n', { profile: ['istio:dnsCapture=true'] }],
  ];
  test.each(said)('%j %j', (config, options) => sameFrom(config, options));

  test('comments and spelling of the file are kept', () => {
    const text = configText(file, { words: [], options: { profile: ['kubernetes:swap=limited'] } });
    expect(text).toContain('# ours\n');
    expect(text).toContain('version: 1.30');
    expect(text).not.toContain('calico');
  });

  test('a file whose anchors cannot stay is refused with a way out', () => {
    const config = 'profiles:\n  calico: &a { encapsulation: vxlan }\nwaive: []\nx: *a\n';
    expect(() => configText(config, { words: [], options: { profile: ['istio'] } })).toThrow(OperatorError);
  });
});

test('the command prints it, and a mistake is a message and exit code 1', () => {
  const bundle = join(import.meta.dirname, '../../dist/node-prep.cjs');
  const run = (...words: string[]) =>
    spawnSync(process.execPath, [bundle, 'render', 'cloud-init', ...words], { encoding: 'utf8', cwd: folder });
  expect(run('-p', 'istio', '--path', '/opt/node-prep')).toMatchObject({
    status: 0,
    stderr: '',
    stdout: expect.stringMatching(/^#cloud-config\n/),
  });
  const refused = run('-p', 'istio', '--url', 'https://example.org/x');
  expect(refused).toMatchObject({
    status: 1,
    stdout: '',
    stderr: expect.stringMatching(/^node-prep: --url without --sha256.*\n  Give the checksum/),
  });
});

describe('what cannot work is refused', () => {
  const url = 'https://example.org/node-prep';
  const bad: readonly (readonly [string, Options, RegExp])[] = [
    ['a URL without a checksum', { url }, /--url without --sha256/],
    ['a checksum of nothing', { sha256: [sum] }, /checksum of nothing/],
    ['a checksum that is none', { url, sha256: ['abc'] }, /"abc" is no SHA-256/],
    ['a checksum for an unknown processor', { url, sha256: [`mips=${sum}`] }, /is no SHA-256/],
    ['two checksums for one file', { url, sha256: [sum, sum] }, /do not fit/],
    ['two processors, one file', { url, sha256: [`x64=${sum}`, `arm64=${sum}`] }, /do not fit/],
    ['one checksum for all processors', { url: `${url}-{arch}`, sha256: [sum] }, /do not fit/],
    ['one processor twice', { url: `${url}-{arch}`, sha256: [`x64=${sum}`, `x64=${sum}`] }, /do not fit/],
    ['ftp', { url: 'ftp://example.org/x', sha256: [sum] }, /is no URL/],
    ['a file', { url: '/srv/node-prep', sha256: [sum] }, /is no URL/],
    ['a URL with a line end', { url: 'https://example.org/\nx', sha256: [sum] }, /is no URL/],
    ['a password in the URL', { url: 'https://me:secret@example.org/x', sha256: [sum] }, /password/],
    ['URL and path', { url, sha256: [sum], path: '/x' }, /Give one of the two|so does --path/],
    ['a label without a path', { label: 'cidata' }, /Which file/],
    ['a path that is not absolute', { path: 'node-prep' }, /not absolute/],
    ['a label that is none', { label: 'a b;c', path: 'x' }, /no label/],
  ];
  test.each(bad)('%s', async (_name, options, message) => {
    await expect(render(options)).rejects.toThrow(OperatorError);
    await expect(render(options)).rejects.toThrow(message);
  });

  test('user-data that clouds do not take', async () => {
    await expect(render({}, `# ${'x'.repeat(70_000)}\n`)).rejects.toThrow(/few clouds take more than 65536 \(EC2: 16384\)/);
  });

  test('one that EC2 does not take as it is says how it does', async () => {
    const config = `# ${'x'.repeat(20_000)}\n`;
    const text = await render({}, config);
    expect(text.split('\n')[1]).toMatch(/^# EC2 .*16384 bytes: pack this with gzip/);
    expect(filesOf(text)['/etc/node-prep.yaml']).toBe(config);
  });

  test('an ordinary one has room in the smallest', async () => {
    for (const options of Object.values(ways)) expect((await render(options)).length).toBeLessThan(8_000);
  });
});
