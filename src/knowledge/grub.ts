/** An entry of GRUB's menu that boots Linux. `place`: its number, of a submenu first that one's ("1>0"). `line`: where its arguments stand. */
export type GrubEntry = {
  readonly place: string;
  readonly title: string;
  readonly id: string;
  readonly args: string;
  readonly line: number;
};

type Open = {
  readonly path: readonly number[];
  readonly titles: readonly string[];
  readonly ids: readonly string[];
  children: number;
};

/** GRUB's own menus are two levels deep. */
const deepest = 16;

/** The entries of a grub.cfg as grub-mkconfig writes it, in their order; submenus are counted as GRUB counts them. */
export const grubEntries = (text: string): GrubEntry[] => {
  const entries: GrubEntry[] = [];
  const stack: Open[] = [{ path: [], titles: [], ids: [], children: 0 }];
  for (const [i, line] of text.split('\n').entries()) {
    const top = stack.at(-1);
    const [, title] = /^\s*(?:menuentry|submenu)\s+(?:'([^']*)'|"([^"]*)")/.exec(line) ?? [];
    if (top && title !== undefined && line.trimEnd().endsWith('{') && stack.length <= deepest) {
      const id = /\$menuentry_id_option\s+['"]([^'"]*)['"]/.exec(line)?.[1] ?? /--id[= ]['"]?([^'"\s]+)/.exec(line)?.[1] ?? '';
      stack.push({ path: [...top.path, top.children], titles: [...top.titles, title], ids: [...top.ids, id], children: 0 });
      top.children += 1;
    } else if (line.trim() === '}' && stack.length > 1) stack.pop();
    const args = /^\s*linux(?:16|efi)?\s+\S+([^]*)$/.exec(line)?.[1];
    if (top && args !== undefined && top.path.length > 0) {
      entries.push({
        place: top.path.join('>'),
        title: top.titles.join('>'),
        id: top.ids.join('>'),
        args: args
          .replace(/\$\{?\w+\}?/g, '')
          .replace(/['"]/g, '')
          .trim(),
        line: i + 1,
      });
    }
  }
  return entries;
};

/**
 * The entry that GRUB boots if nobody touches it: what `set default=` says at last (a number, a title or an id; "1>2" in a
 * submenu), `saved` where it says so, else the first one. A number that leads to a submenu means its first entry.
 */
export const grubDefault = (entries: readonly GrubEntry[], text: string, saved: string | undefined): GrubEntry | undefined => {
  const asked = [...text.matchAll(/^[ \t]*set default="([^"]*)"/gm)]
    .map((m) => m[1] ?? '')
    .filter((v) => !v.includes('next_entry'));
  const said = asked.at(-1) ?? '0';
  const wanted = said.includes('saved_entry') ? (saved ?? '0') : said;
  const is = (entry: GrubEntry): boolean =>
    [entry.place, entry.title, entry.id].includes(wanted) || entry.place.startsWith(`${wanted}>`) || ends(entry, wanted);
  return entries.find(is) ?? entries[0];
};

const ends = ({ title, id }: GrubEntry, wanted: string): boolean =>
  !/^\d/.test(wanted) && (title.split('>').at(-1) === wanted || id.split('>').at(-1) === wanted);
