import { packerFile } from '../../templates/packer.ts';
import { text, texts } from '../commands/options.ts';
import type { Args } from '../commands/options.ts';
import { defaultFile } from '../config.ts';
import { OperatorError } from '../errors.ts';
import { hclHeredoc, withoutTemplates } from '../knowledge/hcl.ts';
import { quote, quoteAll } from '../knowledge/quote.ts';
import { allowedFlags } from './allowed.ts';
import type { Format, RenderInput } from './format.ts';

/**
 * A whole Packer file (HCL2, Packer 1.6 and later) whose build uploads the executable and prepares the machine. Without --source it has an example of a
 * source in it, so that `packer validate` takes it as it is.
 */
export const packer = {
  name: 'packer',
  about: 'a build for Packer that uploads the executable, applies and verifies',
  options: {
    binary: {
      about: 'packer: the executable, from where packer runs (default: ./node-prep-linux-x64)',
      type: 'string',
      placeholder: 'FILE',
    },
    source: {
      about: 'packer: build from your source block, in place of an example; may be repeated',
      type: 'string',
      many: true,
      placeholder: 'TYPE.NAME',
    },
    install: {
      about: 'packer: leave /usr/local/bin/node-prep (and /etc/node-prep.yaml) in the image',
      type: 'boolean',
    },
  },
  render: async ({ said, args, version }: RenderInput): Promise<string> => {
    const installed = args.options['install'] === true;
    const config = installed ? defaultFile : '/root/.node-prep-packer.yaml';
    // What stays must be able to say later what is wanted, without flags.
    const content = installed ? (await import('./config-text.ts')).configText(said.config, args) : said.config;
    const flags = installed ? allowedFlags(args) : said.words;
    const words = [...(content === undefined ? [] : ['--config', config]), ...flags];
    return packerFile({
      version,
      binary: binaryFrom(args),
      sources: texts(args, 'source').map(sourceName),
      installed,
      ...(content !== undefined && { config: { path: config, text: hclHeredoc(asLines(content), 'CONFIG') } }),
      words: words.map((word) => ` ${withoutTemplates(quote(word))}`).join(''),
      asked: oneLine(quoteAll(said.words)),
      reboots: said.words.includes('--allow-reboot-changes'),
    });
  },
} as const satisfies Format;

const binaryFrom = (args: Args): string => {
  const path = text(args, 'binary') ?? './node-prep-linux-x64';
  if (path.includes('{{')) throw new OperatorError(`Packer would take the {{ in ${path} for a template.`, 'Rename the file.');
  return path;
};

const sourceName = (given: string): string => {
  const name = given.replace(/^source\./, '');
  if (!/^[a-z][\w-]*\.[a-z_][\w-]*$/i.test(name))
    throw new OperatorError(`"${given}" names no source.`, 'Write TYPE.NAME, such as amazon-ebs.node or qemu.debian.');
  return `source.${name}`;
};

/** The same YAML with plain line ends, without a mark at its beginning: a heredoc keeps neither for certain. */
const asLines = (yaml: string): string => yaml.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');

const oneLine = (words: string): string => words.replace(/[\x00-\x1f\x7f]/g, '?');
