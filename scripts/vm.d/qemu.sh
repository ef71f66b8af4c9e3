# Starting and ending QEMU. A machine is a directory:
#   image -> what it boots, state -> what it was restored from, disk.qcow2 its own changes,
#   transfer (a second disk, by which files come in), pid, port, append (extra kernel arguments), seed (the path of a third disk),
#   console.log, sockets qmp and ssh.
# shellcheck shell=bash

memory_mb=1024
# Two, as kubeadm demands; emulated each in a thread of its own.
cpus=2
# One size for all: a stored state knows the size of its disks.
transfer_bytes=$((512 << 20))
# Without random addresses QEMU need not translate the same libraries again for each process: a quarter less for all that a guest does.
kernel_arguments='root=/dev/vda rw console=ttyS0 quiet net.ifnames=0 mitigations=off tsc=reliable no_timer_check norandmaps'

qmp() {
  local dir=$1
  shift
  # The path of a socket may have 107 characters at most, so it is named relative to its directory.
  (cd "$dir" && exec python3 "$vm_lib/qmp.py" qmp "$@")
}

is_running() {
  local pid
  pid=$(cat "$1/pid" 2>/dev/null) || return 1
  # The number may be in use again by something else; only this QEMU was given this file.
  grep -qsF -- "$1/pid" "/proc/$pid/cmdline"
}

is_ended() { ! is_running "$1"; }

kill_qemu() {
  if is_running "$1"; then kill -9 "$(cat "$1/pid")" || true; fi
  rm -f "$1/pid" "$1/ssh"
}

# ram_options DIR HOW: all ways name the RAM alike, or a snapshot of one would not fit the other.
ram_options() {
  local dir=$1 how=$2 backend=memory-backend-ram file=
  case $how in
    store) backend=memory-backend-file file=",mem-path=$dir/ram,share=on" ;;
    # Not shared: the machine's changes stay its own, any number starts from one file.
    restore) backend=memory-backend-file file=",mem-path=$(readlink "$dir/state")/ram,share=off" ;;
  esac
  printf '%s\n' -machine q35,usb=off,vmport=off,sata=off,smbus=off,i8042=off,memory-backend=ram \
    -object "$backend,id=ram,size=${memory_mb}M$file"
}

# Devices that a guest has no use for cost it a tenth of its boot, mostly in udev, which loads a driver for each:
# a disk controller without a disk, a system management bus, a keyboard.
# launch DIR NAME boot|store|restore: returns when QEMU runs in the background.
launch() {
  local dir=$1 name=$2 how=$3 ram options=()
  mapfile -t ram < <(ram_options "$dir" "$how")
  if [ ! -e "$dir/transfer" ]; then truncate -s "$transfer_bytes" "$dir/transfer"; fi
  options=(
    -name "node-prep-vm-$name" -nodefaults -no-user-config -display none
    -accel tcg,thread=multi -cpu max -smp "$cpus" -m "$memory_mb" "${ram[@]}"
    -kernel "$(readlink "$dir/image")/vmlinuz" -initrd "$(readlink "$dir/image")/initrd.img"
    -append "$kernel_arguments $(cat "$dir/append" 2>/dev/null || true)"
    -chardev file,id=console,path=console.log,append=on -serial chardev:console
    # "unsafe" skips only fdatasync on this machine's file. What the guest has flushed is with
    # this machine's kernel, so killing QEMU loses what a power failure would: the unflushed.
    -drive "if=none,id=disk,file=$dir/disk.qcow2,format=qcow2,cache=unsafe,discard=unmap"
    -device virtio-blk-pci,drive=disk
    # Port 0: the kernel picks a free one, no two machines can get the same.
    -netdev user,id=net,restrict=on,ipv6=off,hostfwd=tcp:127.0.0.1:0-:22
    -device virtio-net-pci,netdev=net,romfile=
    # What this machine writes into that file is seen by the guest, which keeps nothing of a disk that nobody has open.
    -drive "if=none,id=transfer,file=$dir/transfer,format=raw,readonly=on" -device virtio-blk-pci,drive=transfer
    -qmp unix:qmp,server=on,wait=off -daemonize -pidfile "$dir/pid"
  )
  if [ "$how" = restore ]; then options+=(-incoming defer); fi
  # After all others, which keep their places: /dev/vdc.
  if [ -s "$dir/seed" ]; then
    options+=(-drive "if=none,id=seed,file=$(cat "$dir/seed"),format=raw,readonly=on" -device virtio-blk-pci,drive=seed)
  fi
  # Without descriptor 9: QEMU must not keep a lock.
  (cd "$dir" && rm -f qmp pid && exec qemu-system-x86_64 "${options[@]}" 9>&- </dev/null) >&2 ||
    die "QEMU did not start"
  if [ "$how" = restore ]; then qmp "$dir" load "$(readlink "$dir/state")/devices"; fi
  qmp "$dir" port >"$dir/port"
}

console_tail() {
  say "the end of the console:"
  tail -n "${2:-40}" "$1/console.log" >&2 2>/dev/null || true
}
