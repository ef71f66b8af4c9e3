import { spawnSync } from 'node:child_process';
import { copyFileSync, chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** A file's text, or a link. */
export type TreeFile = string | { readonly link: string };

/** The file tree of an image in a folder of its own. `shell`: with a shell, and true, false and env, that run here. */
export const treeWith = (
  files: { readonly [path: string]: TreeFile },
  { shell = false }: { readonly shell?: boolean } = {},
): { readonly root: string; readonly end: () => void } => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'node-prep-tree-')));
  chmodSync(root, 0o755);
  for (const folder of ['etc', 'proc', 'sys', 'dev', 'run', 'tmp', 'srv']) mkdirSync(join(root, folder));
  for (const [path, file] of Object.entries(files)) {
    mkdirSync(dirname(root + path), { recursive: true });
    if (typeof file === 'string') writeFileSync(root + path, file);
    else symlinkSync(file.link, root + path);
  }
  if (shell)
    for (const program of ['sh', 'true', 'false', 'env', 'id', 'cat', 'touch', 'rm', 'chmod', 'grep']) bring(root, program);
  return { root, end: () => rmSync(root, { recursive: true, force: true }) };
};

/** A program of this machine with its libraries. */
const bring = (root: string, name: string): void => {
  const found = `/bin/${name}`;
  const libraries = spawnSync('ldd', [found], { encoding: 'utf8' }).stdout.match(/\/\S+/g) ?? [];
  for (const [from, to] of [[found, `/bin/${name}`], ...libraries.map((path) => [path, path])] as [string, string][]) {
    mkdirSync(dirname(root + to), { recursive: true });
    copyFileSync(realpathSync(from), root + to);
  }
};
