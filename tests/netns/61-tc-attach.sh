#!/usr/bin/env bash
# How the program comes to the tc ingress of an interface, and leaves it: by tcx, or behind the filters that
# were there before. Those are never touched; what a killed daemon left is taken over, or goes.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

PIN_DIR=/sys/fs/bpf/ebpf-route/$LAB

# filters IFNAME: a line for each filter at its ingress, without the program's numbers
filters() {
	on router tc filter show dev "$1" ingress
}

ours() {
	filters "$1" | grep -c 'pref 65000 bpf .*handle.* router_tc' || true
}

# hooked IFNAME HOOK: status and the kernel agree
hooked() {
	[ "$(fast -j status | jq -r --arg ifname "$1" '.interfaces[] | select(.ifname == $ifname).hook')" = "$2" ] ||
		fail "$1: not attached by $2"
	verify_maps
}

nothing_left() {
	[ "$(ours r1)$(ours r2)" = 00 ] || fail "$1: a filter of ours is left"
	[ ! -e "$PIN_DIR" ] || fail "$1: $PIN_DIR is left: $(ls "$PIN_DIR")"
	ipr -j link show | jq -e 'all(.[]; .xdp == null)' >/dev/null || fail "$1: XDP program attached"
}

end() {
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
}

tcx() {
	[ -n "$(on router "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress "$1")" ]
}

has_clsact() {
	[[ $(on router tc qdisc show dev "$1") == *clsact* ]]
}

attached_anew() {
	grep -q "$1: detached by someone else: attached (tc)" "$WORK/ebpf-routed.log"
}

# lost IFNAME: how often it was detached by someone else
lost() {
	grep -c "$1: detached by someone else" "$WORK/ebpf-routed.log" || true
}

not_asked_for() {
	tail -n 3 "$WORK/ebpf-routed.log" | has "$1: detached, no longer asked for"
}

# by_file IFNAME...: routed(), and the file says which interfaces
by_file() {
	asked "$@"
	: >"$WORK/ready"
	"$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB" --hook tc --fib "$ENGINE" --lease 60 \
		--config "$WORK/conf" >"$WORK/ready" 2>>"$WORK/ebpf-routed.log" </dev/null &
	ROUTED_PID=$!
	PIDS+=("$ROUTED_PID")
	wait_for 60 test -s "$WORK/ready" || fail "ebpf-routed: not ready in time"
}

asked() {
	printf 'interface = %s\n' "$@" >"$WORK/conf"
}

others=()

# A filter of someone else: drops what goes to 203.0.113.66, and says nothing of the rest.
DROP_ONE='4,32 0 0 30,21 0 1 3405803842,6 0 0 2,6 0 0 4294967295'

lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2

say "- auto takes tc for veth, xdp where it is named"
HOOK=auto routed
hooked r1 tc
probe left <<<"forward 203.0.113.1 right n=5"
ipr link add link r2 name r9 type macvlan mode bridge
ipr link set r9 up
wait_for 20 attached r9 || fail "r9: not attached"
hooked r9 tc
grep -q "r9: attached (tc): no XDP: its driver" "$WORK/ebpf-routed.log" || fail "r9: why tc is not said"
ipr link del r9
settle
end
nothing_left "auto"

say "- a filter that was there comes first, and stays as it is"
on router tc qdisc add dev r1 clsact
on router tc filter add dev r1 ingress pref 7 bpf da bytecode "$DROP_ONE"
before=$(filters r1)
routed
hooked r1 tc
hooked r2 tc
[ "$(ours r1)" = 1 ] || fail "r1: not behind the filter:" "$(filters r1)"
! has_tcx || [ "$(ours r2)" = 0 ] || fail "r2: a filter, where tcx would do"
probe left <<<"forward 203.0.113.1 right n=5"
probe_only left --stats '' <<<"drop 203.0.113.66" || fail "the filter was passed by"

say "- killed: the next start takes over what is left"
kill_routed
[ "$(ours r1)" = 1 ] || fail "r1: a filter ends with its daemon?"
routed
hooked r1 tc
hooked r2 tc
[ "$(ours r1)" = 1 ] || fail "r1: not one filter of ours:" "$(filters r1)"
probe left <<<"forward 203.0.113.1 right n=5"

say "- killed: by another hook the next start leaves nothing of it"
kill_routed
HOOK=xdp routed -i 'r[2]'
hooked r2 xdp
[ "$(ours r1)" = 0 ] || fail "r1: not swept:" "$(filters r1)"
compgen -G "$PIN_DIR/tcx-*" >/dev/null && fail "tcx links are left: $(ls "$PIN_DIR")"
kill_routed
routed
hooked r2 tc
ipr -j link show | jq -e 'all(.[]; .xdp == null)' >/dev/null || fail "XDP and tc at once"

say "- kept: the filter and the links stay, and are taken over"
end
routed --keep
end
[ "$(ours r1)" = 1 ] || fail "r1: nothing kept"
! has_tcx || [ -e "$PIN_DIR/tcx-$(ipr -j link show r2 | jq '.[0].ifindex')" ] || fail "r2: no link kept"
routed
hooked r1 tc
probe left <<<"forward 203.0.113.1 right n=5"
end
nothing_left "the end"
[ "$(filters r1)" = "$before" ] || fail "r1: its filters changed:" "$(diff <(echo "$before") <(filters r1) || true)"
on router tc qdisc show dev r1 | has clsact || fail "r1: the qdisc that was there has gone"

if has_tcx; then
	say "- killed: the qdisc made for our filter goes at the end of the next run, not if it is in use or someone else's"
	on router tc filter del dev r1 ingress # leaves a qdisc of someone else
	for ifname in r1 r2; do # behind these ours is a filter
		background other router "$PYTHON" "$TOP/tests/netns/foreign.py" attach tcx-ingress $ifname
		others+=("$BACKGROUND_PID")
		wait_for 20 tcx $ifname || fail "$ifname: no tcx program"
	done
	for next in tc xdp; do
		routed
		[ "$(ours r1)$(ours r2)" = 11 ] || fail "not behind the tcx programs"
		kill_routed
		HOOK=$next routed
		end
		nothing_left "after a crash, and $next"
		has_clsact r1 || fail "r1: the qdisc that was there has gone"
		! has_clsact r2 || fail "r2: the qdisc made for our filter is left"
	done
	routed
	kill_routed
	on router tc filter add dev r2 egress bpf da bytecode "$DROP_ONE"
	routed
	on router tc qdisc del dev r1 clsact
	wait_for 20 attached_anew r1 || fail "r1: not attached again"
	end
	has_clsact r2 || fail "r2: the qdisc has gone with someone else's filter in it"
	! has_clsact r1 || fail "r1: this time it was made for our filter, and is left"
	on router tc qdisc del dev r2 clsact
	routed
	kill -STOP "$ROUTED_PID"
	on router tc qdisc del dev r2 clsact
	on router tc qdisc add dev r2 clsact
	kill -CONT "$ROUTED_PID"
	wait_for 20 attached_anew r2 || fail "r2: not attached again"
	end
	has_clsact r2 || fail "r2: the qdisc that someone else put in the place of ours has gone"
	on router tc qdisc del dev r2 clsact

	say "- nor one put in the place of ours that was not read of when the interface is no longer asked for"
	ipr link add d0 type veth peer name d1
	unread=
	for ((i = 0; i < 5 && !${#unread}; i++)); do
		by_file r1 r2
		has_clsact r2 || fail "r2: not behind the tcx programs"
		before=$(lost r2)
		asked r1
		# It looks at d0's at once, and at what comes then 0.1 s later.
		# shellcheck disable=SC2016 # of the shell inside
		on router sh -c 'tc qdisc add dev d0 clsact; sleep 0.03; tc -batch - && kill -HUP "$1"' sh "$ROUTED_PID" \
			<<<$'qdisc del dev r2 clsact\nqdisc add dev r2 clsact'
		wait_for 20 not_asked_for r2 || fail "r2: still attached"
		[ "$(lost r2)" != "$before" ] || unread=1
		end
		has_clsact r2 || fail "r2: the qdisc that someone else put in the place of ours has gone with SIGHUP"
		on router tc qdisc del dev r2 clsact
		on router tc qdisc del dev d0 clsact
	done
	[ "$unread" ] || fail "the daemon has read of the qdisc each time"
	ipr link del d0
	on router tc qdisc add dev r1 clsact
	for pid in "${others[@]}"; do
		stop "$pid" || true
	done
fi

say "- a filter at our very place is not ours: left alone, and said"
on router tc filter del dev r1 ingress 2>/dev/null || true
# FNV-1a of the instance's name, as daemon/attach.c has it
handle=$("$PYTHON" -c '
import functools, sys
value = functools.reduce(lambda h, c: (h ^ c) * 16777619 & 0xffffffff, sys.argv[1].encode(), 2166136261)
print("0x%x" % (value & 0x3fffffff | 0x40000000))' "$LAB")
on router tc filter add dev r1 ingress pref 65000 handle "$handle" bpf da bytecode "$DROP_ONE"
before=$(filters r1)
routed
hooked r1 none
hooked r2 tc
grep -q "r1: not attached: another filter" "$WORK/ebpf-routed.log" || fail "r1: not said"
end
[ "$(filters r1)" = "$before" ] || fail "r1: its filter changed"

say "- a block of filters that devices share: nothing is added to it, and that is said; attached when it has gone"
on router tc qdisc del dev r1 clsact
on router tc qdisc add dev r1 ingress_block 7 clsact
on router tc filter add block 7 pref 7 bpf da bytecode "$DROP_ONE"
before=$(on router tc filter show block 7)
routed
hooked r1 none
hooked r2 tc
grep -q "r1: not attached: its tc filters are a block shared with others" "$WORK/ebpf-routed.log" || fail "r1: not said"
[ "$(on router tc filter show block 7)" = "$before" ] || fail "the block changed"
on router tc qdisc del dev r1 clsact
wait_for 20 attached r1 || fail "r1: not attached when the block has gone"
hooked r1 tc
end
nothing_left "the block"
