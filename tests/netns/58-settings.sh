#!/usr/bin/env bash
# What no route message tells: MTU and MAC of ports, which count for the very next packet, and sysctls, of
# which some are announced (netconf) and some have to be read.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  02:00:00:00:02:02, and :22 to stand for a second gateway
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$(dirname "$0")/stalls.sh"

# sysctl KEY=VALUE...: in the router; what follows sees its effect.
sysctls() {
	say "- $*"
	sysctl_set router "${@/#/net.ipv4.}"
	settle
}

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=0
neighbours() {
	ipr neigh replace 198.18.1.77 lladdr 02:00:00:00:01:77 dev r1
	ipr neigh replace 198.18.2.22 lladdr 02:00:00:00:02:22 dev r2
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2
}
neighbours
resolve 198.18.1.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.2.22
ipr route add 203.0.115.0/24 via 198.18.1.77
ipr nexthop add id 1 via 198.18.2.2 dev r2
ipr nexthop add id 2 via 198.18.2.22 dev r2
ipr nexthop add id 10 group 1/2
ipr route add 203.0.116.0/24 nhid 10
routed

say "- MTU and MAC of egress and ingress"
probe left <<<"forward 203.0.113.1 right len=1500 df=1"
probe_at_once left "link set r2 mtu 1300" "ipr link set r2 mtu 1500" <<'PROBES'
mtu 203.0.113.1 len=1301 df=1 icmp=3/4 mtu=1300
forward 203.0.113.1 right len=1300 df=1
PROBES
probe_at_once left "link set r2 mtu 1500" "ipr link set r2 mtu 1300" <<'PROBES'
forward 203.0.113.1 right len=1500 df=1
PROBES
PORTS=("${PORTS[@]//02:00:00:00:02:01/02:00:00:00:02:0f}")
probe_at_once left "link set r2 address 02:00:00:00:02:0f" \
	"ipr link set r2 address 02:00:00:00:02:01" <<<"forward|no_neighbour 203.0.113.1 right n=9"
neighbours
settle
probe left <<<"forward 203.0.113.1 right n=3"
PORTS=("${PORTS[@]//02:00:00:00:01:01/02:00:00:00:01:0f}")
probe_at_once left "link set r1 address 02:00:00:00:01:0f" \
	"ipr link set r1 address 02:00:00:00:01:01" <<'PROBES'
forward 203.0.113.1 right n=3
not_our_mac 203.0.113.1 dmac=02:00:00:00:01:01
not_our_mac 203.0.113.1 dmac=02:00:00:00:02:0f
PROBES
neighbours
settle

say "- by which the hash goes"
probe left <<'PROBES'
forward 203.0.114.1 right n=60 gw=02:00:00:00:02:02,02:00:00:00:02:22 legs=1
forward 203.0.116.1 right n=60 gw=02:00:00:00:02:02,02:00:00:00:02:22 legs=1
PROBES
sysctls fib_multipath_hash_policy=1
probe left <<'PROBES'
forward 203.0.114.1 right n=60 gw=02:00:00:00:02:02,02:00:00:00:02:22 legs=2
forward 203.0.116.1 right n=60 gw=02:00:00:00:02:02,02:00:00:00:02:22 legs=2
PROBES

say "- back where it came from: the kernel's while it sends redirects, by the device's word or that of all"
sysctls conf.all.send_redirects=1 conf.r1.send_redirects=0
probe left <<<"hairpin 203.0.115.1 left gw=02:00:00:00:01:77 any=1"
sysctls conf.all.send_redirects=0 conf.r1.send_redirects=1
probe left <<'PROBES'
hairpin 203.0.115.1 left gw=02:00:00:00:01:77 any=1
forward 203.0.115.1 left n=3 gw=02:00:00:00:01:77 src=198.19.16.7
hairpin 203.0.115.1 left gw=02:00:00:00:01:77 src=198.18.2.2
PROBES
sysctls conf.r1.send_redirects=0
probe left <<<"forward 203.0.115.1 left n=3 gw=02:00:00:00:01:77"
say "- noticed without settle"
watch_stalls
unannounced() {
	sysctl_set router net.ipv4.fib_multipath_hash_policy=0 net.ipv4.conf.r1.send_redirects=1
}
announced() {
	sysctls fib_multipath_hash_policy=1 conf.r1.send_redirects=0
}
noticed() {
	probe_only left --timeout 0.5 <<'PROBES'
hairpin 203.0.115.1 any=1
forward 203.0.114.1 right n=60 gw=02:00:00:00:02:02,02:00:00:00:02:22 legs=1
PROBES
}
# The daemon reads them every third of its lease of 5 s. Two seconds are for the frames, and for a busy machine.
in_time $((5000 / 3 + 2000)) unannounced noticed announced || fail "sysctls are not read by themselves"

say "- accept_local: a source of our own is a martian, unless the device or all accept it"
probe left <<'PROBES'
martian 203.0.113.1 src=198.18.2.1
martian 203.0.113.1 src=198.18.1.1
PROBES
for where in r1 all; do
	sysctls conf.$where.accept_local=1
	probe left <<'PROBES'
forward 203.0.113.1 right src=198.18.2.1
forward 203.0.113.1 right src=198.18.1.1
PROBES
	sysctls conf.$where.accept_local=0
	probe left <<<"martian 203.0.113.1 src=198.18.2.1"
done

say "- forwarding of the ingress device, of others, of all"
sysctls conf.r1.forwarding=0
probe left <<<"forwarding_off 203.0.113.1 n=3"
probe third <<<"forward 203.0.113.1 right"
sysctls conf.r1.forwarding=1 conf.r2.forwarding=0
probe left <<<"forward 203.0.113.1 right"
sysctls ip_forward=0
probe left <<<"forwarding_off 203.0.113.1"
sysctls ip_forward=1
probe left <<<"forward 203.0.113.1 right"
sysctls conf.all.forwarding=0
probe left <<<"forwarding_off 203.0.113.1"
sysctls conf.all.forwarding=1
probe left <<<"forward 203.0.113.1 right"
verify
