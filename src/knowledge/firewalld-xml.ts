import type { FoundFile } from '../model.ts';

/** One element of a file of firewalld. `from`: "/path:line". */
export type Element = { readonly name: string; readonly attributes: ReadonlyMap<string, string>; readonly from: string };

/**
 * The elements of a zone or a service. Those files are flat; what stands within a rich rule is left out, as it holds under that
 * rule's conditions alone (firewalld.zone(5)).
 */
export const elementsOf = ({ path, text }: FoundFile): Element[] => {
  const visible = [/<!--[^]*?-->/g, /<rule\b[^>]*[^/]>[^]*?<\/rule>/g].reduce(
    (rest, hidden) => rest.replace(hidden, blank),
    text,
  );
  return [...visible.matchAll(/<([a-z][\w-]*)((?:\s+[\w-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*\/?>/g)].map((match) => ({
    name: match[1] ?? '',
    attributes: attributesOf(match[2] ?? ''),
    from: `${path}:${visible.slice(0, match.index).split('\n').length}`,
  }));
};

const blank = (hidden: string): string => hidden.replace(/[^\n]/g, ' ');

const attributesOf = (text: string): ReadonlyMap<string, string> =>
  new Map([...text.matchAll(/([\w-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)].map((m) => [m[1] ?? '', m[2] ?? m[3] ?? '']));
