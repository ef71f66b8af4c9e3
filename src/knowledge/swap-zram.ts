import { listed, numbered } from '../answers.ts';
import type { Answers, FoundFile, Query } from '../model.ts';
import { baseName } from './dropins.ts';
import type { SwapSource } from './swap-source.ts';

/** Folders that outlive a reboot, in falling order of precedence; what is in /run is gone by then. */
const roots = ['/etc', '/usr/local/lib', '/usr/lib'] as const;
const mainPath = (root: string): string => `${root}/systemd/zram-generator.conf`;
const dropinGlob = (root: string): string => `${root}/systemd/zram-generator.conf.d/*.conf`;

/** Lists, so that a link to /dev/null, which hides a file, is seen as such. */
export const zramQueries: readonly Query[] = roots.flatMap((root) => [
  { ask: 'list', glob: mainPath(root) },
  { ask: 'list', glob: dropinGlob(root) },
]);

/**
 * The devices that zram-generator(8) makes swap at boot. Of the main file the first one found counts; then come all drop-ins by
 * name, and what several files say of one device adds up (zram-generator.conf(5), its src/config.rs). A device with a mount point
 * or a file system is no swap, one of size 0 is not made.
 */
export const zramSwaps = (answers: Answers): SwapSource[] => {
  const sections = configFiles(answers).flatMap(sectionsOf);
  const names = [...new Set(sections.map((s) => s.name))].filter((name) => /^zram\d+$/.test(name));
  return names.flatMap((name): SwapSource[] => {
    const own = sections.filter((s) => s.name === name);
    const from = own.map((s) => s.lines[0] ?? '').join(', ');
    return isSwap(own) ? [{ via: 'zram', name, from, lines: own.flatMap((s) => s.lines) }] : [];
  });
};

const configFiles = (answers: Answers): FoundFile[] => {
  const main = roots.flatMap((root) => listed(answers, mainPath(root))).slice(0, 1);
  const byName = new Map<string, FoundFile>();
  for (const file of roots.flatMap((root) => listed(answers, dropinGlob(root)))) {
    if (!byName.has(baseName(file.path))) byName.set(baseName(file.path), file);
  }
  return [...main, ...[...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, file]) => file)];
};

type Section = { readonly name: string; readonly lines: readonly string[]; readonly values: ReadonlyMap<string, string> };

const sectionsOf = ({ path, text }: FoundFile): Section[] => {
  const sections: { name: string; lines: string[]; values: Map<string, string> }[] = [];
  for (const { line, text: raw } of numbered(text)) {
    const content = raw.trim();
    if (content === '' || /^[#;]/.test(content)) continue;
    const name = /^\[([^\]]+)\]/.exec(content)?.[1];
    if (name !== undefined) sections.push({ name: name.trim(), lines: [], values: new Map() });
    const [, key, value] = /^([^=:]+)[=:](.*)$/.exec(content) ?? [];
    const section = sections.at(-1);
    section?.lines.push(`${path}:${line}`);
    if (name === undefined && key !== undefined) section?.values.set(key.trim(), (value ?? '').trim());
  }
  return sections;
};

const isSwap = (sections: readonly Section[]): boolean => {
  const values = new Map(sections.flatMap((s) => [...s.values]));
  const fsType = values.get('fs-type') ?? 'swap';
  const size = values.get('zram-size');
  const none =
    (size !== undefined ? /^0+(\.0*)?$/.test(size) : values.get('zram-fraction') === '0') || values.get('max-zram-size') === '0';
  return !values.has('mount-point') && fsType === 'swap' && !none;
};
