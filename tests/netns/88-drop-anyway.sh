#!/usr/bin/env bash
# What the user drops does not get past with options in its header, a priority tag, a mark or a strange source, at
# either hook; the kernel would forward it. Marks that a filter sets before ours decide nothing that the user decides.
#
# check: once
#
#   [ left ] --- r1 xdp [ router ] r3 xdp --- [ third ]
#   [ right ] -- r2 tc
#
. "$(dirname "$0")/../../scripts/lib.sh"

[ "$ENGINE" != kernel ] || skip "counts what the fast path does"

# tagged NAME N ADDRESS HEX: a frame from there with this between its MAC addresses and its ethertype
tagged() {
	on "$1" "$PYTHON" - "$2" "$3" "$4" <<'END'
import socket, struct, sys

n, to, tags = int(sys.argv[1]), socket.inet_aton(sys.argv[2]), bytes.fromhex(sys.argv[3])
ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 46, 0, 0, 64, 17, 0, socket.inet_aton(f'198.18.{n}.2'), to)
total = sum(struct.unpack('>10H', ip))
total = (total & 0xffff) + (total >> 16)
ip = ip[:10] + struct.pack('>H', ~total & 0xffff) + ip[12:]
udp = struct.pack('>HHHH', 9, 9, 26, 0) + bytes(18)
sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sock.bind(('h0', 0))
sock.send(bytes.fromhex(f'02000000{n:02x}01' f'02000000{n:02x}02') + tags + b'\x08\x00' + ip + udp)
END
}

# forwarded: packets that the router sent to `third`, whoever did it
forwarded() {
	on third cat /sys/class/net/h0/statistics/rx_packets
}

dropped() {
	fast -j route proto user 203.0.113.0/24 | jq '.[0].packets'
}

# passes NAME N HEX: the kernel forwards that frame
passes() {
	local before

	before=$(forwarded)
	tagged "$1" "$2" 203.0.113.7 "$3"
	wait_for 20 bash -c "[ \$(ip netns exec $LAB-third cat /sys/class/net/h0/statistics/rx_packets) -gt $before ]" ||
		fail "$1: a frame with $3 is not forwarded"
}

# caught NAME N HEX: the user's drop has it
caught() {
	local before

	before="$(dropped) $(counter "r$2" .dropped.packets) $(forwarded)"
	tagged "$1" "$2" 203.0.113.7 "$3"
	wait_for 20 is_caught "$2" "$before" ||
		fail "$1: $3: dropped by the route, at the port, forwarded: were $before, are $(dropped)" \
			"$(counter "r$2" .dropped.packets) $(forwarded)"
}

is_caught() {
	local by_route at_port out

	read -r by_route at_port out <<<"$2"
	[ "$(dropped) $(counter "r$1" .dropped.packets) $(forwarded)" = "$((by_route + 1)) $((at_port + 1)) $out" ]
}

attached_or_gone() {
	[ -s "$WORK/marks.log" ] || gone_or_zombie "$BACKGROUND_PID"
}

lab_start
use_mixed
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2
ipr neigh replace 198.18.3.2 lladdr 02:00:00:00:03:02 dev r3 nud permanent # no ARP among the frames that are counted
ipn third neigh replace 198.18.3.1 lladdr 02:00:00:00:03:01 dev h0 nud permanent
ipr route add 203.0.113.0/24 via 198.18.3.2
background marks router "$PYTHON" "$TOP/tests/netns/foreign.py" attach tcx-ingress r2 mark
wait_for 20 attached_or_gone
MARKS=no
! grep -q '^[0-9]*$' "$WORK/marks.log" || MARKS=yes
routed

say "- the kernel forwards what has a priority tag, or two"
for tags in 8100e000 88a80000 810000008100e000; do
	passes left 1 "$tags"
	passes right 2 "$tags"
done

say "- what the user drops does not get past with them"
fast add 203.0.113.0/24 drop
for tags in 8100e000 88a80000 810000008100e000; do
	caught left 1 "$tags"
	caught right 2 "$tags"
done
probe left <<'END'
drop 203.0.113.7 n=3
drop 203.0.113.7 opts=01010101 n=4
drop 203.0.113.7 src=198.18.1.1
END
probe right <<'END'
drop 203.0.113.7 opts=01010101 n=4
drop 203.0.113.7 src=127.0.0.1
END

say "- a tag of a VLAN is another matter"
before=$(counter r1 .fallback.reasons.not_ipv4.packets)
tagged left 1 203.0.113.7 8100e001
wait_for 20 bash -c "[ \$('$B/ebpf-route' --instance $LAB -j stats | jq '.interfaces[] | select(.ifname == \"r1\").fallback.reasons.not_ipv4.packets') -gt $before ]" ||
	fail "VLAN 1: not counted as not_ipv4"
fast del 203.0.113.0/24

say "- marks while no rule asks for them"
[ $MARKS = yes ] || skip "this kernel has no tcx"
probe right <<<'forward 203.0.113.7 third n=3'

say "- and while one does: the user's routes come before rules"
ipr rule add fwmark 1 lookup 100 pref 1000
ipr route add unreachable 203.0.113.0/24 table 100
settle
probe right <<'END'
policy_rule 203.0.113.7 icmp=3/1
END
fast add 203.0.113.0/24 via 198.18.3.2
probe right <<<'forward 203.0.113.7 third n=3'
fast replace 203.0.113.0/24 drop
probe right <<<'drop 203.0.113.7 n=3'
verify_maps
ipr rule del fwmark 1 lookup 100 pref 1000
fast del 203.0.113.0/24
settle
probe right <<<'forward 203.0.113.7 third n=3'
verify_maps
