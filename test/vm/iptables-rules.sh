# Rules of the kinds that kube-proxy, kubelet, Istio and Calico write, given to iptables-restore as they do. One line for each
# set that is refused, with what iptables said. What diverts packets is in chains that nothing jumps to: ssh must go on.
PATH=$PATH:/usr/sbin:/sbin
ipset create cali40 hash:net
ipset create inpod hash:ip
give() { # NAME PROGRAM, rules on standard input
  said=$("$2" --noflush 2>&1) || echo "$1: $said"
}
give 'kubelet canary' iptables-restore <<X
*mangle
:KUBE-KUBELET-CANARY - [0:0]
COMMIT
X
give 'kube-proxy nat' iptables-restore <<X
*nat
:KUBE-SERVICES - [0:0]
:KUBE-NODEPORTS - [0:0]
:KUBE-POSTROUTING - [0:0]
:KUBE-SVC-A - [0:0]
:KUBE-SEP-A - [0:0]
-A PREROUTING -m comment --comment "service portals" -j KUBE-SERVICES
-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN
-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000
-A KUBE-POSTROUTING -j MASQUERADE --random-fully
-A KUBE-SERVICES -d 10.96.0.1/32 -p tcp -m tcp --dport 443 -j KUBE-SVC-A
-A KUBE-SERVICES -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS
-A KUBE-SVC-A -m recent --name KUBE-SEP-A --rcheck --seconds 10800 --reap -j KUBE-SEP-A
-A KUBE-SVC-A -m statistic --mode random --probability 0.5 -j KUBE-SEP-A
-A KUBE-SEP-A -p tcp -m recent --name KUBE-SEP-A --set -m tcp -j DNAT --to-destination 10.0.0.2:80
COMMIT
X
give 'kube-proxy filter' iptables-restore <<X
*filter
:KUBE-FORWARD - [0:0]
-A KUBE-FORWARD -m conntrack --ctstate INVALID -j DROP
-A KUBE-FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A KUBE-FORWARD -d 10.96.0.9/32 -p tcp -m tcp --dport 80 -j REJECT
COMMIT
X
give 'Istio redirect' iptables-restore <<X
*nat
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
-A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
-A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m multiport ! --dports 53,15008 -m owner --uid-owner 1337 -j ISTIO_REDIRECT
-A ISTIO_OUTPUT -p tcp -m owner --socket-exists -m set --match-set inpod dst -j RETURN
COMMIT
X
give 'Istio ambient, health probes' iptables-restore <<X
*nat
:ISTIO_POSTRT - [0:0]
-A ISTIO_POSTRT -p tcp -m owner --socket-exists -m set --match-set inpod dst -j SNAT --to-source 169.254.7.127
COMMIT
X
give 'Istio TPROXY' iptables-restore <<X
*mangle
:ISTIO_DIVERT - [0:0]
:ISTIO_INBOUND - [0:0]
-A ISTIO_DIVERT -j MARK --set-mark 1337
-A ISTIO_INBOUND -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT
-A ISTIO_INBOUND -p tcp -m mark --mark 1337 -j CONNMARK --save-mark
-A ISTIO_INBOUND ! -d 127.0.0.1/32 -p tcp -j TPROXY --on-port 15006 --tproxy-mark 1337/0xffffffff
-A ISTIO_INBOUND -p tcp -m connmark --mark 1337 -j CONNMARK --restore-mark
COMMIT
X
give 'Istio DNS' iptables-restore <<X
*raw
-A OUTPUT -p udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1
-A PREROUTING -p udp --sport 53 -j CT --zone 1
COMMIT
X
give 'Calico raw' iptables-restore <<X
*raw
:cali-PREROUTING - [0:0]
-A cali-PREROUTING -m mark --mark 0x40000/0x40000 -m rpfilter --validmark --invert -j DROP
-A cali-PREROUTING -j CT --notrack
COMMIT
X
give 'Calico filter' iptables-restore <<X
*filter
:cali-FORWARD - [0:0]
-A cali-FORWARD -p tcp -m multiport --destination-ports 179,2379 -j ACCEPT
-A cali-FORWARD -m set --match-set cali40 src -j ACCEPT
-A cali-FORWARD -p sctp -m sctp --dport 80 -j ACCEPT
-A cali-FORWARD -p icmp -m icmp --icmp-type 8/0 -j ACCEPT
-A cali-FORWARD -m addrtype --dst-type LOCAL -j ACCEPT
-A cali-FORWARD -j LOG --log-prefix "calico-packet: " --log-level 5
COMMIT
X
give 'Calico limits and flow logs' iptables-restore <<X
*filter
:cali-OPTIONAL - [0:0]
-A cali-OPTIONAL -m limit --limit 10/sec --limit-burst 5 -j ACCEPT
-A cali-OPTIONAL -p tcp -m connlimit --connlimit-above 10 -j REJECT --reject-with tcp-reset
-A cali-OPTIONAL -j NFLOG --nflog-group 1 --nflog-prefix x
COMMIT
X
give 'Calico mangle' iptables-restore <<X
*mangle
:cali-POSTROUTING - [0:0]
-A cali-POSTROUTING -j DSCP --set-dscp 0x20
-A cali-POSTROUTING -m conntrack --ctstate DNAT -j ACCEPT
COMMIT
X
give 'Calico nat' iptables-restore <<X
*nat
:cali-nat-outgoing - [0:0]
-A cali-nat-outgoing -m set --match-set cali40 src -j MASQUERADE
COMMIT
X
give 'IPv6' ip6tables-restore <<X
*nat
:KUBE-X - [0:0]
-A KUBE-X -p tcp -j REDIRECT --to-ports 15001
-A KUBE-X -j MASQUERADE --random-fully
COMMIT
*filter
:KUBE-Y - [0:0]
-A KUBE-Y -j LOG
-A KUBE-Y -p tcp -j REJECT
COMMIT
*raw
:cali-X - [0:0]
-A cali-X -m rpfilter --validmark --invert -j DROP
COMMIT
*mangle
:ISTIO-X - [0:0]
-A ISTIO-X -p tcp -j TPROXY --on-port 15006 --tproxy-mark 1337/0xffffffff
COMMIT
X
