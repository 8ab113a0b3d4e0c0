#!/usr/bin/env bash
# Carrier lost and back. Routes and legs stay, flagged; next-hop objects go, with their routes, and nothing
# is said of it. ignore_routes_with_linkdown makes the kernel pass over what is flagged.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  loses carrier
#                            r3 --- [ third ]  has the default route
#
. "$(dirname "$0")/../../scripts/lib.sh"

neighbours() {
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2
	ipr neigh replace 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3
}

objects() {
	ipr nexthop replace id 1 via 198.18.2.2 dev r2
	ipr nexthop replace id 11 group 1
	ipr nexthop replace id 10 group 1/2
	ipr nexthop replace id 12 group 1/2 type resilient buckets 32
	ipr route replace 203.0.116.0/24 nhid 1
	ipr route replace 203.0.118.0/24 nhid 11
}

down() {
	say "- carrier lost"
	carrier right down
	settle
	verify
}

up() {
	say "- carrier is back"
	carrier right up
	settle
	verify
}

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
neighbours
resolve 198.18.1.2
ipr route add default via 198.18.3.2
ipr route add 203.0.112.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
ipr route add 203.0.120.0/24 via 198.18.2.2
ipr route add 203.0.120.0/24 via 198.18.3.2 metric 100
ipr nexthop add id 2 via 198.18.3.2 dev r3
objects
ipr route add 203.0.117.0/24 nhid 10
ipr route add 203.0.119.0/24 nhid 12
routed
full() {
	probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.116.1 right
forward 203.0.117.1 right,third n=100 min=20
forward 203.0.118.1 right n=5
forward 203.0.119.1 right,third n=100 min=20
forward 203.0.120.1 right
PROBES
}
full

down # what is flagged is still used: lost there
probe left <<'PROBES'
egress_down 203.0.112.1 right loss=1
egress_down 203.0.120.1 right loss=1
forward|egress_down 203.0.114.1 right,third n=100 loss=1
forward 203.0.116.1 third
forward 203.0.117.1 third n=50
forward 203.0.118.1 third
forward 203.0.119.1 third n=50
PROBES
up # objects do not come back by themselves
probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.116.1 third
forward 203.0.117.1 third n=50
forward 203.0.118.1 third
forward 203.0.119.1 third n=50
PROBES

# ignore WHERE 0|1: what follows sees its effect
ignore() {
	say "- ignore_routes_with_linkdown of $1: $2"
	sysctl_set router "net.ipv4.conf.$1.ignore_routes_with_linkdown=$2"
	settle
}

egress_downs() {
	[ "$ENGINE" = kernel ] || counter r1 .fallback.reasons.egress_down.packets
}

# used [LOSS]: left to the kernel are single paths, and half of the flows where there is another leg
used() {
	local before fell

	before=$(egress_downs)
	probe left <<PROBES
egress_down 203.0.112.1 right loss=1
egress_down 203.0.120.1 right loss=1
forward|egress_down 203.0.114.1 third n=100 loss=${1:-1} min=20
forward 203.0.117.1 third n=50
PROBES
	fell=$(($(egress_downs) - before))
	[ "$ENGINE" = kernel ] || [ "$fell" -ge 22 ] || fail "of 100 flows fell back: $((fell - 2))"
	verify
}

# passed_over [LOSS]: the kernel goes on with the next route; where there is another leg, that one has
# all flows, and the fast path takes them.
passed_over() {
	probe left <<PROBES
egress_down 203.0.112.1 third
egress_down 203.0.120.1 third
forward 203.0.114.1 third n=50 loss=${1:-0}
forward 203.0.117.1 third n=50
forward 203.0.119.1 third n=50
PROBES
	verify
}

[ "$ENGINE" = kernel ] && lost=1 || lost=0
for where in r2 all; do
	objects
	settle
	full
	down
	used
	# Said is nothing but the setting. Until the next change of carrier the kernel itself spreads flows over all
	# legs as before, and loses some; here those that are left are the fast path's.
	ignore $where 1
	passed_over "$lost"
	ignore $where 0
	used
	up
	ignore $where 1
	objects
	settle
	full
	down
	passed_over
	probe left <<<"forward 203.0.116.1 third"
	ignore $where 0
	used 0 # as before, by the kernel: none goes there
	up
done
say "- of a device that has carrier: nothing"
ignore r3 1
objects
settle
full
down
used
ignore r3 0
up
objects
settle
full
