#!/usr/bin/env bash
# After an event that takes routes away in silence nothing goes out the old way any more, before any dump
# has told what is left: the frames are sent as soon as the daemon has heard of the event, and no dump
# was made until they were counted.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]  has the default route
#                            r4 --- [ fourth ]  is deleted in the end
#
. "$(dirname "$0")/../../scripts/lib.sh"

neighbours() {
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2
	ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
	ipr neigh replace 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3
}

routes() {
	ipr nexthop replace id 1 via 198.18.2.2 dev r2
	ipr nexthop replace id 10 group 1/2
	ipr nexthop replace id 11 group 1
	ipr nexthop replace id 12 group 1/2 type resilient buckets 32
	ipr route replace 203.0.112.0/24 via 198.18.2.2
	ipr route replace 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
	ipr route replace 203.0.116.0/24 nhid 1
	ipr route replace 203.0.117.0/24 nhid 10
	ipr route replace 203.0.118.0/24 nhid 11
	ipr route replace 203.0.119.0/24 nhid 12
}

again() {
	ipr link set r2 up
	wait_for 20 has_carrier router r2 || fail "r2: no carrier"
	ipr address replace 198.18.2.1/24 dev r2
	neighbours
	routes
	settle
	probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.116.1 right
forward 203.0.117.1 right,third n=100 min=20
forward 203.0.118.1 right
forward 203.0.119.1 right,third n=100 min=20
forward 198.18.2.77 right gw=02:00:00:00:02:77
PROBES
}

# back: r4 is no bridge's port any more.
back() {
	ipr link set r4 nomaster
	ipr route replace 203.0.120.0/24 via 198.18.4.2
	resolve 198.18.4.2
}

# anew: there is an r4 again.
anew() {
	veth_pair fourth h0 02:00:00:00:04:02 198.18.4.2/24 router r4 02:00:00:00:04:01 198.18.4.1/24
	ipr route add 203.0.120.0/24 via 198.18.4.2
	resolve 198.18.4.2
}

lab_start
port left 1
port right 2
port third 3
port fourth 4
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
resolve 198.18.1.2 198.18.4.2
ipr nexthop add id 2 via 198.18.3.2 dev r3
ipr route add default via 198.18.3.2
neighbours
routes
routed
again

probe_at_once left "link set r2 down" again <<'PROBES'
egress_down 203.0.112.1 third n=3
forward|egress_down 203.0.114.1 third n=40
unsupported_route 203.0.116.1 third n=3
forward|unsupported_route 203.0.117.1 third n=40
forward|unsupported_route 203.0.118.1 third n=3
forward|unsupported_route 203.0.119.1 third n=40
egress_down|no_neighbour 198.18.2.77 third
PROBES
settle
verify
again

probe_at_once left "address del 198.18.2.1/24 dev r2" again <<'PROBES'
egress_down 203.0.112.1 third n=3
forward|egress_down 203.0.114.1 third n=40
egress_down|no_neighbour|no_route|forward 198.18.2.77 third
forward|egress_down 198.18.2.1 third
PROBES
settle
verify
again

probe_at_once left "nexthop del id 1" again <<'PROBES'
unsupported_route 203.0.116.1 third n=3
forward|unsupported_route 203.0.117.1 third n=40
forward|unsupported_route 203.0.118.1 third n=3
forward|unsupported_route 203.0.119.1 third n=40
forward 203.0.112.1 right
PROBES
settle
verify
again

say "- an object deleted and made anew under its id: its routes do not come with it"
cat >"$WORK/anew" <<'BATCH'
nexthop del id 1
nexthop add id 1 via 198.18.2.2 dev r2
BATCH
probe_at_once left "-batch $WORK/anew" again <<'PROBES'
unsupported_route 203.0.116.1 third n=3
forward|unsupported_route 203.0.118.1 third n=3
forward 203.0.112.1 right
PROBES
settle
verify
again

say "- down and up in one batch: the static routes are lost"
printf 'link set r2 down\nlink set r2 up\n' >"$WORK/flap"
probe_at_once left "-batch $WORK/flap" again <<'PROBES'
egress_down 203.0.112.1 third n=3
unsupported_route 203.0.116.1 third n=3
PROBES
settle
verify
again

say "- replaced, with nothing said of the routes: by one write"
sysctl_set router net.ipv4.nexthop_compat_mode=0
probe_at_once left "nexthop replace id 1 via 198.18.2.77 dev r2" again <<'PROBES'
forward 203.0.116.1 right n=3 gw=02:00:00:00:02:77
forward 203.0.118.1 right n=3 gw=02:00:00:00:02:77
forward 203.0.117.1 right,third n=40 gw=02:00:00:00:02:77,02:00:00:00:03:02 legs=2
forward 203.0.112.1 right
PROBES
settle
sysctl_set router net.ipv4.nexthop_compat_mode=1

say "- a link is deleted, or becomes a bridge's port"
ipr link add br0 type bridge
ipr route add 203.0.120.0/24 via 198.18.4.2
settle
probe left <<<"forward 203.0.120.1 fourth"
probe_at_once left "link set r4 master br0" back <<'PROBES'
egress_down 203.0.120.1 any=1
PROBES
back
settle
probe left <<<"forward 203.0.120.1 fourth"
PORTS=("${PORTS[@]:0:6}") # its host's end goes with it
probe_at_once left "link del r4" anew <<<"egress_down 203.0.120.1 third"
settle
verify
