# Talking to a guest. All commands share one connection; the first login costs an emulated CPU a second.
# Names are relative to the machine's directory: a socket's path must be short.
# shellcheck shell=bash

ssh_options() {
  printf '%s\n' -F none -i "$(readlink "$1/image")/id" -o IdentitiesOnly=yes -o BatchMode=yes \
    -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o GlobalKnownHostsFile=/dev/null \
    -o LogLevel=ERROR -o ConnectTimeout=15 -o ServerAliveInterval=30 -o ServerAliveCountMax=10 \
    -o KexAlgorithms=curve25519-sha256 -o Ciphers=chacha20-poly1305@openssh.com \
    -o HostKeyAlgorithms=ssh-ed25519 -o ForwardAgent=no -o ForwardX11=no \
    -o ControlPath=ssh -o HostName=127.0.0.1 -p "$(cat "$1/port")"
}

# A cheap look whether sshd answers; a whole login would disturb a boot.
sshd_answers() {
  (
    exec 3<>"/dev/tcp/127.0.0.1/$(cat "$1/port")" || exit 1
    IFS= read -r -t 3 line <&3 || exit 1
    [[ $line == SSH-* ]]
  ) 2>/dev/null
}

# The connection outlives this script, so it must not hold the caller's output open.
open_connection() {
  local options
  mapfile -t options < <(ssh_options "$1")
  (cd "$1" && exec ssh "${options[@]}" -MNf root@node 9>&- </dev/null >ssh.log 2>&1)
}

close_connection() {
  local options
  # With a 0: in an exit trap, a plain return would mean the status before the trap.
  if [ ! -S "$1/ssh" ]; then return 0; fi
  mapfile -t options < <(ssh_options "$1")
  (cd "$1" && ssh "${options[@]}" -O exit root@node >/dev/null 2>&1) || true
  rm -f "$1/ssh"
}

# guest DIR COMMAND ARG..: as typed, whatever the arguments contain; 255 when ssh itself fails.
guest() {
  local dir=$1 options
  shift
  if [ ! -S "$dir/ssh" ]; then open_connection "$dir" || return 255; fi
  mapfile -t options < <(ssh_options "$dir")
  (cd "$dir" && exec ssh "${options[@]}" -T -o ControlMaster=no root@node "$(shell_words "$@")")
}

# boot_decided DIR OFFSET: it answers, or it never will; the console before OFFSET is from earlier boots.
boot_decided() {
  sshd_answers "$1" || is_ended "$1" || panicked "$1" "$2"
}

panicked() { tail -c "+$(($2 + 1))" "$1/console.log" | grep -q 'Kernel panic'; }

# wait_ssh DIR SECONDS
wait_ssh() {
  local dir=$1 offset
  offset=$(stat -c %s "$dir/console.log")
  if ! wait_until "$2" boot_decided "$dir" "$offset"; then
    console_tail "$dir"
    die "no answer from the guest's sshd within $2 s"
  fi
  if panicked "$dir" "$offset"; then
    console_tail "$dir"
    die "the guest's kernel panicked"
  fi
  is_running "$dir" || { console_tail "$dir"; die "the machine ended before its sshd answered"; }
  wait_until 30 open_connection "$dir" || { cat "$dir/ssh.log" >&2; die "cannot log in to the guest"; }
}

# wait_booted DIR SECONDS: sshd answers and systemd has started everything.
wait_booted() {
  local dir=$1 left status
  local end=$((SECONDS + $2))
  wait_ssh "$dir" "$2"
  left=$((end > SECONDS + 5 ? end - SECONDS : 5))
  status=$(guest "$dir" timeout "$left" systemctl is-system-running --wait </dev/null) || true
  case $status in
    running) ;;
    degraded) say "degraded: $(guest "$dir" systemctl --failed --no-legend --plain </dev/null | tr '\n' ';')" ;;
    *)
      guest "$dir" systemctl list-jobs --no-pager </dev/null >&2 || true
      console_tail "$dir"
      die "the guest has not finished its boot (${status:-no state})"
      ;;
  esac
}

set_clock() {
  guest "$1" date -s "@$(date +%s.%N)" </dev/null >/dev/null || die "cannot set the guest's clock"
}
