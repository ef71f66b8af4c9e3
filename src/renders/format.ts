import type { Args, CliOptions } from '../commands/options.ts';
import type { Desired } from '../model.ts';

/**
 * The desired state as the operator said it, so that it can be said again elsewhere. `config`: the text of the configuration file,
 * as it is. `words`: the flags, one word each, without `--config`.
 */
export type Said = { readonly config?: string; readonly words: readonly string[] };

/** What a format is made from. `version`: of this node-prep. */
export type RenderInput = { readonly said: Said; readonly desired: Desired; readonly args: Args; readonly version: string };

/** One format of `render`: the desired state for somebody else's tool. `render` is pure and throws OperatorErrors; a promise where it loads a library. */
export type Format = {
  readonly name: string;
  readonly about: string;
  readonly options: CliOptions;
  readonly render: (input: RenderInput) => string | Promise<string>;
};
