#!/usr/bin/env bash
# Several routes of one prefix: which one decides after add, append, prepend, change, replace and the
# deletions that announce nothing of the next one. Three tables, metrics, TOS, throw.
# check: kernel dir24 lpm
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  02:00:00:00:02:02, and :22, :23 to stand for more gateways
#                            r3 --- [ third ]  and the default route
#
. "$(dirname "$0")/../../scripts/lib.sh"

# to VERDICT [WAY]: that is what becomes of packets to 203.0.113.1 now.
to() {
	probe left <<<"$1 203.0.113.1 ${*:2}"
}

dumps() {
	[ "$ENGINE" = kernel ] || fast -j status | jq .netlink.resyncs
}

lab_start
port left 1
port right 2
port third 3
for host in 22 23; do
	ipr neigh add 198.18.2.$host lladdr 02:00:00:00:02:$host dev r2
done
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add default via 198.18.3.2
routed
gw_a=198.18.2.2 gw_b=198.18.2.22 gw_c=198.18.2.23
at_b="right gw=02:00:00:00:02:22" at_c="right gw=02:00:00:00:02:23"
P=203.0.113.0/24

settle # the start may have asked for a dump
before=$(dumps)
say "- twins of one metric: append behind, prepend before, deletion of the first, replace of the first"
change route add $P via $gw_a
change route append $P via $gw_b
to forward right
change route prepend $P via $gw_c
to forward "$at_c"
change route del $P via $gw_c
to forward right
change route del $P via $gw_a # the appended one, unannounced
to forward "$at_b"
change route append $P via $gw_a
change route replace $P via $gw_c # takes the place of the first, the second survives
to forward "$at_c"
change route del $P via $gw_c
to forward right
change route prepend $P via $gw_b
change route change $P via $gw_c
to forward "$at_c"
change route del $P via $gw_c
change route del $P via $gw_a
to forward third
verify

say "- metrics: a better one comes and goes, whatever the order of adding"
change route add $P via $gw_a metric 20
change route add $P via $gw_b metric 10
to forward "$at_b"
change route append $P via $gw_c metric 10
to forward "$at_b"
change route add $P via 198.18.3.2 metric 5
to forward third
change route replace $P via $gw_a metric 5
to forward right
change route del $P metric 5
to forward "$at_b"
change route del $P via $gw_b metric 10
to forward "$at_c"
change route replace blackhole $P metric 10
to drop
change route del blackhole $P metric 10
to forward right
change route replace unreachable $P metric 20
to unreachable icmp=3/1
change route replace $P via $gw_a metric 20 proto bgp
to forward right
change route del $P
to forward third
verify

[ "$(dumps)" = "$before" ] || fail "a dump was needed for what the messages tell"

say "- several in one batch, as daemons write them: only the end of it counts"
cat >"$WORK/batch" <<BATCH
route add $P via $gw_a
route append $P via $gw_b
route del $P via $gw_a
route prepend $P via $gw_c
route replace $P via $gw_a
route add $P via $gw_c metric 3
route del $P via $gw_b
BATCH
ipr -batch "$WORK/batch"
settle
verify
to forward right
ipr route del $P metric 0
settle
to forward "$at_c"
ipr route flush $P
settle
to forward third

say "- TOS: the packet decides, for this prefix alone, while there is one"
change route add $P via $gw_a
change route add 203.0.113.128/25 via $gw_a
change route add $P via $gw_b tos 0x10
verify
probe left <<'PROBES'
unsupported_route 203.0.113.1 right
unsupported_route 203.0.113.1 right tos=0x10 gw=02:00:00:00:02:22
unsupported_route 203.0.113.1 right tos=0x04
forward 203.0.113.129 right tos=0x10
forward 203.0.112.1 third tos=0x10
PROBES
change route add default via $gw_b tos 0x10 metric 7
probe left <<'PROBES'
unsupported_route 203.0.112.1 third
unsupported_route 203.0.112.1 right tos=0x10 gw=02:00:00:00:02:22
forward 203.0.113.129 right tos=0x10
PROBES
change route del default via $gw_b tos 0x10 metric 7
change route del $P tos 0x10
verify
probe left <<'PROBES'
forward 203.0.113.1 right tos=0x10
forward 203.0.112.1 third tos=0x10
PROBES
change route del 203.0.113.128/25
change route del $P

say "- tables main and default: main is asked first, by its own longest match; throw goes on"
change route add $P via $gw_a table default
probe left <<<"policy_rule 203.0.113.1 third" # main's default route is asked before
change route del default
probe left <<'PROBES'
forward 203.0.113.1 right
no_route 203.0.112.1 icmp=3/0
PROBES
change route add throw $P
probe left <<<"throw|policy_rule 203.0.113.1 right"
change route add 203.0.113.0/25 via $gw_b
probe left <<<"forward 203.0.113.1 $at_b"
change route del 203.0.113.0/25
change route del throw $P
probe left <<<"forward 203.0.113.1 right"
change route add throw default
probe left <<'PROBES'
throw|policy_rule 203.0.113.1 right
throw 203.0.112.1 icmp=3/0
PROBES
change route del throw default
change route replace throw $P table default
probe left <<<"throw|unsupported_route 203.0.113.1 icmp=3/0"
change route replace $P via $gw_a table default
change route add $P via 198.18.3.2
probe left <<<"forward 203.0.113.1 third"
change route del $P
change route add default via 198.18.3.2 table default
probe left <<'PROBES'
forward 203.0.113.1 right
forward 203.0.112.1 third
PROBES
ipr route flush table default
settle
probe left <<<"no_route 203.0.113.1 icmp=3/0"

say "- equal default routes: the kernel may take turns"
change route add default via $gw_a
change route append default via 198.18.3.2
probe left <<<"unsupported_route 203.0.113.1 right,third n=10"
change route del default via $gw_a
probe left <<<"forward 203.0.113.1 third n=10"
