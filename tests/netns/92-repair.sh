#!/usr/bin/env bash
# Entries of every map that are changed by hand: the periodic audit finds each, says which, and puts it back as
# it was; packets then go where they should. The same by `verify --repair`.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            \ r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$TOP/tests/netns/maps.sh"

PATTERNS=() # that the log has to have
MAPS=()	    # "MAP KEY OFFSET SIZE NUMBER" as it was; NUMBER `none`: no such entry

# spoil PATTERN MAP KEY OFFSET SIZE NUMBER: changes a field.
spoil() {
	local before

	before=$(map "$2" set "$3" "$4" "$5" "$6")
	[ "$before" != $(($6)) ] || fail "$2 $3: is $6 already"
	PATTERNS+=("$1")
	MAPS+=("$2 $3 $4 $5 $before")
}

# lose PATTERN MAP KEY SIZE, add PATTERN MAP KEY VALUE: an entry goes, or comes.
lose() {
	PATTERNS+=("$1")
	MAPS+=("$2 $3 0 $4 $(map "$2" get "$3" 0 "$4")")
	map "$2" del "$3"
}

add() {
	PATTERNS+=("$1")
	MAPS+=("$2 $3 0 1 $(map "$2" get "$3" 0 1)") # of an LPM trie: what covers it
	map "$2" put "$3" "$4"
}

said() {
	local pattern

	for pattern in "${PATTERNS[@]}"; do
		if ! sed "1,${1}d" "$WORK/ebpf-routed.log" | has -E "maps: $pattern: not as written, repaired"; then
			MISSING=$pattern
			return 1
		fi
	done
}

repairs() {
	fast -j status | jq .audit.repairs
}

# is_as_it_was MAP KEY OFFSET SIZE NUMBER
is_as_it_was() {
	local now

	now=$(map "$1" get "$2" "$3" "$4")
	[ "$now" = "$5" ] || fail "$1 $2, $4 bytes at $3: $now, not $5 as before"
}

MORE=0 # repairs that tell of more than one case, or cases of more than one
# repaired LINES REPAIRS: what was spoilt since the log had so many lines, and so many were counted.
repaired() {
	local lines=$1 before=$2 entry words n

	wait_for 20 said "$lines" || fail "the daemon does not say '$MISSING: not as written, repaired'"
	for entry in "${MAPS[@]}"; do
		read -ra words <<<"$entry"
		is_as_it_was "${words[@]}"
	done
	n=$(($(repairs) - before))
	[ "$n" = $((${#PATTERNS[@]} + MORE)) ] || fail "$n repairs counted, expected ${#PATTERNS[@]} + $MORE"
	verify_maps --samples 2000
	packets
	PATTERNS=() MAPS=() MORE=0
}

lines() {
	wc -l <"$WORK/ebpf-routed.log"
}

# with COMMAND...: spoils, and sees it repaired by the periodic audit. The daemon is stopped meanwhile: all of it is
# there when it looks.
with() {
	local lines before

	lines=$(lines) before=$(repairs)
	kill -STOP "$ROUTED_PID"
	"$@"
	kill -CONT "$ROUTED_PID"
	repaired "$lines" "$before"
}

packets() {
	probe left <<'PROBES'
forward 203.0.113.1 right
forward 203.0.114.1 third
forward 203.0.116.1 third
forward 203.0.116.200 right
forward 203.0.117.1 right,third n=5
drop 203.0.118.1
forward 198.18.2.50 right
forward 192.0.2.1 third
PROBES
}

ASK=1 # `get` has to say the same
lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr neigh add 198.18.2.50 lladdr 02:00:00:00:02:02 dev r2
ipr route add default via 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.3.2
ipr route add 203.0.116.0/24 via 198.18.3.2
ipr route add 203.0.116.128/25 via 198.18.2.2
ipr route add 203.0.117.0/24 nexthop via 198.18.2.2 nexthop via 198.18.3.2
ipr route add blackhole 203.0.118.0/24
ipr route add 203.0.122.0/24 via 198.18.3.2 table 100
ipr route add 203.0.123.0/24 via 198.18.3.2 table 100
ipr rule add to 203.0.122.0/23 iif r1 priority 100 lookup 100
ipr link add above link r1 address 00:00:5e:00:01:01 type macvlan mode bridge
ipr link set above up
routed --resync-interval 1 --cpu-queue 512 --lease 60 # it is stopped now and then
maps_open
fast add 198.51.100.0/24 cpu 0 >/dev/null
settle
packets

say "- nothing is changed, nothing is repaired"
audits() {
	fast -j status | jq .audit.runs
}
audited() {
	[ "$(audits)" -ge "$1" ]
}
wait_for 20 audited $(($(audits) + 2)) || fail "no audits" # the first one may have begun already
[ "$(repairs)" = 0 ] || fail "repaired: $(grep 'not as written' "$WORK/ebpf-routed.log")"
[ "$(map cpus get 0 0 4)" = 512 ] || fail "--cpu-queue: $(map cpus get 0 0 4)"

right=$(leaf 203.0.113.1) third=$(leaf 203.0.114.1) group=$(leaf 203.0.117.1)
adjacency=$(map nexthops get "$right" 4 4)
row_of_group=$(map nexthops get "$group" 4 4)
r1=$(port_of r1) r2=$(port_of r2) r3=$(port_of r3)

spoil_engine() {
	local n row entry

	if [ "$ENGINE" = lpm ]; then
		add 'entry of 203\.0\.113\.64/28' lpm "x$(le32 28)cb007140" "$(le32 "$right")"
		add 'entry of 64\.0\.0\.0/2' lpm "x$(le32 2)40000000" "$(le32 "$right")"
		spoil 'entry of 203\.0\.113\.0/24' lpm "x$(le32 24)cb007100" 0 4 "$third"
		lose 'entry of 203\.0\.114\.0/24' lpm "x$(le32 24)cb007200" 4
		return
	fi
	n=$(number_of 203.0.113.0) entry=$(((n >> 8 & 255) * 2))
	row=$(($(map dir24 get $((n >> 16)) $((entry + 6)) 2) & 0x7fff))
	spoil 'entry of 203\.0\.113\.0-203\.0\.114\.255' dir24 $((n >> 16)) "$entry" 2 "$third"
	spoil 'entry of 203\.0\.113\.0-203\.0\.114\.255' dir24 $((n >> 16)) $((entry + 2)) 2 0
	# another row, and one that is far behind the map
	spoil 'entry of 203\.0\.116\.0/24' dir24 $((n >> 16)) $((entry + 6)) 2 0xffff
	spoil 'entry of 203\.0\.118\.0/24' dir24 $((n >> 16)) $((entry + 10)) 2 $((0x8000 | row))
	# nobody's, and right by chance
	spoil 'entry of 64\.0\.0\.0/24' dir24 $((64 << 8)) 0 2 "$third"
	spoil 'entry of 203\.0\.116\.200' dir24_groups "$row" $((200 * 2)) 2 "$third"
	MORE=-1
}

spoil_words() {
	spoil 'control hold' control 0 8 4 28
	spoil 'control default leaf' control 0 12 4 13
	spoil 'control flags' control 0 16 4 5
	spoil 'control hash_policy' control 0 20 4 1
	spoil 'control hash_seed' control 0 24 4 1
	spoil 'control layout' control 0 28 4 99
	spoil "next-hop slot $right" nexthops "$right" 4 4 "$(map nexthops get "$third" 4 4)"
	spoil "next-hop slot $third" nexthops "$third" 8 8 0
	spoil 'next-hop slot 3000' nexthops 3000 0 8 1
	spoil "group $row_of_group" groups "$row_of_group" $((255 * 4)) 4 13
	spoil "adjacency $adjacency \(198\.18\.2\.2 dev r2\)" adjacencies "$adjacency" 5 1 0xaa
	spoil 'adjacency 4000' adjacencies 4000 0 8 1
	spoil "port $r1 \(r1\)" ports "$r1" 14 2 0
	spoil "port $r2 \(r2\)" ports "$r2" 4 4 9000
	spoil 'port 77 \(not in use\)' ports 77 0 4 98
	spoil 'port number of r3' port_of_ifindex "$(index_of r3)" 0 8 0
	spoil 'port number of ifindex 99' port_of_ifindex 99 0 8 "$r3"
	spoil 'port number of ifindex 200000' port_of_ifindex 200000 0 8 70000
}

spoil_entries() {
	local key bit byte table number

	spoil "device that port $r2 \(r2\) transmits by" tx_ports "$r2" 0 4 "$(index_of r3)"
	lose "device that port $r3 \(r3\) transmits by" tc_ports "$r3" 4
	add 'device that port 78 \(not in use\) transmits by' tx_ports 78 "$(le32 "$(index_of r3)")"
	spoil 'CPU 0 to steer to' cpus 0 0 4 64
	key=$(le32 "$(index_of r2)")
	lose 'neighbour 198\.18\.2\.2 dev r2' neighbours "x$(hex_of 198.18.2.2)$key" 8
	add 'neighbour 198\.18\.2\.77 dev r2' neighbours "x$(hex_of 198.18.2.77)$key" \
		"$(le32 "$adjacency")$(le32 0)"
	spoil 'neighbour 198\.18\.3\.2 dev r3' neighbours \
		"x$(hex_of 198.18.3.2)$(le32 "$(index_of r3)")" 0 4 "$adjacency"
	lose 'own address 198\.18\.2\.1' own_addresses "x$(hex_of 198.18.2.1)" 1
	add 'own address 192\.0\.2\.9' own_addresses "x$(hex_of 192.0.2.9)" 01
	spoil 'own address 198\.18\.1\.1' own_addresses "x$(hex_of 198.18.1.1)" 0 1 2
	bit=$(filter_bit 198.18.3.1)
	byte=$(map control get 0 $((40 + bit / 8)) 1)
	spoil 'filter of own addresses' control 0 $((40 + bit / 8)) 1 $((byte & ~(1 << bit % 8)))
	key=00005e000101$("$PYTHON" -c \
		'import sys; print(int(sys.argv[1]).to_bytes(2, sys.byteorder).hex())' "$r1")
	lose 'ingress MAC address 00:00:5e:00:01:01 dev r1' ingress_macs "x$key" 8
	add 'ingress MAC address 00:00:5e:00:01:02 dev r1' ingress_macs "x${key/000101/000102}" \
		"$(le32 "$r2")00000000"
	number=$(map policy get 0 32 4)
	spoil 'policy step 0' policy 0 16 2 "$r2"
	spoil 'control policy_steps' control 0 32 4 0
	table=$(le32 56)$(le32 "$number")
	spoil 'policy route 203\.0\.122\.0/24 of table number '"$number" \
		policy_routes "x$table$(hex_of 203.0.122.0)" 0 4 "$right"
	lose 'policy route 203\.0\.123\.0/24 of table number '"$number" \
		policy_routes "x$table$(hex_of 203.0.123.0)" 4
	add 'policy route 203\.0\.121\.0/24 of table number '"$number" \
		policy_routes "x$table$(hex_of 203.0.121.0)" "$(le32 "$right")"
	add 'policy routes: entry of 8 bits' policy_routes "x$(le32 8)0000000000000000" "$(le32 "$right")"
}

say "- the engine ($ENGINE)"
with spoil_engine
say "- tables of words"
with spoil_words
say "- maps of keys, devices, CPUs, policy"
with spoil_entries

say "- more than the log takes"
many() {
	local i value

	value=$(le32 7)000000000000000000000000
	kill -STOP "$ROUTED_PID" # all of them are there when it looks
	for ((i = 0; i < 60; i++)); do
		map adjacencies put $((1000 + i)) "$value"
	done
	kill -CONT "$ROUTED_PID"
}
lines=$(lines) before=$(repairs)
many
sixty() {
	[ $(($(repairs) - before)) = 60 ]
}
wait_for 20 sixty || fail "$(repairs) repairs, before $before"
n=$(sed "1,${lines}d" "$WORK/ebpf-routed.log" | grep -c 'adjacency .*: not as written, repaired')
[ "$n" -lt 60 ] || fail "$n lines in the log"
summed_up() {
	sed "1,${lines}d" "$WORK/ebpf-routed.log" | has -E 'maps: [0-9]* entries in all were not as written'
}
wait_for 20 summed_up || fail "the log does not say how many"

say "- nothing is found where nothing is wrong"
before=$(repairs) runs=$(fast -j status | jq .audit.runs)
two_more() {
	[ "$(fast -j status | jq .audit.runs)" -ge $((runs + 2)) ]
}
wait_for 20 two_more || fail "no audits"
[ "$(repairs)" = "$before" ] || fail "repairs of what was right"

say "- verify --repair, without waiting for the next audit; the daemon survives what it must not believe"
stop "$ROUTED_PID" || fail "daemon: exit code $?"
routed --resync-interval 0
right=$(leaf 203.0.113.1) third=$(leaf 203.0.114.1)
if [ "$ENGINE" = dir24 ]; then
	n=$(number_of 203.0.116.0) entry=$(((n >> 8 & 255) * 2))
	map dir24 set $((n >> 16)) "$entry" 2 0xfffe >/dev/null
	fast get 203.0.116.7 >/dev/null || fail "get: exit code $?"
	# routes of that row, and around it
	ipr route add 203.0.116.64/26 via 198.18.2.2
	ipr route del 203.0.116.64/26
	ipr route add 203.0.0.0/16 via 198.18.2.2
	ipr route del 203.0.0.0/16
	settle
	object='entry of 203\.0\.116\.0/24'
else
	map lpm set "x$(le32 24)cb007100" 0 4 "$third" >/dev/null
	object='entry of 203\.0\.113\.0/24'
fi
map nexthops set "$right" 4 4 60000 >/dev/null
code=0
fast verify >"$WORK/verify.out" 2>&1 || code=$?
[ "$code" = 3 ] || fail "verify: exit code $code:" "$(cat "$WORK/verify.out")"
fast verify --repair >"$WORK/verify.out" 2>&1 || fail "verify --repair: exit code $?:" "$(cat "$WORK/verify.out")"
for i in "$object" "next-hop slot $right"; do
	grep -Eq "^repaired: $i\$" "$WORK/verify.out" || fail "verify --repair: no line for $i:" "$(cat "$WORK/verify.out")"
done
[ "$(wc -l <"$WORK/verify.out")" = 3 ] || fail "$(cat "$WORK/verify.out")"
fast -j verify --repair | jq -e '.[-1].repaired == 0' >/dev/null || fail "repairs of what was right"
ipr rule del priority 100
settle
packets

say "- what cannot be repaired: said once, and the kernel forwards"
routed_again() {
	stop "$ROUTED_PID" || fail "daemon: exit code $?"
	routed --resync-interval 1
}
routed_again
map own_addresses put "x$(hex_of 192.0.2.9)" 01
map own_addresses freeze "x$(hex_of 192.0.2.9)"
on_hold() {
	[ "$(fast -j status | jq -r .hold)" = table_full ]
}
wait_for 20 on_hold || fail "not on hold: $(fast -j status)"
before=$(fast -j status | jq .audit.failed)
again() {
	[ "$(fast -j status | jq .audit.failed)" -gt "$before" ]
}
wait_for 20 again || fail "not tried again"
[ "$(grep -c 'own address 192.0.2.9: not as written, and not repaired: ' "$WORK/ebpf-routed.log")" = 1 ] ||
	fail "not said, or not once"
probe left <<'PROBES'
table_full 203.0.113.1 right
PROBES
routed_again
packets
