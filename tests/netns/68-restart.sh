#!/usr/bin/env bash
# Frames go on while daemons are killed, restarted, upgraded and stopped: each comes out exactly once, where it has
# to at that moment, and by the fast path. Routes change while there is no daemon; user routes set at run time
# stay in force, and flows stay with their next hop. Then a daemon that hangs: nothing by maps that are stale, or not
# up to date again.
#
# check: dir24 tc
#
#   RESTARTS=200 UPGRADES=20 tests/netns/68-restart.sh     the full run; HOOK=tc for the other hook
#   OTHER=FILE RUNTIME=no     an older ebpf-routed to upgrade from, which keeps neither user routes set at run time nor
#                             the next hops of flows
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                             r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

RESTARTS=${RESTARTS:-6}
UPGRADES=${UPGRADES:-2}
RATE=${RATE:-2000} # frames a second
RUNTIME=${RUNTIME:-yes}
OTHER=${OTHER:-$B/other/ebpf-routed}
LEASE=60 # longer than it ever takes to start again
KILLS=0

# ---- the stream of frames ----
# in_force CLASS WAY,..: from now on, see stream.py
in_force() {
	echo "$EPOCHREALTIME $1 $2" >>"$WORK/in-force"
}

# stream CLASS=DESTINATION..: begins
stream() {
	KERNEL_BEFORE=$(by_kernel)
	ip netns exec "$LAB-router" "$PYTHON" "$TOP/tests/netns/stream.py" "${PORTS[@]}" --from left --rate "$RATE" \
		--log "$WORK/in-force" "$@" >"$WORK/stream" 2>"$WORK/stream.log" </dev/null &
	STREAM_PID=$!
	PIDS+=("$STREAM_PID")
}

# stream_end: it ends, and says what became of the frames; each has to have come as it should
stream_end() {
	local code=0

	kill "$STREAM_PID" # and then it counts for a while
	reap "$STREAM_PID" || code=$?
	BY_KERNEL=$(($(by_kernel) - KERNEL_BEFORE))
	jq -r --argjson kernel "$BY_KERNEL" '.total | "  \(.sent) frames sent, \(.lost) lost, "
		+ "\(.misforwarded) misforwarded, \(.duplicated) twice, \(.moved) moved; by the kernel \($kernel), by the fast path "
		+ "\((.sent - $kernel) / .sent * 1000000 | floor / 10000) %"' "$WORK/stream"
	sort "$WORK/reasons" | uniq -c # times, frames, why
	[ "$code" = 0 ] || fail "frames went astray"
}

# What the router's kernel forwarded. All other frames that come out took the fast path.
by_kernel() {
	on router cat /proc/net/snmp | awk '/^Ip: [0-9]/ { print $7 }'
}

came_in() {
	on left cat /sys/class/net/h0/statistics/tx_packets
}

# by KERNEL|FAST: that is where frames go now
by() {
	local sent kernel

	sent=$(came_in) kernel=$(by_kernel)
	sleep 0.1 # a fixed time: a share is measured
	sent=$(($(came_in) - sent)) kernel=$(($(by_kernel) - kernel))
	[ "$sent" -gt 10 ] || return 1
	if [ "$1" = kernel ]; then [ $((kernel * 2)) -gt "$sent" ]; else [ "$kernel" = 0 ]; fi
}

# still_fast: frames that came in after $OVER, more than can be on their way, did not go by the kernel
still_fast() {
	local sent kernel

	[ "${EPOCHREALTIME/[.,]/}" -ge "$OVER" ] || return 1
	kernel=$(by_kernel) sent=$(came_in)
	sleep 0.2 # a fixed time: a share is measured
	[ $(($(came_in) - sent)) -gt 100 ] && [ "$(by_kernel)" = "$kernel" ]
}

by_kernel_or_outlived() {
	by kernel || { still_fast && : >"$WORK/outlived"; }
}

# ---- daemons ----
# start [EXECUTABLE]: the other one has other sizes and another engine, too.
start() {
	local other=()

	[ "${1:-}" != "$OTHER" ] || other=(--fib lpm --max-nexthops 4096 --max-neighbours 512)
	B=$(dirname "${1:-$B/ebpf-routed}") routed --keep --lease "$LEASE" --routes-dir "$WORK/routes" "${other[@]}"
}

# Why the fast path left frames to the kernel: what the daemon counted, while it still can be asked.
note_reasons() {
	fast -j stats | jq -r '.interfaces[] | select(.ifname == "r1").fallback.reasons | to_entries[]
		| select(.key != "not_ipv4" and .value.packets > 0) | "\(.value.packets) \(.key)"' >>"$WORK/reasons"
}

halted() {
	[ "$(awk '/^State:/ { print $2 }' "/proc/$ROUTED_PID/status")" = T ]
}

killed() {
	kill_routed
	KILLS=$((KILLS + 1))
}

ended() {
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
}

# A start that is killed at some moment of it, or right after it.
interrupted() {
	"$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB" -i 'r*' --hook "$HOOK" --fib "$ENGINE" --keep \
		--lease "$LEASE" --routes-dir "$WORK/routes" >"$WORK/ready" 2>>"$WORK/ebpf-routed.log" </dev/null &
	ROUTED_PID=$!
	sleep "0.$(printf %03d $((RANDOM % 400)))" # any moment
	killed
}

# ---- the route that changes ----
# turn: to the other host. From now on either is right, until `turned`: while there is no daemon the old one stays
# in force for as long as the lease.
turn() {
	AT=$([ "$AT" = right ] && echo third || echo right)
	in_force changing right,third
	ipr route replace 203.0.114.0/24 via "$([ "$AT" = right ] && echo 198.18.2.2 || echo 198.18.3.2)"
}

# turned: it is in force
turned() {
	settle
	in_force changing "$AT"
}

# ---- the test ----
[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
[ "$UPGRADES" = 0 ] || [ -x "$OTHER" ] || make -s -C "$TOP" B="$B" other >/dev/null
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
# The kernel does not see them in use, and no daemon lives long enough here to tell it.
ipr neigh change 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2 nud permanent
ipr neigh change 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3 nud permanent
mkdir "$WORK/routes"
AT=right
for n in 113 114 116 117; do # the last two: where frames would go without the user routes
	ipr route add "203.0.$n.0/24" via 198.18.2.2
done
ipr route add 203.0.115.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
if [ "$RUNTIME" = yes ]; then
	echo '203.0.117.0/25 pass' >"$WORK/routes/10.conf"
	start
	fast add 203.0.116.0/24 redirect r3
	fast add 203.0.117.0/24 drop
	fast del 203.0.117.0/25
else
	printf '%s\n' '203.0.116.0/24 redirect r3' '203.0.117.0/24 drop' >"$WORK/routes/10.conf"
	start
fi

classes=(fixed=203.0.113.%d changing=203.0.114.%d redirected=203.0.116.%d dropped=203.0.117.%d)
in_force fixed right
in_force changing right
in_force redirected 'third*'
in_force dropped none
if [ "$RUNTIME" = yes ]; then # flows that stay came at the same time
	classes+=(both=203.0.115.%d)
	in_force both right,third
fi
stream "${classes[@]}"

say "- $RESTARTS times killed and started again, routes changing meanwhile"
for ((i = 0; i < RESTARTS; i++)); do
	[ $((i % 4)) != 1 ] || { turn && turned; }
	note_reasons
	killed
	[ $((i % 2)) = 0 ] || turn
	[ $((i % 3)) != 2 ] || interrupted
	[ $((i % 6)) != 5 ] || interrupted
	start
	turned
	[ "$RUNTIME" = no ] || fast replace "203.0.118.$((i % 8))/32" drop >/dev/null # on with the same file
done
[ "$(find "/sys/fs/bpf/ebpf-route/$LAB" -type f ! -perm 600)" = "" ] || fail "pins that others may open"
[ "$(stat -c %a "/sys/fs/bpf/ebpf-route/$LAB")" = 700 ] || fail "the directory of pins is open"

say "- $UPGRADES times to a different build and back, by SIGTERM or kill -9"
for ((i = 0; i < UPGRADES; i++)); do
	for executable in "$OTHER" "$B/ebpf-routed"; do
		note_reasons
		if [ $((i % 2)) = 0 ]; then ended; else killed; fi
		turn
		start "$executable"
		turned
	done
done
verify
stream_end
say "  $KILLS kills, $RESTARTS restarts, $UPGRADES upgrades"
[ "$BY_KERNEL" = 0 ] || fail "$BY_KERNEL frames took the kernel's path"

say "- ended without --keep: the user routes set at run time go, those of files come back"
user_routes() {
	fast -j route proto user | jq length
}
n=$(user_routes)
ended
routed --routes-dir "$WORK/routes"
[ "$(user_routes)" = "$n" ] || fail "user routes are lost:" "$(fast route proto user)"
ended
[ ! -e "/run/ebpf-route/$LAB.routes" ] || fail "/run/ebpf-route/$LAB.routes is left"
[ ! -e "/sys/fs/bpf/ebpf-route/$LAB" ] || fail "left: $(ls "/sys/fs/bpf/ebpf-route/$LAB")"

say "- a daemon that hangs for longer than its lease"
routed --lease 1 --routes-dir "$WORK/routes"
[ "$(user_routes)" = "$(wc -l <"$WORK/routes/10.conf")" ] || fail "$(fast route proto user)"
seq 0 19999 | awk '{ printf "route replace 100.64.%d.%d/32 via 198.18.2.2\n", $1 / 256, $1 % 256 }' >"$WORK/many"
: >"$WORK/in-force"
in_force fixed right
in_force changing "$AT"
stream fixed=203.0.113.%d changing=203.0.114.%d
for ((i = 0; i < 2; i++)); do
	wait_for 20 by fast || fail "not by the fast path"
	kill -STOP "$ROUTED_PID"
	wait_for 20 halted || fail "SIGSTOP: still running"
	OVER=$((${EPOCHREALTIME/[.,]/} + (1 + 2) * 1000000)) # it cannot have granted more than the lease
	wait_for 60 by_kernel_or_outlived || fail "not by the kernel"
	[ ! -e "$WORK/outlived" ] || fail "the maps outlive the lease"
	ipr -batch "$WORK/many" # takes a while to catch up with, before what follows is heard of
	turn
	wait_for 20 by kernel
	in_force changing "$AT" # as the kernel has it
	kill -CONT "$ROUTED_PID"
	wait_for 20 by fast || fail "the fast path did not come back"
done
grep -q 'lease: ran out' "$WORK/ebpf-routed.log" || fail "nothing is said of the lease"
stream_end
verify
ended
