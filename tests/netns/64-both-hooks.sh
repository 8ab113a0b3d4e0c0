#!/usr/bin/env bash
# One daemon with ports of both hooks: from each kind to each, frames and counters; what only one of them can do.
#
# check: dir24 lpm
#
#   [ left ] --- r1 xdp [ router ] r2 tc --- [ right ]
#   [ third ] -- r3 xdp            r4 tc --- [ fourth ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# hooks: as `status` tells them
hooks() {
	fast -j status | jq -r '[.interfaces[] | .ifname + " " + .hook] | sort | join(", ")'
}

# counted IN OUT FORWARDED TX: so many are, in all
counted() {
	[ "$(counter "$1" .forwarded.packets) $(counter "$2" .tx.packets)" = "$3 $4" ]
}

# crosses FROM IN TO OUT ADDRESS: eleven packets, all by the fast path
crosses() {
	local forwarded tx

	forwarded=$(counter "$2" .forwarded.packets) tx=$(counter "$4" .tx.packets)
	probe "$1" <<<"forward $5 $3 n=11"
	wait_for 20 counted "$2" "$4" $((forwarded + 11)) $((tx + 11)) ||
		fail "$1 to $3: forwarded and tx were $forwarded and $tx:" "$(fast stats)"
}

# says ADDRESS IFNAME VERDICT: get does
says() {
	[ "$(fast -j get "$1" iif "$2" | jq -r '.reason // .verdict')" = "$3" ]
}

lab_start
use_mixed
ASK=1
port left 1
port right 2
port third 3
port fourth 4
resolve 198.18.1.2 198.18.2.2 198.18.3.2 198.18.4.2
for n in 1 2 3 4; do
	ipr route add "203.0.113.$n" via "198.18.$n.2"
done
routed
[ "$(hooks)" = "r1 xdp, r2 tc, r3 xdp, r4 tc" ] || fail "attached as $(hooks)"

say "- from each kind to each"
crosses left r1 third r3 203.0.113.3
crosses left r1 right r2 203.0.113.2
crosses right r2 third r3 203.0.113.3
crosses right r2 fourth r4 203.0.113.4

say "- user routes are the same for both"
fast add 203.0.113.64/26 drop
fast add 203.0.113.128/26 via 198.18.4.2
fast add 203.0.113.192/26 via 198.18.3.2
for from in left right; do
	probe "$from" <<'END'
drop 203.0.113.65 n=3
forward 203.0.113.129 fourth n=3
forward 203.0.113.193 third n=3
END
done
[ "$(fast -j route proto user 203.0.113.64/26 | jq '.[0].packets')" = 6 ] || fail "not 6 packets dropped"

say "- to another CPU only from XDP"
fast add 203.0.113.2 cpu 0
probe left <<<"cpu 203.0.113.2 right"
probe fourth <<<"user_pass 203.0.113.2 right"
fast del 203.0.113.2

say "- by a device that transmits nothing of XDP only from tc"
ipr link add link r2 name r8 type macvlan mode bridge
ipr address add 198.18.8.1/24 dev r8
ipr link set r8 up
ipr neigh replace 198.18.8.2 lladdr 02:00:00:00:02:02 dev r8 nud permanent
change route add 203.0.113.8 via 198.18.8.2
says 203.0.113.8 r4 forward || fail "from tc: $(fast get 203.0.113.8 iif r4)"
says 203.0.113.8 r1 egress_no_xdp || fail "from XDP: $(fast get 203.0.113.8 iif r1)"
verify

say "- carrier of a port of the other kind"
for to in "fourth 203.0.113.129" "third 203.0.113.193"; do
	carrier "${to% *}" down
	settle
	for n in 1 2; do
		says "${to#* }" "r$n" egress_down || fail "r$n: $(fast get "${to#* }" iif "r$n")"
	done
	carrier "${to% *}" up
	settle # the neighbour may be resolved later
	for n in 1 2; do
		wait_for 20 says "${to#* }" "r$n" forward || fail "r$n: $(fast get "${to#* }" iif "r$n")"
	done
	probe left <<<"forward ${to#* } ${to% *}"
	probe right <<<"forward ${to#* } ${to% *}"
done
verify
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
