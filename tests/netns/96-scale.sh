#!/usr/bin/env bash
# A large table: what one change writes does not grow with it, no dump is asked for without need, nothing
# is lost, and the table is right afterwards. How long it takes is measured by scripts/bench-control.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]   .10 to .17 stand for more gateways
#                            r3 --- [ third ]     the same
#
. "$(dirname "$0")/../../scripts/lib.sh"

N=20000

# status JQ-PATH: of the daemon.
status() {
	fast -j status | jq -c "$1"
}

# written CONDITION COMMAND...: the condition of jq holds for what the command adds to these figures.
written() {
	local condition=$1 before added

	shift
	before=$(status '[.writes, .leaf_writes, .netlink.resyncs, .netlink.overruns, .netlink.events]')
	say "- ip $*"
	ipr "$@"
	settle
	added=$(jq -nc --argjson a "$before" --argjson b "$(status '[.writes, .leaf_writes, .netlink.resyncs,
		.netlink.overruns, .netlink.events]')" '[range(5) | $b[.] - $a[.]] |
		{writes: .[0], leaves: .[1], dumps: .[2], overruns: .[3], events: .[4]}')
	jq -e "$condition" <<<"$added" >/dev/null || fail "$*: $added, not $condition"
}

[ -x "$B/scale" ] || skip "$B/scale is not built"
lab_start
port left 1
port right 2
port third 3
for i in {10..17}; do
	ipr neigh add "198.18.2.$i" lladdr 02:00:00:00:02:02 dev r2 nud permanent
	ipr neigh add "198.18.3.$i" lladdr 02:00:00:00:03:02 dev r3 nud permanent
done
"$TOP/scripts/gen-table" $N 3 >"$WORK/table"

say "- made messages are the kernel's"
background record router "$B/scale" record "$WORK/recording"
recorder=$BACKGROUND_PID
wait_for 20 grep -q recording "$WORK/record.log" || fail "the recorder does not run"
awk '{ print "route add " $1 " via 198.18." 2 + NR % 2 "." 10 + NR % 8 " proto bgp metric 20" }' \
	"$WORK/table" >"$WORK/batch"
ipr -batch "$WORK/batch"
awk 'NR % 10 == 0 { print "route replace " $1 " via 198.18.2.10 proto bgp metric 20" }
	NR % 10 == 5 { print "route del " $1 " proto bgp metric 20" }' "$WORK/table" >"$WORK/churn"
ipr -batch "$WORK/churn"
stop "$recorder" || fail "the recorder failed"
"$B/scale" compare "$WORK/recording" >"$WORK/compared" || fail "compare: $(cat "$WORK/compared")"
jq -e ".compared > $N" "$WORK/compared" >/dev/null || fail "compare: $(cat "$WORK/compared")"
"$B/scale" replay --recording "$WORK/recording" --batch 100
"$B/scale" replay --table "$WORK/table" --events 50000 --batch 1000

say "- many routes by many next hops"
routed
verify_maps
written '.leaves == 1 and .dumps == 0' route add 10.0.0.0/8 via 198.18.2.10
written '.leaves == 1 and .dumps == 0' route replace 10.0.0.0/8 via 198.18.3.10
written '.leaves == 1 and .dumps == 0' route replace default via 198.18.3.10
written '.leaves == 1 and .dumps == 0' route del 10.0.0.0/8
written ".dumps >= 1 and .overruns == 0 and .leaves > $N / 3" link set r3 down
[ "$(status .netlink.overruns)" = 0 ] || fail "notifications lost"
verify_maps
ipr link set r3 up
wait_for 20 has_carrier router r3 || fail "r3: no carrier" # which asks for a dump
ipr route flush proto bgp
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"

say "- all routes by one nexthop object"
ipr nexthop add id 7 via 198.18.2.10 dev r2
for i in {10..17}; do
	ipr neigh replace "198.18.3.$i" lladdr 02:00:00:00:03:02 dev r3 nud permanent
done
awk '{ print "route add " $1 " nhid 7 proto bgp metric 20" }' "$WORK/table" >"$WORK/batch"
ipr -batch "$WORK/batch"
routed
settle
on router "$B/scale" react "$ROUTED_PID" 1000 ip nexthop replace id 7 via 198.18.2.11 dev r2 \
	>"$WORK/react"
jq -e '.nexthops.changes == 1 and .adjacencies.changes == 0 and .ports.changes == 0' \
	"$WORK/react" >/dev/null || fail "react: not one change: $(cat "$WORK/react")"
"$B/scale" traffic "$WORK/table" 20000 10000000 "$LAB-left,h0,02:00:00:00:01:01" \
	"$LAB-right,h0" "$LAB-third,h0" >"$WORK/traffic" &
traffic=$!
PIDS+=("$traffic")
wait_for 20 grep -q running "$WORK/traffic" || fail "traffic: not running"
for mode in 0 1; do
	say "- compat_mode $mode"
	sysctl_set router net.ipv4.nexthop_compat_mode=$mode
	told=$((mode * N))
	nothing="$told <= .events and .leaves == 0 and .dumps == 0 and .overruns == 0"
	written "$nothing and .writes == 1" nexthop replace id 7 via 198.18.2.12 dev r2
	written "$nothing" nexthop replace id 7 via 198.18.3.12 dev r3
	written "$nothing" nexthop replace id 7 via 198.18.2.10 dev r2
done
stop "$traffic" || fail "traffic: exit code $?"
tail -n 1 "$WORK/traffic" >"$WORK/arrived"
jq -e '.sent > 1000 and .lost == 0 and .twice == 0 and .wrong == 0 and
	all(.sinks[]; .arrived > 0 and .socket_dropped == 0)' "$WORK/arrived" >/dev/null ||
	fail "traffic: $(cat "$WORK/arrived")"
[ "$(fast -j stats | jq .total.forwarded.packets)" -gt 1000 ] || fail "the fast path forwarded nothing"
verify_maps
