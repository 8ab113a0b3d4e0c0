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

for where in r2 all; do
	objects
	settle
	full
	say "- ignore_routes_with_linkdown of $where"
	sysctl_set router "net.ipv4.conf.$where.ignore_routes_with_linkdown=1"
	settle
	full
	down
	probe left <<'PROBES'
forward|egress_down 203.0.112.1 third
forward|egress_down 203.0.120.1 third
forward 203.0.114.1 third n=50
forward 203.0.116.1 third
forward 203.0.117.1 third n=50
forward 203.0.119.1 third n=50
PROBES
	sysctl_set router "net.ipv4.conf.$where.ignore_routes_with_linkdown=0"
	settle
	probe left <<'PROBES'
egress_down 203.0.112.1 right loss=1
forward|egress_down 203.0.114.1 right,third n=100 loss=1
forward 203.0.117.1 third n=50
PROBES
	up
done
objects
settle
full
