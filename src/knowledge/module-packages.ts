import type { Answers } from '../model.ts';
import { kernelConfig, kernelRelease, runningKernel } from './kernel.ts';
import { moduleFact, moduleName } from './module-names.ts';

/**
 * The ways in which a name can be served, for the shell: alternatives between `|`, each a list of modules (or options of the
 * kernel's configuration) between `+`, all of which it takes.
 */
export const waysToServe = (name: string): string =>
  ways(name)
    .map((way) => way.join('+'))
    .join('|');

const ways = (name: string): readonly (readonly string[])[] => {
  const { alias, into, replacedBy, kconfig } = moduleFact(name);
  return [
    [name],
    ...(kconfig ?? []).map((symbol) => [`CONFIG_${symbol}`]),
    ...(alias ? ways(alias) : []),
    ...(into ? allOf(into) : []),
    ...(replacedBy ? allOf(replacedBy) : []),
  ];
};

/** Every choice of one way for each of these. */
const allOf = (names: readonly string[]): readonly (readonly string[])[] =>
  names.reduce<readonly (readonly string[])[]>(
    (all, name) => all.flatMap((one) => ways(name).map((way) => [...one, ...way])),
    [[]],
  );

/** What grep looks for in depmod's indexes and the kernel's configuration, one text per line. */
export const indexPatterns = (sets: readonly string[]): string =>
  [...new Set(sets.flatMap((set) => set.split(/[|+]/)).flatMap(patternsOf))].join('\n');

const patternsOf = (word: string): string[] =>
  word.startsWith('CONFIG_') ? [`${word}=y`] : [`/${word}.ko`, `/${word.replaceAll('_', '-')}.ko`];

/**
 * Whether files show that `unlessAllServed` would exit, for the same sets. False is no proof of the contrary: it knows of
 * modules without a file as well.
 */
export const isAllServed = (sets: readonly string[], answers: Answers): boolean => {
  if (containerFiles.some((path) => isThere(answers, path))) return true;
  const release = kernelRelease(answers);
  const kernel = runningKernel(answers, release, []);
  if (!kernel.indexed) return kernel.others.length > 0 || answers.get('read /proc/modules')?.status === 1;
  const config = kernelConfig(answers, release);
  const has = (word: string): boolean =>
    word.startsWith('CONFIG_')
      ? config?.values.get(word.slice('CONFIG_'.length)) === 'y'
      : kernel.files.has(moduleName(word)) || kernel.builtin.has(moduleName(word));
  return sets.every((set) => set.split('|').some((way) => way.split('+').every(has)));
};

const containerFiles = ['/run/systemd/container', '/.dockerenv', '/run/.containerenv'] as const;

const isThere = (answers: Answers, path: string): boolean => (answers.get(`read ${path}`)?.status ?? 1) !== 1;

/**
 * Exits where the running kernel serves every set of `waysToServe` ($2 and on; $1 has the patterns), where another kernel's
 * modules are there in place of its own, and in containers; else it prints `asked`, and what follows may use $k, the kernel's release. One grep is all that it starts.
 */
export const unlessAllServed = `set -f
patterns=$1; shift
nl='
'
for f in ${containerFiles.join(' ')}; do [ -e "$f" ] && exit 0; done
read -r k < /proc/sys/kernel/osrelease || exit 0
d=/lib/modules/$k
if [ -f "$d/modules.dep" ]; then
  have=$nl$(grep -Fohs -e "$patterns" "$d/modules.dep" "$d/modules.builtin" "$d/config" "/boot/config-$k")$nl
  while :; do case $have in *-*) have=\${have%%-*}_\${have#*-} ;; *) break ;; esac; done
  has() {
    case $1 in CONFIG_*) w=$1=y ;; *) [ -d "/sys/module/$1" ] && return 0; w=/$1.ko ;; esac
    case $have in *"$nl$w$nl"*) return 0 ;; esac
    return 1
  }
  served() {
    IFS='|'
    for way in $1; do
      IFS=+ all=y
      for name in $way; do has "$name" || all=; done
      [ -z "$all" ] || return 0
    done
    return 1
  }
  missing=
  for set; do served "$set" || { missing=y; break; }; done
  [ -n "$missing" ] || exit 0
else
  set +f
  for f in /lib/modules/*/modules.dep; do [ -e "$f" ] && exit 0; done
  [ -e /proc/modules ] || exit 0
fi
set +f
unset IFS
set --
echo asked
`;
