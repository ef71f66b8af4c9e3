# Builds the root file system of the test machines.
# shellcheck shell=bash

# What a minimal Debian server has. Priority "important" would bring nftables, which must be absent.
image_packages='systemd systemd-sysv dbus udev openssh-server kmod procps iproute2 ifupdown e2fsprogs apt-utils'
# What a guest can install with apt; kmod is there too, for a test that removes it, GRUB for its menu (QEMU boots the kernel itself), and
# sudo for users that are not root.
repo_packages='socat conntrack nftables iptables ipset ethtool ipvsadm wireguard-tools kmod grub2-common sudo'
# A guest that has one of these already would make the install tests say nothing.
absent_packages='socat conntrack nftables iptables ipset ethtool ipvsadm wireguard-tools network-manager firewalld'

# Sets of packages which differ between releases.
suite_packages() {
  # A recommendation of procps since trixie, so any installed server has it.
  if [ "$1" = trixie ]; then echo linux-sysctl-defaults; fi
}

# Packages that only a test of them wants installed: see make_layer. Their debs are fetched with the others.
layer_packages() {
  if [ "$1" = bookworm ]; then echo cloud-init; fi
}

merge_usr='for d in bin sbin lib lib32 lib64 libx32; do mkdir -p "$1/usr/$d"; ln -s "usr/$d" "$1/$d"; done'

# make_root SUITE DIR EXTRA [PACKAGE..]: an installed system in DIR with its repository in DIR/srv/repo;
# the .deb of EXTRA is in DIR/srv/extra, those of $LAYER_PACKAGES are in DIR/srv/layer.
make_root() {
  local suite=$1 root=$2 extra=$3 mirror include hooks=()
  shift 3
  [ "$(id -u)" = 0 ] || die "building an image needs root (it makes a Debian root directory)"
  mirror=$(debian_mirror)
  include=$(echo $image_packages "$(suite_packages "$suite")" "$@" | tr ' ' ,)
  # Any installer merged /usr there; later releases do by themselves.
  if [ "$suite" = bullseye ]; then hooks=(--setup-hook="$merge_usr"); fi
  # INITRD=No: the stock initrd takes half a minute to make and is not used.
  INITRD=No EXTRA_PACKAGES=$extra LAYER_PACKAGES=${LAYER_PACKAGES-} mmdebstrap --quiet --variant=apt --include="${include%,}" "${hooks[@]}" \
    --customize-hook="sh '$vm_lib/fetch-packages' \"\$1\" $repo_packages" \
    "$suite" "$root" "$mirror" >&2
  make_repo "$root"
  configure_root "$suite" "$root"
  check_absent "$root"
}

# A repository of a dozen packages: the full Debian index takes an emulated CPU a minute to read.
make_repo() {
  local root=$1
  (
    cd "$root/srv/repo"
    apt-ftparchive packages . >Packages 2>/dev/null
    apt-ftparchive release . >../Release
    mv ../Release .
  )
  echo 'deb [trusted=yes] file:/srv/repo ./' >"$root/etc/apt/sources.list"
  rm -f "$root"/etc/apt/sources.list.d/*
  chroot "$root" apt-get -qq update >&2
}

# make_layer ROOT COPY: installs ROOT/srv/layer/*.deb in a copy of ROOT and leaves what that changed as ROOT/srv/layer.tar: unpacked
# in a guest, it is as if they had been installed there, which an emulated CPU would need minutes for.
make_layer() {
  local root=$1 copy=$2
  if [ ! -d "$root/srv/layer" ]; then return 0; fi
  cp -a "$root" "$copy"
  touch "$copy.made"
  # By apt, which knows the order.
  DEBIAN_FRONTEND=noninteractive chroot "$copy" sh -c 'apt-get -qq -y install --no-install-recommends /srv/layer/*.deb' >&2
  rm -rf "$root/srv/layer" "$copy/srv/layer"
  # By the time of the inode: files from a package are as old as the package.
  (
    cd "$copy"
    find . -cnewer "$copy.made" ! -path './srv*' ! -path ./proc ! -path ./dev -print0 |
      tar -cf "$root/srv/layer.tar" --numeric-owner --no-recursion --null -T -
  )
  rm -rf --one-file-system "$copy" "$copy.made"
}

check_absent() {
  local root=$1 package
  for package in $absent_packages; do
    if chroot "$root" dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q ' installed$'; then
      die "$package is in the image but must not be"
    fi
  done
}

configure_root() {
  local suite=$1 root=$2
  echo node >"$root/etc/hostname"
  printf '127.0.0.1\tlocalhost\n127.0.1.1\tnode\n::1\tlocalhost ip6-localhost ip6-loopback\n' >"$root/etc/hosts"
  echo '/dev/vda / ext4 errors=remount-ro 0 1' >"$root/etc/fstab"
  : >"$root/etc/resolv.conf"
  # A first boot would enable every unit again; an id made here makes it an ordinary boot.
  tr -d - </proc/sys/kernel/random/uuid >"$root/etc/machine-id"
  cat >"$root/etc/network/interfaces" <<'END'
auto lo
iface lo inet loopback

allow-hotplug eth0
iface eth0 inet static
    address 10.0.2.15/24
    gateway 10.0.2.2
END
  configure_sshd "$suite" "$root"
  mask_units "$root"
}

configure_sshd() {
  local suite=$1 conf="$2/etc/ssh/sshd_config.d/node-prep-vm.conf"
  # Without PAM a login does not wait for logind; many sessions share one connection.
  printf 'UsePAM no\nUseDNS no\nPasswordAuthentication no\nMaxSessions 100\nMaxStartups 100\n' >"$conf"
  # Probing for sshd counts as an offence there, and all clients have one address.
  if [ "$suite" = trixie ]; then echo 'PerSourcePenalties no' >>"$conf"; fi
}

# Timers fire when a restored machine's clock jumps and then hold apt's lock in the
# middle of a test; nobody logs in on a terminal. Everything else is as installed.
mask_units() {
  local unit
  for unit in apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
    fstrim.timer getty@tty1.service serial-getty@ttyS0.service; do
    ln -sf /dev/null "$1/etc/systemd/system/$unit"
  done
}
