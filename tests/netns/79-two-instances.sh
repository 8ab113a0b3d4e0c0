#!/usr/bin/env bash
# Two instances on the same interfaces: the second one is refused there and says so, touches nothing, and takes them
# when the first one has gone.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

REFUSED="not attached: another ebpf-routed instance is attached, its packets are left to that one"

# second ARGUMENTS...: another instance, for r1 and r2, by the commands in $WITHIN
WITHIN=()
second() {
	: >"$WORK/second.log"
	: >"$WORK/second-ready"
	"${WITHIN[@]}" "$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB-b" -i 'r*' --lease 3 "$@" \
		>"$WORK/second-ready" 2>>"$WORK/second.log" </dev/null &
	SECOND_PID=$!
	PIDS+=("$SECOND_PID")
	wait_for 30 test -s "$WORK/second-ready" || fail "the second instance: not ready"
}

# hooks first|second: of r1 and r2, as its status says
hooks() {
	"$B/ebpf-route" --instance "$([ "$1" = first ] && echo "$LAB" || echo "$LAB-b")" -j status |
		jq -r '[.interfaces[] | select(.ifname == "r1" or .ifname == "r2").hook] | join(" ")'
}

are() {
	[ "$(hooks "$1")" = "$2 $2" ]
}

programs() {
	on router tc filter show dev r1 ingress
	on router "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress r1
}

refused() {
	are second none || fail "$1: the second one: '$(hooks second)'"
	for ifname in r1 r2; do
		grep -qF "$ifname: $REFUSED" "$WORK/second.log" || fail "$1: $ifname: not said:" "$(cat "$WORK/second.log")"
	done
}

still_refused() {
	sleep 1.5 # it looks three times a second, and takes what was free for two looks
	refused "$1"
	[ "$(programs)" = "$before" ] || fail "$1: others were touched:" "$(programs)"
}

more_refusals() {
	[ "$(grep -cF "$REFUSED" "$WORK/second.log")" -gt "$1" ]
}

ends_and_is_followed() {
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	wait_for 30 are second tc || fail "$1: not attached after the first one: '$(hooks second)'"
	grep -q 'r1: nothing in the way any more: attached (tc)' "$WORK/second.log" || fail "$1: not said"
	stop "$SECOND_PID" || fail "SIGTERM: exit code $?"
}

nothing_left() {
	[ -z "$(programs)" ] || fail "$1: left:" "$(programs)"
	! on router tc qdisc show dev r1 | has clsact || fail "$1: a qdisc clsact is left"
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
cases=(filter xdp)
! has_tcx || cases+=(tcx)

for case_ in "${cases[@]}"; do
	say "- the first one by $case_"
	if [ "$case_" = filter ]; then # ours comes behind it
		for ifname in r1 r2; do
			on router tc qdisc add dev $ifname clsact
			on router tc filter add dev $ifname ingress pref 7 bpf da bytecode '1,6 0 0 4294967295'
		done
	fi
	hook=$([ "$case_" = xdp ] && echo xdp || echo tc)
	HOOK=$hook routed --lease 3
	before=$(programs)
	second --hook tc --lease 1
	refused "$case_"
	still_refused "$case_, later"
	fast settle
	are first "$hook" || fail "$case_: the first one: '$(hooks first)'"
	[ "$case_" = xdp ] || probe left <<<"forward 203.0.113.1 right n=3"
	fast add 203.0.113.7/32 drop
	"$B/ebpf-route" --instance "$LAB-b" add 203.0.113.9/32 drop
	[ "$case_" = xdp ] || probe_only left --stats '' <<<"forward 203.0.113.9 right n=3" ||
		fail "the second one sees packets"

	say "- the first one ends"
	ends_and_is_followed "$case_"
	if [ "$case_" = filter ]; then
		for ifname in r1 r2; do
			on router tc qdisc del dev $ifname clsact
		done
	fi
	nothing_left "$case_"
done

# Its own /sys, as in `ip netns exec`: there the pins of the first one cannot be seen, and once the second one has
# given up its rights it may not ask for the names of programs either.
# shellcheck disable=SC2016 # of the shell inside
WITHIN=(unshare -m sh -c 'mount -t bpf bpf /sys/fs/bpf && exec "$@"' sh)
for case_ in "${cases[@]:1}"; do
	say "- by $case_, the second one with a /sys of its own"
	HOOK=$case_
	[ "$case_" = xdp ] || HOOK=tc
	routed --lease 3
	before=$(programs)
	second --hook tc --lease 1
	refused "$case_, own /sys"
	still_refused "$case_, own /sys, later"
	refusals=$(grep -cF "$REFUSED" "$WORK/second.log")
	kill -HUP "$SECOND_PID"
	wait_for 30 more_refusals "$refusals" || fail "$case_: SIGHUP: not refused again:" "$(cat "$WORK/second.log")"

	say "- the first one is killed, and the next one takes over"
	kill_routed
	routed --lease 3
	before=$(programs)
	still_refused "$case_, own /sys, after the first one's restart"
	are first "$HOOK" || fail "$case_: the first one: '$(hooks first)'"
	ends_and_is_followed "$case_, own /sys"
	nothing_left "$case_, own /sys"
done
