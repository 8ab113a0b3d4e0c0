#!/usr/bin/env bash
# Policy rules: by ingress device, destination and source in the fast path; by what it does not know of
# every packet, only those fall back that could match.
# check: kernel dir24 lpm tc
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

say "- nothing asks main for everything"
ipr rule add iif r1 lookup main pref 100
change rule del pref 32766
probe left <<'PROBES'
forward 203.0.112.1 right n=3
no_route 203.0.116.1
local 198.18.2.1
PROBES
probe third <<<"no_route 203.0.112.1"
verify
change rule del pref 100
probe left <<<"no_route 203.0.112.1"
verify
change rule add lookup main pref 32766
plain

say "- main and the table default, not always asked in a row"
ipr route add 203.0.116.0/24 via 198.18.4.2 table default
change rule add iif r1 lookup main pref 100
probe left <<'PROBES'
policy_rule 203.0.112.1 right
policy_rule 203.0.116.1 fourth
PROBES
probe third <<'PROBES'
forward 203.0.112.1 right
forward 203.0.116.1 fourth
PROBES
verify
change rule add to 203.0.112.0/24 lookup 100 pref 32766 # between the two
probe third <<'PROBES'
policy_rule 203.0.112.1 right
policy_rule 203.0.116.1 fourth
PROBES
change rule del to 203.0.112.0/24 lookup 100 pref 32766
change rule del pref 100
ipr route del 203.0.116.0/24 table default
settle
plain

say "- the device of a rule is what the kernel attached it to, not what has the name now"
# renamed OLD NEW: a device of the router, and the port at it for the probes.
renamed() {
	change link set dev "$1" name "$2"
	PORTS=("${PORTS[@]/%,$1/,$2}")
}

again() {
	[ "$ENGINE" != kernel ] || return 0
	say "- the daemon anew"
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	routed
}

# by_rule HOST VERDICT, by_main HOST VERDICT: where its packets go.
by_rule() {
	probe "$1" <<<"$2 203.0.112.1 fourth"
}

by_main() {
	probe "$1" <<<"$2 203.0.112.1 right"
}

change rule add iif r1 lookup 200 pref 1000
by_rule left forward
renamed r1 ra
by_main left forward
renamed r3 r1
by_main left forward
by_rule third forward
again # attached, as a dump says: the kernel is asked to what
by_main left forward
by_rule third forward
verify
renamed r1 r3
by_main third forward
renamed ra r1
by_rule left forward
change link set dev r3 netns "$LAB-left"
change rule add iif r3 lookup 200 pref 1001
by_rule left forward
ipn left link set dev r3 netns "$LAB-router"
ipr address add 198.18.3.1/24 dev r3
ipr link set dev r3 up
carrier third down
carrier third up
ipr route add 198.19.48.0/20 via 198.18.3.2
settle
resolve 198.18.3.2
by_rule third forward
by_rule left forward
change rule add iif lo lookup 200 pref 1002
again
by_rule third forward
by_rule left forward
verify
for pref in 1000 1001 1002; do
	ipr rule del pref $pref
done
settle
by_main left forward

change link property add dev r1 altname rz
change rule add iif rz lookup 200 pref 1000
by_rule left policy_rule
change link property del dev r1 altname rz
renamed r3 rz
by_rule left policy_rule
by_main third policy_rule
again
by_rule left policy_rule
by_main third policy_rule
verify
change rule add to 203.0.112.0/24 lookup 200 pref 1100 # explains what the kernel answers
again
probe left <<<"policy_rule 203.0.113.1 fourth"
probe third <<<"policy_rule 203.0.113.1 right"
change rule del pref 1100
renamed r1 ra # detached, though there is a device of that name
by_main left forward
by_main third forward
verify
renamed ra r1
by_main left forward
renamed rz r3
by_main third forward
renamed r3 rz
by_rule third forward
by_main left forward
verify
