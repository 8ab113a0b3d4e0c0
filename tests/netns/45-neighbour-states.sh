#!/usr/bin/env bash
# Every state a neighbour entry can be in, of a gateway, of a connected host, and of an IPv6 next hop: forwarded
# where the kernel sends at once, left to it where it resolves first.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  IPv4 gateway 198.18.2.2
#                            r3 --- [ third ]  IPv6 next hop fe80::3, answers solicitations
#
. "$(dirname "$0")/../../scripts/lib.sh"

# state_is ADDRESS STATE
state_is() {
	ipr neigh show to "$1" | has "$2"
}

# quiet_v6 NAMESPACE IF: IPv6 without a word of its own: no solicitations of routers, no duplicate detection
quiet_v6() {
	sysctl_set "$1" "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.router_solicitations=0" \
		"net.ipv6.conf.$2.accept_dad=0" "net.ipv6.conf.$2.dad_transmits=0" \
		"net.ipv6.conf.$2.addr_gen_mode=1" "net.ipv6.conf.$2.disable_ipv6=0"
}

lab_start
port left 1
port right 2
port third 3
quiet_v6 router r3
quiet_v6 third h0
ipr address add fe80::1/64 dev r3 nodad
ipn third address add fe80::3/64 dev h0 nodad
# Who has answered a solicitation solicits as well, seconds later, and the router would learn from that.
sysctl_set third net.ipv6.neigh.h0.delay_first_probe_time=3600
resolve 198.18.1.2
ipr neigh add 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via inet6 fe80::3 dev r3
ipr route add 203.0.115.0/24 nexthop via 198.18.2.2 nexthop via inet6 fe80::3 dev r3
ipr nexthop add id 1 via fe80::3 dev r3
ipr route add 203.0.116.0/24 nhid 1
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
routed

# lasting DELAY-SECONDS PROBE-MILLISECONDS: so long these states last where nobody answers, the latter three times.
lasting() {
	sysctl_set router "net.ipv4.neigh.r2.delay_first_probe_time=$1" \
		"net.ipv6.neigh.r3.delay_first_probe_time=$1" \
		"net.ipv4.neigh.r2.retrans_time_ms=$2" "net.ipv6.neigh.r3.retrans_time_ms=$2"
}

say "- states that the kernel sends by, at once"
lasting 60 60000
for state in permanent noarp reachable stale delay probe; do
	ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2 nud $state
	ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2 nud $state
	ipr neigh replace fe80::3 lladdr 02:00:00:00:03:02 dev r3 nud $state
	settle
	probe left <<'PROBES' || fail "$state: see above"
forward 203.0.113.1 right
forward 198.18.2.77 right gw=02:00:00:00:02:77
forward 203.0.114.1 third
forward 203.0.115.1 right,third n=40 legs=2
forward 203.0.116.1 third
PROBES
done

# Left alone, these two last for a moment: DELAY because somebody has just confirmed it or a probe follows, PROBE
# because the neighbour answers. Of the change from STALE to DELAY nothing is said; the next dump tells.
say "- DELAY and PROBE that last: asked for in vain, and taken from a dump"
all_are() {
	state_is 198.18.2.2 "$1" && state_is 198.18.2.77 "$1" && state_is fe80::3 "$1"
}
lasting 3600 3600000
ipn right link set h0 arp off
ipn third link set h0 arp off
for state in delay probe; do
	for way in "198.18.2.2 02:00:00:00:02:02 r2" "198.18.2.77 02:00:00:00:02:77 r2" \
		"fe80::3 02:00:00:00:03:02 r3"; do
		# shellcheck disable=SC2086 # three words
		set -- $way
		if [ $state = delay ]; then
			ipr neigh replace "$1" lladdr "$2" dev "$3" nud stale
			ipr neigh replace "$1" dev "$3" use
		else
			ipr neigh replace "$1" lladdr "$2" dev "$3" nud probe
		fi
	done
	redump
	all_are "${state^^}" || fail "$state: does not last: $(ipr neigh show)"
	probe left <<'PROBES' || fail "$state: see above"
forward 203.0.113.1 right n=5
forward 198.18.2.77 right n=5 gw=02:00:00:00:02:77
forward 203.0.114.1 third n=5
forward 203.0.115.1 right,third n=40 legs=2
forward 203.0.116.1 third n=5
PROBES
	all_are "${state^^}" || fail "$state: did not last: $(ipr neigh show)"
	verify
done
lasting 5 1000
ipn right link set h0 arp on
ipn third link set h0 arp on

say "- states that it resolves from first, with the packet that fell back"
for state in none failed gone; do
	for way in "198.18.2.2 r2" "fe80::3 r3"; do
		# shellcheck disable=SC2086 # two words
		set -- $way
		if [ $state = gone ]; then
			ipr neigh del "$1" dev "$2"
		else
			ipr neigh replace "$1" dev "$2" nud $state
		fi
	done
	settle
	probe left <<<"no_neighbour 203.0.113.1 right"
	probe left <<<"no_neighbour 203.0.114.1 third"
	wait_for 20 has_neighbour 198.18.2.2 || fail "$state: not resolved"
	wait_for 20 has_neighbour fe80::3 || fail "$state: fe80::3 is not resolved"
	settle
	probe left <<'PROBES'
forward 203.0.113.1 right
forward 203.0.114.1 third
forward 203.0.116.1 third
PROBES
done

say "- incomplete: the kernel is asking; the packet waits there for the answer"
sysctl_set router net.ipv4.neigh.r2.retrans_time_ms=200 net.ipv4.neigh.r2.mcast_solicit=15
ipn right link set h0 arp off
ipr neigh del 198.18.2.2 dev r2
on router bash -c "echo >/dev/udp/198.18.2.2/33434"
wait_for 20 state_is 198.18.2.2 INCOMPLETE || fail "the neighbour answers, though it does not do ARP"
settle
(sleep 0.4 && ipn right link set h0 arp on) &
probe left <<<"no_neighbour 203.0.113.1 right"
settle
probe left <<<"forward 203.0.113.1 right n=5"

say "- another MAC address, told by the neighbour"
ipn third link set h0 address 02:00:00:00:03:aa
ipr neigh replace fe80::3 lladdr 02:00:00:00:03:aa dev r3 nud stale
settle
probe left <<'PROBES'
forward 203.0.114.1 third gw=02:00:00:00:03:aa
forward 203.0.116.1 third gw=02:00:00:00:03:aa
PROBES
ipn third link set h0 address 02:00:00:00:03:02

say "- carrier lost and back: only permanent entries are left, the rest comes back with the first packet"
ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2 nud permanent
carrier right down
settle
carrier right up
settle
probe left <<<"forward 198.18.2.77 right gw=02:00:00:00:02:77"
probe left <<<"no_neighbour 203.0.113.1 right"
wait_for 20 has_neighbour 198.18.2.2 || fail "not resolved after carrier came back"
settle
probe left <<<"forward 203.0.113.1 right n=5"

say "- a device without ARP: the kernel makes an entry of its own, and says nothing; the next dump tells"
for state in off on; do
	change link set r2 arp $state
	if [ $state = off ]; then # with the MAC address of r2 itself
		probe left <<<"no_neighbour 203.0.113.1 right gw=02:00:00:00:02:01"
		ipr neigh show nud noarp | has "^198.18.2.2 " ||
			fail "no entry without ARP: $(ipr neigh show nud all)"
		settle
		verify
		redump
		probe left <<<"forward 203.0.113.1 right n=5 gw=02:00:00:00:02:01"
	else
		probe left <<<"no_neighbour 203.0.113.1 right"
		wait_for 20 has_neighbour 198.18.2.2 || fail "not resolved with ARP on"
		settle
		probe left <<<"forward 203.0.113.1 right n=5"
	fi
	verify
done

say "- multicast, zero and foreign link addresses are no way"
ipr neigh replace 198.18.2.77 lladdr 01:00:5e:00:00:01 dev r2 nud permanent
ipr neigh replace 198.18.2.78 lladdr 00:00:00:00:00:00 dev r2 nud permanent
settle
probe left <<'PROBES'
no_neighbour 198.18.2.77 any=1
no_neighbour 198.18.2.78 any=1
PROBES
verify
