# Shared by scripts/vm and scripts/uml: where things are kept, messages, locks.
# shellcheck shell=bash

export PATH="$PATH:/usr/sbin:/sbin"
# Sorting, messages that are parsed and hashes must not depend on the caller's locale.
export LC_ALL=C

state_dir=${NODE_PREP_VM_DIR:-${XDG_CACHE_HOME:-$HOME/.cache}/node-prep-vm}

say() { printf '%s: %s\n' "${program:-vm}" "$*" >&2; }
die() { say "$*"; exit 1; }

# One "command package" pair per line: what the harness calls on this machine.
needed_commands() {
  cat <<'LIST'
apt-ftparchive apt-utils
apt-get apt
chroot coreutils
dpkg-deb dpkg
flock util-linux
genisoimage genisoimage
mke2fs e2fsprogs
mmdebstrap mmdebstrap
python3 python3
qemu-img qemu-utils
qemu-system-x86_64 qemu-system-x86
ssh openssh-client
ssh-keygen openssh-client
tar tar
LIST
}

missing_packages() {
  local command package
  needed_commands | while read -r command package; do
    command -v "$command" >/dev/null || printf '%s\n' "$package"
  done | sort -u
  [ -e /usr/share/keyrings/debian-archive-keyring.gpg ] || printf 'debian-archive-keyring\n'
}

require_tools() {
  local missing
  missing=$(missing_packages)
  [ -z "$missing" ] || die "Debian packages missing on this machine: ${missing//$'\n'/ }"
}

# The mirror this machine's own apt uses for Debian; no other server is ever named.
debian_mirror() {
  local mirror=${NODE_PREP_VM_MIRROR:-}
  # The label is known once apt has read its lists; before that the address has to do.
  [ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI) $(LABEL)' 'Created-By: Packages' |
    awk '$2 == "Debian" && !best { best = $1 }
         $1 ~ /\/debian\/?$/ && !other { other = $1 }
         END { print best ? best : other }')
  [ -n "$mirror" ] || die "no Debian mirror in this machine's apt sources; set NODE_PREP_VM_MIRROR"
  printf '%s\n' "$mirror"
}

# short_hash FILE..: a name for the content of these files and of the words on standard input.
short_hash() { cat - "$@" | sha256sum | cut -c1-12; }

# with_lock NAME COMMAND..: waits for its turn. The command must not leave
# processes behind that hold descriptor 9 (they would hold the lock).
with_lock() {
  local name=$1
  shift
  mkdir -p "$state_dir/locks"
  (
    if ! flock -n 9; then
      say "waiting for another run ($name)"
      flock 9
    fi
    "$@"
  ) 9>"$state_dir/locks/$name"
}

# wait_until SECONDS COMMAND..: polls; fails when the time is over.
wait_until() {
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ "$SECONDS" -lt "$end" ] || return 1
    sleep 0.1
  done
}

# shell_words ARG..: quotes so that a POSIX shell sees exactly these arguments.
shell_words() {
  local word words=
  for word; do words+=" '${word//\'/\'\\\'\'}'"; done
  printf '%s' "${words# }"
}
