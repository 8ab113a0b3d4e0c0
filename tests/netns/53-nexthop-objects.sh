#!/usr/bin/env bash
# Next-hop objects replaced and deleted under their routes, with nexthop_compat_mode 1 (a message for each
# route that is replaced) and 0 (none). FRR drives the kernel by the latter.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  02:00:00:00:02:02, and :22 to stand for a second gateway
#                            r3 --- [ third ]  and the default route
#
. "$(dirname "$0")/../../scripts/lib.sh"

# With compat_mode 0 the kernel shows routes by nothing but the object's number.
verify_in_full() {
	sysctl_set router net.ipv4.nexthop_compat_mode=1
	verify
	sysctl_set router net.ipv4.nexthop_compat_mode="$mode"
}

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
ipr neigh add 198.18.2.22 lladdr 02:00:00:00:02:22 dev r2
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add default via 198.18.3.2
routed

for mode in 1 0; do
	say "- compat_mode $mode"
	sysctl_set router net.ipv4.nexthop_compat_mode=$mode
	ipr nexthop add id 1 via 198.18.2.2 dev r2
	ipr nexthop add id 2 via 198.18.3.2 dev r3
	ipr nexthop add id 3 via 198.18.2.22 dev r2
	ipr nexthop add id 10 group 1/2
	ipr nexthop add id 11 group 1
	ipr nexthop add id 12 group 1/2 type resilient buckets 64
	ipr nexthop add id 13 group 1,1/2,4
	ipr route add 203.0.112.0/24 nhid 1
	ipr route add 203.0.113.0/24 nhid 10
	ipr route add 203.0.114.0/24 nhid 11
	ipr route add 203.0.115.0/24 nhid 12
	ipr route add 203.0.116.0/24 nhid 13
	ipr route add 203.0.117.0/24 nhid 1 metric 5
	ipr route add 203.0.117.0/24 nhid 2 metric 6
	settle
	verify_in_full
	probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.113.1 right,third n=600 share=1:1
forward 203.0.114.1 right n=5
forward 203.0.115.1 right,third n=200 min=60
forward 203.0.116.1 right,third n=1000 share=1:4
forward 203.0.117.1 right
PROBES
	change nexthop replace id 1 via 198.18.2.22 dev r2
	probe left <<'PROBES'
forward 203.0.112.1 right gw=02:00:00:00:02:22
forward 203.0.113.1 right,third n=100 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
forward 203.0.114.1 right n=5 gw=02:00:00:00:02:22
forward 203.0.115.1 right,third n=100 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
forward 203.0.116.1 right,third n=100 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
forward 203.0.117.1 right gw=02:00:00:00:02:22
PROBES
	change nexthop replace id 1 via 198.18.3.2 dev r3 # another device: nothing is left for r2
	probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.113.1 third n=50
forward 203.0.114.1 third n=5
forward 203.0.115.1 third n=50
PROBES
	change nexthop replace id 10 group 3
	change nexthop replace id 12 group 3/2 type resilient buckets 64
	change nexthop replace id 13 group 3,3/2,2
	probe left <<'PROBES'
forward 203.0.113.1 right n=20 gw=02:00:00:00:02:22
forward 203.0.115.1 right,third n=100 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
forward 203.0.116.1 right,third n=100 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
PROBES
	change nexthop replace id 13 group 1,1/3,1
	change nexthop replace id 11 group 3
	probe left <<'PROBES'
forward 203.0.114.1 right gw=02:00:00:00:02:22
forward 203.0.116.1 right,third n=50 gw=02:00:00:00:02:22,02:00:00:00:03:02 legs=2
PROBES

	change nexthop del id 3 # groups shrink; those with no other member go, and their routes
	verify_in_full
	probe left <<'PROBES'
forward 203.0.113.1 third n=5
forward 203.0.114.1 third n=5
forward 203.0.115.1 third n=50
forward 203.0.116.1 third n=50
PROBES
	change nexthop replace id 1 via 198.18.2.2 dev r2
	probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.116.1 right n=20
PROBES
	change nexthop del id 13
	change nexthop del id 1
	verify_in_full
	probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.116.1 third n=5
forward 203.0.117.1 third
PROBES
	say "- deleted and made anew under the same id: the routes that went do not come back"
	ipr nexthop del id 2
	ipr nexthop add id 1 via 198.18.2.2 dev r2
	ipr nexthop add id 2 via 198.18.2.22 dev r2
	ipr route add 203.0.118.0/24 nhid 2
	settle
	verify_in_full
	probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.115.1 third
forward 203.0.117.1 third
forward 203.0.118.1 right gw=02:00:00:00:02:22
PROBES
	ipr nexthop flush >/dev/null
	settle
	probe left <<<"forward 203.0.118.1 third"
	verify_in_full
done
