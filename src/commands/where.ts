import { localHost } from '../hosts/local.ts';
import type { Host } from '../model.ts';
import { pathOption } from './folder.ts';
import type { Args } from './options.ts';

/** The host that the arguments mean: the tree of --root, else the one that node-prep runs on. */
export const hostFrom = async (args: Args): Promise<Host> => {
  const root = pathOption(args, 'root');
  return root === undefined ? localHost() : (await import('../hosts/image.ts')).imageHost(root);
};

/** The default configuration file, where the host is an image that has one: that of the machine which builds it means the builder. */
export const imageConfig = async (args: Args, path: string): Promise<string | undefined> => {
  const root = pathOption(args, 'root');
  return root === undefined ? path : (await import('../hosts/image.ts')).fileOfImage(root, path);
};
