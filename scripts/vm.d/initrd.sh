# The initrd of the test machines: busybox and the few modules that lead to the disk.
# The stock one needs several times as long on an emulated CPU.
# shellcheck shell=bash

# make_initrd ROOT VERSION WORK_DIR OUTPUT
make_initrd() {
  local root=$1 version=$2 work=$3 output=$4 busybox modules
  mkdir -p "$work"/{bin,modules,proc,sys,dev,mnt}
  dpkg-deb --fsys-tarfile "$root"/srv/extra/busybox-static_*.deb | tar -xO --wildcards '*/bin/busybox' >"$work/bin/busybox"
  chmod 755 "$work/bin/busybox"
  busybox=$work/bin/busybox
  ln -s busybox "$work/bin/sh"
  modules=$(copy_modules "$root" "$version" "$work/modules" "$busybox")
  init_script "$modules" >"$work/init"
  chmod 755 "$work/init"
  (cd "$work" && find . | "$busybox" cpio -o -H newc 2>/dev/null) >"$output"
}

# Copies the modules and what they depend on; prints their file names in load order.
copy_modules() {
  local root=$1 version=$2 to=$3 busybox=$4 module file name
  for module in virtio_pci virtio_blk virtio_net crc32c_generic ext4; do
    # What is built into the kernel has no file and prints nothing here.
    chroot "$root" modprobe -S "$version" --show-depends "$module" 2>/dev/null |
      sed -n 's/^insmod \([^ ]*\).*/\1/p' || true
  done | awk '!seen[$0]++' | while read -r file; do
    name=${file##*/}
    name=${name%.xz}
    case $file in
      *.xz) "$busybox" unxz -c "$root$file" >"$to/$name" ;;
      *) cp "$root$file" "$to/$name" ;;
    esac
    printf '%s ' "$name"
  done
}

init_script() {
  cat <<END
#!/bin/sh
# Loads the modules, waits for the disk, hands over to the system's own init.
b=/bin/busybox
\$b mount -t devtmpfs dev /dev
\$b mount -t proc proc /proc
for m in $1; do \$b insmod /modules/\$m; done
i=0
while [ ! -b /dev/vda ] && [ \$i -lt 200 ]; do \$b sleep 0.05; i=\$((i + 1)); done
\$b mount -t ext4 -o rw /dev/vda /mnt
init=/sbin/init
for word in \$(\$b cat /proc/cmdline); do
  case \$word in init=*) init=\${word#init=} ;; esac
done
\$b mount --move /dev /mnt/dev
\$b umount /proc
exec \$b switch_root /mnt \$init
END
}
