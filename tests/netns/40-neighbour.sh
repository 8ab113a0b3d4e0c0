#!/usr/bin/env bash
# The gateway's MAC address changes, its neighbour entry goes and comes: the fast path follows, and
# falls back while the kernel resolves.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  198.18.2.2, the gateway of 203.0.113.0/24
#
. "$(dirname "$0")/../../scripts/lib.sh"

# gateway_mac MAC: the gateway gets another network card, and says so by gratuitous ARP.
gateway_mac() {
	on right ip link set h0 address "$1"
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from right --announce "$1"
}

lladdr_is() {
	ipr neigh show to 198.18.2.2 | has "lladdr $1"
}

lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.2.99 # nobody has this address
routed
probe left <<<"forward 203.0.113.1 right n=10"

say "- gratuitous ARP announces another MAC address"
gateway_mac 02:00:00:00:02:aa
wait_for 20 lladdr_is 02:00:00:00:02:aa || fail "the kernel did not take the gratuitous ARP"
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:aa"

say "- ip neigh replace"
ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:bb dev r2 nud reachable
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:bb"

say "- deleted: the kernel resolves it with the packet that fell back"
ipr neigh del 198.18.2.2 dev r2
settle
probe left <<<"no_neighbour 203.0.113.1 right gw=02:00:00:00:02:aa"
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:aa"

say "- a stale entry still forwards, as the kernel would"
ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:aa dev r2 nud stale
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:aa"

say "- another card without a word: told of the use, the kernel probes, fails, resolves anew"
sysctl_set router net.ipv4.neigh.r2.base_reachable_time_ms=1000 \
	net.ipv4.neigh.r2.delay_first_probe_time=1 net.ipv4.neigh.r2.retrans_time_ms=200
on right ip link set h0 address 02:00:00:00:02:cc
send_and_look() {
	probe_only left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:cc" >/dev/null 2>&1
}
# On a machine that stands still for seconds it may be known: but not before the kernel knows it.
[ "$ENGINE" = kernel ] || ! send_and_look || ! lladdr_is 02:00:00:00:02:aa ||
	fail "the new MAC address is known too early"
wait_for 30 send_and_look || fail "traffic still goes to the old MAC address"
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:cc"
gateway_mac 02:00:00:00:02:aa
wait_for 20 lladdr_is 02:00:00:00:02:aa || fail "the kernel did not take the gratuitous ARP"
settle

say "- a failed one does not; a gateway without a neighbour neither: the kernel answers after its tries"
probe_only left --timeout 20 <<<"no_neighbour 203.0.114.1 icmp=3/1" || fail "unresolvable gateway"
settle
probe_only left --timeout 20 <<<"no_neighbour 203.0.114.1 icmp=3/1" || fail "failed gateway"

say "- the router's own MAC address changes"
ipr link set r2 address 02:00:00:00:02:0f
ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:aa dev r2 nud permanent
PORTS=("${PORTS[@]//02:00:00:00:02:01/02:00:00:00:02:0f}")
settle
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:aa"
ipr link set r1 address 02:00:00:00:01:0f
settle
probe left <<<"not_our_mac 203.0.113.1"
PORTS=("${PORTS[@]//02:00:00:00:01:01/02:00:00:00:01:0f}")
probe left <<<"forward 203.0.113.1 right n=10 gw=02:00:00:00:02:aa"
verify
