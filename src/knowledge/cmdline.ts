import { fileText, listed } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import { grubDefault, grubEntries } from './grub.ts';
import type { GrubEntry } from './grub.ts';

/** The kernel command line of the next boot. `from`: the file that says so; /proc/cmdline where none could be read. */
type BootCmdline = { readonly text: string; readonly from: string };

const grubConfigs = ['/boot/grub/grub.cfg', '/boot/grub2/grub.cfg'] as const;
const grubEnvs = ['/boot/grub/grubenv', '/boot/grub2/grubenv'] as const;
const blsGlobs = ['/boot/loader/entries/*.conf', '/boot/efi/loader/entries/*.conf', '/efi/loader/entries/*.conf'] as const;
/** The file that a Raspberry Pi's firmware takes arguments from, in addition to its own. */
const firmwareFiles = ['/boot/firmware/cmdline.txt', '/boot/cmdline.txt'] as const;

export const cmdlineQueries: readonly Query[] = [
  { ask: 'read', path: '/proc/cmdline' },
  ...[...grubConfigs, ...grubEnvs, ...firmwareFiles].map((path) => ({ ask: 'read' as const, path })),
  ...blsGlobs.map((glob) => ({ ask: 'list' as const, glob })),
];

/** What the boot loader will give the kernel next, from its own files: GRUB's menu, BLS entries, or a Raspberry Pi's file. */
export const bootCmdline = (answers: Answers): BootCmdline =>
  firmwareLine(answers) ?? blsLine(answers) ?? grubLine(answers) ?? { text: nowCmdline(answers), from: '/proc/cmdline' };

/** What the running kernel was given. */
export const nowCmdline = (answers: Answers): string => (fileText(answers, '/proc/cmdline') ?? '').trim();

/** A boot loader's file that is there but cannot be read by the one who asks, so that the next boot is guessed from this one. */
export const unreadableBootFile = (answers: Answers): string | undefined =>
  grubConfigs.find((path) => answers.get(`read ${path}`)?.status === 2);

/** The file in which a Raspberry Pi's arguments stand, if there is one. */
export const firmwareFile = (answers: Answers): string | undefined =>
  firmwareFiles.find((path) => fileText(answers, path) !== undefined);

/** The words of a command line, without the quotes that held some together. */
export const cmdlineWords = (text: string): string[] =>
  (text.match(/(?:"[^"]*"?|[^\s"])+/g) ?? []).map((word) => word.replaceAll('"', ''));

/**
 * What a boolean argument of systemd comes to: the last one given counts, without a value it is on (kernel-command-line(7),
 * proc_cmdline_get_bool()). Undefined where it is not given or is no boolean.
 */
export const argumentIsOn = (text: string, name: string): boolean | undefined => {
  const word = cmdlineWords(text).findLast((w) => w === name || w.startsWith(`${name}=`));
  const value = word === undefined ? undefined : word === name ? '1' : word.slice(name.length + 1).toLowerCase();
  if (value === undefined) return undefined;
  return /^(1|y|yes|t|true|on)$/.test(value) ? true : /^(0|n|no|f|false|off)$/.test(value) ? false : undefined;
};

const firmwareLine = (answers: Answers): BootCmdline | undefined => {
  const path = firmwareFile(answers);
  // The firmware puts its own arguments before those of the file: the running kernel's have them.
  if (path === undefined) return undefined;
  return { text: `${nowCmdline(answers)} ${(fileText(answers, path) ?? '').trim()}`, from: path };
};

/** GRUB gives every kernel that it starts BOOT_IMAGE=; one that was started otherwise will not see GRUB's arguments next time either. */
const grubLine = (answers: Answers): BootCmdline | undefined => {
  const now = nowCmdline(answers);
  if (now !== '' && !/(?:^|\s)BOOT_IMAGE=/.test(now)) return undefined;
  for (const path of grubConfigs) {
    const text = fileText(answers, path);
    const entry = text === undefined ? undefined : chosenEntry(text, environment(answers).get('saved_entry'));
    if (entry) return { text: entry.args, from: `${path}:${entry.line}` };
  }
  return undefined;
};

const chosenEntry = (text: string, saved: string | undefined): GrubEntry | undefined =>
  grubDefault(grubEntries(text), text, saved);

/**
 * Boot Loader Specification entries: of several that which grubenv names, else the last by name, as GRUB and systemd-boot sort
 * them. RHEL 8 keeps the arguments in grubenv as $kernelopts.
 */
const blsLine = (answers: Answers): BootCmdline | undefined => {
  const env = environment(answers);
  const entries = blsGlobs
    .flatMap((glob) => listed(answers, glob))
    .filter(({ path, text }) => !/rescue|recovery/.test(path) && /^options\s/m.test(text));
  const saved = entries.find(({ path }) => path.endsWith(`/${env.get('saved_entry') ?? ''}.conf`));
  const entry = saved ?? entries.toSorted((a, b) => a.path.localeCompare(b.path, 'en', { numeric: true })).at(-1);
  if (!entry) return undefined;
  const lines = entry.text.split('\n');
  const options = lines.filter((line) => /^options\s/.test(line)).map((line) => line.replace(/^options\s+/, ''));
  const text = options.join(' ').replace(/\$\{?(\w+)\}?/g, (_, name: string) => env.get(name) ?? '');
  return { text: text.trim(), from: `${entry.path}:${lines.findIndex((line) => /^options\s/.test(line)) + 1}` };
};

const environment = (answers: Answers): ReadonlyMap<string, string> =>
  new Map(
    grubEnvs.flatMap((path) =>
      (fileText(answers, path) ?? '').split('\n').flatMap((line): [string, string][] => {
        const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
        return name === undefined ? [] : [[name, value ?? '']];
      }),
    ),
  );
