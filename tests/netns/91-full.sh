#!/usr/bin/env bash
# Every table that can be full is, one after the other, with room for a few. What does not fit is left to the kernel as
# table_full and goes the kernel's way, never that of a shorter prefix, which is there and leads elsewhere; what does
# fit is forwarded; and when room returns everything is.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
port third 3
ipr route add 203.0.0.0/16 via 198.18.3.2 # what nothing more specific may fall to
for host in {10..29}; do
	ipr neigh add "198.18.2.$host" lladdr 02:00:00:00:02:02 dev r2 nud permanent
done
resolve 198.18.1.2 198.18.2.2 198.18.3.2

# destinations FIRST LAST: probes to 203.0.N.1, whatever the verdict.
destinations() {
	local i

	for ((i = $1; i <= $2; i++)); do
		echo "forward|table_full 203.0.$i.1 right"
	done
}

full_packets() {
	counter r1 .fallback.reasons.table_full.packets
}

forwarded_packets() {
	counter r1 .forwarded.packets
}

all_forwarded() {
	sed 's/^forward|table_full/forward/' "$WORK/probes" | probe_only left
}

# over TITLE OPTION: with that limit some of the probes in $WORK/probes fit, and some do not.
over() {
	local full forwarded

	say "- $1 ($2)"
	: >"$WORK/ebpf-routed.log" # of this one alone
	# shellcheck disable=SC2086 # two words
	routed $2
	full=$(full_packets) forwarded=$(forwarded_packets)
	probe left <"$WORK/probes"
	[ "$(full_packets)" -gt "$full" ] || fail "$1: everything fits"
	[ "$(forwarded_packets)" -gt "$forwarded" ] || fail "$1: nothing fits"
	fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "$1: verify: $(cat "$WORK/verify.out")"
	probe left <<<"forward|table_full 203.0.200.1 third" # the shorter one, where it is meant
}

# healed TITLE: what is left in $WORK/probes fits again.
healed() {
	settle
	wait_for 20 all_forwarded || {
		all_forwarded || true
		fail "$1: not all forwarded with room again"
	}
	verify
	stop "$ROUTED_PID" || fail "$1: exit code $?"
}

# ---- next hops: 20 of them and some that are always there ----------------------------------------
for i in {0..79}; do
	ipr route add "203.0.$i.0/24" via 198.18.2.2 mtu lock $((1000 + i))
done
destinations 0 79 >"$WORK/probes"
over "next-hop slots" "--max-nexthops 64"
for i in {0..69}; do
	ipr route del "203.0.$i.0/24"
done
destinations 70 79 >"$WORK/probes"
healed "next-hop slots"
for i in {70..79}; do
	ipr route del "203.0.$i.0/24"
done

# ---- adjacencies: a gateway each ------------------------------------------------------------------
for i in {0..19}; do
	ipr route add "203.0.$i.0/24" via "198.18.2.$((10 + i))"
done
destinations 0 19 >"$WORK/probes"
over "adjacencies" "--max-adjacencies 12" # which the neighbours of connected nets have as well
for i in {0..14}; do
	ipr route del "203.0.$i.0/24"
	ipr neigh del "198.18.2.$((10 + i))" dev r2
done
destinations 15 19 >"$WORK/probes"
healed "adjacencies"
for i in {0..14}; do
	ipr neigh add "198.18.2.$((10 + i))" lladdr 02:00:00:00:02:02 dev r2 nud permanent
done
for i in {15..19}; do
	ipr route del "203.0.$i.0/24"
done

# ---- multipath groups ------------------------------------------------------------------------------
for i in {0..9}; do
	ipr route add "203.0.$i.0/24" nexthop via "198.18.2.$((10 + i))" nexthop via "198.18.2.$((11 + i))"
done
destinations 0 9 >"$WORK/probes"
over "groups" "--max-groups 4"
for i in {0..7}; do
	ipr route del "203.0.$i.0/24"
done
destinations 8 9 >"$WORK/probes"
healed "groups"
ipr route del 203.0.8.0/24
ipr route del 203.0.9.0/24

# ---- the engine: rows of dir24 for prefixes longer than /24, prefixes of lpm ------------------------
for i in {0..19}; do
	ipr route add "203.0.$i.0/26" via 198.18.2.2
done
destinations 0 19 >"$WORK/probes"
if [ "$ENGINE" = dir24 ]; then
	over "extension groups" "--max-extension-groups 8"
else
	over "prefixes" "--max-lpm-routes 24"
fi
wait_for 20 grep -q 'maps: no room for [0-9]* prefixes' "$WORK/ebpf-routed.log" || fail "no room, and not a word in the log"
for i in {0..17}; do
	ipr route del "203.0.$i.0/26"
done
wait_for 20 grep -q 'maps: room for all prefixes again' "$WORK/ebpf-routed.log" || fail "room again, and not a word in the log"
destinations 18 19 >"$WORK/probes"
healed "the engine"
for i in 18 19; do
	ipr route del "203.0.$i.0/26"
done

# ---- neighbours on a connected net -----------------------------------------------------------------
for i in {10..29}; do
	echo "forward|table_full|no_neighbour 198.18.2.$i right"
done >"$WORK/probes"
say "- neighbours (--max-neighbours 8)"
routed --max-neighbours 8
full=$(full_packets) forwarded=$(forwarded_packets)
probe left <"$WORK/probes"
[ "$(forwarded_packets)" -gt "$forwarded" ] || fail "neighbours: nothing fits"
[ "$(full_packets)" -gt "$full" ] || fail "neighbours: everything fits, or is not counted as table_full: $(fast stats)"
fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "neighbours: verify: $(cat "$WORK/verify.out")"
for i in {10..25}; do
	ipr neigh del "198.18.2.$i" dev r2
done
for i in {26..29}; do
	echo "forward 198.18.2.$i right"
done >"$WORK/probes"
healed "neighbours"
for i in {10..25}; do
	ipr neigh add "198.18.2.$i" lladdr 02:00:00:00:02:02 dev r2 nud permanent
done

# ---- ports ---------------------------------------------------------------------------------------
# What comes in by a port that has no number, or goes out by it, is the kernel's.
say "- ports (--max-ports 3)"
ipr route add 203.0.1.0/24 via 198.18.2.2
routed --max-ports 3
probe left <<'END'
forward 203.0.1.1 right n=3
table_full 203.0.200.1 third n=3
END
fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "ports: verify: $(cat "$WORK/verify.out")"
ipr link set r2 netns "$LAB-right"
settle
back() {
	probe_only left <<<"forward 203.0.200.1 third n=3"
}
wait_for 20 back || fail "ports: not forwarded with room again"
verify
stop "$ROUTED_PID" || fail "ports: exit code $?"
ipn right link set r2 netns "$LAB-router"
ipr link set r2 up
ipr address add 198.18.2.1/24 dev r2
wait_for 20 has_carrier router r2 || fail "r2: no carrier"
ipr route add 203.0.1.0/24 via 198.18.2.2

# ---- routes of tables that policy rules name -------------------------------------------------------
ipr rule add to 203.0.0.0/16 lookup 100
for i in {0..9}; do
	ipr route add "203.0.$i.0/24" table 100 via 198.18.2.2
done
destinations 0 9 >"$WORK/probes"
say "- routes of policy tables (--max-policy-routes 4): the rules that lead to a table that is not whole"
routed --max-policy-routes 4
full=$(full_packets)
probe left <"$WORK/probes"
[ "$(full_packets)" -gt "$full" ] || fail "routes of policy tables: everything fits"
fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "routes of policy tables: verify: $(cat "$WORK/verify.out")"
probe left <<<"forward 198.19.48.9 third" # no rule is about it
for i in {0..7}; do
	ipr route del "203.0.$i.0/24" table 100
done
ipr route del 203.0.1.0/24
destinations 8 9 >"$WORK/probes"
healed "routes of policy tables"

# ---- routes of the user: the kernel's make room for them --------------------------------------------
say "- a user's drop outlives what the kernel announces, and a start in a full table"
ipr rule del to 203.0.0.0/16 lookup 100
for i in {0..19}; do
	ipr route add "203.0.$i.0/26" via 198.18.2.2
done
routed
limit=$(($(fast -j status | jq .objects.engine) + 4))
stop "$ROUTED_PID" || fail "exit code $?"
option=--max-extension-groups
[ "$ENGINE" = dir24 ] || option=--max-lpm-routes
routed "$option" "$limit"
fast add 10.60.0.0/16 drop
for i in {1..8}; do
	ipr route add "10.60.$i.128/25" via 198.18.3.2
done
settle
[ "$(fast -j status | jq .full)" -gt 0 ] || fail "everything fits"
for i in {1..8}; do
	printf '%s\n' "drop 10.60.$i.1" "forward 10.60.$i.129 third"
done >"$WORK/probes"
probe left <"$WORK/probes"
fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "verify: $(cat "$WORK/verify.out")"
stop "$ROUTED_PID" || fail "exit code $?"
mkdir "$WORK/routes"
printf '%s\n' '10.60.0.0/16 drop' '10.61.1.0/25 drop' '10.61.2.0/25 drop' >"$WORK/routes/10.conf"
routed "$option" "$limit" --routes-dir "$WORK/routes"
[ "$(fast -j status | jq '[.user_routes, .full > 0] == [3, true]')" = true ] || fail "$(fast status)"
probe left <<'END'
drop 10.61.1.1
drop 10.61.2.1
END
probe left <"$WORK/probes" # what the kernel had no room for either
fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "verify: $(cat "$WORK/verify.out")"
for i in {0..19}; do
	ipr route del "203.0.$i.0/26"
done
settle
probe left <"$WORK/probes"
verify
