import { fileText, listed, numbered } from '../answers.ts';
import type { Answers, Query, System } from '../model.ts';
import type { Denial } from './modprobe.ts';

/** Where distributions keep the kernel's arguments for the next boot loader configuration (grub-mkconfig, kernel-install(8)). */
export const argumentQueries: readonly Query[] = [
  { ask: 'read', path: '/etc/default/grub' },
  { ask: 'list', glob: '/etc/default/grub.d/*.cfg' },
  { ask: 'read', path: '/etc/kernel/cmdline' },
];

/** How a person takes back a kernel argument that keeps a module out. */
export const argumentRemedy = ({ name, text }: Denial, answers: Answers, { family }: System): string => {
  const from = argumentLine(name, answers);
  const where = from
    ? `out of ${from}, then ${regenerate(from, family)}`
    : "out of the kernel's arguments (no line of /etc/default/grub has it: look at the boot loader, or at what starts the machine)";
  return `Take "${text}" ${where}; reboot, then plan again.`;
};

/** The file and line that hands the kernel an argument against a module. */
export const argumentLine = (name: string, answers: Answers): string | undefined => {
  const files = ['/etc/default/grub', '/etc/kernel/cmdline'].map((path) => ({ path, text: fileText(answers, path) ?? '' }));
  const module = new RegExp(`\\b${name.replace(/_/g, '[-_]')}\\b`);
  const says = (text: string): boolean =>
    text.split(/[\s"']+/).some((word) => {
      const at = word.search(/\bmod(?:ule|probe)[-_.]blacklist=/);
      return at >= 0 && module.test(word.slice(word.indexOf('=', at) + 1));
    });
  return [...files, ...listed(answers, '/etc/default/grub.d/*.cfg')]
    .flatMap(({ path, text }) => numbered(text).map((line) => ({ path, ...line })))
    .filter(({ text }) => !/^\s*#/.test(text) && says(text))
    .map(({ path, line }) => `${path}:${line}`)[0];
};

const regenerate = (from: string, family: string): string => {
  if (from.startsWith('/etc/kernel/')) return 'kernel-install add-all';
  return family === 'debian'
    ? 'update-grub'
    : 'grub2-mkconfig -o /boot/grub2/grub.cfg (grubby --update-kernel=ALL on BLS systems)';
};
