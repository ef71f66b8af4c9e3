import { families } from './table.ts';
import type { Family } from './family.ts';

/**
 * Shell text that runs the part of the family that os-release(5) names, which has to end with `exit`; else it goes on. The file is
 * read as data: nothing in it is run.
 */
export const partOfFamily = (part: (family: Family) => string): string => `id=; like=
for f in /usr/lib/os-release /etc/os-release; do
  [ -f "$f" ] && [ -r "$f" ] || continue
  while IFS= read -r l || [ -n "$l" ]; do
    case $l in ID=*) id=\${l#*=} ;; ID_LIKE=*) like=\${l#*=} ;; esac
  done < "$f"
done
IFS=" \\"'"
for w in $id $like; do IFS=; case $w in
${families.map((family) => `${family.ids.join('|')})\n${part(family)} ;;`).join('\n')}
esac; done
`;
