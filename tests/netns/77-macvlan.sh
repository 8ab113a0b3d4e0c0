#!/usr/bin/env bash
# More than one MAC address at a port: macvlan devices, as VRRP makes them. Each has settings of its own,
# and what came in by it has not come in by the port.
# check: kernel dir24 tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#           mv0 above r1, 00:00:5e:00:01:01
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

VRRP=00:00:5e:00:01:01

lab_start
port left 1
port right 2
port third 3
ipr neigh add 198.18.1.77 lladdr 02:00:00:00:01:77 dev r1
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.115.0/24 via 198.18.1.77
ipr route add 203.0.116.0/24 via 198.18.2.2
routed
probe left <<PROBES
forward 203.0.113.1 right
not_our_mac 203.0.113.1 dmac=$VRRP
PROBES

for mode in bridge private vepa; do
	say "- mode $mode"
	change link add link r1 name mv0 address $VRRP type macvlan mode $mode
	probe left <<<"not_our_mac 203.0.113.1 dmac=$VRRP" # down
	change link set mv0 up
	probe left <<PROBES
forward 203.0.113.1 right n=3 dmac=$VRRP
forward 203.0.113.1 right n=3
not_our_mac 203.0.113.1 dmac=00:00:5e:00:01:02
forward 203.0.115.1 left dmac=$VRRP gw=02:00:00:00:01:77
hairpin 203.0.115.1 any=1
local 198.18.1.1 dmac=$VRRP icmp=3/3
PROBES
	probe third <<<"not_our_mac 203.0.113.1 dmac=$VRRP" # at another port
	change link set mv0 address 00:00:5e:00:01:07
	probe left <<PROBES
not_our_mac 203.0.113.1 dmac=$VRRP
forward 203.0.113.1 right n=3 dmac=00:00:5e:00:01:07
PROBES
	change link del mv0
	probe left <<PROBES
not_our_mac 203.0.113.1 dmac=00:00:5e:00:01:07
forward 203.0.113.1 right
PROBES
done

say "- settings of its own: forwarding, reverse path filter"
ipr link add link r1 name mv0 address $VRRP type macvlan mode bridge
ipr link set mv0 up
sysctl_set router net.ipv4.conf.mv0.forwarding=0
settle
probe left <<PROBES
forwarding_off 203.0.113.1 dmac=$VRRP
forward 203.0.113.1 right
PROBES
sysctl_set router net.ipv4.conf.mv0.forwarding=1 net.ipv4.conf.r1.forwarding=0
settle
probe left <<PROBES
forward 203.0.113.1 right dmac=$VRRP
forwarding_off 203.0.113.1
PROBES
sysctl_set router net.ipv4.conf.r1.forwarding=1 net.ipv4.conf.mv0.rp_filter=1
settle
probe left <<PROBES
rp_filter 203.0.113.1 dmac=$VRRP
forward 203.0.113.1 right src=203.0.116.9
PROBES
sysctl_set router net.ipv4.conf.mv0.rp_filter=2 # it has no address
settle
probe left <<<"rp_filter 203.0.113.1 dmac=$VRRP"
change address add 198.18.1.100/32 dev mv0
probe left <<PROBES
forward 203.0.113.1 right dmac=$VRRP
forward 203.0.113.1 right dmac=$VRRP src=203.0.116.9
rp_filter 203.0.113.1 dmac=$VRRP src=192.0.2.9
forward 203.0.113.1 right src=192.0.2.9
local 198.18.1.100 dmac=$VRRP icmp=3/3
martian 203.0.113.1 dmac=$VRRP src=198.18.1.100
PROBES
sysctl_set router net.ipv4.conf.mv0.rp_filter=0 net.ipv4.conf.r1.rp_filter=2
settle
probe left <<PROBES
forward 203.0.113.1 right dmac=$VRRP src=192.0.2.9
rp_filter 203.0.113.1 src=192.0.2.9
PROBES
change link set r1 down # the device above goes with the port below
change link set r1 up
wait_for 20 has_carrier router r1 || fail "r1: no carrier"
settle
probe left <<<"forward 203.0.113.1 right dmac=$VRRP"

say "- passthru: all frames of the port are the other device's"
ipr link add link r3 name mv1 type macvlan mode passthru
settle
probe third <<<"forwarding_off|not_our_mac|unsupported_route 203.0.113.1" # it is down
change link set mv1 up
probe third <<<"forwarding_off|not_our_mac|unsupported_route 203.0.113.1 right n=3"
sysctl_set router net.ipv4.conf.mv1.forwarding=0
settle
probe third <<<"forwarding_off|not_our_mac|unsupported_route 203.0.113.1"
change link del mv1
probe third <<<"forward 203.0.113.1 right n=3"

say "- source mode: chosen senders' frames may go there alone, those for another device's address too"
change link add link r3 name mv2 address $VRRP type macvlan mode bridge
change link set mv2 up
probe third <<<"forward 203.0.113.1 right dmac=$VRRP"
change link add link r3 name mv3 type macvlan mode source
change link set mv3 up
probe third <<PROBES
forwarding_off 203.0.113.1 right
not_our_mac 203.0.113.1 right dmac=$VRRP
PROBES
change link del mv3
probe third <<<"forward 203.0.113.1 right dmac=$VRRP"
verify
