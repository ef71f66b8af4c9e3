import { expand, put, textOf } from './memory-files.ts';
import { done, failed } from './memory-machine.ts';
import type { Machine, Ran } from './memory-machine.ts';

const menu = '/boot/grub/grub.cfg';

/** grub-mkconfig in small: one entry, made from /etc/default/grub and then /etc/default/grub.d/*.cfg. */
export const updateGrub = (machine: Machine): Ran => {
  const { files } = machine;
  if (!files.has('/etc/default/grub')) return failed(127, 'update-grub: not found');
  const values = new Map<string, string>();
  for (const path of ['/etc/default/grub', ...expand(files, '/etc/default/grub.d/*.cfg')]) {
    for (const line of textOf(files, path).split('\n')) assign(values, line);
  }
  const args = [values.get('GRUB_CMDLINE_LINUX'), values.get('GRUB_CMDLINE_LINUX_DEFAULT')].join(' ').replace(/\s+/g, ' ').trim();
  put(machine, menu, menuText(args), '0444');
  return done;
};

/** A grub.cfg with one entry. */
export const menuText = (args: string): string =>
  `set default="0"\nmenuentry 'Linux' $menuentry_id_option 'gnulinux-simple' {\n\tlinux\t/boot/vmlinuz root=UUID=1 ro ${args}\n}\n`;

/** The two kinds of line that are used: an assignment that may name variables, and one that a sed takes a word out of. */
const assign = (values: Map<string, string>, line: string): void => {
  const [, cut, word] = /^(\w+)=\$\(printf .* sed -e :a -e 's\/ (.*) \/ \/' -e ta\)$/.exec(line) ?? [];
  if (cut !== undefined && word !== undefined) {
    const gone = word.replaceAll('\\', '');
    values.set(
      cut,
      (values.get(cut) ?? '')
        .split(' ')
        .filter((w) => w !== gone)
        .join(' '),
    );
    return;
  }
  const [, name, text] = /^(\w+)="?([^"]*)"?$/.exec(line) ?? [];
  if (name !== undefined)
    values.set(
      name,
      (text ?? '').replace(/\$\{?(\w+)\}?/g, (_, other: string) => values.get(other) ?? ''),
    );
};

/** `grubby --update-kernel=ALL`: arguments of every entry. */
export const grubby = (machine: Machine, words: readonly string[]): Ran => {
  const value = (flag: string): string[] =>
    (words.find((word) => word.startsWith(`--${flag}=`)) ?? '')
      .slice(flag.length + 3)
      .split(' ')
      .filter(Boolean);
  for (const path of expand(machine.files, '/boot/loader/entries/*.conf')) {
    const lines = textOf(machine.files, path).split('\n');
    const changed = lines.map((line) =>
      line.startsWith('options ')
        ? [...line.split(' ').filter((word) => !value('remove-args').includes(word)), ...value('args')].join(' ')
        : line,
    );
    put(machine, path, changed.join('\n'), 'keep');
  }
  return done;
};

/** What the boot loader gives the kernel: the first entry's arguments; as before where there is no menu. */
export const nextCmdline = ({ files }: Machine): string => {
  const bls = expand(files, '/boot/loader/entries/*.conf').at(-1);
  const now = textOf(files, '/proc/cmdline').trim();
  const entry =
    bls === undefined
      ? /^\s*linux\s+\S+\s+(.*)$/m.exec(textOf(files, menu))?.[1]
      : /^options (.*)$/m.exec(textOf(files, bls))?.[1];
  return entry === undefined ? now : `BOOT_IMAGE=/vmlinuz ${entry}`;
};

/** What systemd mounts with these arguments. */
export const cgroupWith = (cmdline: string, before: string): string => {
  const asked = cmdline.split(/\s+/).findLast((word) => word.startsWith('systemd.unified_cgroup_hierarchy='));
  return asked === undefined ? before : /=(1|yes|true|on)$/.test(asked) ? 'cgroup2fs' : 'tmpfs';
};
