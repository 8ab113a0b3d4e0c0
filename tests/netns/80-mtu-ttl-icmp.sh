#!/usr/bin/env bash
# What the fast path leaves to the kernel: the kernel's answer arrives at the sender, or nothing does,
# and each is counted exactly once under its reason.
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  MTU 1400 on r2, 1300 on one route
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr link set r2 mtu 1400
ipr route add default via 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.2.2 mtu 1300
ipr route add 203.0.115.0/24 via 198.18.1.77 # back out of where it came from
ipr neigh add 198.18.1.77 lladdr 02:00:00:00:01:77 dev r1
sysctl_set router net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.r1.send_redirects=0
routed

say "- no ICMP redirects: what goes back where it came from may be forwarded, from the start on"
probe left <<<"forward 203.0.115.1 left n=3 gw=02:00:00:00:01:77"

say "- the reasons, one by one"
probe left <<'END'
forward 203.0.113.1 right n=10
forward 203.0.113.1 right len=1400 df=1
forward 203.0.114.1 right len=1300 df=1
ttl 203.0.113.1 ttl=1 icmp=11/0
ttl 203.0.113.1 ttl=0 icmp=11/0
mtu 203.0.113.1 len=1401 df=1 icmp=3/4 mtu=1400
mtu 203.0.114.1 len=1301 df=1 icmp=3/4 mtu=1300
mtu 203.0.113.1 len=1450 any=1              # fragmented by the kernel
ip_options 203.0.113.1 right opts=01010100
not_our_mac 203.0.113.1 dmac=02:00:00:00:0f:0f
martian 203.0.113.1 src=127.0.0.1
martian 203.0.113.1 src=224.0.0.1
martian 203.0.113.1 src=255.255.255.255
martian 203.0.113.1 src=0.0.0.0
martian 203.0.113.1 src=198.18.2.1          # our own
martian 203.0.113.1 src=198.18.3.255 any=1  # a broadcast address of ours: the kernel may drop it
martian 127.0.0.1
martian 0.0.0.0
multicast 224.0.0.9
broadcast 255.255.255.255
local 198.18.1.1 icmp=3/3
local 198.18.2.1 icmp=3/3
malformed 203.0.113.1 sum=bad
no_neighbour 198.18.2.99 any=1
END

say "- ICMP redirects are sent: the kernel has to see what goes back"
sysctl_set router net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.r1.send_redirects=1
settle
probe left <<<"hairpin 203.0.115.1 any=1"

say "- forwarding off on the ingress"
sysctl_set router net.ipv4.conf.r1.forwarding=0
settle
probe left <<<"forwarding_off 203.0.113.1 n=3 any=1"
sysctl_set router net.ipv4.conf.r1.forwarding=1
settle
probe left <<<"forward 203.0.113.1 right n=3"

say "- strict reverse path filter: senders that would be answered by another way"
sysctl_set router net.ipv4.conf.r1.rp_filter=1
settle
probe left <<'END'
forward 203.0.113.1 right
rp_filter 203.0.113.1 src=203.0.114.9
END
sysctl_set router net.ipv4.conf.r1.rp_filter=0
settle
probe left <<<"forward 203.0.113.1 right src=203.0.114.9 n=3"
