import { isMap, isSeq, parseDocument } from 'yaml';
import type { Document, YAMLMap } from 'yaml';
import { text, texts } from '../commands/options.ts';
import type { Args } from '../commands/options.ts';
import { OperatorError } from '../errors.ts';

/**
 * A configuration file that says what file and flags say together, so that the host it goes to needs no flags. Without flags it is
 * the operator's text as it is. Both are known to be valid.
 */
export const configText = (config: string | undefined, args: Args): string => {
  const [profiles, waive, ip] = [texts(args, 'profile'), texts(args, 'waive'), text(args, 'ip-families')];
  if (config !== undefined && profiles.length + waive.length === 0 && ip === undefined) return config;
  const document = parseDocument(config ?? '', { schema: 'failsafe', logLevel: 'error' });
  if (!isMap(document.contents)) document.contents = document.createNode({}) as never;
  if (ip !== undefined) document.set('ipFamilies', ip.split(','));
  if (profiles.length > 0 || config === undefined) setProfiles(document, profiles.length > 0 ? profiles : ['kubernetes']);
  if (waive.length > 0) addWaivers(document, waive);
  return printed(document);
};

/** Those that are named, with the file's options where the flag is silent. */
const setProfiles = (document: Document, specs: readonly string[]): void => {
  const before = document.get('profiles');
  const chosen = document.createNode({}) as YAMLMap;
  for (const spec of specs) {
    const [name = '', ...rest] = spec.split(':');
    const inFile = isMap(before) ? before.get(name) : undefined;
    const options = isMap(inFile) ? inFile : (document.createNode({}) as YAMLMap);
    for (const word of rest.join(':').split(',')) {
      const equals = word.indexOf('=');
      if (equals > 0) options.set(word.slice(0, equals), word.slice(equals + 1));
    }
    chosen.set(name, options);
  }
  document.set('profiles', chosen);
};

const addWaivers = (document: Document, waivers: readonly string[]): void => {
  if (!isSeq(document.get('waive'))) document.set('waive', document.createNode([]));
  for (const waiver of waivers) {
    const equals = waiver.indexOf('=');
    document.addIn(['waive'], { id: waiver.slice(0, equals), reason: waiver.slice(equals + 1).trim() });
  }
};

const printed = (document: Document): string => {
  try {
    return document.toString({ lineWidth: 0 });
  } catch (error) {
    throw new OperatorError(
      `File and flags cannot be put together: ${error instanceof Error ? error.message : String(error)}`,
      'Write the file without anchors and aliases, or say everything in the file.',
    );
  }
};
