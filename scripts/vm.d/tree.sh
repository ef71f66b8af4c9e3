# The file tree of an image outside of any machine, and machines that are booted from such a tree.
# shellcheck shell=bash

# unpack_tree SUITE DIR: what the suite's disk holds, in a new directory. No mount: debugfs copies it, with
# owners and modes but without setuid and sticky bits.
unpack_tree() {
  local suite=$1 dir=$2 image raw
  [ "$(id -u)" = 0 ] || die "a tree with its owners needs root"
  [ ! -e "$dir" ] || die "$dir exists"
  ensure_built "$suite"
  image=$(image_of "$suite")
  raw=$dir.raw
  mkdir -p "$dir"
  qemu-img convert -q -O raw "$image/disk.qcow2" "$raw"
  debugfs -R "rdump / \"$dir\"" "$raw" >/dev/null 2>&1 || { rm -f "$raw"; die "debugfs could not read the image"; }
  rm -f "$raw"
  rmdir "$dir/lost+found"
  chmod 755 "$dir"
  chmod 1777 "$dir/tmp" "$dir/var/tmp"
  # Else a boot makes hwdb, ld.so.cache and the journal's catalog anew (systemd-update-done(8)), minutes on an emulated CPU.
  touch "$dir/etc/.updated" "$dir/var/.updated"
}

# tree_machine SUITE DIR TREE: a machine that is off, whose disk is a copy of TREE; kernel and initrd are the suite's.
tree_machine() {
  local suite=$1 dir=$2 tree=$3
  mkdir -p "${dir%/*}"
  mkdir "$dir" 2>/dev/null || die "machine '${dir##*/}' exists (scripts/vm stop ${dir##*/})"
  ln -s "$(image_of "$suite")" "$dir/image"
  printf '%s\n' "$suite" >"$dir/suite"
  : >"$dir/console.log"
  make_disk "$tree" "$dir/disk.raw" "$dir/disk.qcow2"
}
