#!/usr/bin/env bash
# An egress whose driver takes no redirected frames any more: under a steady flood at most a bulk is lost, then
# everything goes by the kernel, and by XDP again when it takes them. The driver is a veth whose peer
# has no NAPI. Packets that find the queue of a CPU full are counted; a CPU that is off gets none.
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

BULK=16 # DEV_MAP_BULK_SIZE of the kernel: so many frames, and the one that comes next, on each CPU
LIMIT=$(((BULK + 1) * $(nproc)))

METRICS=127.0.0.1:9187

# flood ARGUMENTS...: in the background, until flood_ends().
flood() {
	echo 203.0.113.1 >"$WORK/destinations"
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from left --flood 60 "$@" \
		--destinations "$WORK/destinations" >"$WORK/sent" &
	FLOOD_PID=$!
	PIDS+=("$FLOOD_PID")
}

# flood_ends: the number of frames is in $SENT.
flood_ends() {
	stop "$FLOOD_PID" || fail "the flood failed"
	SENT=$(cat "$WORK/sent")
}

# in_receives NAMESPACE: IPv4 packets that its kernel has received.
in_receives() {
	on "$1" sed -nE 's/^Ip: [0-9]+ [0-9]+ ([0-9]+) .*/\1/p' /proc/net/snmp
}

# At the other end, by whatever way.
arrived() {
	in_receives right
}

tx_errors() {
	counter r2 .tx_errors.packets
}

by_kernel() {
	counter r1 .fallback.reasons.egress_no_xdp.packets
}

by_xdp() {
	counter r2 .tx.packets
}

# more THAN COMMAND...: it counts more than that by now.
more() {
	[ "$("${@:2}")" -gt "$1" ]
}

# refusal STATE: of r2.
refusal() {
	fast -j status | jq -e --arg state "$1" '.refusals[] | select(.ifname == "r2" and .state == $state)'
}

forgotten() {
	fast -j status | jq -e '.refusals == []'
}

# tried TIMES: and refused, or more often, each time after twice as long.
tried() {
	fast -j status | jq -e --argjson times "$1" '.refusals[] |
		select(.refusals >= $times and .retry_seconds == pow(2; .refusals - 1))'
}

# How often it was refused: the first time, and whenever it was tried again.
refusals() {
	fast -j status | jq '.refusals[] | select(.ifname == "r2").refusals'
}

# documented MICROSECONDS: how often it can be refused in that time, as it is tried again after 1, 2, 4 .. 60 s
documented() {
	local times=1 wait=1 at=1

	while [ $((at * 1000000)) -le "$1" ]; do
		wait=$((wait < 30 ? 2 * wait : 60)) times=$((times + 1))
		at=$((at + wait))
	done
	echo "$times"
}

# patient: it was not refused more often than that since $BEGAN
patient() {
	local times took

	times=$(refusals) took=$((${EPOCHREALTIME/[.,]/} - BEGAN))
	say "  refused $times times in $((took / 1000)) ms"
	[ "$times" -le "$(documented "$took")" ] || fail "tried too often"
}

# measured LINE: in the metrics.
measured() {
	metrics "$METRICS" | grep -Fx "$1"
}

# says REASON: of a packet for the destination of the flood.
says() {
	fast -j get 203.0.113.1 iif r1 | jq -e --arg reason "$1" '.reason == $reason'
}

handed() {
	counter r1 .fallback.reasons.cpu.packets
}

cpu_errors() {
	fast -j stats | jq .total.cpu_errors.packets
}

# What was handed to a CPU was received there, or is counted as lost.
all_accounted() {
	[ $(($(handed) - HANDED)) = $(($(in_receives router) - RECEIVED + $(cpu_errors) - ERRORS)) ]
}

napi() {
	on right ethtool -K h0 gro "$1"
}

begin() {
	ARRIVED=$(arrived) ERRORS=$(tx_errors) KERNEL=$(by_kernel) XDP=$(by_xdp)
	flood --rate 20000
	wait_for 20 more $((XDP + 1000)) by_xdp || fail "nothing goes by XDP"
}

# account LIMIT: what was sent since begin() arrived, but for what is counted, and that is not much.
account() {
	local lost errors

	flood_ends
	errors=$(($(tx_errors) - ERRORS))
	wait_for 20 more $((ARRIVED + SENT - errors - 1)) arrived || true
	lost=$((ARRIVED + SENT - $(arrived)))
	say "  of $SENT frames $lost lost, $errors counted"
	[ "$lost" = "$errors" ] || fail "$lost frames lost, $errors counted"
	[ "$errors" -le "$1" ] || fail "$errors frames lost, at most $1 expected"
}

# instead COMMAND...: the daemon in $WORK/bin is run by that.
instead() {
	mkdir -p "$WORK/bin"
	ln -sf "$B/ebpf-route" "$WORK/bin/ebpf-route"
	printf '#!/bin/sh\nexec %s "$@"\n' "$*" >"$WORK/bin/ebpf-routed"
	chmod +x "$WORK/bin/ebpf-routed"
}

[ "$ENGINE" != kernel ] || skip "this is about the daemon"
[ "$HOOK" = xdp ] || skip "this is about XDP"
lab_start
port left 1
port right 2
ipr route add 203.0.113.0/24 via 198.18.2.2
resolve 198.18.2.2
routed --lease 60

say "- the kernel tells of it"
begin
napi off
wait_for 20 more $((KERNEL + 1000)) by_kernel || fail "nothing goes by the kernel"
XDP=$(by_xdp)
napi on
wait_for 20 more $((XDP + 1000)) by_xdp || fail "XDP did not take it up again"
account "$LIMIT"

say "- and the daemon does not hear it"
begin
kill -STOP "$ROUTED_PID"
napi off
seen=$(arrived)
wait_for 20 more $((seen + 2000)) arrived || fail "the frames are lost"
kill -CONT "$ROUTED_PID"
account "$LIMIT"
napi on
settle
probe left <<<"forward 203.0.113.1 right n=5"

say "- the kernel does not tell: tried again, and again"
stop "$ROUTED_PID" || true
: >"$WORK/ebpf-routed.log"
instead "$PYTHON" "$TOP/tests/netns/before63.py" "$B/ebpf-routed"
B=$WORK/bin routed --lease 60 --metrics "$METRICS"
begin
BEGAN=${EPOCHREALTIME/[.,]/}
napi off
wait_for 20 refusal out || fail "no refusal: $(fast -j status)"
wait_for 20 more $((KERNEL + 1000)) by_kernel || fail "nothing goes by the kernel"
wait_for 20 tried 2 || fail "not tried again: $(fast -j status)"
patient
wait_for 20 measured 'ebpfroute_tx_refused{interface="r2"} 1' || fail "the metrics do not say so"
fast status | has "^refused  *r2: its driver takes no redirected frames" || fail "$(fast status)"
verify_maps
napi on
XDP=$(by_xdp)
# The last pause before it is tried is as long as all of the test before it.
wait_for 100 more $((XDP + 1000)) by_xdp || fail "XDP did not take it up again"
wait_for 20 refusal over || fail "not over: $(fast -j status)"
patient
times=$(refusals)
account $((times * LIMIT))
grep -q "r2: its driver takes no redirected frames (.*), leaving them to the kernel" \
	"$WORK/ebpf-routed.log" || fail "nothing was said"
grep -q "r2: its driver takes redirected frames again" "$WORK/ebpf-routed.log" ||
	fail "nothing was said of the end"
[ "$(grep -c "r2: its driver" "$WORK/ebpf-routed.log")" = 2 ] || fail "too much was said"
verify_maps

say "- its device goes, and with it what was known of it; another one gets its name"
ipr link del r2
wait_for 20 forgotten || fail "not forgotten: $(fast -j status)"
veth_pair right h0 02:00:00:00:02:02 198.18.2.2/24 router r2 02:00:00:00:02:01 198.18.2.1/24
ipr route add 203.0.113.0/24 via 198.18.2.2
resolve 198.18.2.2
settle
probe left <<<"forward 203.0.113.1 right n=5"

say "- a CPU that is off gets no packets, and the queue of one that is on is short"
stop "$ROUTED_PID" || true
cat /sys/devices/system/cpu/online >"$WORK/online"
instead "unshare --mount sh -c 'mount --bind $WORK/online /sys/devices/system/cpu/online
	exec \"\$0\" \"\$@\"' $B/ebpf-routed"
B=$WORK/bin routed --cpu-queue 1 --metrics "$METRICS"
fast add 203.0.113.0/24 cpu 0
probe left <<<"cpu 203.0.113.1 right n=5 loss=1"
echo 1 >"$WORK/online"
wait_for 20 says user_pass || fail "CPU 0 is off: $(fast get 203.0.113.1 iif r1)"
probe left <<<"user_pass 203.0.113.1 right n=5"
cat /sys/devices/system/cpu/online >"$WORK/online"
wait_for 20 says cpu || fail "CPU 0 is on: $(fast get 203.0.113.1 iif r1)"

RECEIVED=$(in_receives router) HANDED=$(handed) ERRORS=$(cpu_errors)
flood
wait_for 20 more "$ERRORS" cpu_errors || fail "nothing was lost: the queue cannot have been so short"
wait_for 20 more $((RECEIVED + 1000)) in_receives router || fail "nothing is received"
flood_ends
wait_for 20 all_accounted || true
say "  handed over $(($(handed) - HANDED)), received $(($(in_receives router) - RECEIVED)), lost $(($(cpu_errors) - ERRORS))"
all_accounted || fail "the sum is wrong"
fast stats | has -E "^ *cpu errors +$(cpu_errors) " || fail "$(fast stats)"
measured "ebpfroute_cpu_errors_total $(cpu_errors)" >/dev/null || fail "the metrics do not say so"
