#!/usr/bin/env bash
# Links go down, come up and disappear; addresses go. What the kernel drops without a word is gone
# from the maps after settle, and the daemon goes on.
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#                            r4 --- [ fourth ]  comes later
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
neighbours_fixed() {
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2
	ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
	ipr neigh replace 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3
}
neighbours_fixed
resolve 198.18.1.2
ipr nexthop add id 1 via 198.18.2.2 dev r2
ipr nexthop add id 2 via 198.18.3.2 dev r3
ipr nexthop add id 10 group 1/2
ipr route add default via 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
ipr route add 203.0.115.0/24 nhid 10
ipr route add 203.0.116.0/24 nhid 1
routed
probe left <<'END'
forward 203.0.113.1 right
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.115.1 right,third n=100 min=20
forward 203.0.116.1 right
forward 198.18.2.77 right gw=02:00:00:00:02:77
END

change link set r2 down # r2's routes vanish, legs die, next hops go: none of it announced
probe left <<'END'
forward 203.0.113.1 third n=5
forward 203.0.114.1 third n=50
forward 203.0.115.1 third n=50
forward 203.0.116.1 third n=5
forward 198.18.2.77 third
END
verify

change link set r2 up # connected routes and the leg return, static routes do not
wait_for 20 has_carrier router r2 || fail "r2: no carrier"
neighbours_fixed
settle
probe left <<'END'
forward 203.0.113.1 third n=5
forward 203.0.114.1 right,third n=100 min=20
forward 203.0.115.1 third n=50
forward 198.18.2.77 right gw=02:00:00:00:02:77
END
change route replace 203.0.113.0/24 via 198.18.2.2
probe left <<<"forward 203.0.113.1 right n=5"
verify

say "- carrier lost at r2: the routes stay, the kernel drops what it sends there"
ipn right link set h0 down
wait_for 20 no_carrier router r2 || fail "r2 has carrier"
settle
probe left <<<"egress_down 203.0.113.1 n=3 any=1"
ipn right link set h0 up
wait_for 20 has_carrier router r2 || fail "r2: no carrier"
on right ethtool -K h0 gro off
on right ethtool -K h0 gro on
neighbours_fixed
settle
probe left <<<"forward 203.0.113.1 right n=5"

change address del 198.18.2.1/24 dev r2 # the last address takes the static routes along
probe left <<<"forward 203.0.113.1 third n=5"
verify

say "- another link appears, while the daemon runs"
port fourth 4
ipr neigh replace 198.18.4.2 lladdr 02:00:00:00:04:02 dev r4
settle
change route add 203.0.117.0/24 via 198.18.4.2
probe left <<<"forward 203.0.117.1 fourth n=5"
[ "$ENGINE" = kernel ] || wait_for 20 attached r4 || fail "r4: not attached"
probe fourth <<<"forward 203.0.118.1 third n=5"

say "- deleted"
change link del r4
PORTS=("${PORTS[@]:0:6}") # its host's end went with it
probe left <<'END'
forward 203.0.117.1 third n=5
forward 203.0.118.1 third n=5
END
change link del r3
PORTS=("${PORTS[@]:0:4}")
probe left <<<"no_route 203.0.117.1 icmp=3/0"
verify
