#!/usr/bin/env bash
# Routes of the user: what is refused and in which words, devices that go and come back, and a router without any
# route of the kernel.
#
# check: dir24 lpm
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# refused CODE TEXT ARGUMENTS...: with this exit code and exactly this line, and nothing changed.
refused() {
	local code=0 expected=$1 text=$2 before

	shift 2
	before=$(fast route proto user)
	fast "$@" >"$WORK/out" 2>"$WORK/said" || code=$?
	[ "$code" = "$expected" ] || fail "$*: exit code $code instead of $expected"
	[ "$(cat "$WORK/said")" = "ebpf-route: $text, nothing is changed" ] ||
		fail "$*: said: $(cat "$WORK/said")"
	[ ! -s "$WORK/out" ] || fail "$*: printed: $(cat "$WORK/out")"
	[ "$(fast route proto user)" = "$before" ] || fail "$*: something changed"
}

fastpath() {
	fast -j route proto user "$1" | jq -r '.[0].fastpath | .reason // .verdict'
}

leads() {
	[ "$(fastpath "$1")" = "$2" ]
}

user_routes() {
	fast -j status | jq .user_routes
}

lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
routed --max-extension-groups 8 --max-lpm-routes 64

say "- refusals"
fast add 203.0.113.0/24 drop
refused 1 "'frob': not an IPv4 prefix" add frob drop
refused 1 "203.0.113.1/24: bits are set beyond the length of the prefix" add 203.0.113.1/24 drop
refused 1 "10.0.0.0/8: 'blackhole' is not a word that belongs here" add 10.0.0.0/8 blackhole
refused 2 "203.0.113.0/24: is there already, 'replace' changes it" add 203.0.113.0/24 pass
refused 2 "10.0.0.0/8: there is no such user route" del 10.0.0.0/8
refused 2 "203.0.113.0/24: the user route there does something else ('drop')" \
	del 203.0.113.0/24 pass
refused 2 "10.0.0.0/8: no such device 'r9'" add 10.0.0.0/8 redirect r9
refused 2 "10.0.0.0/8: no such device 'r9'" replace 10.0.0.0/8 via 198.18.2.2 dev r9
refused 2 "10.0.0.0/8: not possible by lo, which is no Ethernet device with a MAC address" \
	add 10.0.0.0/8 redirect lo
refused 2 "10.0.0.0/8: gateway 192.0.2.1 is in no connected net, 'dev' is needed" \
	add 10.0.0.0/8 via 192.0.2.1
refused 2 "10.0.0.0/8: gateway 198.18.3.2 is in no connected net of r2, and not 'onlink'" \
	add 10.0.0.0/8 via 198.18.3.2 dev r2
refused 2 "10.0.0.0/8: gateway 198.18.2.1 is an address of this router" add 10.0.0.0/8 via 198.18.2.1
refused 2 "10.0.0.0/8: CPU 60000 is not there" add 10.0.0.0/8 cpu 60000
refused 2 "10.0.0.0/8: CPU $(nproc --all) is not there" add 10.0.0.0/8 cpu "0-$(nproc --all)"
refused 1 "'eth0': all, a prefix, longer, action, dev or comment is needed here" flush eth0

say "- a table that is full"
if [ "$ENGINE" = dir24 ]; then
	{
		echo "add 10.1.0.0/16 drop"
		for i in {1..8}; do
			echo "add 10.2.$i.128/25 drop"
		done
	} >"$WORK/full"
else
	for i in {1..64}; do
		echo "add 10.2.$i.0/24 drop"
	done >"$WORK/full"
fi
before=$(user_routes)
! fast batch "$WORK/full" >"$WORK/out" 2>"$WORK/said" || fail "more than fits is taken"
grep -qE "^ebpf-route: $WORK/full:[0-9]+: 10[0-9./]+: the table is full, .* is left \(max-.*\), nothing is changed$" "$WORK/said" ||
	fail "said: $(cat "$WORK/said")"
[ "$(user_routes)" = "$before" ] || fail "some of a refused batch is there"
[ "$(fast -j status | jq .full)" = 0 ] || fail "the table is still full"
probe left <<<"no_route 10.1.0.1 icmp=3/0"
fast flush all >"$WORK/out"
probe left <<<"forward 203.0.113.1 right"

say "- a table that is full: what was taken can be taken back, whatever comes to light"
kernel_full() {
	[ "$(fast -j status | jq .full)" -gt 0 ]
}
used=$(fast -j status | jq .objects.engine) room=62 # and two others
[ "$ENGINE" = lpm ] || room=8
for ((i = 1; i <= room - used; i++)); do
	ipr route add "10.4.$i.128/25" via 198.18.2.2
	echo "add 10.2.$i.128/25 drop"
done >"$WORK/full"
settle
for back in "del 10.4.0.0/16" "replace 10.4.0.0/16 drop" "flush all"; do
	fast add 10.4.0.0/16 drop override
	fast -b "$WORK/full" >/dev/null
	refused=0
	fast -b - <<<'replace 10.4.0.0/16 pass' >/dev/null 2>&1 || refused=1
	[ "$refused" = 1 ] || fail "more than fits is taken"
	# shellcheck disable=SC2086 # words
	fast $back >/dev/null || fail "$back: refused in a full table"
	if [ "$back" = "flush all" ]; then
		! kernel_full || fail "$back: table_full though there is room"
	else
		kernel_full || fail "$back: nothing is table_full"
		grep -q "more prefixes have no room (table_full) now that" "$WORK/ebpf-routed.log" || fail "$back: not logged"
		: >"$WORK/ebpf-routed.log"
		probe left <<<"forward|table_full 10.4.1.129 right"
	fi
	fast flush all >/dev/null
	settle
	probe left <<<"forward 10.4.1.129 right"
done
ipr route flush root 10.4.0.0/16

say "- all or nothing, and the line that is wrong"
printf '%s\n' '# a batch' 'add 10.0.0.0/8 drop' '' 'add 10.1.0.0/16 redirect r9' >"$WORK/batch"
refused 2 "$WORK/batch:4: 10.1.0.0/16: no such device 'r9'" -b "$WORK/batch"
printf '%s\n' 'add 10.0.0.0/8 drop' 'add 10.0.0.0/8 pass' >"$WORK/batch"
refused 2 "$WORK/batch:2: 10.0.0.0/8: is there already, from $WORK/batch:1, 'replace' changes it" \
	batch "$WORK/batch"
printf '%s\n' 'add 10.0.0.0/8 drop' '10.1.0.0/16 drop' >"$WORK/batch"
refused 2 "$WORK/batch:2: '10.1.0.0/16': add, replace or del has to come first" -b "$WORK/batch"
[ "$(user_routes)" = 0 ] || fail "some of a refused batch is there"
printf '%s\n' 'add 10.0.0.0/8 drop' 'add 10.1.0.0/16 via 198.18.3.2' 'replace 10.0.0.0/8 pass' |
	fast -b - >"$WORK/out"
[ "$(cat "$WORK/out")" = "2 added" ] || fail "printed: $(cat "$WORK/out")"
probe left <<'END'
user_pass 10.0.0.1 icmp=3/0
forward 10.1.0.1 third
END

say "- flush by what is meant"
printf 'add %s\n' '10.1.1.0/24 drop comment "ddos 1"' '10.1.2.0/24 drop comment "ddos 2"' \
	'10.1.3.0/24 pass comment "ok"' '10.2.0.0/16 redirect r2' '10.3.0.0/16 dev r2' |
	fast -b - >/dev/null
for row in 'comment ddos*|2 deleted' 'action redirect|1 deleted' 'dev r2|1 deleted' \
	'10.1.0.0/16|1 deleted' '10.1.0.0/16 longer|1 deleted' '10.0.0.0/8 action drop|nothing to change' \
	'all|1 deleted' 'all|nothing to change'; do
	# shellcheck disable=SC2086 # words
	(set -f; fast flush ${row%|*}) >"$WORK/out"
	[ "$(cat "$WORK/out")" = "${row#*|}" ] || fail "flush ${row%|*}: $(cat "$WORK/out")"
done
[ "$(user_routes)" = 0 ] || fail "flush all leaves some"

say "- a device that vanishes takes its routes along, and brings them back"
fast add 203.0.113.0/24 via 198.18.3.2 dev r3
fast add 203.0.114.0/24 redirect r3
fast add 203.0.115.0/24 via 198.18.3.9 dev r3 lladdr 02:00:00:00:03:09
for prefix in 203.0.113.0/24 203.0.114.0/24 203.0.115.0/24; do
	wait_for 20 leads $prefix forward || fail "$prefix: $(fastpath $prefix)"
done
ipr link set r3 down
ipr link set r3 name gone
settle
for prefix in 203.0.113.0/24 203.0.114.0/24 203.0.115.0/24; do
	leads $prefix egress_down || fail "$prefix: $(fastpath $prefix)"
done
probe left <<'END'
egress_down 203.0.113.1 right
egress_down 203.0.114.1 icmp=3/0
END
ipr link set gone name r3
ipr link set r3 up
wait_for 20 has_carrier router r3 || fail "r3: no carrier"
resolve 198.18.3.2
settle
for prefix in 203.0.113.0/24 203.0.114.0/24 203.0.115.0/24; do
	wait_for 20 leads $prefix forward || fail "$prefix: $(fastpath $prefix)"
done
probe left <<'END'
forward 203.0.113.1 third
forward 203.0.114.1 third raw=1
forward 203.0.115.1 third gw=02:00:00:00:03:09
END

say "- without the kernel's routes the user's decide alone"
stop "$ROUTED_PID" || fail "exit code $?"
routed --no-kernel-routes
[ "$(fast -j status | jq .kernel_routes)" = false ] || fail "kernel_routes is not false"
ipr route add 203.0.116.0/24 via 198.18.2.2
fast add 203.0.113.0/24 via 198.18.3.2
settle
probe left <<'END'
forward 203.0.113.1 third
no_route 203.0.116.1 right
no_route 198.18.3.2 any=1
local 198.18.1.1 any=1
END
fast add 203.0.116.0/24 drop
probe left <<<"drop 203.0.116.1"
stop "$ROUTED_PID" || fail "exit code $?"

# A batch that touches every address of the flood, and in the end finds no room. $1: what runs out.
flooded_batch() {
	local i

	cat <<'END'
replace 10.9.0.0/16 drop
del 10.8.0.0/16
add 10.0.0.0/8 redirect r3 override
add 10.1.0.0/16 drop
add 10.2.0.0/16 via 198.18.3.2
add 10.2.0.1 cpu 0
END
	for i in {1..60}; do
		case $1 in
		max-extension-groups) echo "add 10.3.$i.128/25 drop" ;;
		max-lpm-routes) echo "add 10.3.$i.0/24 drop" ;;
		max-nexthops | max-adjacencies) echo "add 10.3.$i.0/24 via 198.18.2.$((i + 2)) lladdr 02:00:00:00:09:$((i + 9))" ;;
		max-groups) echo "add 10.3.$i.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2 weight $((i + 1))" ;;
		esac
	done
}

# state: what of user routes and tables there is.
state() {
	fast route proto user | sed 's/packets [0-9]* bytes [0-9]*//'
	fast -j status | jq -c '[.user_routes, .full, .leaf_writes, .objects]'
}

# begin_flood ARGUMENTS...: of frames.py; returns once packets are forwarded.
begin_flood() {
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from left --flood 60 "$@" \
		--destinations "$WORK/destinations" >"$WORK/sent" &
	flooder=$!
	PIDS+=("$flooder")
	wait_for 20 some_forwarded || fail "the flood does not begin"
}

some_forwarded() {
	[ "$(counter r1 .forwarded.packets)" -gt 0 ]
}

none_of_kernel() {
	[ "$(counter r1 '.rx.packets - .forwarded.packets - .fallback.reasons.not_ipv4.packets')" = 0 ]
}

# flood LIMIT VALUE: with that limit the batch is refused, again and again, while packets come; none may go by
# it, and the routes that it would replace and delete count on.
flood() {
	local before after refused=0 tx counted

	routed "--$1" "$2"
	fast add 10.9.0.0/16 via 198.18.2.2
	fast add 10.8.0.0/16 via 198.18.2.2
	settle
	flooded_batch "$1" >"$WORK/full"
	before=$(state)
	tx=$(counter r3 .tx.packets)
	begin_flood
	until [ "$refused" -ge 8 ] && [ "$(counter r1 .rx.packets)" -ge 2000 ]; do
		! fast batch "$WORK/full" >"$WORK/out" 2>"$WORK/said" || fail "$1: taken"
		refused=$((refused + 1))
	done
	stop "$flooder" || fail "$1: the flood failed"
	wait_for 20 none_of_kernel || # what is between two counters will be in both
		fail "$1: some were left to the kernel:" "$(fast -j stats | jq -c '.interfaces[0].fallback.reasons')"
	grep -qE "^ebpf-route: $WORK/full:[0-9]+: 10[0-9./]+: the table is full, no [a-z -]+ is left \($1(; [^)]*)?\); what the same change deletes has its place until then, nothing is changed$" "$WORK/said" ||
		fail "$1: said: $(cat "$WORK/said")"
	counted=$(fast -j route proto user | jq '[.[].packets] | add')
	say "  $1: refused $refused times within $(cat "$WORK/sent") packets"
	[ "$(counter r1 .dropped.packets)" = 0 ] || fail "$1: some were dropped"
	[ "$(counter r3 .tx.packets)" = "$tx" ] || fail "$1: some left by r3"
	[ "$((counted * 4))" -ge "$(counter r1 .rx.packets)" ] ||
		fail "$1: two of four destinations count $counted of $(counter r1 .rx.packets)"
	after=$(state)
	[ "$before" = "$after" ] || fail "$1: something changed:" "$(diff <(echo "$before") <(echo "$after") || true)"
	stop "$ROUTED_PID" || fail "exit code $?"
}

say "- a flood sees nothing of what is refused"
ipr route add 10.0.0.0/8 via 198.18.2.2
printf '%s\n' 10.9.0.1 10.8.0.1 10.1.0.1 10.2.0.1 >"$WORK/destinations"
if [ "$ENGINE" = dir24 ]; then
	flood max-extension-groups 8
	flood max-groups 3
	flood max-adjacencies 8
	flood max-ports 3
else
	flood max-lpm-routes 40
fi
flood max-nexthops 64

say "- a large batch does not let the lease run out"
stale() {
	counter r1 .fallback.reasons.stale.packets
}
# One of them takes the daemon longer than the lease.
awk -v n="$([ "$ENGINE" = dir24 ] && echo 320000 || echo 240000)" 'BEGIN {
	for (i = 0; i < n; i++)
		printf "add 10.%d.%d.%d/32 drop\n", 16 + i / 65536, i / 256 % 256, i % 256
}' >"$WORK/many"
sed 's/^add 10/add 11/' "$WORK/many" >"$WORK/more"
echo 203.0.113.1 >"$WORK/destinations"

# large_batches: no packet was stale meanwhile
large_batches() {
	local began took

	: >"$WORK/ebpf-routed.log"
	routed --lease 1 --max-lpm-routes 300000 --max-extension-groups 1400
	renice -n -15 -p "$ROUTED_PID" >/dev/null || true # it is not to wait for a CPU
	fast add 203.0.113.0/24 via 198.18.2.2 || fail "no user route"
	settle
	begin_flood --rate 2000
	began=${EPOCHREALTIME/[.,]/}
	fast -b "$WORK/many" >"$WORK/out" || fail "the batch is refused"
	! fast -b "$WORK/more" >"$WORK/out" 2>"$WORK/said" || fail "more than fits is taken"
	fast flush all >"$WORK/out" || fail "flush: exit code $?"
	took=$(((${EPOCHREALTIME/[.,]/} - began) / 1000))
	stop "$flooder" || fail "the flood failed"
	say "  $(cat "$WORK/sent") packets in $took ms, $(stale) of them stale"
	[ "$(stale)" = 0 ] && ! grep -q 'lease: ran out' "$WORK/ebpf-routed.log"
}

# A machine that stops for as long as the lease lets it run out as well, but not three times in a row.
for try in 1 2 3; do
	code=0
	large_batches || code=$?
	stop "$ROUTED_PID" || fail "exit code $?"
	[ "$code" != 0 ] || break
	[ "$try" != 3 ] || fail "the lease ran out each time"
done
