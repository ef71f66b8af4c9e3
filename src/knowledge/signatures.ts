import { fileText, scriptAnswer } from '../answers.ts';
import type { Answers, Query } from '../model.ts';
import type { RunningKernel } from './kernel.ts';

const lockdownFile = '/sys/kernel/security/lockdown';
const enforceFile = '/sys/module/module/parameters/sig_enforce';

/** A module's file that has no signature. */
type Unsigned = { readonly name: string; readonly file: string };

/**
 * What makes the kernel refuse modules without a signature: lockdown, which Secure Boot turns on in most distributions
 * (kernel_lockdown(7)), or module.sig_enforce (kernel/module/signing.c); undefined where nothing does.
 */
export const signatureRule = (answers: Answers): { readonly says: string; readonly from: string } | undefined => {
  const mode = /\[(integrity|confidentiality)\]/.exec(fileText(answers, lockdownFile) ?? '')?.[1];
  if (mode) return { says: `the kernel is locked down (${mode})`, from: lockdownFile };
  const enforced = fileText(answers, enforceFile)?.trim() === 'Y';
  return enforced ? { says: 'the kernel takes signed modules only', from: enforceFile } : undefined;
};

/** What to ask in order to know which of these modules the kernel would refuse for want of a signature. */
export const signatureQueries = (names: readonly string[]): readonly Query[] => [
  { ask: 'read', path: lockdownFile },
  { ask: 'read', path: enforceFile },
  {
    ask: 'run',
    argv: ['sh', '-c', script, 'ask-signatures', ...[...new Set(names)].sort()],
    known: (answers) => (signatureRule(answers) ? undefined : ''),
  },
];

/**
 * Prints "NAME FILE" for each module that is not loaded and has no signature; those that distributions do not build
 * (depmod's updates, extra, weak-updates) are looked at without being asked for, as others may need them. Nothing is started
 * where the kernel takes any module. modinfo has to say something of a file before its silence about a signature counts.
 */
const script = `lock= enforce=
{ read -r lock < ${lockdownFile}; } 2>/dev/null
{ read -r enforce < ${enforceFile}; } 2>/dev/null
case $lock in *'[integrity]'*|*'[confidentiality]'*) enforce=Y ;; esac
[ "$enforce" = Y ] || exit 0
PATH=$PATH:/usr/sbin:/sbin
read -r k < /proc/sys/kernel/osrelease || exit 0
d=/lib/modules/$k/modules.dep
[ ! -f "$d" ] || while IFS=: read -r f rest; do
  case $f in updates/*|extra/*|weak-updates/*) f=\${f##*/}; set -- "$@" "\${f%%.ko*}" ;; esac
done < "$d"
for m; do
  [ -d "/sys/module/$m" ] && continue
  f=$(modinfo -k "$k" -n -- "$m" 2>/dev/null) || continue
  case $f in /*) ;; *) continue ;; esac
  [ -z "$(modinfo -k "$k" -F sig_id -- "$m" 2>/dev/null)" ] || continue
  [ -n "$(modinfo -k "$k" -F vermagic -- "$m" 2>/dev/null)" ] && echo "$m $f"
done
exit 0`;

/** The first of these modules, or of those that they need, which the kernel would refuse to load for want of a signature. */
export const unsignedAmong = (names: readonly string[], answers: Answers, kernel: RunningKernel): Unsigned | undefined => {
  const lines = (scriptAnswer(answers, 'ask-signatures')?.text ?? '').split('\n').map((line) => line.split(' '));
  const files = new Map(lines.map(([name = '', file = '']) => [name.replaceAll('-', '_'), file]));
  const needed = names.flatMap((name) => [...(kernel.files.get(name) ?? []), name]);
  const name = needed.find((one) => files.has(one) && !kernel.loaded.has(one) && !kernel.builtin.has(one));
  return name === undefined ? undefined : { name, file: files.get(name) ?? '' };
};
