import { fileText, scriptAnswer } from '../answers.ts';
import type { Answers, Query, Reason } from '../model.ts';
import { moduleName } from './module-names.ts';

const log = '/var/log/audit/audit.log';
const enforceFile = '/sys/fs/selinux/enforce';

/** A module that SELinux kept a program from having loaded. `deps`: its line of modules.dep, without the paths. */
export type ModuleDenial = {
  readonly module: string;
  readonly asked: string;
  readonly context: string;
  readonly from: string;
  readonly deps: readonly string[];
};

/**
 * Prints "LINE KMOD CONTEXT MODULE DEPENDENCY.." for each name that SELinux, in force, denied somebody to have loaded
 * (module_request of class system, in AVC records of auditd). Starts nothing where SELinux is absent or permissive, or has
 * denied nothing; a line of permissive=1 denied nothing either. What a container asks for is its own choice: only names that look
 * like a module's reach modprobe, at most fifty, and nothing is loaded (-R resolves aliases).
 */
const script = `e=0
{ read -r e < ${enforceFile}; } 2>/dev/null
[ "$e" = 1 ] && [ -f ${log} ] && [ -r ${log} ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
read -r k < /proc/sys/kernel/osrelease || exit 0
seen=' ' left=50
grep -n 'denied  *{ module_request }.*kmod=' ${log} | while IFS= read -r l; do
  case $l in *permissive=1*) continue ;; esac
  n=\${l%%:*} m=\${l#*kmod=\\"} c=\${l#*scontext=}
  m=\${m%%\\"*} c=\${c%% *}
  case $m in ''|-*|*[!A-Za-z0-9_.:-]*) continue ;; esac
  case $seen in *" $m "*) continue ;; esac
  seen="$seen$m " left=$((left - 1))
  [ "$left" -gt 0 ] || break
  for r in $(modprobe -q -R -- "$m" 2>/dev/null); do
    d=$(grep -m 1 -e "/$r\\.ko[.a-z]*:" -e "/$(echo "$r" | tr _ -)\\.ko[.a-z]*:" "/lib/modules/$k/modules.dep") || continue
    echo "$n $m $c $r" \${d#*:}
  done
done
exit 0`;

export const moduleDenialQueries: readonly Query[] = [
  { ask: 'read', path: enforceFile },
  {
    ask: 'run',
    argv: ['sh', '-c', script, 'ask-module-denials'],
    known: (answers) => (fileText(answers, enforceFile)?.trim() === '1' ? undefined : ''),
  },
];

/** The modules that somebody was denied, each once. */
export const moduleDenials = (answers: Answers): readonly ModuleDenial[] => {
  const lines = (scriptAnswer(answers, 'ask-module-denials')?.text ?? '').split('\n').map((line) => line.trim().split(/\s+/));
  const denials = lines.flatMap(([line, asked, context, module, ...deps]): ModuleDenial[] => {
    if (!line || !asked || !context || !module) return [];
    return [{ module: moduleName(module), asked, context, from: `${log}:${line}`, deps: deps.map(fileName) }];
  });
  return [...new Map(denials.map((denial) => [denial.module, denial])).values()];
};

/** A denial as a reason to have the module before anybody asks for it. */
export const reasonOf = ({ module, asked, context, from }: ModuleDenial): Reason => ({
  profile: 'this host',
  why: `SELinux denied ${context.split(':')[2] ?? context} to have ${asked === module ? 'it' : `${asked}, which it answers to,`} loaded`,
  source: from,
});

const fileName = (path: string): string => moduleName(path.slice(path.lastIndexOf('/') + 1).replace(/\.ko(\.\w+)?$/, ''));
