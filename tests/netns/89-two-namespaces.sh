#!/usr/bin/env bash
# Interfaces of equal numbers in two namespaces: a start takes over what an earlier run left on its own interfaces, and
# nothing that is on another namespace's by now; one that was in another namespace for a moment is forwarded to again.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                r1 [ blue ] r2 --- [ far ]        the same numbers
#
. "$(dirname "$0")/../../scripts/lib.sh"

end() {
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
}

index_of() {
	ipr -j link show "$1" | jq '.[0].ifindex'
}

# programs NAMESPACE IFNAME: the ids of the XDP and tcx programs there
programs() {
	ipn "$1" -j link show "$2" | jq '.[0].xdp.prog.id // empty'
	on "$1" "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress "$2"
}

has_xdp() {
	ipr -j link show "$1" | jq -e '.[0].xdp != null'
}

# program NAMESPACE IFNAME yes|no
program() {
	local ids

	ids=$(programs "$1" "$2" | xargs)
	case $3 in
	yes) [ -n "$ids" ] || fail "$2 in $1: no program" ;;
	no) [ -z "$ids" ] || fail "$2 in $1: program $ids is attached" ;;
	esac
}

# The left host at a new r1, of that number.
new_r1() {
	ipr link add name r1 index "$1" address 02:00:00:00:01:01 type veth \
		peer name h0 address 02:00:00:00:01:02 netns "$LAB-left"
	ipn left address add 198.18.1.2/24 dev h0
	ipr address add 198.18.1.1/24 dev r1
	ipn left link set h0 up
	ipr link set r1 up
	wait_for 20 has_carrier router r1 || fail "r1: no carrier"
	on left ethtool -K h0 tx off gro on >/dev/null
	ipn left route add default via 198.18.1.1
	resolve 198.18.1.2
}

# at_once COMMAND...: the daemon hears of all of it in one go
at_once() {
	kill -STOP "$ROUTED_PID"
	"$@"
	kill -CONT "$ROUTED_PID"
}

# With the number it had; the kernel took it out of all maps of devices.
away_and_back() {
	local number

	number=$(index_of r2)
	ipr link set r2 netns "$LAB-guest"
	ipn guest link set r2 netns "$LAB-router"
	[ "$(index_of r2)" = "$number" ] || fail "r2: another number"
	ipr address add 198.18.2.1/24 dev r2
	ipr link set r2 up
	ipr route add 203.0.113.0/24 via 198.18.2.2
}

unheard() {
	ipr -batch "$WORK/storm"
	away_and_back
}

overruns() {
	fast -j status | jq .netlink.overruns
}

overrun_since() {
	[ "$(overruns)" -gt "$1" ]
}

# Long before the maps are audited.
returned() {
	wait_for 20 has_carrier router r2 || fail "r2: no carrier"
	resolve 198.18.2.2
	settle
	probe left <<<"forward 203.0.113.1 right n=3"
	verify_maps
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
hooks=(xdp)
! has_tcx || hooks+=(tc) # in its place a filter, which goes with its device
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ns_add blue
ns_add far
ns_add guest
for ((i = 0; i < 6000; i++)); do # many times what the receive buffer holds
	echo "route replace 10.$((i >> 8)).$((i & 255)).0/24 via 198.18.1.2"
done >"$WORK/storm"
for ifname in r1 r2; do
	ipn blue link add name $ifname index "$(index_of $ifname)" type veth peer name h$ifname netns "$LAB-far"
	ipn blue link set $ifname up
	ipn far link set h$ifname up
done

for HOOK in "${hooks[@]}"; do
	say "- $HOOK: killed in one namespace, started for another"
	routed --netns "$LAB-blue" --keep
	program blue r1 yes
	program router r1 no
	kill_routed
	program blue r1 yes
	routed --keep
	for ifname in r1 r2; do
		program blue $ifname no
		program router $ifname yes
	done
	probe left <<<"forward 203.0.113.1 right n=3"

	if [ "$HOOK" = xdp ]; then
		say "- $HOOK: the same, where someone else's program is on the interface"
		end
		routed --netns "$LAB-blue" --keep
		kill_routed
		background other router "$PYTHON" "$TOP/tests/netns/foreign.py" attach xdp r1
		wait_for 20 has_xdp r1 || fail "r1: no XDP program"
		before=$(programs router r1)
		routed --keep --lease 3
		program blue r1 no
		[ "$(programs router r1)" = "$before" ] || fail "r1: not the program of someone else"
		grep -q 'r1: not attached: another XDP program' "$WORK/ebpf-routed.log" || fail "r1: not said"
		stop "$BACKGROUND_PID" || true
		wait_for 20 attached r1 || fail "r1: not attached"
		probe left <<<"forward 203.0.113.1 right n=3"
	fi

	say "- $HOOK: killed, and started for the same one"
	before=$(programs router r1)
	kill_routed
	routed --keep --lease 6 --receive-buffer 262144 # at_once() stops it for a while
	[ "$(programs router r1)" != "$before" ] || fail "r1: the program of the earlier run"
	probe left <<<"forward 203.0.113.1 right n=3"

	say "- $HOOK: an interface goes to another namespace and is back before the daemon looks"
	before=$(overruns)
	at_once away_and_back
	returned
	[ "$(overruns)" = "$before" ] || fail "notifications were lost, that is another case"

	say "- $HOOK: the same, and its notifications are lost"
	at_once unheard
	wait_for 20 overrun_since "$before" || fail "nothing was lost"
	returned

	say "- $HOOK: killed, and an interface moves away, another one of its number comes"
	kill_routed
	number=$(index_of r1)
	ns_add "away-$HOOK"
	ipr link set r1 netns "$LAB-away-$HOOK"
	ipn left link set h0 down
	ipn left link set h0 name "old-$HOOK"
	new_r1 "$number"
	program "away-$HOOK" r1 yes
	routed
	program "away-$HOOK" r1 no
	program router r1 yes
	probe left <<<"forward 203.0.113.1 right n=3"
	verify_maps
	end
	for ifname in r1 r2; do
		program router $ifname no
	done
done
