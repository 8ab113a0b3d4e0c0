#!/usr/bin/env bash
# Notifications that are lost because the receive buffer is full: in a storm of routes, while the daemon is
# stopped for less and for more than its lease, and during the dump that is to bring them back. The maps are
# right in the end, it is counted, said once, and dumps do not follow one another without a pause.
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            \ r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

LEASE=4
N=6000 # routes of a storm: many times what the buffer holds

# storm HOST-NUMBER: all of 203.x.y.0/24 by that host, as fast as the kernel takes them.
storm() {
	ipr -batch "$WORK/storm.$1"
}

# made HOST-NUMBER: what it is made of, before the daemon is stopped.
made() {
	local i

	for ((i = 0; i < N; i++)); do
		echo "route replace 203.$((i >> 8)).$((i & 255)).0/24 via 198.18.$1.2"
	done >"$WORK/storm.$1"
}

# shortly HOST-NUMBER: a storm while the daemon is stopped; 1 where that took so long that its lease may have run out
shortly() {
	local began=${EPOCHREALTIME/[.,]/}

	kill -STOP "$ROUTED_PID"
	storm "$1"
	kill -CONT "$ROUTED_PID"
	wait_for 20 has_lost || true
	[ $((${EPOCHREALTIME/[.,]/} - began)) -lt $((LEASE * 600000)) ] # a third may have been over at its begin
}

# storms: one after another, until the file goes.
storms() {
	while [ -e "$WORK/storming" ]; do
		ipr -batch "$WORK/storm.2" && ipr -batch "$WORK/storm.3"
	done
}

netlink() {
	fast -j status | jq ".netlink.$1"
}

following() {
	[ "$(fast -j status | jq -r .state)" = synced ]
}

# right HOST: nothing is missing any more, and packets go there.
right() {
	wait_for 30 following || fail "still not following: $(fast -j status)"
	verify_maps
	wait_for 20 forwards "$1" || forwards "$1" || fail "probes from left: see above"
}

forwards() {
	probe_only left <<END
forward 203.0.1.1 $1
forward 203.$(((N - 1) >> 8)).$(((N - 1) & 255)).1 $1
END
}

# lost: that notifications were lost since the last time.
OVERRUNS=0
lost() {
	local now

	now=$(netlink overruns)
	[ "$now" -gt "$OVERRUNS" ] || fail "nothing was lost: $now overruns"
	OVERRUNS=$now
}

has_lost() {
	[ "$(netlink overruns)" -gt "$OVERRUNS" ]
}

lines_of() {
	grep -c "$1" "$WORK/ebpf-routed.log" || true
}

lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr link add 'r"\q' type veth peer name p0 # for the metrics
made 2
made 3
routed --receive-buffer 4096 --metrics 127.0.0.1:9917 --lease $LEASE
storm 2
wait_for 30 following || fail "not following"
OVERRUNS=$(netlink overruns)

say "- stopped for less than the lease"
until shortly 3; do # a machine that stops: not this time
	say "  it took longer"
	right third
	lost
	: >"$WORK/ebpf-routed.log"
done
right third
lost
[ "$(lines_of 'lease: ran out')" = 0 ] || fail "the lease ran out"

say "- stopped for longer than the lease: the kernel forwards meanwhile, the fast path comes back by itself"
kill -STOP "$ROUTED_PID"
storm 2
sleep "$LEASE.2" # the lease
ENGINE=kernel probe left <<<"forward 203.0.1.1 right" # nobody answers for the counters
kill -CONT "$ROUTED_PID"
wait_for 20 has_lost || true
right right
lost
[ "$(counter r1 .fallback.reasons.stale.packets)" -gt 0 ] || fail "forwarded by maps of a stopped daemon"
[ "$(lines_of 'lease: ran out: the daemon was stopped')" -gt 0 ] || fail "why the lease ran out is not said"
[ "$(lines_of 'lease: ran out: notif')" = 0 ] || fail "the storm is blamed for what the stop did"

say "- a storm that goes on: overruns during the dumps, too"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
# On a slow machine the storm has pauses, in which a dump may go through: not for as long as this lease, sooner or later.
routed --receive-buffer 4096 --metrics 127.0.0.1:9917 --lease 1
wait_for 30 following || fail "not following"
OVERRUNS=$(netlink overruns)
resyncs=$(netlink resyncs) lines=$(lines_of 'notifications lost') given=$(lines_of 'lease: ran out: notif')
recovered=$(lines_of 'lease: ran out: the daemon was stopped or too busy, forwarding')
: >"$WORK/storming"
storms &
stormer=$!
PIDS+=("$stormer")
began=${EPOCHREALTIME/[.,]/}
sleep 8 # what is counted is how often in that time
dumps=$(($(netlink resyncs) - resyncs)) said=$(($(lines_of 'notifications lost') - lines))
took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000000 + 1))
# Those because a short lease ran out while nothing was missing are another matter.
recovered=$(($(lines_of 'lease: ran out: the daemon was stopped or too busy, forwarding') - recovered))
say "  $(($(netlink overruns) - OVERRUNS)) overruns, $dumps dumps, $(netlink last_resync_us) us each," \
	"$recovered as the lease had run out, $said lines in the log"
[ "$dumps" -ge 2 ] || fail "$dumps dumps in $took s"
# At 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3 s; three more for a storm that stood still.
[ $((dumps - recovered)) -le $((10 + 2 * (took > 9 ? took - 9 : 0))) ] || fail "$dumps dumps in $took s: no back-off"
[ "$said" -le $((1 + took / 10)) ] || fail "each overrun is said: $said in $took s"
given_up() {
	[ "$(lines_of 'lease: ran out: notifications are lost faster than dumps go through')" -gt "$given" ]
}
wait_for 60 given_up || fail "the lease is extended though notifications are missing"
rm "$WORK/storming"
reap "$stormer" || fail "the storm failed"
storm 3
right third
lost

say "- lag and durations are told, by the command and on the metrics page"
fast -j status | jq -e '.netlink | .lag_us > 0 and .lag_max_us >= .lag_us and .last_resync_us > 0' >/dev/null ||
	fail "status: $(fast -j status)"
metrics 127.0.0.1:9917 >"$WORK/metrics" || fail "no metrics"
for name in netlink_overruns_total netlink_lag_seconds netlink_lag_max_seconds resync_duration_seconds; do
	awk -v name="ebpfroute_$name" '$1 == name && $2 > 0 { found = 1 } END { exit !found }' "$WORK/metrics" ||
		fail "metrics: $name: $(grep "$name" "$WORK/metrics")"
done
"$PYTHON" "$TOP/tests/netns/exposition.py" <"$WORK/metrics" >"$WORK/wrong" || fail "the metrics page: $(cat "$WORK/wrong")"
grep -qF 'ebpfroute_rx_packets_total{interface="r\"\\q"} ' "$WORK/metrics" ||
	fail "a name with quotes is not as labels have them: $(grep -F 'interface="r\"' "$WORK/metrics")"
