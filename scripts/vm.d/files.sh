# Files into and out of a machine, as tar: through the shared connection, or what is big through a disk of the machine, since an
# emulated CPU needs a second for ten megabytes of a connection.
# shellcheck shell=bash

# Runs where the files arrive: `sh -c "$unpack" unpack DEST COUNT ARCHIVE`. As with cp, what goes to an existing
# directory (or one named with a slash at the end) keeps its name, else it gets the name DEST.
# By way of a directory next to the target, so that a file is replaced at once or not at all.
unpack='
set -eu
dest=$1
case $dest in */) mkdir -p "$dest" ;; *) mkdir -p "$(dirname "$dest")" ;; esac
if [ "$2" -gt 1 ] && [ ! -d "$dest" ]; then echo "not a directory: $dest" >&2; exit 1; fi
if [ -d "$dest" ]; then near=$dest; else near=$(dirname "$dest"); fi
new=$(mktemp -d "$near/.copy.XXXXXX")
trap "rm -rf \"\$new\"" EXIT
tar -xpf "$3" --no-same-owner -C "$new"
cd "$new"
for name in * .[!.]*; do
  if [ ! -e "$name" ] && [ ! -L "$name" ]; then continue; fi
  target=$dest
  if [ -d "$dest" ]; then target=${dest%/}/$name; fi
  if [ -d "$name" ] && [ -d "$target" ]; then cp -a "$name/." "$target/"; else mv -fT -- "$name" "$target"; fi
done'

# copy_in NAME SRC.. DEST
copy_in() {
  local dir dest source path members=()
  dir=$(running "$1")
  shift
  dest=${*: -1}
  set -- "${@:1:$#-1}"
  [[ $dest == /* ]] || dest=/root/$dest
  for source; do
    [ -e "$source" ] || [ -L "$source" ] || die "no such file: $source"
    path=$(realpath -s -- "$source")
    members+=(-C "$(dirname -- "$path")" "./$(basename -- "$path")")
  done
  if [ "$(du -sbLc -- "$@" 2>/dev/null | tail -n 1 | cut -f1)" -gt 1000000 ]; then
    (flock 8 && by_disk "$dir" "$dest" "$#") 8>"$dir/transfer.lock"
  else
    pack | guest "$dir" sh -c "$unpack" unpack "$dest" "$#" -
  fi
}

# pack: the `members` of copy_in.
pack() { tar -cf - --numeric-owner --owner=0 --group=0 "${members[@]}"; }

# by_disk DIR DEST COUNT
by_disk() {
  pack 8>&- | dd of="$1/transfer" bs=1M conv=notrunc iflag=fullblock status=none 8>&-
  if [ "$(stat -c %s "$1/transfer")" -ne "$transfer_bytes" ]; then
    truncate -s "$transfer_bytes" "$1/transfer"
    die "more than $transfer_bytes bytes at once"
  fi
  guest "$1" sh -c "$unpack" unpack "$2" "$3" /dev/vdb </dev/null 8>&-
}

# fetch_out NAME SRC DEST
fetch_out() {
  local dir source=$2 dest
  dir=$(running "$1")
  dest=$(realpath -ms -- "$3")
  if [[ $3 == */ ]]; then dest+=/; fi
  guest "$dir" tar -cf - -C "$(dirname -- "$source")" "./$(basename -- "$source")" </dev/null |
    sh -c "$unpack" unpack "$dest" 1 -
}
