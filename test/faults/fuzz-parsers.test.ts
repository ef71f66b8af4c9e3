import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { families } from '../../src/families/table.ts';
import { wantedOf } from '../../src/hosts/wanted.ts';
import { argumentIsOn, cmdlineWords } from '../../src/knowledge/cmdline.ts';
import { disabledBy } from '../../src/knowledge/cgroup.ts';
import { elementsOf } from '../../src/knowledge/firewalld-xml.ts';
import { fnmatch } from '../../src/knowledge/fnmatch.ts';
import { changedArguments } from '../../src/knowledge/grub-arguments.ts';
import { grubDefault, grubEntries } from '../../src/knowledge/grub.ts';
import { iniLines } from '../../src/knowledge/ini-lines.ts';
import { bootArguments, kernelBlacklist, kmodBlacklist } from '../../src/knowledge/modprobe-cmdline.ts';
import { runInstall } from '../../src/knowledge/modprobe-command.ts';
import { matches, parseModprobe } from '../../src/knowledge/modprobe-config.ts';
import { parseModulesLoad } from '../../src/knowledge/modules-load.ts';
import { inList, splitSpecs } from '../../src/knowledge/networkmanager-match.ts';
import { coversPort } from '../../src/knowledge/ports.ts';
import { elfHeader, elfMachine } from '../../src/knowledge/processors.ts';
import { liveLines } from '../../src/knowledge/shell-lines.ts';
import { fstabUnit, isSwapLine, unescaped } from '../../src/knowledge/swap-fstab.ts';
import { globbed } from '../../src/knowledge/sysctl-globs.ts';
import { parseSysctl } from '../../src/knowledge/sysctl-lines.ts';
import { argumentSettings } from '../../src/knowledge/sysctl-resolve.ts';
import { shellSettings } from '../../src/knowledge/sysctl-shell.ts';
import { isSysctlKey, kernelInteger, sysctlKey, sysctlPath, sysctlValue } from '../../src/knowledge/sysctl.ts';
import { isUnitName } from '../../src/knowledge/systemd.ts';
import { compareDebian, compareRpm, upstreamVersion } from '../../src/knowledge/versions.ts';
import { safe, safeLine } from '../../src/views/terminal.ts';
import { countInputs, cpuMilliseconds, hidden, runs, survives } from './fuzz-check.ts';
import { nasty, textsOf } from './fuzz-host.ts';
import { fileName, mutationOfAny } from './fuzz-inputs.ts';

countInputs('parsers');

const tree = textsOf('tree');
const answers = textsOf('answers');
const of = (part: RegExp): readonly string[] => Object.entries(tree).flatMap(([name, text]) => (part.test(name) ? [text] : []));
const lines = (texts: readonly string[]): readonly string[] =>
  [...new Set(texts.flatMap((text) => text.split('\n')))].filter(Boolean);

/** Every parser of text, and the files that are mutated for it. */
const parsers: readonly (readonly [name: string, texts: readonly string[], (text: string) => unknown])[] = [
  ['sysctl.d for systemd', of(/sysctl/), (text) => parseSysctl(text, '/etc/sysctl.d/x.conf', 'systemd')],
  ['sysctl.d for procps 4', of(/sysctl/), (text) => parseSysctl(text, '/etc/sysctl.d/x.conf', 'procps4')],
  ['sysctl.d for procps 3', of(/sysctl/), (text) => parseSysctl(text, '/etc/sysctl.d/x.conf', 'procps3')],
  ['modules-load.d', of(/modules-load/), parseModulesLoad],
  ['modprobe.d', of(/modprobe|softdep/), (text) => parseModprobe([{ path: '/etc/modprobe.d/x.conf', text }])],
  ['commands of install lines', lines(of(/modprobe/)), (text) => runInstall(text, () => true)],
  ['grub.cfg', of(/grub/), (text) => grubDefault(grubEntries(text), text, 'x')],
  ['changed kernel arguments', of(/grub/), (text) => changedArguments(text, { add: ['a=1'], remove: ['cgroup_disable=memory'] })],
  [
    'files with sections',
    of(/NetworkManager|networkd|network$|tuned|service|zram/),
    (text) => iniLines({ path: '/x', text }, true),
  ],
  [
    'lists of devices',
    lines(of(/NetworkManager/)),
    (text) =>
      inList(
        { name: 'cali0', type: 'veth' },
        splitSpecs(text).map((word) => ({ word, from: '' })),
      ),
  ],
  ["firewalld's files", of(/firewalld/), (text) => elementsOf({ path: '/x', text })],
  ['scripts', of(/rc\.|if-up|scripts|cron|cloud|interfaces|rules/), (text) => shellSettings(text, '/x', () => [])],
  ['lines of scripts', of(/rc\.|scripts|cron/), liveLines],
  [
    'command lines of kernels',
    of(/cmdline/),
    (text) => [
      bootArguments(text),
      kmodBlacklist(text),
      kernelBlacklist(text),
      disabledBy(text),
      cmdlineWords(text),
      argumentSettings(text),
      argumentIsOn(text, 'quiet'),
    ],
  ],
  ['fstab', lines(of(/fstab|swaps/)), (text) => [isSwapLine(text), unescaped(text), fstabUnit(text), isUnitName(text)]],
  [
    'versions',
    lines([...Object.values(answers), ...of(/status/)]),
    (text) => [compareDebian(text, '1:1.0-1'), compareDebian('2', text), compareRpm(text, '1:1.0-1'), upstreamVersion(text)],
  ],
  [
    'keys and values',
    lines(of(/sysctl/)),
    (text) => [
      isSysctlKey(text),
      sysctlKey(text),
      sysctlPath(text),
      sysctlValue(text),
      kernelInteger(text),
      coversPort(text, '1-2'),
    ],
  ],
  ...families.map((family) => [`answers of ${family.name}'s packages`, Object.values(answers), family.read] as const),
];

test.each(parsers)(
  '%s, whatever a file holds',
  (_name, texts, parse) => {
    survives(mutationOfAny([...texts, '']), runs(600, 3000), parse);
  },
  120_000,
);

test('an index or a record in which lines are looked for, be it no text at all', () => {
  const content = fc.oneof(
    mutationOfAny(of(/status|dep$/)).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 500 }).map((all) => Buffer.from(all)),
  );
  survives(fc.tuple(content, fc.boolean()), runs(1000, 10_000), ([bytes, paragraphs]) => {
    const kept = wantedOf(bytes, ['Package: kmod', 'Package: nftables', 'overlay'], paragraphs ? true : undefined);
    if (kept.length > bytes.length + 2) throw new Error('more than there was');
    return bytes.length >= elfHeader && elfMachine(bytes);
  });
}, 120_000);

test('patterns match in good time, and all readers of patterns agree about plain stars', () => {
  const pattern = fc.oneof(fc.stringMatching(/^[a-c*?[\]!\\-]{0,40}$/), mutationOfAny(nasty), fileName);
  const name = fc.stringMatching(/^[a-c]{0,60}$/);
  survives(fc.tuple(pattern, name), runs(3000, 20_000), ([glob, text]) => {
    const all = [fnmatch(glob, text), matches(glob, text), globbed(glob, text) !== undefined];
    if (/^[a-c*]+$/.test(glob) && text !== '' && new Set(all).size > 1) throw new Error(`${glob} ${text}: ${all.join()}`);
  });
}, 120_000);

test('no sign of all that there are gets through to a terminal if it moves the cursor, turns text round or cannot be seen', () => {
  for (let begin = 0; begin < 0x110000; begin += 0x1000) {
    const text = Array.from({ length: 0x1000 }, (_, i) => String.fromCodePoint(begin + i)).join('');
    expect(safe(text), begin.toString(16)).not.toMatch(hidden);
    expect(safeLine(text), begin.toString(16)).not.toMatch(/[\t\n]/);
    expect(safe(text).length).toBeGreaterThan(0x800);
  }
  expect(safe('Größe 1 → 2 漢字 🙂\n\tx')).toBe('Größe 1 → 2 漢字 🙂\n\tx');
});

/** As much as is read of a file, in lines of a MiB or 100,000 lines: the time must grow with the text, not with its square. */
const long = 1024 * 1024;
const shapes: readonly (readonly [string, (own: string) => string])[] = [
  ['a line of blanks', () => `a${' '.repeat(long)}b`],
  ['a line of backslashes', () => '\\'.repeat(long)],
  ['a line of opening brackets', () => '['.repeat(long)],
  ['a line of quotes', () => '"\''.repeat(long / 2)],
  ['a line of comments that end in a return', () => `${' #'.repeat(long / 2)}\ry`],
  ['a line of dashes', () => `${'-'.repeat(long)}/x`],
  ['tags that never end', () => '<!-- <rule a "'.repeat(long / 14)],
  ['empty lines', () => '\n'.repeat(100_000)],
  ['returns', () => '\r'.repeat(long)],
  ['its own lines 100,000 times', (own) => `${lines([own])[0] ?? 'x'}\n`.repeat(100_000)],
  ['its own text in one line', (own) => (own || 'x').replaceAll('\n', ' ').repeat(Math.ceil(long / (own.length || 1)))],
  ['slashes and dots', () => '../'.repeat(long / 3)],
  ['nested menus', () => "menuentry 'x' {\n".repeat(long / 16)],
];
let longest = 0;
afterAll(() => console.log(`the longest time for a text of 1 to 2 MiB: ${Math.round(longest)} ms of a processor`));

test.each(parsers)(
  '%s, in good time however long the file',
  (_name, texts, parse) => {
    const own = texts.reduce((a, b) => (b.length > a.length ? b : a), '');
    for (const [shape, make] of shapes) {
      const text = make(own).slice(0, 2 * long);
      const begin = process.cpuUsage();
      parse(text);
      const took = cpuMilliseconds(begin);
      longest = Math.max(longest, took);
      expect(took, shape).toBeLessThan(5000);
    }
  },
  120_000,
);
