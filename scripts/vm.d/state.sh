# The stored running machine that `start` continues from.
# shellcheck shell=bash

# Boots the image once, insists on a healthy system, stores RAM, devices and disk.
build_state() {
  local suite=$1 state image work
  state=$(state_of "$suite")
  image=$(image_of "$suite")
  if [ -d "$state" ]; then return 0; fi
  say "booting the $suite image once to store its state"
  work=$(new_work_dir "state-$suite")
  ln -s "$image" "$work/image"
  qemu-img create -q -f qcow2 -b "$image/disk.qcow2" -F qcow2 "$work/disk.qcow2"
  # Whatever happens from here on, no QEMU may stay behind.
  trap 'kill_qemu "$work"' EXIT
  launch "$work" "build-$suite" store
  wait_booted "$work" 400
  check_healthy "$work"
  warm_up "$work"
  close_connection "$work"
  qmp "$work" store "$work/devices"
  qmp "$work" run quit >/dev/null
  wait_until 30 is_ended "$work" || die "QEMU does not end"
  trap - EXIT
  publish_state "$work" "$state"
}

check_healthy() {
  local failed
  failed=$(guest "$1" systemctl --failed --no-legend --plain) || die "the guest does not answer"
  [ -z "$failed" ] || die "failed units after a normal boot: $failed"
}

# What a test needs first shall be in the guest's page cache, and nothing unwritten in the state.
warm_up() {
  guest "$1" sh -c 'apt-get -s install socat; dpkg-query -W; cat /proc/modules; sysctl -a; tar --version; sync' >/dev/null 2>&1
}

publish_state() {
  local work=$1 state=$2
  mkdir -p "$state_dir/states" "$work/out"
  mv "$work"/{disk.qcow2,ram,devices} "$work/out/"
  mv -T "$work/out" "$state"
  rm -rf --one-file-system "$work"
}
