import type { FoundFile } from '../model.ts';

/** One element of a file of firewalld. `from`: "/path:line". */
export type Element = { readonly name: string; readonly attributes: ReadonlyMap<string, string>; readonly from: string };

/**
 * The elements of a zone or a service. Those files are flat; what stands within a rich rule is left out, as it holds under that
 * rule's conditions alone (firewalld.zone(5)).
 */
export const elementsOf = ({ path, text }: FoundFile): Element[] => {
  const found: Element[] = [];
  let [line, counted, inRule] = [1, 0, false];
  for (const { index, tag } of tagsOf(text)) {
    for (; counted < index; counted++) if (text[counted] === '\n') line += 1;
    const name = /^<\/?([a-z][\w-]*)/.exec(tag)?.[1];
    if (name === undefined) continue;
    if (name === 'rule') inRule = !tag.startsWith('</') && !tag.endsWith('/>');
    else if (!inRule && !tag.startsWith('</')) found.push({ name, attributes: attributesOf(tag), from: `${path}:${line}` });
  }
  return found;
};

/** The tags that stand in no comment. None is longer than a page: one without an end is not looked for through the whole file. */
const tagsOf = function* (text: string): Generator<{ readonly index: number; readonly tag: string }> {
  const piece = /<!--|<[^<>]{0,4000}>/g;
  for (let match = piece.exec(text); match; match = piece.exec(text)) {
    const end = match[0] === '<!--' ? text.indexOf('-->', match.index) : piece.lastIndex;
    if (end < 0) return;
    piece.lastIndex = end;
    if (match[0] !== '<!--') yield { index: match.index, tag: match[0] };
  }
};

const attributesOf = (tag: string): ReadonlyMap<string, string> =>
  new Map(
    [...tag.matchAll(/([\w-]{1,40})\s{0,10}=\s{0,10}(?:"([^"]*)"|'([^']*)')/g)].map((m) => [m[1] ?? '', m[2] ?? m[3] ?? '']),
  );
