import { describe, expect, test, vi } from 'vitest';
import { applyHost } from '../../src/apply.ts';
import { planToSave, requireSame } from '../../src/commands/saved.ts';
import type { MemoryHost } from '../../src/hosts/memory.ts';
import type { Desired, Outcome, Waiver } from '../../src/model.ts';
import { digest, readSaved, savedText } from '../../src/saved-plan.ts';
import type { SavedPlan } from '../../src/saved-plan.ts';
import { hosts } from '../recordings/hosts.ts';
import { debianWith, desiredFrom } from './support.ts';

vi.stubGlobal('NODE_PREP_VERSION', '1.2.3');

const args = { words: [], options: { profile: ['kubernetes'], config: '/dev/null' } };
const desired = desiredFrom(args.options.profile);

const bootId = '/proc/sys/kernel/random/boot_id';
const machine = (): MemoryHost =>
  debianWith({
    [bootId]: '11111111-1111\n',
    '/etc/machine-id': 'aaaa\n',
    '/etc/sysctl.d/10-own.conf': 'kernel.dmesg_restrict = 1\n',
    '/etc/sysctl.d/20-link.conf': { link: '../one.conf' },
    '/etc/one.conf': 'kernel.sysrq = 0\n',
    '/etc/two.conf': 'kernel.sysrq = 0\n',
    '/etc/sysctl.d/30-closed.conf': { unreadable: 'EACCES' },
    '/proc/meminfo': 'MemAvailable: 100 kB\n',
    '/boot/grub/grubenv': 'boot_success=0\n',
  });

/** Applies a plan that was saved; what it says where it is refused. */
const refusal = async (host: MemoryHost, saved: SavedPlan, wanted: Desired = desired): Promise<string> => {
  const watch = {
    confirm: () => Promise.resolve(false),
    progress: () => Promise.reject(new Error('nothing was to be done')),
  };
  const agree = (...made: Parameters<NonNullable<Parameters<typeof applyHost>[2]['agree']>>): void =>
    requireSame('p', saved, { host, desired: wanted }, ...made);
  const message = await applyHost(host, wanted, { partial: true, agree }, watch).then(
    () => 'done',
    (error: Error) => error.message,
  );
  return message.startsWith('Not confirmed') ? 'agreed' : message;
};

describe('a saved plan is applied only where all that it was made from is as it was', () => {
  const changes: readonly (readonly [string, (host: MemoryHost) => void, RegExp])[] = [
    [
      'a new file',
      ({ files }) => files.set('/etc/sysctl.d/99-x.conf', 'a.b = 1\n'),
      /\n {2}\/etc\/sysctl\.d\/99-x\.conf is new$/,
    ],
    [
      'a file that says something else',
      ({ files }) => files.set('/etc/sysctl.d/10-own.conf', 'kernel.dmesg_restrict = 0\n'),
      /\n {2}\/etc\/sysctl\.d\/10-own\.conf changed$/,
    ],
    ['a comment in it', ({ files }) => files.set('/etc/fstab', '# hello\n'), /\n {2}\/etc\/fstab changed$/],
    ['a file that is gone', ({ files }) => files.delete('/etc/fstab'), /\n {2}\/etc\/fstab is gone$/],
    [
      'a link that leads elsewhere, to the same text',
      ({ files }) => files.set('/etc/sysctl.d/20-link.conf', { link: '../two.conf' }),
      /\n {2}\/etc\/sysctl\.d\/20-link\.conf changed$/,
    ],
    [
      'a setting until the next boot, which sysctl reads as well',
      ({ files }) => files.set('/run/sysctl.d/zz.conf', 'kernel.panic = 77\n'),
      /\n {2}\/run\/sysctl\.d\/zz\.conf is new$/,
    ],
    [
      'a file that cannot be read any more',
      ({ files }) => files.set('/etc/sysctl.d/10-own.conf', { unreadable: 'EACCES' }),
      /\n {2}\/etc\/sysctl\.d\/10-own\.conf cannot be read any more$/,
    ],
    ['another boot', ({ files }) => files.set(bootId, '22222222-2222\n'), /\n {2}the host was rebooted since$/],
    [
      'another host',
      ({ files }) => files.set('/etc/machine-id', 'bbbb\n').set(bootId, '22\n'),
      /\n {2}the plan was made on another host \(\/etc\/machine-id\)$/,
    ],
    [
      'another kernel',
      ({ files }) => files.set('/proc/sys/kernel/osrelease', '6.1.0-99-amd64\n'),
      /\n {2}the kernel: was 6\.1\.0-50-amd64, is 6\.1\.0-99-amd64\n/,
    ],
    [
      'another release of the system',
      ({ files }) => files.set('/etc/os-release', 'ID=debian\nVERSION_ID="13"\nPRETTY_NAME="Debian 13"\n'),
      /\n {2}the system: was Debian GNU\/Linux 12 \(bookworm\), is Debian 13\n {2}\/etc\/os-release changed\b/,
    ],
    [
      'a package that was installed',
      ({ machine: m }) => m.installed.set('socat', '1.7.4.4-2'),
      /\n {2}package versions: socat \(none, now 1\.7\.4\.4-2\)\n/,
    ],
    [
      'a package that was upgraded',
      ({ machine: m }) => m.installed.set('kmod', '99-1'),
      /\n {2}package versions: kmod \(\S+, now 99-1\)\n/,
    ],
    [
      'another version to be had',
      ({ machine: m }) => m.available.set('socat', { version: '9.9-1' }),
      /\n {2}package versions to be had: socat$/,
    ],
    [
      'a kernel setting',
      ({ files }) => files.set('/proc/sys/net/ipv4/ip_forward', '1\n'),
      /\n {2}net\.ipv4\.ip_forward: was 0, is 1$/,
    ],
    [
      'a loaded module',
      ({ files }) => files.set('/proc/modules', 'overlay 16384 0 - Live 0x0\n'),
      /\n {2}module\/overlay: was not loaded, is loaded$/,
    ],
    [
      'swap',
      ({ files }) => files.set('/proc/swaps', 'Filename Type Size Used Priority\n/dev/vda5 partition 1000 0 -2\n'),
      /\n {2}swap\/off: was .*, is .*vda5/,
    ],
  ];
  test.each(changes)('%s is named', async (_name, change, message) => {
    const host = machine();
    const saved = readSaved(savedText(await planToSave(host, desired, args)), 'p');
    expect(await refusal(host, saved)).toBe('agreed');
    change(host);
    const said = await refusal(host, saved);
    expect(said).toMatch(/^p no longer fits; nothing was touched\. Since it was made:\n {2}/);
    expect(said).toMatch(message);
    expect(host.machine.commands).toEqual([]);
  });

  const noise: readonly (readonly [string, (host: MemoryHost) => void])[] = [
    ['free memory', ({ files }) => files.set('/proc/meminfo', 'MemAvailable: 99 kB\n')],
    ['modules that nobody asked about', ({ files }) => files.set('/proc/modules', 'dummy 1 5 - Live 0x1\n')],
    ['what GRUB notes of a boot', ({ files }) => files.set('/boot/grub/grubenv', 'boot_success=1\n')],
    ['files that nobody asked about', ({ files }) => files.set('/etc/sysctl.d/README', 'x').set('/etc/motd', 'x')],
    ['packages that nobody asked about', ({ machine: m }) => m.installed.set('cowsay', '3.03')],
    ['a file that can be read now and says nothing of it', ({ files }) => files.set('/etc/sysctl.d/30-closed.conf', 'a.b = 1\n')],
  ];
  test.each(noise)('%s is no reason to refuse', async (_name, change) => {
    const host = machine();
    const saved = await planToSave(host, desired, args);
    change(host);
    expect(await refusal(host, saved)).toBe('agreed');
  });

  test('a file that could not be read and speaks of it is named, with what it changes', async () => {
    const host = machine();
    const saved = await planToSave(host, desired, args);
    host.files.set('/etc/sysctl.d/30-closed.conf', 'net.ipv4.ip_forward = 1\n');
    expect(await refusal(host, saved)).toMatch(
      /30-closed\.conf could not be read when the plan was made\n {2}net\.ipv4\.ip_forward: at boot was .*, is 1$/,
    );
  });

  test('a waiver that has ended is named', async () => {
    const host = machine();
    const waiver: Waiver = { id: 'package/socat', reason: 'a test' };
    const saved = await planToSave(host, desiredFrom(args.options.profile, ['ipv4'], [waiver]), args);
    expect(await refusal(host, saved)).toMatch(/\n {2}the waiver of package\/socat has ended\n/);
  });

  test('of many changes the first ten are named', async () => {
    const host = machine();
    const saved = await planToSave(host, desired, args);
    for (let i = 0; i < 30; i++) host.files.set(`/etc/sysctl.d/a${i}.conf`, '');
    const lines = (await refusal(host, saved)).split('\n');
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toBe('  and 20 more');
  });

  test.each(Object.keys(hosts))('and is not refused without cause: %s', async (name) => {
    const recipe = hosts[name];
    if (!recipe) throw new Error(name);
    const host = debianWith({}, recipe);
    expect(await refusal(host, readSaved(savedText(await planToSave(host, desired, args)), 'p'))).toBe('agreed');
  });
});

describe('applied', () => {
  const applied = async (host: MemoryHost, saved: SavedPlan): Promise<Outcome> =>
    applyHost(
      host,
      desired,
      { partial: true, agree: (plan, answers) => requireSame('p', saved, { host, desired }, plan, answers) },
      {
        confirm: () => Promise.resolve(true),
        progress: async (_plan, steps) => {
          const all = [];
          for await (const step of steps) all.push(step);
          return all;
        },
      },
    );

  test('it does what was shown, byte for byte; a second time it says that it was applied already', async () => {
    const host = debianWith({});
    const saved = await planToSave(host, desired, args);
    const outcome = await applied(host, saved);
    expect(outcome.status).toBe('applied');
    expect('steps' in outcome && outcome.steps?.map((step) => step.action)).toEqual(saved.plan.actions);
    await expect(applied(host, saved)).rejects.toThrow(/^p was applied already, it seems: nothing of it is left to do/);
  });

  const forgeries: readonly (readonly [string, (saved: SavedPlan) => SavedPlan])[] = [
    [
      'a command of the forger',
      (s) => ({
        ...s,
        plan: { ...s.plan, actions: [{ do: 'run', argv: ['rm', '-rf', '/'], why: 'x', for: [] }, ...s.plan.actions] },
      }),
    ],
    ['a step left out', (s) => ({ ...s, plan: { ...s.plan, actions: s.plan.actions.slice(1) } })],
    ['steps in another order', (s) => ({ ...s, plan: { ...s.plan, actions: [...s.plan.actions].reverse() } })],
    [
      'another text for a file',
      (s) => ({
        ...s,
        plan: { ...s.plan, actions: s.plan.actions.map((a) => (a.do === 'write' ? { ...a, after: `${a.after}x=1\n` } : a)) },
      }),
    ],
    ['actions that are none', (s) => ({ ...s, plan: { ...s.plan, actions: [null, 1, 'x'] as never } })],
  ];
  test.each(forgeries)('%s, with a checksum that fits, does nothing at all', async (_name, forge) => {
    const host = debianWith({});
    const forged = readSaved(savedText(forge(await planToSave(host, desired, args))), 'p');
    await expect(applied(host, forged)).rejects.toThrow(/what there is to do is not the same/);
    expect(host.machine.commands).toEqual([]);
    expect(host.files.has('/etc/sysctl.d/node-prep.conf')).toBe(false);
  });
});

describe('a file that is not as it was written is refused', () => {
  let made: string | undefined;
  const whole = async (): Promise<string> => (made ??= savedText(await planToSave(debianWith({}), desired, args)));
  const resealed = (text: string, change: (document: Record<string, unknown>) => void): string => {
    const { checksum: _checksum, ...document } = JSON.parse(text) as Record<string, unknown>;
    change(document);
    const rest = JSON.stringify(document, undefined, 2);
    return `${rest.slice(0, -2)},\n  "checksum": "${digest(rest)}"\n}\n`;
  };

  const edits: readonly (readonly [string, (text: string) => string])[] = [
    ['a value edited', (t) => t.replace('ip_forward = 1', 'ip_forward = 0')],
    ['a step taken out by hand', (t) => t.replace(/\{\n\s*"do": "run"[^}]*\},?/, '')],
    ['indented anew', (t) => `${JSON.stringify(JSON.parse(t), undefined, 4)}\n`],
    ['on one line', (t) => JSON.stringify(JSON.parse(t))],
    ['a newline more', (t) => `${t}\n`],
    ['a newline less', (t) => t.slice(0, -1)],
    ['carriage returns', (t) => t.replaceAll('\n', '\r\n')],
    ['a byte order mark', (t) => `\ufeff${t}`],
    ['something behind it', (t) => `${t}{}`],
    ['a key twice', (t) => t.replace('"what":', '"version": 1,\n  "what":')],
    ['a checksum twice', (t) => t.replace('"checksum":', '"checksum": "x",\n  "checksum":')],
    ['another checksum', (t) => t.replace(/"checksum": "./, '"checksum": "x')],
    ['no checksum', (t) => t.replace(/,\n {2}"checksum": "\w+"/, '')],
    ['a key more', (t) => resealed(t, (d) => (d['more'] = 1))],
    ['a key less', (t) => resealed(t, (d) => delete d['settings'])],
    ['settings of other types', (t) => resealed(t, (d) => (d['settings'] = { profiles: 'kubernetes' }))],
    ['no steps', (t) => resealed(t, (d) => (d['plan'] = null))],
    ['a fingerprint that is none', (t) => resealed(t, (d) => (d['fingerprint'] = []))],
    ['a relative path', (t) => resealed(t, (d) => Object.assign(d['settings'] as object, { root: '../x' }))],
    ['a fathomless value', (t) => t.replace(/"madeAt": "[^"]*"/, `"madeAt": ${'['.repeat(100_000)}${']'.repeat(100_000)}`)],
  ];
  test.each(edits)('%s', async (_name, edit) => {
    const text = await whole();
    const edited = edit(text);
    expect(edited).not.toBe(text);
    expect(() => readSaved(edited, 'p')).toThrow(
      /^p (is not as node-prep wrote it: it was edited, or cut short\. Nothing was touched|is no saved plan of node-prep)\.$/,
    );
  });

  test('cut short at any byte, and with any byte of it changed', async () => {
    const text = await whole();
    let tried = 0;
    for (let at = 0; at < text.length; at += at < 2000 || at > text.length - 500 ? 1 : 997) {
      expect(() => readSaved(text.slice(0, at), 'p')).toThrow(/^p is (not as|no saved)/);
      const other = text[at] === '7' ? '8' : '7';
      expect(() => readSaved(`${text.slice(0, at)}${other}${text.slice(at + 1)}`, 'p')).toThrow(/^p (is|was) /);
      tried += 2;
    }
    console.log(`saved plans: ${tried} cut or changed files tried, ${tried} refused`);
  });

  test('another version of the format or of node-prep is said first', async () => {
    const text = await whole();
    expect(() => readSaved(text.replace('"version": 1', '"version": 7'), 'p')).toThrow(/^p is in format 7 of saved plans/);
    expect(() => readSaved(text.replace('"madeBy": "1.2.3"', '"madeBy": "9.9.9"'), 'p')).toThrow(
      /^p was made by node-prep 9\.9\.9, and this is 1\.2\.3\. Nothing was touched\.$/,
    );
    expect(() => readSaved('{"a": 1}', 'p')).toThrow(/^p is no saved plan of node-prep\.$/);
  });
});
