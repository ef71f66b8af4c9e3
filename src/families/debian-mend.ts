import { quoteAll } from '../knowledge/quote.ts';
import type { Argv, RunAction } from '../model.ts';

/** What dpkg has written down of its work and not yet put into its record: there when it was cut off, and while it is at work. */
export const dpkgUpdates = '/var/lib/dpkg/updates/*';

const confFiles = ['confdef', 'confold'] as const;

/**
 * No questions, changed configuration files stay as they are, services are not restarted behind the operator's back, and
 * dpkg's lock is waited for, five minutes at most (apt.conf(5) DPkg::Lock::Timeout).
 */
export const unattended = [
  'env',
  'DEBIAN_FRONTEND=noninteractive',
  'NEEDRESTART_SUSPEND=1',
  'apt-get',
  '-y',
  '-q',
  '-o',
  'DPkg::Lock::Timeout=300',
  ...confFiles.flatMap((what) => ['-o', `Dpkg::Options::=--force-${what}`]),
] as const satisfies Argv;

/** apt does not wait for the lock of its lists, whatever DPkg::Lock::Timeout says (seen with apt 2.2, 2.6 and 3.0). */
export const patience = { says: 'Could not get lock', seconds: 300 } as const;

/** dpkg waits for no lock: "dpkg frontend lock was locked by another process" (seen with 1.21). */
const dpkgPatience = { says: 'locked by another process', seconds: 300 } as const;

/**
 * Brings dpkg to an end that was cut off, by SIGKILL or with the power: what is unpacked is configured, what that needs and has not is
 * installed, and what dpkg says must be installed again is. That may fail where a later step makes it good, so the verification
 * decides. Nothing is ever removed: `apt-get -f` would take that for mending too.
 */
export const mendDpkg = (broken: readonly string[]): readonly Omit<RunAction, 'do'>[] => [
  {
    argv: [...asRoot, 'dpkg', ...confFiles.map((what) => `--force-${what}`), '--configure', '-a'],
    why: 'bring dpkg to an end, which was cut off',
    judgedBy: 'verify',
    patience: dpkgPatience,
  },
  { argv: [...careful, '-f', 'install'], why: 'install what cut off packages still need', judgedBy: 'verify', patience },
  ...(broken.length === 0
    ? []
    : [
        {
          argv: [...careful, '--reinstall', 'install', ...broken] satisfies Argv,
          why: `install again what was cut off half-way: ${broken.join(', ')}`,
          judgedBy: 'verify' as const,
          patience,
        },
      ]),
];

const asRoot = ['env', 'DEBIAN_FRONTEND=noninteractive', 'NEEDRESTART_SUSPEND=1'] as const satisfies Argv;
const careful = [...unattended, '--no-remove'] as const satisfies Argv;

/**
 * Shell text, run where something is missing or dpkg was cut off: prints the packages that are not done, those that have to be installed
 * again, and whether a dpkg or apt is at work. Its lock says so: a cut off one holds none (/proc/locks has the inode).
 */
export const askUnfinished = `dpkg-query -W -f='\${db:Status-Want} \${db:Status-Eflag} \${db:Status-Status} \${binary:Package}\\n' 2>/dev/null |
  while IFS=" " read -r want flag state name; do
    case $want-$flag-$state in
      *-reinstreq-*) echo "reinstreq $name" ;;
      install-ok-half-installed | install-ok-unpacked | install-ok-half-configured) echo "unfinished $name" ;;
    esac
  done
for f in ${quoteAll(['/var/lib/dpkg/lock', '/var/lib/dpkg/lock-frontend'])}; do
  inode=$(stat -c %i "$f" 2>/dev/null) && grep -q ":$inode 0 EOF" /proc/locks 2>/dev/null && echo busy && break
done`;

/** What that text printed. Nothing but what can be the name of a package (deb-control(5)) is taken for one. */
export const readUnfinished = (
  output: string,
): { readonly unfinished: boolean; readonly broken: readonly string[]; readonly busy: boolean } => {
  const named = (word: string): string[] =>
    [...output.matchAll(new RegExp(`^${word} ([a-z0-9][a-z0-9+.:-]*)$`, 'gm'))].map(([, name = '']) => name);
  const broken = named('reinstreq');
  return { unfinished: broken.length + named('unfinished').length > 0, broken, busy: /^busy$/m.test(output) };
};
