#!/usr/bin/env bash
# Several legs: the share of each, flows that stay, fragments that stay together, legs that die. By routes
# and by groups of next-hop objects, both kinds of groups and both hash policies.
# check: kernel dir24 tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#                            r4 --- [ fourth ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
port fourth 4
neighbours() {
	for n in 1 2 3 4; do
		ipr neigh replace 198.18.$n.2 lladdr 02:00:00:00:0$n:02 dev r$n
	done
}
neighbours
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
for n in 2 3 4; do
	ipr nexthop add id $n via 198.18.$n.2 dev r$n
done
ipr nexthop add id 10 group 2,1/3,2/4,3
ipr nexthop add id 11 group 2,10/3,10
ipr nexthop add id 12 group 2,1/3,2/4,3 type resilient buckets 252
ipr route add 203.0.112.0/24 nexthop via 198.18.2.2 weight 1 nexthop via 198.18.3.2 weight 2 \
	nexthop via 198.18.4.2 weight 3
ipr route add 203.0.113.0/24 nexthop via 198.18.2.2 weight 10 nexthop via 198.18.3.2 weight 10
ipr route add 203.0.114.0/24 nhid 10
ipr route add 203.0.115.0/24 nhid 11
ipr route add 203.0.116.0/24 nhid 12
ipr route add 203.0.117.0/24 nexthop via 198.18.2.2 weight 255 nexthop via 198.18.3.2 weight 1
routed

say "- 10,000 flows over the weights"
probe left <<'PROBES'
forward 203.0.112.1 right,third,fourth n=10000 share=1:2:3
PROBES
probe left <<'PROBES'
forward 203.0.113.1 right,third n=2000 share=10:10
forward 203.0.114.1 right,third,fourth n=3000 share=1:2:3
forward 203.0.115.1 right,third n=2000 share=10:10
forward 203.0.116.1 right,third,fourth n=3000 share=1:2:3
forward 203.0.117.1 right,third n=2000 share=255:1
PROBES

# Fragments have no ports but in the first: addresses alone choose for all. The rest of the flow may go
# another way, as with the kernel.
same() {
	for i in 1 2 3 4 5 6 7 8; do
		echo "forward 203.0.113.$i right,third n=20 flow=same"
		echo "forward 203.0.115.$i right,third n=20 flow=same"
		echo "forward 203.0.116.$i right,third,fourth n=20 flow=same"
		echo "forward 203.0.113.$i right,third n=4 flow=same frag=0x2000,0x2003,0x2006,0x0009"
		echo "forward 203.0.116.$i right,third,fourth n=4 flow=same frag=0x2000,0x2003,0x2006,0x0009"
	done
}
say "- a flow stays where it is, and so do the fragments of a packet"
same | probe left

say "- by addresses alone"
sysctl_set router net.ipv4.fib_multipath_hash_policy=0
settle
same | probe left
probe left <<'PROBES'
forward 203.0.112.1 right,third,fourth n=3000 flow=src share=1:2:3
forward 203.0.114.1 right,third,fourth n=3000 flow=src share=1:2:3
forward 203.0.116.1 right,third,fourth n=3000 flow=src share=1:2:3
forward 203.0.112.1 right,third,fourth n=60 legs=1
forward 203.0.115.2 right,third n=60 legs=1
forward 203.0.113.3 right,third n=60 proto=253 legs=1
PROBES
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
settle

say "- a leg dies: the others take over by their weights, at once"
probe_at_once left "link set r4 down" "ipr link set r4 up" <<'PROBES'
forward|egress_down 203.0.112.1 right,third n=60
forward|egress_down|unsupported_route 203.0.114.1 right,third n=60
forward|egress_down|unsupported_route 203.0.116.1 right,third n=60
PROBES
settle
probe left <<'PROBES'
forward 203.0.112.1 right,third n=3000 share=1:2
forward 203.0.114.1 right,third n=3000 share=1:2
forward 203.0.113.1 right,third n=100 min=20
PROBES
change link set r4 up
wait_for 20 has_carrier router r4 || fail "r4: no carrier"
neighbours
settle
probe left <<<"forward 203.0.112.1 right,third,fourth n=3000 share=1:2:3"

say "- a leg without a neighbour keeps its share, which the kernel resolves"
ipr neigh del 198.18.4.2 dev r4
settle
probe left <<<"forward|no_neighbour 203.0.112.1 right,third,fourth n=100"
resolve 198.18.4.2
settle
probe left <<<"forward 203.0.112.1 right,third,fourth n=3000 share=1:2:3"
