import { firstBootScript } from '../../templates/cloud-init-script.ts';
import type { Piece, Source } from '../../templates/cloud-init-script.ts';
import { isPrintable, userData } from '../../templates/cloud-init.ts';
import { text, texts } from '../commands/options.ts';
import type { Args } from '../commands/options.ts';
import { defaultFile } from '../config.ts';
import { OperatorError } from '../errors.ts';
import { machineNames } from '../knowledge/processors.ts';
import { quote, quoteAll } from '../knowledge/quote.ts';
import { allowedFlags } from './allowed.ts';
import type { Format, RenderInput } from './format.ts';

/** What Azure and OpenStack take; EC2 takes a quarter of it (EC2 user guide: 16 KB before base64), packed or not. */
const mostBytes = 65_536;
const ec2Bytes = 16_384;
const script = '/var/lib/node-prep/first-boot.sh';

/** User-data for cloud-init that brings node-prep to a new machine and prepares it at its first boot. */
export const cloudInit: Format = {
  name: 'cloud-init',
  about: 'user-data that installs and runs node-prep at the first boot',
  options: {
    url: {
      about: 'cloud-init: fetch the executable from there ({arch}: x64 or arm64; .gz is unpacked)',
      type: 'string',
      placeholder: 'URL',
    },
    sha256: {
      about: 'cloud-init: the checksum of what is fetched; one per processor where there is {arch}',
      type: 'string',
      many: true,
      placeholder: '[ARCH=]SUM',
    },
    path: {
      about: 'cloud-init: it is in the image, or on the disk --label (default: in the PATH)',
      type: 'string',
      placeholder: 'FILE',
    },
    label: {
      about: 'cloud-init: --path is on the attached disk of this label, such as cidata',
      type: 'string',
      placeholder: 'LABEL',
    },
  },
  render: async (input) => {
    const { configText } = await import('./config-text.ts');
    const source = sourceFrom(input.args);
    const words = ['apply', '--yes', ...allowedFlags(input.args)].join(' ');
    const output = userData(
      madeBy(input),
      [
        { path: defaultFile, mode: '0644', content: configText(input.said.config, input.args) },
        { path: script, mode: '0700', content: firstBootScript(source, words) },
      ],
      script,
    );
    return within(output);
  },
};

/** The call that makes the same again, in one line of a comment. */
const madeBy = ({ said, args, version }: RenderInput): string => {
  const config = text(args, 'config');
  const own = Object.keys(cloudInit.options).flatMap((name) => texts(args, name).flatMap((value) => [`--${name}`, value]));
  const words = [...(config === undefined ? [] : ['--config', config]), ...said.words, ...own];
  const call = `node-prep ${version}: ${quoteAll(['node-prep', 'render', 'cloud-init', ...words])}`;
  return `Made by ${[...call].map((sign) => (sign !== '\n' && isPrintable(sign) ? sign : '?')).join('')}`;
};

const within = (output: string): string => {
  const bytes = new TextEncoder().encode(output).length;
  if (bytes > mostBytes)
    throw new OperatorError(
      `The user-data would have ${bytes} bytes, and few clouds take more than ${mostBytes} (EC2: ${ec2Bytes}).`,
      'Put a shorter configuration file into it, or put the file into the image.',
    );
  const note = `# EC2 takes no more than ${ec2Bytes} bytes: pack this with gzip, which cloud-init unpacks.\n`;
  return bytes > ec2Bytes ? output.replace('\n', () => `\n${note}`) : output;
};

const sourceFrom = (args: Args): Source => {
  const [url, path, label] = [text(args, 'url'), text(args, 'path'), text(args, 'label')];
  const sums = texts(args, 'sha256');
  if (url !== undefined && (path ?? label) !== undefined)
    throw new OperatorError('--url says where the executable is, and so does --path.', 'Give one of the two.');
  if (url !== undefined) return fromUrl(url, sums);
  if (path !== undefined) return fromPath(path, label, sums);
  if (label !== undefined) throw new OperatorError(`Which file on the disk ${label}?`, 'Name it with --path.');
  if (sums.length > 0) throw new OperatorError('--sha256 is the checksum of nothing.', 'Give --url or --path as well.');
  return { from: 'path' };
};

const fromUrl = (url: string, sums: readonly string[]): Source => {
  const parsed = URL.canParse(url) && /^[\x21-\x7e]+$/.test(url) ? new URL(url) : undefined;
  if (!parsed || !/^https?:$/.test(parsed.protocol) || !/^https?:\/\//i.test(url))
    throw new OperatorError(`"${url}" is no URL that a new machine can fetch from.`, 'It begins with https:// or http://.');
  if (parsed.username !== '' || parsed.password !== '')
    throw new OperatorError(
      'Not every program that fetches takes a name and a password in a URL.',
      'Use one without, such as a signed URL.',
    );
  if (sums.length === 0)
    throw new OperatorError(
      '--url without --sha256: what is fetched would be run unseen.',
      'Give the checksum that stands in SHA256SUMS.',
    );
  return { from: 'url', pieces: pieces(url, sums), gzip: parsed.pathname.endsWith('.gz') };
};

const fromPath = (path: string, label: string | undefined, sums: readonly string[]): Source => {
  if (path === '' || path.endsWith('/') || !isPrintable(path) || /[\n\t]/.test(path))
    throw new OperatorError(`"${path}" is no path of a file.`);
  if (label === undefined) {
    if (path.endsWith('.gz')) throw new OperatorError(`"${path}" is packed: it is unpacked from a --url or a --label only.`);
    if (!path.startsWith('/')) throw new OperatorError(`"${path}" is not absolute.`, 'Name it as the new machine sees it.');
    return { from: 'image', pieces: pieces(path, sums) };
  }
  if (path.split('/').includes('..')) throw new OperatorError(`"${path}" leads out of the disk ${label}.`);
  if (!/^[\w.+-]{1,32}$/.test(label)) throw new OperatorError(`"${label}" is no label of a disk.`, 'Such as cidata or config-2.');
  return { from: 'disk', pieces: pieces(path.replace(/^\/+/, ''), sums), gzip: path.endsWith('.gz'), label };
};

type Arch = keyof typeof machineNames;

const pieces = (at: string, given: readonly string[]): Piece[] => {
  const sums = given.map(sumFrom);
  const archs = sums.flatMap(({ arch }) => arch ?? []);
  const perArch = at.includes('{arch}');
  if (sums.length === 0 && perArch) return piecesFor(at, Object.keys(machineNames) as Arch[], new Map());
  if (archs.length === 0 && sums.length === 1 && !perArch) return [{ machine: '*', at: quote(at), sum: sums[0]?.sum ?? '' }];
  if (sums.length === 0) return [{ machine: '*', at: quote(at) }];
  if (archs.length < sums.length || new Set(archs).size < archs.length || (archs.length > 1 && !perArch))
    throw new OperatorError(
      'The checksums do not fit what they are for.',
      'One --sha256 SUM, or {arch} in the name and --sha256 x64=SUM --sha256 arm64=SUM.',
    );
  return piecesFor(at, archs, new Map(sums.map(({ arch, sum }) => [arch, sum])));
};

const piecesFor = (at: string, archs: readonly Arch[], sums: ReadonlyMap<Arch | undefined, string>): Piece[] =>
  archs.map((arch) => {
    const sum = sums.get(arch);
    return { machine: machineNames[arch], at: quote(at.replaceAll('{arch}', arch)), ...(sum !== undefined && { sum }) };
  });

const sumFrom = (given: string): { arch?: Arch; sum: string } => {
  const [, arch, sum] = /^(?:(x64|arm64)=)?([0-9a-f]{64})$/i.exec(given) ?? [];
  if (sum === undefined)
    throw new OperatorError(
      `"${given}" is no SHA-256 checksum.`,
      'It has 64 hexadecimal digits, with x64= or arm64= before it where there is {arch}.',
    );
  return { sum: sum.toLowerCase(), ...(arch !== undefined && { arch: arch.toLowerCase() as Arch }) };
};
