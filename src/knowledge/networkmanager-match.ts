import { globMatches } from './glob.ts';

/** A network device as NetworkManager's lists see it. `type`: as `nmcli -g GENERAL.TYPE device show`. */
export type Device = { readonly name: string; readonly type: string };

/** The words of a device list: `,` and `;` separate them, a backslash takes that meaning away. */
export const splitSpecs = (text: string): string[] =>
  (text.match(/(?:\\.|[^,;\\])+/g) ?? []).map((word) => word.trim().replace(/\\(.)/g, '$1')).filter((word) => word !== '');

/** One word of a list and the line that it stands on. */
export type Word = { readonly word: string; readonly from: string };

/**
 * Whether a list means a device, and the word that decides. A word after `except:` outranks all others; a list of nothing but
 * such words means every other device ("Device List Format" in NetworkManager.conf(5)).
 */
export const inList = (device: Device, words: readonly Word[]): { readonly match: boolean; readonly from?: string } => {
  const [except, plain] = [words.filter(isExcept), words.filter((w) => !isExcept(w))];
  const denied = except.find(({ word }) => means(word.slice('except:'.length), device, false));
  if (denied) return { match: false, from: denied.from };
  const named = plain.length === 0 ? except[0] : plain.find(({ word }) => means(word, device, true));
  return named ? { match: true, from: named.from } : { match: false };
};

const isExcept = ({ word }: Word): boolean => word.startsWith('except:');

/** MAC addresses, drivers and the like are taken not to mean a device: those of pods' devices are not known beforehand. */
const means = (word: string, device: Device, bare: boolean): boolean => {
  if (word === '*') return true;
  const [, tag, rest = ''] = /^([a-z0-9-]+):(.*)$/.exec(word) ?? [];
  if (tag === 'type') return rest === device.type;
  if (tag === 'interface-name') return rest.startsWith('=') ? rest.slice(1) === device.name : globs(rest, device.name);
  return bare && word === device.name;
};

/** `*` and `?` alone are special. */
const globs = (pattern: string, name: string): boolean =>
  globMatches(pattern.replace(/^~/, ''), name, 'networkmanager', {
    token: /[^]/gu,
    piece: (sign) => (sign === '*' || sign === '?' ? sign : { sign }),
  });
