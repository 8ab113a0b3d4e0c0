#!/usr/bin/env bash
# What others have at tc on an interface, and forwarded packets do not pass through: named in one line of the
# log when it comes and one when it goes, in `status` and in the metrics. At the tc hook ours comes behind them.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

METRICS=127.0.0.1:9187

# said N PATTERN: so many lines of the log since the daemon's start
said() {
	[ "$(grep -cE -- "$2" "$WORK/ebpf-routed.log")" = "$1" ]
}

bypassed() {
	fast -j status | jq -r --arg ifname "$1" '.interfaces[] | select(.ifname == $ifname).bypassed | join(", ")'
}

metric() {
	metrics "$METRICS" | sed -n "s/^ebpfroute_bypassed{interface=\"$1\"} //p"
}

found() {
	[ "$(bypassed "$1")" = "$2" ]
}

# now IFNAME WHAT [N LINE]...: status, text and metrics say so, and the log has that many of these lines.
now() {
	local ifname=$1 what=$2 commas

	shift 2
	wait_for 20 found "$ifname" "$what" || fail "$ifname: '$(bypassed "$ifname")' instead of '$what'"
	commas=${what//[^,]/}
	[ "$(metric "$ifname")" = "$([ -z "$what" ] && echo 0 || echo $((${#commas} + 1)))" ] ||
		fail "$ifname: the metric is $(metric "$ifname")"
	[ -z "$what" ] || [[ $(fast status) =~ "  $ifname ".*"  BYPASSED: $what" ]] ||
		fail "$ifname: not in status:" "$(fast status)"
	while [ $# -gt 0 ]; do
		said "$1" "^ebpf-routed: $ifname: $2" || fail "$ifname: not $1 times in the log: $2"
		shift 2
	done
}

# sent IFNAME: packets that its root qdisc has seen
sent() {
	on router tc -s -j qdisc show dev "$1" root | jq '.[0].packets'
}

filter() {
	on router tc filter "$1" dev "$2" "$3" pref "$4" bpf da bytecode "$PASS"
}

qdisc() {
	on router tc qdisc "$@"
}

# another PLACE IFNAME [drop]: its process id in OTHER
another() {
	: >"$WORK/other.log"
	background other router "$PYTHON" "$TOP/tests/netns/foreign.py" attach "$@"
	OTHER=$BACKGROUND_PID
	wait_for 20 test -s "$WORK/other.log" || fail "no program at $1"
}

PASS='1,6 0 0 4294967295'                                            # goes on to the next filter
DROP_ONE='4,32 0 0 30,21 0 1 3405803842,6 0 0 2,6 0 0 4294967295' # what goes to 203.0.113.66
XDP='does not see what XDP forwards; what --hook tc forwards it does'

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2

say "- what was there is told of before the daemon is ready"
qdisc add dev r2 root htb
qdisc add dev r1 clsact
filter add r1 ingress 7
routed --metrics "$METRICS"
said 1 "r1: tc ingress filter: $XDP\$" || fail "r1: not said at start"
said 1 "r2: qdisc htb: $XDP\$" || fail "r2: not said at start"
said 2 "does not see" || fail "more than that said at start"
now r1 'tc ingress filter'
now r2 'qdisc htb'
before=$(sent r2)
probe left <<<"forward 203.0.113.1 right n=100"
[ $(($(sent r2) - before)) -lt 50 ] || fail "r2: what XDP forwards does pass its qdisc?" # ARP does

say "- filters come and go"
filter add r1 ingress 8
filter del r1 ingress 7
now r1 'tc ingress filter' 1 'tc ingress' # still one
filter del r1 ingress 8
now r1 '' 1 'tc ingress filter: no longer bypassed'
qdisc add dev r2 clsact
filter add r2 egress 9
now r2 'tc egress filter, qdisc htb' 1 "tc egress filter: $XDP"
qdisc del dev r2 clsact
now r2 'qdisc htb' 1 'tc egress filter: no longer bypassed'

say "- qdiscs are replaced, and plain queues are none to speak of"
qdisc replace dev r2 root tbf rate 1gbit burst 100kb latency 50ms
now r2 'qdisc tbf' 1 "qdisc tbf: $XDP"
qdisc del dev r2 root
now r2 '' 1 'qdisc tbf: no longer bypassed'
qdisc add dev r2 root pfifo
qdisc add dev r1 root tbf rate 1gbit burst 100kb latency 50ms
now r1 'qdisc tbf' 1 'qdisc tbf'
now r2 ''
said 0 'qdisc pfifo' || fail "r2: pfifo was said"

say "- ways out that are not attached, too; below mq its queues count"
ipr link add x9 numtxqueues 2 type veth peer name y9
ipr link add ifb9 numtxqueues 2 type ifb # no native XDP can send by it
for ifname in x9 ifb9; do
	ipr link set $ifname up
	qdisc add dev $ifname root handle 9: mq
	qdisc add dev $ifname parent 9:2 tbf rate 1gbit burst 100kb latency 50ms
done
ipr link set y9 up
on router ethtool -K y9 gro on
now x9 'qdisc tbf' 1 "qdisc tbf: $XDP"
now r1 'qdisc tbf'
[ -z "$(bypassed ifb9)" ] || fail "ifb9: not a way out of XDP, but in status"
said 0 'ifb9: ' || fail "ifb9: not a way out of XDP, but said"
ipr link del x9
ipr link del ifb9
settle
[ -z "$(bypassed x9)" ] || fail "x9: gone, and still told of"

if has_tcx; then
	say "- tcx programs, which nothing announces"
	another tcx-ingress r1
	now r1 'tcx ingress program, qdisc tbf' 1 "tcx ingress program: $XDP"
	stop "$OTHER" || true
	now r1 'qdisc tbf' 1 'tcx ingress program: no longer bypassed'
	another tcx-egress r2
	now r2 'tcx egress program' 1 "tcx egress program: $XDP"
	stop "$OTHER" || true
	now r2 '' 1 'tcx egress program: no longer bypassed'
fi

say "- a reload says nothing again"
reload
now r1 'qdisc tbf' 1 'qdisc tbf'
verify_maps
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"

say "- nothing is bypassed by who only looks on"
: >"$WORK/ebpf-routed.log"
filter add r1 ingress 7
routed --observe --metrics "$METRICS"
now r1 '' 0 'qdisc|tc '
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"

say "- the same by the tc hook: everything is passed through, so there is nothing to say"
: >"$WORK/ebpf-routed.log"
qdisc replace dev r2 root tbf rate 1gbit burst 100kb latency 50ms
qdisc add dev r2 clsact
filter add r2 egress 9
qdisc del dev r1 clsact
HOOK=tc routed --metrics "$METRICS"
now r1 ''
now r2 ''
before=$(sent r2)
probe left <<<"forward 203.0.113.1 right n=100"
[ $(($(sent r2) - before)) -ge 100 ] || fail "r2: not all packets went through its qdisc"

say "- filters and tcx programs that come later are gone behind"
qdisc add dev r1 clsact
on router tc filter add dev r1 ingress pref 7 bpf da bytecode "$DROP_ONE"
if has_tcx; then
	wait_for 20 said 1 'r1: others came to its tc ingress, going behind them: attached \(tc\)$' || fail "r1: not behind"
	[ -z "$(on router "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress r1)" ] ||
		fail "r1: a tcx program is left"
fi
probe left <<<"forward 203.0.113.1 right n=5"
probe_only left --stats '' <<<"drop 203.0.113.66" || fail "the filter was passed by"
if has_tcx; then
	qdisc del dev r2 clsact # its own: r2 is attached by tcx
	another tcx-ingress r2 drop
	wait_for 20 said 1 'r2: others came to its tc ingress, going behind them: attached \(tc\)$' || fail "r2: not behind"
	probe_only right --stats '' <<<"drop 198.18.1.2" || fail "r2: the tcx program was passed by"
	stop "$OTHER" || true
fi
now r1 ''
now r2 ''
filter add r1 ingress 65100 # the one place that is behind ours
now r1 'tc ingress filter' 1 'tc ingress filter: does not see what is forwarded: it comes after pref 65000'
verify_maps
filter del r1 ingress 65100
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"

say "- the end leaves theirs, and nothing of ours"
filters=$(on router tc filter show dev r1 ingress)
[[ $filters == *"pref 7 bpf"* ]] || fail "r1: its filter is gone"
[[ $filters != *"pref 65000"* ]] || fail "r1: our filter is left"
[[ $(qdisc show dev r1) == *clsact* ]] || fail "r1: its clsact is gone"
! has_tcx || [[ $(qdisc show dev r2) != *clsact* ]] || fail "r2: our clsact is left"
