# Images (a disk per suite) and states (a machine booted from it, stored while it ran).
# Both are named after what made them: a change of scripts or of QEMU makes a new one,
# and since the name appears only when everything is there, an unfinished one is never used.
# shellcheck shell=bash

check_suite() {
  case $1 in
    bullseye | bookworm | trixie) ;;
    *) die "unknown suite '$1' (bullseye, bookworm or trixie)" ;;
  esac
}

image_of() {
  local key
  key=$(echo "$1" "$image_packages" "$repo_packages" |
    short_hash "$vm_lib"/{image.sh,root.sh,initrd.sh,fetch-packages})
  printf '%s/images/%s-%s\n' "$state_dir" "$1" "$key"
}

state_of() {
  local image key
  image=$(image_of "$1")
  # The stored devices fit only the same QEMU with the same options.
  key=$(qemu-system-x86_64 --version | short_hash "$vm_lib"/{qemu.sh,state.sh,qmp.py})
  printf '%s/states/%s-%s\n' "$state_dir" "${image##*/}" "$key"
}

# new_work_dir NAME: an empty directory for a build, on the same file system as the result.
new_work_dir() {
  local dir=$state_dir/work/$1
  # Left by a build that was killed; the lock says that none is running.
  rm -rf --one-file-system "$dir"
  mkdir -p "$dir"
  printf '%s\n' "$dir"
}

build_image() {
  local suite=$1 image work version
  image=$(image_of "$suite")
  if [ -d "$image" ]; then return 0; fi
  say "building the $suite image"
  work=$(new_work_dir "image-$suite")
  mkdir "$work/out"
  ssh-keygen -q -t ed25519 -N '' -C node-prep-vm -f "$work/out/id"
  LAYER_PACKAGES=$(layer_packages "$suite") make_root "$suite" "$work/root" busybox-static linux-image-amd64
  install -d -m 700 "$work/root/root/.ssh"
  install -m 600 "$work/out/id.pub" "$work/root/root/.ssh/authorized_keys"
  version=$(ls "$work/root/lib/modules")
  cp "$work/root/boot/vmlinuz-$version" "$work/out/vmlinuz"
  make_initrd "$work/root" "$version" "$work/initrd" "$work/out/initrd.img"
  rm -rf "$work/root/srv/extra"
  make_layer "$work/root" "$work/layer"
  make_disk "$work/root" "$work/disk.raw" "$work/out/disk.qcow2"
  mkdir -p "$state_dir/images"
  mv -T "$work/out" "$image"
  rm -rf --one-file-system "$work"
}

# No loop device and no mount: mke2fs copies the directory itself.
make_disk() {
  local root=$1 raw=$2 disk=$3
  truncate -s 8G "$raw"
  mke2fs -q -t ext4 -L root -E lazy_itable_init=1,lazy_journal_init=1 -d "$root" "$raw"
  qemu-img convert -q -O qcow2 "$raw" "$disk"
  rm "$raw"
}

# Removes images and states of this suite that no key leads to and no machine uses.
prune() {
  local suite=$1 image state dir
  image=$(image_of "$suite")
  state=$(state_of "$suite")
  for dir in "$state_dir"/images/"$suite"-* "$state_dir"/states/"$suite"-*; do
    if [ ! -d "$dir" ] || [ "$dir" = "$image" ] || [ "$dir" = "$state" ]; then continue; fi
    if in_use "$dir"; then continue; fi
    rm -rf --one-file-system "$dir"
  done
}

in_use() {
  local link
  for link in "$state_dir"/machines/*/image "$state_dir"/machines/*/state; do
    if [ "$(readlink "$link" 2>/dev/null)" = "$1" ]; then return 0; fi
  done
  return 1
}

build_all() {
  build_image "$1"
  build_state "$1"
  prune "$1"
}

# ensure_built SUITE: cheap when it is there.
ensure_built() {
  check_suite "$1"
  require_tools
  if [ -d "$(image_of "$1")" ] && [ -d "$(state_of "$1")" ]; then return 0; fi
  with_lock "build-$1" build_all "$1"
}
