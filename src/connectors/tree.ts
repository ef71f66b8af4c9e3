import type { Answer, Argv } from '../model.ts';
import { askAll, outputOf, run } from './local.ts';
import type { Ran } from './local.ts';
import type { Descriptor } from './relay.ts';

/** What was asked in a tree; or why nothing can be asked there. */
export type Told = { readonly answers: readonly Answer[] } | { readonly problem: string };

/**
 * Runs read-only commands with the programs of a tree: as nobody, in namespaces of their own, where the tree is read-only and
 * has no /proc, /sys or /run.
 */
export const askInTree = async (root: string, argvs: readonly Argv[]): Promise<Told> => {
  const start = (script: string): Argv => ['unshare', ...apart, ...forAsking, 'sh', '-c', asNobody, 'sh', root, script];
  const [tried, ...answers] = await askAll([['true'], ...argvs], start);
  return tried?.status === 0 ? { answers } : { problem: await complaint(start('exec true')) };
};

/** Answers have no room for standard error: what goes wrong with nothing asked is looked at once more, with it. */
const complaint = async (argv: Argv): Promise<string> => {
  const said = (await outputOf(['sh', '-c', '"$@" 2>&1; echo "exit status $?"', 'sh', ...argv])).trim().split('\n');
  return said.at(-1)?.startsWith('exit status')
    ? `commands cannot be run in it here (${said.slice(-3).reverse().join('; ')})`
    : 'commands in it did not come to an end within a minute';
};

/**
 * Runs a command that changes a tree with the tree's own programs, to its end. Never throws. It has a /proc, /dev and /run of its own,
 * which go with it; it cannot load modules, set the kernel's keys or the clock; and no package starts a service. `lock`: the open file of
 * the tree's lock, which unshare(1) then holds as well: should we be killed, nobody begins beside a command that goes on.
 */
export const runInTree = (root: string, argv: Argv, started?: (pid: number) => void, lock?: number): Promise<Ran> =>
  run(['unshare', ...apart, 'sh', '-c', asRoot, 'sh', root, ...argv], started, lock as Descriptor | undefined);

/** Mounts are not seen outside (unshare(1) makes them private), and processes end with the first. */
const apart = ['--mount', '--ipc', '--pid', '--fork'] as const;
const forAsking = ['--net', '--uts', '--kill-child'] as const;

/** Folders that are links are left alone: a mount there would be in another place. */
const prepare = `mount --rbind "$root" "$root" && cd "$root/." || exit 125
own() { [ -d "$1" ] && [ ! -h "$1" ] && mount -t tmpfs -o mode=755 tmpfs "$1" && own=$1; }
own=
if own dev; then
  for f in null zero full random urandom tty; do : > "dev/$f" && mount --bind "/dev/$f" "dev/$f"; done
fi
own sys; own run
`;

const asNobody = `root=$1
${prepare}own proc
mount -o remount,bind,ro "$root" && cd "$root/." || exit 125
unset TMPDIR; export HOME=/
exec chroot --userspec=65534:65534 . /bin/sh -c "$2"`;

/**
 * What invoke-rc.d and deb-systemd-invoke ask before they start anything, where it may be executed, and 101 is its no
 * (/usr/share/doc/init-system-helpers/README.policy-rc.d.gz). It is mounted over a file that may not be: whatever ends us, and
 * however, that file means nothing to the image. One that may be executed is the image's own.
 */
const refuseStarts = `p=usr/sbin/policy-rc.d note="# a place for node-prep's, while packages are installed" ours=
there() { [ -e "$1" ] || [ -h "$1" ]; }
if ! there var/lib/dpkg || ! there usr/sbin; then :
elif [ -h usr ] || [ -h usr/sbin ] || [ -z "$own" ]; then
  echo "a link in the place of a folder leaves no place for /$p" >&2; exit 125
elif [ ! -h $p ] && [ ! -x $p ]; then
  [ -e $p ] || echo "$note" > $p || exit 125
  printf '#!/bin/sh\\nexit 101\\n' > "$own/policy" && chmod 755 "$own/policy" && mount --bind "$own/policy" $p && ours=1 || exit 125
fi`;

const asRoot = `exec 4<&-
root=$1; shift
${prepare}if [ -d dev ] && [ ! -h dev ]; then
  mkdir -p dev/pts dev/shm
  mount -t devpts -o newinstance,ptmxmode=666,mode=620 devpts dev/pts && ln -s pts/ptmx dev/ptmx
  ln -s /proc/self/fd dev/fd
fi
if [ -d proc ] && [ ! -h proc ]; then
  mount -t proc proc proc
  for f in sys sysrq-trigger; do [ ! -e "proc/$f" ] || { mount --bind "proc/$f" "proc/$f" && mount -o remount,bind,ro "proc/$f"; }; done
fi
if [ -r /etc/resolv.conf ]; then
  if [ -h etc/resolv.conf ]; then
    [ ! -h run ] && mkdir -p run/systemd/resolve && cat /etc/resolv.conf | tee run/systemd/resolve/stub-resolv.conf > run/systemd/resolve/resolv.conf
  elif [ -f etc/resolv.conf ] && ! grep -qs '^nameserver' etc/resolv.conf; then mount --bind /etc/resolv.conf etc/resolv.conf
  fi
fi
unset TMPDIR; export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root
${refuseStarts}
if command -v setpriv >/dev/null; then
  setpriv --bounding-set=-sys_module,-sys_boot,-sys_time,-sys_rawio,-syslog,-net_admin chroot . "$@"
else chroot . "$@"
fi
status=$?
[ -z "$ours" ] || { umount -l $p && [ "$(cat $p)" = "$note" ] && rm -f $p; }
exit "$status"`;
