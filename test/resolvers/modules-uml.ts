import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { runUml } from '../vm/uml.ts';
import type { ModuleTree } from './modules-trees.ts';

/** Modules that stay once they are loaded (ipv6 cannot go), so that every tree starts with them. */
export const resident = ['ipv6', 'crc_ccitt'] as const;

/**
 * What the real programs load for each tree, on one boot of User-Mode Linux: systemd-modules-load, or modprobe where the tree has
 * words for it. `refused`: what module_blacklist= tells that kernel. scripts/uml has no option for kernel arguments; what follows
 * the size of its memory becomes one.
 */
export const loadedInUml = async (trees: readonly ModuleTree[], refused: string): Promise<(readonly string[])[]> => {
  const folder = mkdtempSync(join(tmpdir(), 'node-prep-modules-'));
  try {
    trees.forEach((tree, i) => layOut(tree, refused, join(folder, String(i))));
    const memory = refused === '' ? '256M' : `256M module_blacklist=${refused}`;
    const { status, stdout, stderr } = await runUml(['sh', '-s', String(trees.length)], {
      binds: [{ source: folder, target: '/trees' }],
      input: script,
      memory,
    });
    const seen = [...stdout.matchAll(/^tree \d+:(.*)$/gm)].map((match) => (match[1] ?? '').split(' ').filter(Boolean));
    if (status !== 0 || seen.length !== trees.length)
      throw new Error(`${seen.length} of ${trees.length} trees: ${stderr.slice(-500)}`);
    return seen;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** The kernel arguments that the programs of a tree see. */
export const cmdlineOf = (tree: ModuleTree, refused: string): string =>
  `root=/dev/root rw ${refused === '' ? '' : `module_blacklist=${refused} `}${tree.cmdline}\n`;

const folders = ['etc', 'run', 'usr/local/lib', 'usr/lib'].flatMap((root) => [`${root}/modules-load.d`, `${root}/modprobe.d`]);

const layOut = (tree: ModuleTree, refused: string, folder: string): void => {
  for (const path of folders) mkdirSync(join(folder, path), { recursive: true });
  for (const [path, file] of Object.entries(tree.files)) {
    mkdirSync(dirname(folder + path), { recursive: true });
    if ('link' in file) symlinkSync(file.link, folder + path);
    else writeFileSync(folder + path, file.text);
  }
  writeFileSync(join(folder, 'cmdline'), cmdlineOf(tree, refused));
  if (tree.modprobe.length > 0) writeFileSync(join(folder, 'modprobe'), `${tree.modprobe.join(' ')}\n`);
};

/** Starts as few processes as it can: they are what takes time under User-Mode Linux. */
const script = `
set -f
for folder in ${folders.join(' ')}; do
  rm -rf "/$folder"
  mkdir -p "/\${folder%/*}"
  ln -s "/tree/$folder" "/$folder"
done
modprobe ipv6
: >/cmdline
mount --bind /cmdline /proc/cmdline
loaded() {
  names=
  while read -r name _; do
    case $name in ${resident.join(' | ')}) ;; *) names="$names $name" ;; esac
  done </proc/modules
}
i=0
while [ "$i" -lt "$1" ]; do
  ln -sfn "/trees/$i" /tree
  IFS= read -r line </tree/cmdline
  printf '%s\\n' "$line" >/cmdline
  if [ -f /tree/modprobe ]; then
    IFS= read -r words </tree/modprobe
    modprobe -a $words >/dev/null 2>&1
  else
    /lib/systemd/systemd-modules-load >/dev/null 2>&1
  fi
  loaded
  echo "tree $i:$names"
  for round in 1 2 3 4 5; do
    loaded
    [ -n "$names" ] || break
    rmmod $names 2>/dev/null
  done
  [ -z "$names" ] || { loaded; [ -z "$names" ] || exit 9; }
  i=$((i + 1))
done
`;
