#!/usr/bin/env bash
# What else decides about a packet beside the destination: rules, TOS, the firewall; and IPv4 routes
# by IPv6 next hops, replaced next-hop objects without a word about their routes.
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

no_hold() {
	fast -j status | jq -e '.hold == null'
}

lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.nexthop_compat_mode=0
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.2.2
routed
probe left <<<"forward 203.0.113.1 right n=5"

change nexthop add id 1 via 198.18.2.2 dev r2
change route add 203.0.115.0/24 nhid 1
probe left <<<"forward 203.0.115.1 right"
change nexthop replace id 1 via 198.18.3.2 dev r3 # no route message at all
probe left <<<"forward 203.0.115.1 third"
change nexthop replace id 1 blackhole
probe left <<<"drop 203.0.115.1"

say "- an IPv4 route by an IPv6 next hop, as unnumbered BGP makes it"
sysctl_set router net.ipv6.conf.r3.disable_ipv6=0
change neigh replace fe80::3 lladdr 02:00:00:00:03:02 dev r3
change route add 203.0.116.0/24 via inet6 fe80::3 dev r3
probe left <<<"forward 203.0.116.1 third n=5"
change neigh replace fe80::3 lladdr 02:00:00:00:03:33 dev r3
probe left <<<"forward 203.0.116.1 third gw=02:00:00:00:03:33"

change route add 203.0.113.0/24 tos 0x10 via 198.18.3.2 # the packet's TOS decides: the kernel's
probe left <<'END'
unsupported_route 203.0.113.1 right
forward 203.0.114.1 right
END
change route del 203.0.113.0/24 tos 0x10
probe left <<<"forward 203.0.113.1 right"

change rule add to 203.0.114.0/24 lookup 100
change route add 203.0.114.0/25 table 100 via 198.18.3.2
probe left <<<"forward 203.0.114.1 third"
change rule del to 203.0.114.0/24 lookup 100
probe left <<<"forward 203.0.114.1 right"

say "- a firewall rule in the way of forwarding: the kernel's, and back when it goes"
on router nft 'add table ip lab; add chain ip lab through { type filter hook forward priority 0; };
	add rule ip lab through ip daddr 203.0.114.0/24 drop'
settle
probe left <<'END'
netfilter 203.0.113.1 right
netfilter 203.0.114.1
END
on router nft delete table ip lab
settle
# The daemon has to find nothing twice, with nothing stirring in between: legacy iptables of whatever namespace does.
wait_for 20 no_hold || fail "everything is on hold still: $(fast status)"
probe left <<'END'
forward 203.0.113.1 right
forward 203.0.114.1 right
END
