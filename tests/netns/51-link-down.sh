#!/usr/bin/env bash
# A link goes down and comes up, and the kernel says nothing of its routes: alone, by several legs, by
# next-hop objects and groups of them.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  goes down
#                            r3 --- [ third ]  has the default route, where the traffic of vanished routes goes
#
. "$(dirname "$0")/../../scripts/lib.sh"

neighbours() {
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2
	ipr neigh replace 198.18.2.22 lladdr 02:00:00:00:02:22 dev r2
}

routes_by_r2() {
	ipr route add 203.0.112.0/24 via 198.18.2.2
	ipr route add 203.0.113.0/24 dev r2
	ipr route add 203.0.115.0/24 nexthop via 198.18.2.2 nexthop via 198.18.2.22
	ipr nexthop add id 1 via 198.18.2.2 dev r2
	ipr nexthop add id 11 group 1
	ipr route add 203.0.116.0/24 nhid 1
	ipr route add 203.0.118.0/24 nhid 11
}

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
neighbours
ipr neigh replace 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3
ipr neigh replace 203.0.113.1 lladdr 02:00:00:00:02:02 dev r2
resolve 198.18.1.2
ipr route add default via 198.18.3.2
routes_by_r2
ipr nexthop add id 2 via 198.18.3.2 dev r3
ipr nexthop add id 10 group 1/2
ipr nexthop add id 12 group 1/2 type resilient buckets 32
ipr route add 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
ipr route add 203.0.117.0/24 nhid 10
ipr route add 203.0.119.0/24 nhid 12
ipr route add 203.0.120.0/24 via 198.18.2.2
ipr route add blackhole 203.0.120.0/24 metric 100 # waits behind
routed
probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.113.1 right
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.115.1 right n=100 min=20 gw=02:00:00:00:02:02,02:00:00:00:02:22
forward 203.0.116.1 right
forward 203.0.117.1 right,third n=100 min=20
forward 203.0.118.1 right n=5
forward 203.0.119.1 right,third n=100 min=20
forward 203.0.120.1 right
PROBES

change link set r2 down
verify
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.113.1 third
forward 203.0.114.1 third n=50
forward 203.0.115.1 third n=50
forward 203.0.116.1 third
forward 203.0.117.1 third n=50
forward 203.0.118.1 third n=5
forward 203.0.119.1 third n=50
forward 198.18.2.22 third
drop 203.0.120.1
PROBES

change link set r2 up # only connected routes and the leg come back
wait_for 20 has_carrier router r2 || fail "r2: no carrier"
neighbours
settle
verify
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.113.1 third
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.115.1 third n=20
forward 203.0.116.1 third
forward 203.0.117.1 third n=50
forward 203.0.118.1 third
forward 203.0.119.1 third n=50
forward 198.18.2.22 right gw=02:00:00:00:02:22
drop 203.0.120.1
PROBES

say "- down and up before the daemon looks: what it heard last is a link that is up"
ipr neigh replace 203.0.113.1 lladdr 02:00:00:00:02:02 dev r2
routes_by_r2
settle
probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.116.1 right
PROBES
[ "$ENGINE" = kernel ] || kill -STOP "$ROUTED_PID"
ipr link set r2 down
ipr link set r2 up
wait_for 20 has_carrier router r2 || fail "r2: no carrier"
neighbours
[ "$ENGINE" = kernel ] || kill -CONT "$ROUTED_PID"
settle
verify
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.115.1 third n=20
forward 203.0.116.1 third
forward 203.0.118.1 third
forward 203.0.114.1 right,third n=100 min=20
PROBES
