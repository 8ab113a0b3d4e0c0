#!/usr/bin/env bash
# `ebpf-route get` says what the program does: real frames of every verdict that a lab can bring about are
# counted, and get is asked about the same bytes before; of what is forwarded, for the next hop too.
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]
#
. "$(dirname "$0")/../../scripts/lib.sh"
ASK=1

# get ARGUMENTS...: verdict or reason, and what else jq finds, on one line.
get() {
	fast -j get "${@:2}" | jq -r "[.reason // .verdict, $1] | map(tostring) | join(\" \")"
}

# says EXPECTED JQ ARGUMENTS...
says() {
	local said

	said=$(get "${@:2}")
	[ "$said" = "$1" ] || fail "get ${*:3}: '$said' instead of '$1'"
}

# refuses PATTERN ARGUMENTS...: one line on stderr, no answer.
refuses() {
	local said

	! said=$(fast get "${@:2}" 2>&1 >/dev/null) || fail "get ${*:2}: answered"
	[[ $said =~ $1 && $said != *$'\n'* ]] || fail "get ${*:2}: '$said' instead of '$1'"
}

cannot_transmit() {
	[ "$(get .dev 203.0.113.1)" = "egress_no_xdp r2" ]
}

# held REASON: null or a JSON string.
held() {
	fast -j status | jq -e ".hold == $1"
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
port third 3
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
ipr neigh replace 198.18.3.77 lladdr 02:00:00:00:03:77 dev r3
ipr neigh replace 198.18.1.77 lladdr 02:00:00:00:01:77 dev r1
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 nexthop via 198.18.2.2 weight 3 nexthop via 198.18.2.77 \
	nexthop via 198.18.3.77 weight 2
ipr route add blackhole 203.0.115.0/24
ipr route add unreachable 203.0.116.0/24
ipr route add prohibit 203.0.117.0/24
ipr route add throw 203.0.118.0/24
ipr route add 203.0.119.0/24 via 198.18.1.77
ipr route add 203.0.120.0/24 via 198.18.2.2 mtu 600
ipr route add 203.0.121.0/24 via 198.18.2.2
ipr route add 203.0.121.0/24 tos 0x10 via 198.18.3.2
ipr route add 203.0.122.0/24 via 198.18.2.99
sysctl_set router net.ipv4.conf.all.send_redirects=1 net.ipv4.conf.r1.send_redirects=1
routed

say "- what the frame is"
probe left <<'END'
forward      203.0.113.1 right
forward      203.0.113.1 right pad=10
forward      198.18.2.77 right gw=02:00:00:00:02:77
forward      203.0.113.1 right frag=0x2000
not_ipv4     203.0.113.1 any=1 set=12:86dd
not_ipv4     203.0.113.1 any=1 set=12:8100
not_ipv4     203.0.113.1 any=1 set=12:0806 cut=30
not_our_mac  203.0.113.1 dmac=02:00:00:00:00:99
not_our_mac  203.0.113.1 any=1 dmac=ff:ff:ff:ff:ff:ff
malformed    203.0.113.1 sum=bad
malformed    203.0.113.1 set=14:65
malformed    203.0.113.1 set=14:44
malformed    203.0.113.1 set=16:ffff
malformed    203.0.113.1 set=16:0013
malformed    203.0.113.1 cut=14
malformed    203.0.113.1 cut=33
malformed    203.0.113.1 cut=50
ip_options   203.0.113.1 right opts=01010101 any=1
ttl          203.0.113.1 ttl=1 any=1
ttl          203.0.113.1 ttl=0 any=1
END

say "- addresses"
probe left <<'END'
multicast    224.0.0.5   any=1
broadcast    255.255.255.255 any=1
broadcast    198.18.1.255 any=1
local        198.18.1.1  any=1
local        198.18.2.1  any=1 ttl=1
martian      127.0.0.1   any=1
no_route     0.1.2.3     any=1
martian      203.0.113.1 src=127.0.0.1
martian      203.0.113.1 src=198.18.2.1
martian      203.0.113.1 src=198.18.2.255 any=1
martian      203.0.113.1 src=224.0.0.1
martian      203.0.113.1 src=0.0.0.0
END

say "- routes"
probe left <<'END'
forward      203.0.114.1 right,third n=200 gw=02:00:00:00:02:02,02:00:00:00:02:77,02:00:00:00:03:77
forward      203.0.114.1 right,third n=20 proto=6 gw=02:00:00:00:02:02,02:00:00:00:02:77,02:00:00:00:03:77
forward      203.0.114.1 right,third n=20 flow=src gw=02:00:00:00:02:02,02:00:00:00:02:77,02:00:00:00:03:77
forward      203.0.114.1 right,third n=5 frag=0x2000,0x20b9 len=1500 flow=same gw=02:00:00:00:02:02,02:00:00:00:02:77,02:00:00:00:03:77
drop         203.0.115.1
unreachable  203.0.116.1 any=1
prohibit     203.0.117.1 any=1
throw        203.0.118.1 any=1
no_route     192.0.2.1   any=1
hairpin      203.0.119.1 any=1
mtu          203.0.120.1 len=601 any=1
forward      203.0.120.1 right len=600
unsupported_route 203.0.121.1 any=1
no_neighbour 203.0.122.1 any=1
no_neighbour 198.18.2.98 any=1
END

say "- packets described by words"
says "forward r2 198.18.2.2 02:00:00:00:02:02 203.0.113.0/24 1500" \
	'.dev, .gateway, .lladdr, .prefix, .mtu' 203.0.113.1
says "forward r2 null" '.dev, .gateway' 198.18.2.77 from 198.18.1.2 iif r1
says "mtu 600" .mtu 203.0.120.1 size 601
says "forward 600" .mtu 203.0.120.1 size 600 ipproto tcp sport 1 dport 2
says "ttl r2" .dev 203.0.113.1 ttl 1
says "not_our_mac r2" .dev 203.0.113.1 iif r1 mac 02:00:00:00:00:99
says "forward r2" .dev 203.0.113.1 iif r1 mac 02:00:00:00:01:01
says "martian r2" .dev 203.0.113.1 from 198.18.2.1 iif r1
says "hairpin r1" .dev 203.0.119.1 iif r1
says "forward r1" .dev 203.0.119.1
says "local local" .table 198.18.2.1
legs=$(for port in {1..60}; do
	get '.dev, .gateway, .lladdr, .multipath' 203.0.114.1 from 198.18.1.2 iif r1 ipproto udp \
		sport "$port" dport 9
done | sort -u)
[ "$legs" = "forward r2 198.18.2.2 02:00:00:00:02:02 true
forward r2 198.18.2.77 02:00:00:00:02:77 true
forward r3 198.18.3.77 02:00:00:00:03:77 true" ] || fail "legs of 203.0.114.1: $legs"

say "- routes of the user"
fast -b - >/dev/null <<'END'
add 198.51.100.0/28 drop
add 198.51.100.16/28 redirect r3
add 198.51.100.32/28 via 198.18.2.77 lladdr 02:00:00:00:02:77
add 203.0.113.128/25 pass
END
says "drop user null" '.protocol, .dev' 198.51.100.1
says "forward user r3 null" '.protocol, .dev, .lladdr' 198.51.100.17 iif r1
says "forward user r2 02:00:00:00:02:77 null" '.protocol, .dev, .lladdr, .gateway' 198.51.100.33
says "user_pass user 203.0.113.128/25" '.protocol, .prefix' 203.0.113.129
says "forward null" .protocol 203.0.113.1
fast flush all >/dev/null
says "forward null" .protocol 203.0.113.129

say "- what is no question"
refuses "nosuch: no such interface" 203.0.113.1 iif nosuch
refuses "lo: not attached" frame 00 iif lo
refuses "not in 64 bytes of protocol 47" 203.0.113.1 ipproto gre sport 1
refuses "not in 20 bytes" 203.0.113.1 size 20 dport 1

say "- an interface that does not forward, one that checks sources"
sysctl_set router net.ipv4.conf.r1.forwarding=0
settle
probe left <<<"forwarding_off 203.0.113.1"
says "forward r2" .dev 203.0.113.1
sysctl_set router net.ipv4.conf.r1.forwarding=1 net.ipv4.conf.r1.rp_filter=1
settle
probe left <<<"rp_filter 203.0.113.1 src=198.19.32.9"
says "forward true null" 'has("from"), .from' 203.0.113.1 iif r1
sysctl_set router net.ipv4.conf.r1.rp_filter=0
settle

say "- the way out"
on right ethtool -K h0 gro off
if [ "$HOOK" = tc ]; then
	settle
	probe left <<<"forward 203.0.113.1 right"
	says "forward r2" .dev 203.0.113.1
else
	wait_for 20 cannot_transmit || fail "r2 still transmits"
	probe left <<<"egress_no_xdp 203.0.113.1 right"
fi
on right ethtool -K h0 gro on
carrier right down
settle
probe left <<<"egress_down 203.0.113.1 any=1"
carrier right up
ipr neigh replace 198.18.2.77 lladdr 02:00:00:00:02:77 dev r2
resolve 198.18.2.2
settle
probe left <<<"forward 203.0.113.1 right"

say "- a macvlan device, whose address is one of r1's too"
if ipr link add link r1 name v1 address 00:00:5e:00:01:01 type macvlan mode bridge 2>/dev/null; then
	ipr address add 198.18.1.3/24 dev v1
	change link set v1 up
	probe left <<<"forward 203.0.113.1 right dmac=00:00:5e:00:01:01 any=1"
	[ "$(get .iif 203.0.113.1 from 198.18.1.2 iif v1)" = \
		"$(get .iif 203.0.113.1 from 198.18.1.2 iif r1 mac 00:00:5e:00:01:01 | sed 's/r1/v1/')" ] ||
		fail "get: another verdict by v1 than by its address on r1"
	probe left <<<"forward 203.0.113.1 right"
	change link del v1
else
	say "  no macvlan here"
fi

say "- rules, the firewall, IPsec"
change rule add tos 0x10 priority 100 lookup 100
probe left <<<"policy_rule 203.0.113.1 right tos=0x10"
change rule del priority 100
ipr route add default via 198.18.3.2 table 200
change rule add from 198.18.1.2 to 203.0.113.128/25 priority 100 lookup 200
for where in "113.200 default 200 r3" "113.100 203.0.113.0/24 null r2" "113.200 203.0.113.0/24 null r2 198.18.1.3"; do
	read -r dst prefix table dev src <<<"$where"
	said=$(get '.prefix, .table, .dev' "203.0.$dst" from "${src:-198.18.1.2}" iif r1)
	[[ $said =~ ^forward" $prefix $table $dev"$ ]] || fail "get 203.0.$dst: '$said'"
done
probe left <<'END'
forward 203.0.113.200 third
forward 203.0.113.100 right
forward 203.0.113.200 right src=198.18.1.3
END
change rule del priority 100
change rule add to 203.0.113.0/25 priority 101 unreachable
probe left <<<"unreachable 203.0.113.1 any=1"
change rule del priority 101
if on router nft -f - <<<'table ip t { chain c { type filter hook forward priority 0; counter; }; }' 2>/dev/null; then
	wait_for 20 held '"netfilter"' || fail "no hold for netfilter"
	probe left <<<"netfilter 203.0.113.1 right"
	on router nft delete table ip t
	wait_for 20 held null || fail "still held"
else
	say "  no nftables here"
fi
if ipr xfrm policy add src 192.0.2.0/24 dst 192.0.2.0/24 dir out action block 2>/dev/null; then
	wait_for 20 held '"xfrm"' || fail "no hold for xfrm"
	probe left <<<"xfrm 203.0.113.1 right"
	ipr xfrm policy flush
	wait_for 20 held null || fail "still held"
else
	say "  no xfrm here"
fi

say "- observing, and with a table too small"
stop "$ROUTED_PID" || fail "ebpf-routed: exit code $?"
routed --observe --max-neighbours 1
probe left <<'END'
observe      203.0.113.1 right
observe      203.0.115.1
table_full   198.18.2.98 any=1
ttl          203.0.113.1 ttl=1 any=1
END
says "observe 203.0.113.0/24" .prefix 203.0.113.1
