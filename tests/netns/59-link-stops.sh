#!/usr/bin/env bash
# A link that goes down while a dump of a large table runs takes no packet from then on: its port goes at
# once, the next hops by it follow when the dump is done.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]   .10 to .25 stand for more gateways
#                            r3 --- [ third ]     the same
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$TOP/scripts/lib-churn.sh"

N=150000

# react MILLISECONDS COMMAND...: from the notification to the maps; see build/scale.
react() {
	on router "$B/scale" react "$ROUTED_PID" "$@" >"$WORK/react"
}

dumps() {
	fast -j status | jq .netlink.resyncs
}

# ahead: the port went long before its next hops did, not with the end of the dump. How soon, on a busy machine, says
# scripts/bench-control.
ahead() {
	jq -e '.nexthops.first_us - .ports.first_us > 10000 and .ports.first_us * 3 < .nexthops.first_us' \
		"$WORK/react" >/dev/null
}

up() {
	ipr link set "$1" up
	wait_for 20 has_carrier router "$1" || fail "$1: no carrier"
	settle
}

# down_during_dump DEVICE: SIGHUP has everything read again, and the device goes down in the course of it.
down_during_dump() {
	local device=$1 tries

	for tries in {1..30}; do
		kill -HUP "$ROUTED_PID"
		sleep "0.0$((2 + tries % 4))"
		react 1500 ip link set "$device" down
		say "  try $tries: $(jq -c '[.ports.first_us, .nexthops.first_us]' "$WORK/react") us"
		settle
		! ahead || return 0
		up "$device"
	done
	fail "the port of $device never went before its next hops: $(cat "$WORK/react")"
}

[ "$ENGINE" != kernel ] || skip "this is about the daemon"
[ -x "$B/scale" ] || skip "$B/scale is not built"
lab_start
port left 1
port right 2
port third 3
"$TOP/scripts/gen-table" $N 3 >"$WORK/table"
feed "$WORK/table" 0
routed
settle

say "- r3 goes down during a dump"
down_during_dump r3
verify_maps

say "- and comes up: it forwards again"
up r3
fast -j link | jq -e '.[] | select(.ifname == "r3") | .fastpath.egress != "egress_down"' >/dev/null ||
	fail "r3 is not up: $(fast -j link)"
verify_maps
