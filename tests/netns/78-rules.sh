#!/usr/bin/env bash
# Policy rules: by ingress device, destination and source in the fast path; by what it does not know of
# every packet, only those fall back that could match.
# check: kernel dir24 lpm
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  where main leads
#                            r3 --- [ third ]  where table 100 leads
#                            r4 --- [ fourth ]  where table 200 leads
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
port fourth 4
resolve 198.18.1.2 198.18.2.2 198.18.3.2 198.18.4.2
ipr route add 203.0.112.0/22 via 198.18.2.2
ipr route add default via 198.18.3.2 table 100
ipr route add blackhole 203.0.114.0/25 table 100
ipr route add throw 203.0.115.0/24 table 100
ipr route add 203.0.112.0/23 via 198.18.4.2 table 200
routed

plain() {
	probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.114.1 right
no_route 203.0.116.1 icmp=3/0
PROBES
	probe third <<<"forward 203.0.112.1 right"
}
plain

change rule add iif r1 lookup 100 pref 1000
probe left <<'PROBES'
forward 203.0.112.1 third n=3
forward 203.0.116.1 third
drop 203.0.114.1
forward 203.0.114.129 third
forward 203.0.115.1 right
local 198.18.2.1 icmp=3/3
forward 203.0.112.1 third src=203.0.112.9
PROBES
probe third <<<"forward 203.0.112.1 right"
say "- its table changes: routes, next hops, links"
change route replace default via 198.18.4.2 table 100
probe left <<<"forward 203.0.112.1 fourth"
change route add table 100 203.0.112.0/24 nexthop via 198.18.3.2 nexthop via 198.18.4.2
probe left <<<"forward 203.0.112.1 third,fourth n=5"
change route del 203.0.112.0/24 table 100
change route replace default via 198.18.3.2 table 100
probe left <<<"forward 203.0.112.1 third"
change rule del pref 1000
plain

change rule add iif r9 lookup 100 pref 1000 # a device that is not there
plain
change rule del pref 1000

change rule add to 203.0.112.0/24 lookup 100 pref 1000
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.113.1 right
PROBES
change rule add to 203.0.112.128/25 lookup 200 pref 900
probe left <<'PROBES'
forward 203.0.112.1 third
forward 203.0.112.129 fourth
PROBES
change rule del pref 900
change rule add to 203.0.112.128/25 lookup 200 pref 1100
probe left <<<"forward 203.0.112.129 third"
change rule del pref 1000
probe left <<'PROBES'
forward 203.0.112.1 right
forward 203.0.112.129 fourth
PROBES
change rule del pref 1100
plain

change rule add from 198.19.16.0/24 lookup 100 pref 1000
probe left <<'PROBES'
forward 203.0.112.1 third src=198.19.16.9
forward 203.0.112.1 right src=198.19.17.9
forward 203.0.112.1 right
PROBES
change rule add from 198.19.16.0/24 to 203.0.113.0/24 iif r1 lookup 200 pref 900
change rule add not from 198.19.16.0/20 lookup 200 pref 1100
probe left <<'PROBES'
forward 203.0.113.1 fourth src=198.19.16.9
forward 203.0.112.1 third src=198.19.16.9
forward 203.0.112.1 right src=198.19.17.9
forward 203.0.112.1 fourth
forward 203.0.114.1 right
PROBES
for pref in 900 1000 1100; do
	ipr rule del pref $pref
done
settle
plain

say "- rules that decide themselves"
ipr rule add to 203.0.112.0/24 blackhole pref 1000
ipr rule add to 203.0.113.0/24 unreachable pref 1001
ipr rule add to 203.0.114.0/24 prohibit pref 1002
settle
probe left <<'PROBES'
drop 203.0.112.1
unreachable 203.0.113.1 icmp=3/0
prohibit 203.0.114.1 icmp=3/13
forward 203.0.115.1 right
PROBES
for pref in 1000 1001 1002; do
	ipr rule del pref $pref
done
ipr rule add goto 1200 to 203.0.112.0/24 pref 1000
ipr rule add lookup 100 pref 1100
ipr rule add lookup 200 pref 1200
settle
probe left <<'PROBES'
forward|policy_rule 203.0.112.1 fourth
forward|policy_rule 203.0.113.1 third
PROBES
for pref in 1000 1100 1200; do
	ipr rule del pref $pref
done
ipr rule add lookup 100 suppress_prefixlength 0 pref 1000 # its default route does not count
settle
probe left <<'PROBES'
forward|policy_rule 203.0.112.1 right
PROBES
change rule del pref 1000

say "- by TOS, protocol, port, mark: who could match is the kernel's"
change rule add to 203.0.112.0/24 tos 0x10 lookup 100 pref 1000
probe left <<'PROBES'
forward|policy_rule 203.0.112.1 right
forward|policy_rule 203.0.112.1 third tos=0x10
forward 203.0.113.1 right tos=0x10
PROBES
change rule del pref 1000
change rule add to 203.0.112.0/24 ipproto udp dport 53 lookup 100 pref 1000
probe left <<'PROBES'
forward|policy_rule 203.0.112.1 right
forward|policy_rule 203.0.112.1 third dport=53
forward|policy_rule 203.0.112.1 right dport=53 proto=6
forward 203.0.113.1 right dport=53
PROBES
change rule del pref 1000
change rule add iif r1 ipproto tcp lookup 100 pref 1000
probe left <<'PROBES'
forward|policy_rule 203.0.112.1 right
forward|policy_rule 203.0.112.1 third proto=6
PROBES
probe third <<<"forward 203.0.112.1 right proto=6"
change rule del pref 1000
change rule add fwmark 7 lookup 100 pref 1000 # nothing has a mark where XDP sees it
plain
change rule del pref 1000
change rule add oif r2 lookup 100 pref 1000 # of the router's own packets only
plain
change rule del pref 1000

say "- the order of the tables themselves"
change rule add lookup main pref 1
change rule add lookup 200 pref 2
probe left <<'PROBES'
forward 203.0.112.1 right
local 198.18.2.1 icmp=3/3
PROBES
for pref in 1 2; do
	ipr rule del pref $pref
done
settle
plain
