#!/usr/bin/env bash
# Addresses and devices go: the last address of a device takes its static routes, a preferred source
# its routes, a device everything, and a bridge keeps a port's traffic from the router.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]  has the default route
#                            r4 --- [ fourth ]  is deleted in the end
#
. "$(dirname "$0")/../../scripts/lib.sh"

routes_by_r2() {
	ipr route replace 203.0.112.0/24 via 198.18.2.2
	ipr route replace 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
	ipr nexthop replace id 1 via 198.18.2.2 dev r2
	ipr route replace 203.0.116.0/24 nhid 1
	ipr nexthop replace id 10 group 1/2
	ipr route replace 203.0.117.0/24 nhid 10
}

lab_start
port left 1
port right 2
port third 3
port fourth 4
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
resolve 198.18.1.2 198.18.2.2 198.18.3.2 198.18.4.2
ipr neigh add 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
ipr route add default via 198.18.3.2
ipr nexthop add id 2 via 198.18.3.2 dev r3
routes_by_r2
routed
full() {
	probe left <<PROBES
forward 203.0.112.1 right
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.116.1 right
forward 203.0.117.1 right,third n=100 min=20
forward 198.18.2.77 right gw=02:00:00:00:02:77
PROBES
}
full

change address add 203.0.113.1/32 dev r2
change route add 203.0.115.0/24 via 198.18.2.2 src 203.0.113.1
change route add 203.0.118.0/24 via 198.18.4.2 src 203.0.113.1
probe left <<'PROBES'
local 203.0.113.1 icmp=3/3
martian 203.0.115.1 src=203.0.113.1
forward 203.0.115.1 right
forward 203.0.118.1 fourth
PROBES
change address del 203.0.113.1/32 dev r2 # not the last one: only what prefers it as source goes
verify
probe left <<'PROBES'
forward 203.0.113.1 third
forward 203.0.113.9 third src=203.0.113.1
forward 203.0.115.1 third
forward 203.0.118.1 third
PROBES
full

change address del 198.18.2.1/24 dev r2 # the last one
verify
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.114.1 third n=50
forward 198.18.2.77 third
forward 198.18.2.1 third
PROBES
# next-hop objects stay, but the neighbours went, permanent ones too
probe left <<<"no_neighbour 203.0.116.1 right"
wait_for 20 has_neighbour 198.18.2.2 || fail "not resolved without an address"
settle
probe left <<'PROBES'
forward 203.0.116.1 right
forward 203.0.117.1 right,third n=100 min=20
PROBES
change address add 198.18.2.1/24 dev r2
ipr neigh add 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
resolve 198.18.2.2
settle
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.114.1 right,third n=100 min=20 # a dead leg revives with the address
local 198.18.2.1 icmp=3/3
forward 198.18.2.77 right gw=02:00:00:00:02:77
PROBES
routes_by_r2
settle
verify
full

say "- a port of a bridge: what comes in there is the bridge's, the routes by it are gone"
ipr link add br0 type bridge
change link set r4 master br0
probe fourth <<<"forwarding_off 203.0.112.1 any=1"
change link set br0 up
probe fourth <<<"forwarding_off 203.0.112.1 any=1"
probe left <<<"forward 203.0.112.1 right"
verify
change link set r4 nomaster
wait_for 20 has_carrier router r4 || fail "r4: no carrier"
resolve 198.18.4.2
settle
verify
probe fourth <<<"forward 203.0.112.1 right n=3"
change route replace 203.0.118.0/24 via 198.18.4.2
probe left <<<"forward 203.0.118.1 fourth n=3"

ipr route add 203.0.114.0/24 metric 7 nexthop via 198.18.4.2 nexthop via 198.18.3.2
ipr route del 203.0.114.0/24 metric 0
ipr nexthop add id 3 via 198.18.4.2 dev r4
ipr nexthop add id 11 group 3/2
ipr route add 203.0.119.0/24 nhid 3
ipr route add 203.0.120.0/24 nhid 11
settle
probe left <<'PROBES'
forward 203.0.114.1 fourth,third n=100 min=20
forward 203.0.119.1 fourth
forward 203.0.120.1 fourth,third n=100 min=20
PROBES
change link del r4
PORTS=("${PORTS[@]:0:6}") # its host's end went with it
verify
probe left <<'PROBES'
forward 203.0.114.1 third n=50
forward 203.0.118.1 third n=5
forward 203.0.119.1 third n=5
forward 203.0.120.1 third n=50
forward 198.18.4.2 third
forward 198.18.4.1 third
PROBES
