#!/usr/bin/env bash
# Hundreds of interfaces, as a host of containers has them. At the tc ingress the kernel waits a grace period for each:
# for all of them longer than the lease, which must hold all the same: at a start, and where they appear at once.
#
# check: once alone
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]      with m1 .. m200, more later, whose other ends are n1 ..
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

MANY=200 # each 4 to 20 ms
PATIENCE=60

ran_out() {
	grep -c '^ebpf-routed: lease: ran out' "$WORK/ebpf-routed.log" || true
}

# many FIRST LAST: pairs of the router's own.
many() {
	local i

	for ((i = $1; i <= $2; i++)); do
		echo "link add m$i up type veth peer name n$i"
	done >"$WORK/batch"
	ipr -batch "$WORK/batch"
}

attached() {
	[ "$(fast -j status | jq '[.interfaces[] | select(.hook == "tc")] | length')" = "$1" ]
}

synced() {
	[ "$(fast -j status | jq -r .state)" = synced ]
}

# holds WHAT COMMAND: without the lease running out; a machine that stops for a second gets two more tries.
holds() {
	local try before began

	for try in 1 2 3; do
		before=$(ran_out) began=${EPOCHREALTIME/[.,]/}
		"$2" "$try"
		wait_for $PATIENCE attached "$EXPECTED" || fail "$1: not all are attached, but $(fast -j status | jq '.interfaces | length')"
		say "- $1: $EXPECTED interfaces, $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
		settle
		wait_for $PATIENCE synced || fail "$1: not synced: $(fast -j status | jq .state)"
		[ "$(ran_out)" = "$before" ] || continue
		probe left <<<"forward 203.0.113.1 right n=5"
		return 0
	done
	fail "$1: the lease ran out"
}

start() {
	[ "$1" = 1 ] || stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	routed -i 'r*' -i 'm*' --lease 1
}

restart() {
	kill -KILL "$ROUTED_PID"
	reap "$ROUTED_PID" || true
	routed -i 'r*' -i 'm*' --lease 1
}

appear() {
	many $((EXPECTED - 1)) $((EXPECTED - 2 + MANY))
	EXPECTED=$((EXPECTED + MANY))
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
many 1 $MANY
EXPECTED=$((MANY + 2))
: >"$WORK/ebpf-routed.log"
holds "a start" start
holds "a restart after a crash" restart
holds "more appear at once" appear
verify_maps
