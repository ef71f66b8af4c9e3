import { fileText, said } from '../answers.ts';
import type { Answers, Argv, Query } from '../model.ts';

/** Rules of one side in one table. `table`: "ip nat", "ip6 filter". */
export type RuleCount = { readonly table: string; readonly rules: number };

/**
 * What a host's rules are. `tables`: legacy tables that exist in this network namespace. `legacy`, `nft`: tables with rules.
 * `uncounted`: legacy tables exist, but no program here can read them. `versions`: the variant that a program says it is.
 * `unasked`: there was no answer, so that nothing of it is known.
 */
type Rules = {
  readonly tables: readonly string[];
  readonly legacy: readonly RuleCount[];
  readonly nft: readonly RuleCount[];
  readonly uncounted: boolean;
  readonly unasked: boolean;
  readonly versions: ReadonlyMap<string, 'nft' | 'legacy'>;
};

/** The legacy tables that exist in this network namespace, one list per family of addresses. */
const tableLists = ['/proc/net/ip_tables_names', '/proc/net/ip6_tables_names'] as const;

/**
 * Counts rules without making any table. /proc/net/ip_tables_names holds the legacy tables that exist; where it is empty no
 * legacy program is run, as the first look at a table creates it and loads its module. The nft side is counted only where legacy
 * rules were seen and nf_tables is loaded already. A base chain that drops by policy counts as a rule. A program that no link
 * names is asked for its version, unless it is a script: the one of iptables-wrappers changes the alternatives when it is run.
 */
const script = `PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
count() {
  while IFS= read -r l; do case $l in
    '*'*) t=\${l#?} n=0 ;;
    -A*|:*' DROP '*) n=$((n+1)) ;;
    COMMIT*) [ "$n" -gt 0 ] && echo "$1 $2 $t $n" ;;
  esac; done
}
legacy() {
  [ -r "$2" ] || return 0
  seen=
  while IFS= read -r t; do [ -n "$t" ] && echo "table $1 $t" && seen=1; done < "$2"
  [ -n "$seen" ] || return 0
  if command -v "$3-legacy-save" >/dev/null; then save=$3-legacy-save
  elif [ -e /usr/sbin/xtables-multi ] || [ -e /sbin/xtables-multi ]; then save=$3-save
  else echo uncounted; return 0; fi
  rules=$("$save" 2>/dev/null | count legacy "$1")
  [ -n "$rules" ] || return 0
  echo "$rules"
  while read -r m l; do case $m in nf_tables)
    command -v "$3-nft-save" >/dev/null && "$3-nft-save" 2>/dev/null | count nft "$1"
  esac; done < /proc/modules
}
for p in iptables ip6tables; do
  f=$(command -v "$p") || continue
  for x in nft legacy; do [ "$f" -ef "/usr/sbin/xtables-$x-multi" ] && continue 2; done
  [ "$f" -ef /sbin/xtables-multi ] && continue
  read -r l < "$f" && case $l in '#!'*) continue ;; esac
  case $("$f" -V 2>/dev/null) in *nf_tables*) echo "version $p nft" ;; *tables*) echo "version $p legacy" ;; esac
done 2>/dev/null
legacy ip ${tableLists[0]} iptables
legacy ip6 ${tableLists[1]} ip6tables
exit 0`;

const argv = ['sh', '-c', script, 'ask-iptables-rules'] as const satisfies Argv;

/** `named`: whether files name the variant of every program that is there, so that none has to be asked for it. */
export const ruleQueries = (named: (answers: Answers) => boolean): readonly Query[] => [
  ...tableLists.map((path): Query => ({ ask: 'read', path, unless: (answers) => hasNoTable(path, answers) })),
  {
    ask: 'run',
    argv,
    known: (answers) => (named(answers) && tableLists.every((path) => !fileText(answers, path)?.trim()) ? '' : undefined),
  },
];

/**
 * Whether the core of the legacy tables is loaded and none of the modules that are the tables: each is one (iptable_nat), and what a module
 * depends on is a module as well. Root alone may read the list, and so need not be asked to come and find nothing in it.
 */
const hasNoTable = (path: string, answers: Answers): boolean => {
  const modules = fileText(answers, '/proc/modules') ?? '';
  const six = path.includes('ip6') ? '6' : '';
  return new RegExp(`^ip${six}_tables `, 'm').test(modules) && !new RegExp(`^ip${six}table_\\w+ `, 'm').test(modules);
};

/** Reads what the question for rules was answered; nothing where it was not asked. */
export const askRules = (answers: Answers): Rules => {
  const text = said(answers, argv);
  const lines = (text ?? '').split('\n').map((line) => line.split(' '));
  const counts = (side: string): RuleCount[] =>
    lines.flatMap(([what, family = '', table = '', n = '']) =>
      what === side ? [{ table: `${family} ${table}`, rules: Number(n) }] : [],
    );
  return {
    tables: lines.flatMap(([what, family = '', table = '']) => (what === 'table' ? [`${family} ${table}`] : [])),
    legacy: counts('legacy'),
    nft: counts('nft'),
    unasked: text === undefined,
    uncounted: lines.some(([what]) => what === 'uncounted'),
    versions: new Map(
      lines.flatMap(([what, program = '', variant]): [string, 'nft' | 'legacy'][] =>
        what === 'version' && (variant === 'nft' || variant === 'legacy') ? [[program, variant]] : [],
      ),
    ),
  };
};
