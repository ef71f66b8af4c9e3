#!/bin/bash
if true; then
  sysctl -w net.ipv4.ip_forward=0 # off
fi
cat <<EOF > /etc/x
sysctl -w vm.panic_on_oom=1
EOF
exit 0
swapon -a
