import { fileText, listed } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { quote } from './quote.ts';

/** Kernel arguments to add at the end, and names (or NAME=VALUE) of those to take away. */
export type ArgumentChange = { readonly add: readonly string[]; readonly remove: readonly string[] };

/** The file that node-prep owns: Debian's grub-mkconfig sources /etc/default/grub.d/*.cfg after /etc/default/grub. */
export const ownGrubFile = '/etc/default/grub.d/node-prep.cfg';
const grubDefaults = '/etc/default/grub';
const dropinGlob = '/etc/default/grub.d/*.cfg';

export const grubArgumentQueries: readonly Query[] = [
  { ask: 'read', path: grubDefaults },
  { ask: 'read', path: ownGrubFile },
  { ask: 'list', glob: dropinGlob },
];

/** Whether GRUB's menu is made from /etc/default/grub here. */
export const hasGrubDefaults = (answers: Answers): boolean => fileText(answers, grubDefaults) !== undefined;

const variables = ['GRUB_CMDLINE_LINUX', 'GRUB_CMDLINE_LINUX_DEFAULT'] as const;

/**
 * Shell lines for our file. What is added stands at the end of GRUB_CMDLINE_LINUX_DEFAULT, which grub-mkconfig puts last; what is
 * taken away goes from both variables, so that nobody else's file is touched; one after the other, as neighbours share a blank.
 */
export const grubFileLines = ({ add, remove }: ArgumentChange): string[] => [
  ...remove.flatMap((word) =>
    variables.map((name) => `${name}=$(printf '%s' " $${name} " | sed -e :a -e ${quote(`s/ ${pattern(word)} / /`)} -e ta)`),
  ),
  ...(add.length > 0 ? [`GRUB_CMDLINE_LINUX_DEFAULT="$GRUB_CMDLINE_LINUX_DEFAULT ${add.join(' ')}"`] : []),
];

/** A basic regular expression for one argument: the dots are meant as such. */
const pattern = (word: string): string => word.replace(/[.*[\]^$\\/]/g, '\\$&');

/** What our file says now, read back. */
export const ownGrubArguments = (answers: Answers): ArgumentChange => {
  const text = fileText(answers, ownGrubFile) ?? '';
  const add = /^GRUB_CMDLINE_LINUX_DEFAULT="\$GRUB_CMDLINE_LINUX_DEFAULT (.*)"$/m.exec(text)?.[1] ?? '';
  const edits = text.split('\n').filter((line) => line.startsWith('GRUB_CMDLINE_LINUX=') && line.length < 4096);
  const remove = edits.flatMap((line) => {
    const word = /sed -e :a -e '?s\/ (.*) \/ \/'? -e ta\)$/.exec(line)?.[1];
    return word === undefined ? [] : [word.replace(/\\(.)/g, '$1')];
  });
  return { add: add.split(' ').filter((word) => /^[\w.,=-]+$/.test(word)), remove };
};

/** The line of a file that is read after ours and puts GRUB_CMDLINE_LINUX_DEFAULT anew, without what stood in it. */
export const laterGrubFile = (answers: Answers): string | undefined =>
  listed(answers, dropinGlob)
    .filter((file) => file.path > ownGrubFile)
    .map(replacingLine)
    .findLast((from) => from !== undefined);

const replacingLine = ({ path, text }: FoundFile): string | undefined => {
  const lines = text.split('\n');
  const at = lines.findLastIndex(
    (line) => /^\s*(?:export\s+)?GRUB_CMDLINE_LINUX_DEFAULT=/.test(line) && !/\$\{?GRUB_CMDLINE_LINUX_DEFAULT/.test(line),
  );
  return at < 0 ? undefined : `${path}:${at + 1}`;
};

/** A boot loader's file with its arguments changed: the `linux` lines of grub.cfg, `options` of an entry, kernelopts of grubenv. */
export const changedArguments = (text: string, { add, remove }: ArgumentChange): string =>
  text
    .split('\n')
    .map((line) => (/^\s*linux(?:16|efi)?\s|^options\s|^kernelopts=/.test(line) ? changedLine(line, add, remove) : line))
    .join('\n');

const changedLine = (line: string, add: readonly string[], remove: readonly string[]): string => {
  const [lead] = /^\s*/.exec(line) ?? [''];
  const words = line.slice(lead.length).split(/\s+/).filter(Boolean);
  const gone = (word: string): boolean =>
    remove.some((name) => word === name || (!name.includes('=') && word.startsWith(`${name}=`)));
  const kept = words.filter((word) => !gone(word) && !add.includes(word));
  // kernelopts has no word before its arguments that the others have.
  return `${lead}${[...kept, ...(line.includes('$kernelopts') ? [] : add)].join(' ')}`;
};
