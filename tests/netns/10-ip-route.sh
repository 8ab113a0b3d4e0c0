#!/usr/bin/env bash
# `ip route` and `ip nexthop` drive the table: after each change whole frames and counters are compared.
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  02:00:00:00:02:02, and :22 to stand for a second gateway
#                            r3 --- [ third ]  02:00:00:00:03:02
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
ipr neigh add 198.18.2.22 lladdr 02:00:00:00:02:22 dev r2
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 192.0.2.0/24 via 198.18.2.2 # there before the daemon
routed

change route add 203.0.113.0/24 via 198.18.2.2
probe left <<'END'
forward 192.0.2.1 right n=10
forward 203.0.113.1 right n=50
forward 203.0.113.9 right pad=12 len=40
forward 203.0.113.9 right len=1500 df=1
forward 203.0.113.9 right ttl=2
forward 203.0.113.9 right proto=253
forward 203.0.113.9 right frag=0x2000
forward 203.0.113.9 right frag=0x0010
no_route 203.0.114.1 icmp=3/0
END
change route replace 203.0.113.0/24 via 198.18.3.2
probe left <<<"forward 203.0.113.1 third n=5"
change route append 203.0.113.0/24 via 198.18.2.2
probe left <<<"forward 203.0.113.1 third n=5"
change route replace 203.0.113.0/24 via 198.18.2.22 dev r2 onlink
probe left <<<"forward 203.0.113.1 right gw=02:00:00:00:02:22"
change route del 203.0.113.0/24 via 198.18.2.22 # the appended one takes over, unannounced
probe left <<<"forward 203.0.113.1 right"

change route add 203.0.113.0/24 via 198.18.3.2 metric 50 # behind metric 0
probe left <<<"forward 203.0.113.1 right"
change route add 203.0.113.128/25 via 198.18.3.2
change route add 203.0.113.200/32 via 198.18.2.22
probe left <<'END'
forward 203.0.113.127 right
forward 203.0.113.128 third
forward 203.0.113.200 right gw=02:00:00:00:02:22
forward 203.0.113.201 third
END
change route del 203.0.113.0/24 metric 0
probe left <<<"forward 203.0.113.1 third"
change route del 203.0.113.200/32
change route del 203.0.113.128/25
change route del 203.0.113.0/24
probe left <<<"no_route 203.0.113.200 icmp=3/0"

change route add default via 198.18.3.2
change route add blackhole 198.51.100.0/26
change route add unreachable 198.51.100.64/26
change route add prohibit 198.51.100.128/26
change route add throw 198.51.100.192/26
probe left <<'END'
drop 198.51.100.1 n=20
unreachable 198.51.100.65 icmp=3/1
prohibit 198.51.100.129 icmp=3/13
throw 198.51.100.193 icmp=3/0
forward 198.51.101.1 third n=5
forward 203.0.113.1 third
END
change route replace default via 198.18.2.2
probe left <<<"forward 198.51.101.1 right n=5"
change route del default
probe left <<<"no_route 203.0.113.1 icmp=3/0"

# a neighbour in the connected net, without a route of its own
change neigh replace 198.18.3.77 lladdr 02:00:00:00:03:77 dev r3
probe left <<<"forward 198.18.3.77 third gw=02:00:00:00:03:77"

# several legs: a flow stays, weights count
change route add 203.0.113.0/24 nexthop via 198.18.2.2 weight 3 nexthop via 198.18.3.2
probe left <<'END'
forward 203.0.113.1 right,third n=400 min=50
forward 203.0.113.1 right,third n=50 flow=same
END
change route replace 203.0.113.0/24 nexthop via 198.18.2.2 nexthop via 198.18.2.22
probe left <<<"forward 203.0.113.1 right n=200 min=50 gw=02:00:00:00:02:02,02:00:00:00:02:22"

# next-hop objects: replaced under their routes, in groups, deleted with their routes
change nexthop add id 1 via 198.18.2.2 dev r2
change nexthop add id 2 via 198.18.3.2 dev r3
change nexthop add id 10 group 1/2
change route add 192.0.2.64/26 nhid 1
change route add 192.0.2.128/26 nhid 10
probe left <<'END'
forward 192.0.2.65 right n=5
forward 192.0.2.129 right,third n=200 min=30
END
change nexthop replace id 1 via 198.18.2.22 dev r2
probe left <<'END'
forward 192.0.2.65 right gw=02:00:00:00:02:22
forward 192.0.2.129 right,third n=50 gw=02:00:00:00:02:22,02:00:00:00:03:02
END
change nexthop del id 2 # the group shrinks
probe left <<<"forward 192.0.2.129 right n=100 gw=02:00:00:00:02:22"
change nexthop add id 3 blackhole
change route add 192.0.2.192/26 nhid 3
probe left <<<"drop 192.0.2.193 n=3"
change nexthop del id 1 # and its routes, the group's too, unannounced: the /24 takes over
probe left <<'END'
forward 192.0.2.65 right
forward 192.0.2.129 right
END
verify
