#!/usr/bin/env bash
# File descriptors are short: an interface too many costs itself alone, a client too many is refused, and with none at
# all the daemon waits instead of turning. And a daemon in a time namespace, whose clock is not the programs'.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#       [ third ] --- r3, r4 --- [ fourth ]     come later
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

BESIDE_PORTS=32 # daemon/descriptors.h
PATIENCE=30
METRICS=127.0.0.1:9187

said() {
	grep -qE -- "^ebpf-routed: $1" "$WORK/ebpf-routed.log"
}

soft_limit() {
	prlimit --pid "$ROUTED_PID" --nofile --noheadings -o SOFT
}

limit() {
	prlimit --pid "$ROUTED_PID" --nofile="$1:"
}

# The number that the daemon's next descriptor gets, once it has closed what it has open for a moment only.
lowest_free() {
	local least=9999 n

	for _ in {1..10}; do
		n=0
		while [ -e "/proc/$ROUTED_PID/fd/$n" ]; do
			n=$((n + 1))
		done
		least=$((n < least ? n : least))
		sleep 0.01
	done
	echo $least
}

# Of the daemon's, in hundredths of a second.
cpu_time() {
	awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$ROUTED_PID/stat"
}

kernel_forwards() {
	probe_only "$1" --stats '' <<<"forward 203.0.113.1 right n=3"
}

kernel_drops() {
	probe_only left --stats '' <<<"drop 203.0.113.1 n=3"
}

fast_path() {
	settle
	probe "$1" <<<"forward 203.0.113.1 right n=3"
}

# Are there no more left than clients have to leave, or one less?
short_for_clients() {
	[ $(($(soft_limit) - $(lowest_free))) -le 16 ]
}

metrics_answer() {
	metrics $METRICS | has ebpfroute_routes
}

undisturbed() {
	! said '.*(Too many open files|lease: ran out)' || fail "$1: the daemon is disturbed"
}

# A daemon in a time namespace, its clock so many seconds ahead of the programs'.
routed_ahead() {
	local real=$B

	mkdir -p "$WORK/ahead"
	printf '#!/bin/sh\nexec unshare --time --monotonic %d --fork %s/ebpf-routed "$@"\n' "$1" "$(realpath "$real")" \
		>"$WORK/ahead/ebpf-routed"
	chmod +x "$WORK/ahead/ebpf-routed"
	B=$WORK/ahead
	routed --lease 8
	B=$real
	AHEAD_PID=$(pgrep -P "$ROUTED_PID")
	PIDS+=("$AHEAD_PID")
}

end_ahead() {
	kill "-$1" "$AHEAD_PID"
	wait_for "$PATIENCE" gone "$AHEAD_PID" || fail "still there after SIG$1"
	reap "$ROUTED_PID" || true
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2

say "- the limit is raised at the start"
before=$(ulimit -Sn)
most=$(ulimit -Hn)
ulimit -Sn 200
routed --metrics $METRICS
ulimit -Sn "$before"
[ "$(soft_limit)" -ge $((most < 2048 ? most : 2048)) ] || fail "the limit is $(soft_limit) of $most"

say "- one port more fits, the next one does not"
limit $(($(lowest_free) + BESIDE_PORTS + 1))
port third 3
wait_for "$PATIENCE" said 'r3: attached' || fail "r3: not attached"
port fourth 4
wait_for "$PATIENCE" said "r4: not attached: file descriptors are short \(limit [0-9]+.*the kernel's path" ||
	fail "r4: not refused by name"
resolve 198.18.3.2 198.18.4.2
for host in left third; do
	fast_path $host
done
[ "$(counter r4 .rx.packets)" = 0 ] || fail "r4: the program sees packets"
kernel_forwards fourth || fail "r4: the kernel does not forward"
fast verify >/dev/null || fail "verify: a difference"
undisturbed "a port too many"

say "- a client too many is told so"
full=$(soft_limit)
limit $(($(lowest_free) + 8))
! timeout 30 "$B/ebpf-route" --instance "$LAB" status >"$WORK/refused" 2>&1 || fail "a client took the last descriptors"
grep -q 'too many clients' "$WORK/refused" || fail "the client was told:" "$(cat "$WORK/refused")"
undisturbed "a client too many"

say "- readers of the metrics that hold on take what is for clients, and no more"
limit $(($(lowest_free) + 24))
background readers router "$PYTHON" -c 'import socket, sys, time
held = [socket.socket() for _ in range(15)]
for each in held:
    each.connect(("127.0.0.1", int(sys.argv[1])))
print("held", flush=True)
for _ in range(300):
    time.sleep(0.2)
    for each in held:
        each.send(b"G")' "${METRICS#*:}"
readers=$BACKGROUND_PID
wait_for "$PATIENCE" grep -q held "$WORK/readers.log" || fail "the readers cannot connect"
wait_for "$PATIENCE" short_for_clients || fail "they did not take what there was"
sleep 1 # and no more, however long they wait
[ $(($(soft_limit) - $(lowest_free))) -ge 15 ] || fail "only $(($(soft_limit) - $(lowest_free))) descriptors are left"
undisturbed "too many readers"
stop "$readers" || true
wait_for "$PATIENCE" metrics_answer || fail "the metrics do not answer any more"

say "- no descriptor at all: clients wait, the daemon does not turn"
limit "$(lowest_free)"
timeout 60 "$B/ebpf-route" --instance "$LAB" status >"$WORK/status" 2>&1 &
client=$!
PIDS+=("$client")
wait_for "$PATIENCE" said 'daemon: a client cannot be accepted: Too many open files' || fail "not said"
before=$(cpu_time) began=${EPOCHREALTIME/[.,]/}
sleep 2
spent=$(($(cpu_time) - before)) took=$(((${EPOCHREALTIME/[.,]/} - began) / 10000))
[ $((spent * 5)) -lt "$took" ] || fail "$spent hundredths of a second of CPU time in $took"
limit "$full"
reap $client || fail "the client that waited:" "$(cat "$WORK/status")"
fast_path left

say "- there is room again"
limit $((full + 100))
wait_for "$PATIENCE" said 'r4: nothing in the way any more: attached \(tc\)' || fail "r4: not attached"
fast_path fourth
verify_maps
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"

if ! unshare --time --monotonic 60 --fork true 2>"$WORK/unshare"; then
	say "- no time namespaces here: $(<"$WORK/unshare")"
	exit 0
fi

say "- in a time namespace with an earlier clock"
read -r uptime _ </proc/uptime
routed_ahead -$((${uptime%.*} / 2))
ASK=1 fast_path left
end_ahead TERM

say "- and with a later one: the lease is over soon after the daemon was killed"
routed_ahead 86400
ASK=1 fast_path left
end_ahead KILL
ipr route replace blackhole 203.0.113.0/24
wait_for "$PATIENCE" kernel_drops || fail "still by the maps $PATIENCE s after the end"
