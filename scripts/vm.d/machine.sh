# The life of a machine: start, stop, reboot, snapshots, loss of power.
# shellcheck shell=bash

machine_dir() {
  [[ $1 =~ ^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$ ]] || die "not a machine name: '$1'"
  printf '%s/machines/%s\n' "$state_dir" "$1"
}

# existing NAME / running NAME: print the machine's directory or end with the reason.
existing() {
  local dir
  dir=$(machine_dir "$1") || exit 1
  [ -d "$dir" ] || die "no machine '$1'"
  printf '%s\n' "$dir"
}

running() {
  local dir
  # Spelled out, since errexit is off where a caller handles the failure.
  dir=$(existing "$1") || exit 1
  is_running "$dir" || die "machine '$1' is off (scripts/vm boot $1)"
  printf '%s\n' "$dir"
}

# Under the build lock, so that the image is not pruned before the machine's links name it.
create_machine() {
  local suite=$1 dir=$2 cold=$3 backing
  mkdir -p "${dir%/*}"
  mkdir "$dir" 2>/dev/null || die "machine '${dir##*/}' exists (scripts/vm stop ${dir##*/})"
  ln -s "$(image_of "$suite")" "$dir/image"
  backing=$(readlink "$dir/image")
  if ! $cold; then
    ln -s "$(state_of "$suite")" "$dir/state"
    backing=$(readlink "$dir/state")
  fi
  printf '%s\n' "$suite" >"$dir/suite"
  : >"$dir/console.log"
  qemu-img create -q -f qcow2 -b "$backing/disk.qcow2" -F qcow2 "$dir/disk.qcow2" >&2
}

discard() {
  close_connection "$1"
  kill_qemu "$1"
  rm -rf --one-file-system "$1"
}

start_machine() {
  local suite=$1 name=$2 cold=$3 append=$4 tree=$5 dir
  dir=$(machine_dir "$name")
  ensure_built "$suite"
  if [ -n "$tree" ]; then
    with_lock "build-$suite" tree_machine "$suite" "$dir" "$tree"
  else
    with_lock "build-$suite" create_machine "$suite" "$dir" "$cold"
  fi
  trap 'discard "$dir"' EXIT
  printf '%s\n' "$append" >"$dir/append"
  if $cold; then
    launch "$dir" "$name" boot
    wait_booted "$dir" 240
  else
    launch "$dir" "$name" restore
    wait_ssh "$dir" 60
    set_clock "$dir"
  fi
  trap - EXIT
}

# boot_machine NAME SECONDS: the same disk, a new QEMU.
boot_machine() {
  local name=$1 dir
  dir=$(existing "$name")
  ! is_running "$dir" || die "machine '$name' is running"
  trap 'kill_qemu "$dir"' EXIT
  launch "$dir" "$name" boot
  wait_booted "$dir" "$2"
  trap - EXIT
}

boot_id() { guest "$1" cat /proc/sys/kernel/random/boot_id </dev/null; }

# The guest goes down by itself, then a new QEMU comes up from the same disk: like firmware
# that starts over, and with other kernel arguments if wanted. A reboot that a guest does
# without this command is an ordinary reset within its QEMU.
reboot_machine() {
  local name=$1 dir before limit=240 end
  dir=$(running "$name")
  before=$(boot_id "$dir") || die "the guest does not answer"
  case ${2-} in
    --append) printf '%s\n' "$3" >"$dir/append" ;;
    --disk) realpath -- "$3" >"$dir/seed" ;;
  esac
  # What starts only because of such a disk belongs to the boot, and may be much.
  if [ -s "$dir/seed" ]; then limit=600; fi
  end=$((SECONDS + limit))
  qmp "$dir" run set-action '{"reboot": "shutdown"}' >/dev/null
  # The answer may get lost with the connection.
  guest "$dir" systemctl reboot </dev/null >/dev/null 2>&1 || true
  if ! wait_until 120 is_ended "$dir"; then
    console_tail "$dir"
    die "the guest does not go down"
  fi
  close_connection "$dir"
  boot_machine "$name" $((end - SECONDS))
  [ "$(boot_id "$dir")" != "$before" ] || die "the guest has not rebooted"
}

check_tag() {
  [[ $1 =~ ^[A-Za-z][A-Za-z0-9_.-]{0,62}$ ]] || die "not a snapshot name: '$1' (a letter first)"
}

# Without the shared connection: restored, the guest would know one that is long gone.
take_snapshot() {
  local dir
  dir=$(running "$1")
  check_tag "$2"
  close_connection "$dir"
  qmp "$dir" monitor "savevm $2"
  cp "$dir/append" "$dir/append.$2"
  wait_ssh "$dir" 60
}

restore_snapshot() {
  local dir
  dir=$(running "$1")
  check_tag "$2"
  [ -e "$dir/append.$2" ] || die "machine '$1' has no snapshot '$2'"
  close_connection "$dir"
  qmp "$dir" monitor "loadvm $2"
  cp "$dir/append.$2" "$dir/append"
  wait_ssh "$dir" 60
  set_clock "$dir"
}

cut_power() {
  local dir
  dir=$(running "$1")
  kill_qemu "$dir"
  # A process that was killed has lost its command line before the last of its threads lets go of the disk.
  wait_until 60 qemu-img info "$dir/disk.qcow2" >/dev/null 2>&1 || die "the disk of '$1' is still in use"
  # The connection's process notices by itself; nobody may use it meanwhile.
  close_connection "$dir"
}

stop_machine() {
  local dir
  dir=$(existing "$1")
  discard "$dir"
}

machine_names() {
  local dir
  for dir in "$state_dir"/machines/*/; do
    if [ -d "$dir" ]; then basename "$dir"; fi
  done
}

list_machines() {
  local name dir
  machine_names | while read -r name; do
    dir=$state_dir/machines/$name
    if is_running "$dir"; then
      printf '%s %s running 127.0.0.1:%s\n' "$name" "$(cat "$dir/suite")" "$(cat "$dir/port")"
    else
      printf '%s %s off\n' "$name" "$(cat "$dir/suite" 2>/dev/null)"
    fi
  done
}
