#!/usr/bin/env bash
# UDP that a socket hands over in one piece to be cut up later (UDP_SEGMENT), through the tc hook: pieces stay whole,
# every datagram arrives, the MTU is held against what they are cut to. What is in a tunnel is left to the kernel.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

# flight PIECES PATIENCE: of ten datagrams of 1,200 bytes each; how many of them arrived as they were
flight() {
	on left "$PYTHON" "$TOP/tests/netns/segments.py" "$LAB-right" 198.18.2.2 "$1" "$2"
}

taken() {
	counter r1 .forwarded.packets
}

too_long() {
	counter r1 .fallback.reasons.mtu.packets
}

# crosses PIECES FORWARDED MTU: all datagrams arrive, so many pieces were forwarded, and left to the kernel for their length
crosses() {
	local before after arrived

	before="$(taken) $(too_long)"
	arrived=$(flight "$1" 20)
	after="$(taken) $(too_long)"
	[ "$arrived" = $(($1 * 10)) ] || fail "$1 pieces: $arrived datagrams arrived"
	[ "$after" = "$((${before% *} + $2)) $((${before#* } + $3))" ] ||
		fail "$1 pieces: forwarded and mtu were $before, are $after"
}

[ "$ENGINE" != kernel ] || skip "counts what the fast path does"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
routed

say "- pieces of 12,000 bytes stay whole"
crosses 50 50 0
bytes=$(counter r1 .forwarded.bytes)
[ "$bytes" = $((50 * 12042)) ] || fail "$bytes bytes in 50 pieces"

say "- by a user route as well"
fast add 198.18.2.2 via 198.18.2.2
crosses 20 20 0
[ "$(fast -j route proto user | jq '.[0].packets')" = 20 ] || fail "not 20 packets by the user route"
fast del 198.18.2.2

say "- the MTU is held against what they are cut to"
ipr link set r2 mtu 1228
settle
crosses 10 10 0
ipr link set r2 mtu 1227
settle
before=$(too_long)
flight 10 1 >/dev/null || true # the kernel answers, and cuts the rest up
[ "$(too_long)" -gt "$before" ] || fail "longer than the MTU, and not counted so"
ipr link set r2 mtu 1500
settle

say "- a tunnel's are left to the kernel"
if on left ip link add vx0 type vxlan id 7 remote 198.18.2.2 dstport 4789 local 198.18.1.2; then
	on right ip link add vx0 type vxlan id 7 remote 198.18.1.2 dstport 4789 local 198.18.2.2
	on left ip address add 198.19.0.1/24 dev vx0
	on right ip address add 198.19.0.2/24 dev vx0
	on left ip link set vx0 up
	on right ip link set vx0 up
	background iperf3 right iperf3 -s -1
	wait_for 20 bash -c "ip netns exec $LAB-right ss -Hltn 'sport = :5201' | grep -q ."
	bytes=$(counter r1 .forwarded.bytes) taken=$(taken) before=$(too_long)
	on left iperf3 -c 198.19.0.2 -n 10M >/dev/null || fail "iperf3 by the tunnel"
	[ "$(too_long)" -gt "$before" ] || fail "whole packets of the tunnel were not left to the kernel"
	taken=$(($(taken) - taken)) bytes=$(($(counter r1 .forwarded.bytes) - bytes))
	[ "$bytes" -le $((taken * 1514)) ] || fail "$taken packets of the tunnel forwarded, $bytes bytes"
fi
verify_maps
