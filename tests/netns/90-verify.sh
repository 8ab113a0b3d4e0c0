#!/usr/bin/env bash
# `ebpf-route verify`: says nothing of what is right, finds whatever is changed in a map by hand, and
# is not misled by what changes while it looks.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            \ r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$TOP/tests/netns/maps.sh"

# finds PATTERN: verify tells of a difference, by a line that matches.
finds() {
	local code=0

	fast verify >"$WORK/verify.out" 2>&1 || code=$?
	[ "$code" = 3 ] || fail "verify: exit code $code, expected 3 and '$1':" "$(cat "$WORK/verify.out")"
	grep -Eq "$1" "$WORK/verify.out" || fail "verify: no line '$1':" "$(cat "$WORK/verify.out")"
}

equal() {
	fast verify --samples 2000 >"$WORK/verify.out" 2>&1 || fail "verify: exit code $?:" "$(cat "$WORK/verify.out")"
	[ "$(wc -l <"$WORK/verify.out")" = 1 ] || fail "verify: more than a line:" "$(cat "$WORK/verify.out")"
}

# breaks PATTERN MAP KEY OFFSET SIZE NUMBER: for the next found(), which looks for that line.
breaks() {
	local before

	before=$(map "$2" set "$3" "$4" "$5" "$6")
	[ "$before" != $(($6)) ] || fail "$2 $3: is $6 already"
	PATTERNS+=("$1")
	REPAIRS+=("$2 set $3 $4 $5 $before")
}

# deletes PATTERN MAP KEY VALUE, adds PATTERN MAP KEY VALUE: the same for whole entries.
deletes() {
	map "$2" del "$3"
	PATTERNS+=("$1")
	REPAIRS+=("$2 put $3 $4")
}

adds() {
	map "$2" put "$3" "$4"
	PATTERNS+=("$1")
	REPAIRS+=("$2 del $3")
}

# found: what was broken since the last time is told, and nothing once it has been repaired.
found() {
	local repair i

	finds "${PATTERNS[0]}"
	for i in "${PATTERNS[@]}"; do
		grep -Eq "$i" "$WORK/verify.out" || fail "verify: no line '$i':" "$(cat "$WORK/verify.out")"
	done
	for ((i = ${#REPAIRS[@]} - 1; i >= 0; i--)); do
		read -ra repair <<<"${REPAIRS[i]}"
		map "${repair[@]}" >/dev/null
	done
	PATTERNS=() REPAIRS=()
	equal
}

PATTERNS=()
REPAIRS=()
lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add default via 198.18.1.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.3.2
ipr route add 203.0.115.0/24 via 198.18.2.2 mtu 1400
ipr route add 203.0.116.128/25 via 198.18.3.2
ipr route add 203.0.117.0/24 nexthop via 198.18.2.2 weight 3 nexthop via 198.18.3.2
ipr route add blackhole 203.0.118.0/24
ipr route add unreachable 203.0.119.0/24
routed
maps_open

say "- what is right is equal; given addresses are asked for"
equal
fast -j verify 203.0.113.7 203.0.118.1 203.0.119.1 198.18.2.1 | jq -e '.[-1] |
	.kind == "summary" and .queries == 4 and .differences == 0 and .prefixes > 15' >/dev/null ||
	fail "summary: $(fast -j verify 203.0.113.7)"

say "- entries of the engine"
right=$(leaf 203.0.113.1) third=$(leaf 203.0.114.1) group=$(leaf 203.0.117.1)
n=$(number_of 203.0.113.0)
wrong='^203\.0\.113\.0/24: kernel: via 198\.18\.2\.2 dev r2 .*; fast path: via 198\.18\.3\.2 dev r3 .*'
if [ "$ENGINE" = dir24 ]; then
	entry=$(((n >> 8 & 255) * 2))
	breaks "$wrong\(cause: the entry in the engine is not as the daemon wrote it\)" \
		dir24 $((n >> 16)) "$entry" 2 "$third"
	breaks '^203\.0\.114\.0/24: kernel: via 198.*; fast path: via 198\.18\.1\.2' \
		dir24 $((n >> 16)) $((entry + 2)) 2 0
	breaks '^203\.0\.115\.0/24: .*fast path: left to the kernel \(no_route\)' \
		dir24 $((n >> 16)) $((entry + 4)) 2 13
	# what no route asks for, though it leads to the same as the default route
	breaks '^192\.0\.2\.0/24: kernel: 0\.0\.0\.0/0 via .*an entry that should not be' \
		dir24 $(($(number_of 192.0.2.0) >> 16)) $((2 * 2)) 2 "$(map control get 0 12 4)"
	# leaves of an extension group
	n=$(number_of 203.0.116.0)
	row=$(($(map dir24 get $((n >> 16)) $(((n >> 8 & 255) * 2)) 2) & 0x7fff))
	breaks '^203\.0\.116\.200: kernel: 203\.0\.116\.128/25 via 198\.18\.3\.2 .*fast path: via 198\.18\.2\.2' \
		dir24_groups "$row" $((200 * 2)) 2 "$right"
	breaks '^203\.0\.116\.7: kernel: 0\.0\.0\.0/0 via .*fast path: via 198\.18\.2\.2' \
		dir24_groups "$row" $((7 * 2)) 2 "$right"
else
	breaks "$wrong" lpm "x$(le32 24)cb007100" 0 4 "$third"
	deletes '^entry 203\.0\.114\.0/24: kernel: a route; fast path: no entry in the map' \
		lpm "x$(le32 24)cb007200" "$(le32 "$third")"
	PATTERNS+=('^203\.0\.114\.0/24: kernel: via 198\.18\.3.*; fast path: via 198\.18\.1\.2')
	# what no route asks for, though it leads to the same
	adds '^entry 203\.0\.115\.64/28: kernel: no such route; fast path: an entry in the map \(cause: the map is not as' \
		lpm "x$(le32 28)cb007340" "$(le32 "$(leaf 203.0.115.1)")"
fi
found

say "- the default leaf, which is told once"
breaks '^default: kernel: via 198\.18\.1\.2 .*; fast path: left to the kernel \(no_route\) \(cause: the default leaf is' \
	control 0 12 4 13
finds '^default'
[ "$(wc -l <"$WORK/verify.out")" = 2 ] || fail "$(cat "$WORK/verify.out")"
found

say "- next-hop slots, adjacencies, groups"
adjacency=$(map nexthops get "$right" 4 4)
breaks '^203\.0\.113\.0/24: .*fast path: via 198\.18\.3\.2 .*the next-hop slot is not' \
	nexthops "$right" 4 4 "$(map nexthops get "$third" 4 4)"
breaks '^203\.0\.114\.0/24: .*fast path: .* mtu 1200' nexthops "$third" 2 2 1200
breaks '^203\.0\.117\.0/24: kernel: .*, sources by r2,r3; fast path: .*, sources by r[123](,r[123])* ' \
	nexthops "$group" 8 2 "$(port_of r1)"
breaks '^203\.0\.115\.0/24: kernel: .*, sources by r2; fast path: .*, sources unknown ' \
	nexthops "$(leaf 203.0.115.1)" 8 8 0
found
breaks '^203\.0\.113\.0/24: kernel: via 198\.18\.2\.2 .*; fast path: dev r2 lladdr 02:aa:.*the adjacency is not' \
	adjacencies "$adjacency" 1 1 0xaa
found
breaks '^neighbour 198\.18\.2\.2 dev r2: kernel: lladdr 02:00:00:00:02:02; fast path: lladdr 02:00:.*dev r3' \
	adjacencies "$adjacency" 6 2 "$(port_of r3)"
found
row=$(map nexthops get "$group" 4 4)
other=$(map groups get "$row" $((255 * 4)) 4)
for ((i = 0; i < 3; i++)); do # of the first leg's
	breaks '^203\.0\.117\.0/24: kernel: multipath: .*fast path: multipath: .*189/256.*the buckets of the group' \
		groups "$row" $((i * 4)) 4 "$other"
done
found
breaks '^203\.0\.117\.0/24: .*fast path: multipath: .*no_route' groups "$row" 0 4 13
found

say "- neighbours: missing, too many, of another check"
key=$(hex_of 198.18.2.2)$(le32 "$(index_of r2)")
value=$(map neighbours get "x$key" 0 4)
check=$(map neighbours get "x$key" 4 4)
deletes '^neighbour 198\.18\.2\.2 dev r2: kernel: lladdr 02:00:00:00:02:02; fast path: no entry' \
	neighbours "x$key" "$(le32 "$value")$(le32 "$check")"
adds '^neighbour 198\.18\.2\.77 dev r2: kernel: no valid neighbour; fast path: ' \
	neighbours "x$(hex_of 198.18.2.77)$(le32 "$(index_of r2)")" "$(le32 "$value")$(le32 0)"
breaks '^neighbour 198\.18\.3\.2 dev r3: .*fast path: an entry for another neighbour' \
	neighbours "x$(hex_of 198.18.3.2)$(le32 "$(index_of r3)")" 4 4 1
found

say "- ports: flags, MTU, MAC address, left over"
flags=$(map ports get "$(port_of r1)" 14 2)
breaks '^port r1: kernel: flags [a-z_,]*up.*; fast path: flags ' ports "$(port_of r1)" 14 2 $((flags & ~1))
breaks '^port r2: kernel: mtu 1500; fast path: mtu 9000' ports "$(port_of r2)" 4 4 9000
breaks '^port r3: kernel: address 02:00:00:00:03:01; fast path: address 02:00:00:00:03:99' \
	ports "$(port_of r3)" 13 1 0x99
breaks '^port if99: kernel: cannot be a port; fast path: is a port' port_of_ifindex 99 0 8 "$(port_of r3)"
breaks '^port number 77: kernel: no such device; fast path: ifindex 98' ports 77 0 4 98
found

say "- own addresses: missing, too many, hidden by the filter"
key=x$(hex_of 198.18.2.1)
deletes '^own_address 198\.18\.2\.1: kernel: an address of this machine; fast path: none of' \
	own_addresses "$key" "0$(map own_addresses get "$key" 0 1)"
adds '^own_address 192\.0\.2\.9: kernel: none of this machine.s addresses; fast path: an address of' \
	own_addresses "x$(hex_of 192.0.2.9)" 01
bit=$(filter_bit 198.18.3.1)
byte=$(map control get 0 $((40 + bit / 8)) 1)
breaks '^own_address 198\.18\.3\.1: .*its bit in the filter is missing' \
	control 0 $((40 + bit / 8)) 1 $((byte & ~(1 << bit % 8)))
found

say "- the control block"
breaks '^control hold: kernel: no hold; fast path: paused' control 0 8 4 28
breaks '^control flags: kernel: none; fast path: check_source' control 0 16 4 2
breaks '^control hash_policy: kernel: 0; fast path: 1' control 0 20 4 1
found

say "- packets that the program forwards, and the kernel would not"
sysctl_set router net.ipv4.conf.r1.rp_filter=1
settle
equal
flags=$(map ports get "$(port_of r1)" 14 2)
breaks '^packet to [0-9.]* from [0-9.]* iif r1: kernel: blackhole, or refused; fast path: dev r' \
	ports "$(port_of r1)" 14 2 $((flags & ~4))
found
sysctl_set router net.ipv4.conf.r1.rp_filter=0
settle

say "- policy rules, the routes of their tables, MAC addresses of devices above"
ipr route add 203.0.122.0/24 via 198.18.3.2 table 100
ipr route add 203.0.123.0/24 via 198.18.3.2 table 100
ipr rule add to 203.0.122.0/23 iif r1 priority 100 lookup 100
ipr link add above link r1 address 00:00:5e:00:01:01 type macvlan mode bridge
ipr link set above up
settle
equal
number=$(map policy get 0 32 4)
[ "$number" != 0 ] || fail "policy: no table in the first step"
table=$(le32 56)$(le32 "$number")
breaks '^policy 203\.0\.122\.0/24 table 100: kernel: via 198\.18\.3\.2 .*; fast path: via 198\.18\.2\.2 ' \
	policy_routes "x$table$(hex_of 203.0.122.0)" 0 4 "$right"
deletes '^policy 203\.0\.123\.0/24 table 100: kernel: via 198\.18\.3\.2 .*; fast path: no entry ' \
	policy_routes "x$table$(hex_of 203.0.123.0)" "$(le32 "$third")"
adds '^policy 203\.0\.121\.0/24 table 100: kernel: no such route; fast path: via 198\.18\.2\.2 ' \
	policy_routes "x$table$(hex_of 203.0.121.0)" "$(le32 "$right")"
found
breaks '^policy step 0: kernel: from 0\.0\.0\.0/0 to 203\.0\.122\.0/23 iif r1 flags 0x0: table 100; fast path: .* iif r2 ' \
	policy 0 16 2 "$(port_of r2)"
breaks '^policy steps: kernel: 2; fast path: 1' control 0 32 4 1
key=00005e000101$("$PYTHON" -c 'import sys; print(int(sys.argv[1]).to_bytes(2, sys.byteorder).hex())' "$(port_of r1)")
deletes '^ingress_mac 00:00:5e:00:01:01 dev r1: kernel: above; fast path: no device' \
	ingress_macs "x$key" "$(le32 "$(map ingress_macs get "x$key" 0 4)")00000000"
adds '^ingress_mac 00:00:5e:00:01:02 dev r1: kernel: no device; fast path: r2' \
	ingress_macs "x${key/000101/000102}" "$(le32 "$(port_of r2)")00000000"
found
ipr link del above
ipr rule del priority 100
settle
equal

say "- user routes: with what they say, and the kernel is not asked about them"
fast -b - >/dev/null <<'END'
add 203.0.113.0/24 drop
add 198.51.100.0/25 redirect r3
add 198.51.100.128/25 cpu 0
add 198.51.101.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2 weight 3
add 198.51.102.0/24 via 198.18.2.77 lladdr 02:00:00:00:02:77
add 203.0.112.0/22 via 198.18.3.2 override
add 192.0.2.0/24 pass
END
equal
fast -j verify 203.0.113.7 203.0.114.1 198.51.101.1 192.0.2.1 | jq -e '.[-1].differences == 0' >/dev/null ||
	fail "summary: $(fast -j verify 203.0.113.7)"
breaks '^203\.0\.113\.0/24: kernel: dropped .* by a user route; fast path: left to the kernel \(user_pass\) by a user route' \
	nexthops "$(leaf 203.0.113.1)" 1 1 31
breaks '^198\.51\.100\.0/25: kernel: redirected to r3 by a user route; fast path: redirected to r2' \
	nexthops "$(leaf 198.51.100.1)" 4 4 "$(port_of r2)"
breaks '^198\.51\.100\.128/25: kernel: left to the kernel on CPU 0 .*; fast path: .* on CPU 0-1 ' \
	nexthops "$(leaf 198.51.100.129)" 4 4 0x20000
# a route of the user that policy rules would come before
breaks '^198\.51\.102\.0/24: kernel: dev r2 lladdr 02:00:00:00:02:77 by a user route; fast path: dev r2 lladdr 02:00:00:00:02:77 \(' \
	nexthops "$(leaf 198.51.102.1)" 1 1 0
breaks '^192\.0\.2\.0/24: .*fast path: left to the kernel \(user_pass\) \(' \
	nexthops "$(leaf 192.0.2.1)" 4 4 0
found
fast flush all >/dev/null
equal

say "- several at once, and one that is killed"
at_once() {
	local code=0

	fast verify >"$WORK/once.$1" 2>&1 || code=$?
	case $code in
	0) echo equal ;;
	2) sed 's/.*verify: another one is running.*/refused/' "$WORK/once.$1" ;;
	*) echo "exit code $code" ;;
	esac
}
for i in 1 2 3 4 5 6; do
	at_once "$i" >>"$WORK/once" &
	once[i]=$!
done
wait "${once[@]}"
if ! grep -qx equal "$WORK/once" || grep -Evx 'equal|refused' "$WORK/once"; then
	fail "several at once:" "$(cat "$WORK/once")"
fi
for seconds in 0.001 0.005 0.01 0.02 0.03 0.05 0.1; do
	(timeout -s KILL "$seconds" "$B/ebpf-route" --instance "$LAB" verify --samples 1000000 ||
		true) >/dev/null 2>&1
done
no_child() {
	[ -z "$(pgrep -P "$ROUTED_PID")" ]
}
wait_for 20 no_child || fail "a child of the daemon stays: $(ps --ppid "$ROUTED_PID" -o pid,stat,args)"
equal

say "- routes change all the time: nothing is wrong"
churn() {
	local i=0

	while [ -e "$WORK/churn" ]; do
		for ((i = 0; i < 64; i++)); do
			echo "route replace 203.1.$i.0/24 via 198.18.$((2 + RANDOM % 2)).2"
			echo "route replace 203.2.$i.$((RANDOM % 8 * 32))/27 via 198.18.2.2"
		done
		echo "neigh replace 198.18.2.50 lladdr 02:00:00:00:$((10 + RANDOM % 80)):01 dev r2"
		echo "route replace 203.0.117.0/24 nexthop via 198.18.2.2 weight $((1 + RANDOM % 9)) nexthop via 198.18.3.2"
		echo "route flush root 203.2.0.0/16"
		echo "route replace 203.0.$((122 + RANDOM % 2)).0/24 via 198.18.$((2 + RANDOM % 2)).2 table 100"
		echo "rule add to 203.0.122.0/23 priority $((100 + RANDOM % 2)) lookup 100"
		echo "rule del priority $((100 + RANDOM % 2))"
		echo "link set r3 mtu $((1400 + RANDOM % 100))"
		sleep 0.01
	done | ip -n "$LAB-router" -force -batch - >/dev/null 2>&1 || true
}
: >"$WORK/churn"
churn &
churner=$!
PIDS+=("$churner")
total=0 flying=0
for _ in $(seq 12); do
	fast -j verify --samples 2000 >"$WORK/verify.out" || fail "while routes change:" "$(cat "$WORK/verify.out")"
	flying=$((flying + $(jq '.[-1].in_flight' "$WORK/verify.out")))
	total=$((total + 1))
done
rm "$WORK/churn"
reap "$churner" || fail "the churn failed"
while ipr rule del priority 100 || ipr rule del priority 101; do
	:
done 2>/dev/null
say "  $total times equal, $flying differences were on their way"
settle
equal
verify

say "- the daemon ends while one is running"
fast verify --samples 1000000 >"$WORK/last.out" 2>&1 &
last=$!
child() {
	pgrep -P "$ROUTED_PID"
}
wait_for 20 child || fail "verify: not begun"
kill -STOP "$(child)" # it is not to be done before
pid=$ROUTED_PID
stop "$pid" || fail "daemon: exit code $?"
wait "$last" && fail "verify: done without a daemon"
nothing_left() {
	! pgrep -f -- "--instance $LAB "
}
wait_for 20 nothing_left || fail "left over: $(pgrep -af -- "--instance $LAB ")"
! grep -iE 'AddressSanitizer|runtime error|ended by signal' "$WORK/ebpf-routed.log" ||
	fail "the daemon complains"

say "- full tables below a default route: what has no room is left to the kernel, and not called missing"
for n in $(seq 40); do
	echo "route replace 203.0.$n.$((n % 2 * 128))/25 via 198.18.$((n % 2 + 1)).2"
done | ip -n "$LAB-router" -batch -
routed --max-lpm-routes 12 --max-extension-groups 4
[ "$(fast -j status | jq '.full > 10')" = true ] || fail "no table is full"
verify
