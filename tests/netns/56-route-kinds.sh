#!/usr/bin/env bash
# Types and attributes of routes: verdicts, MTU and its lock, onlink, IPv6 next hops, encapsulation, and
# what the kernel learns by itself (path MTU, redirects), which is no route.
# check: kernel dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  sends ICMP errors, and has another gateway's MAC :22
#                            r3 --- [ third ]  and the default route; IPv6 next hop fe80::3
#
. "$(dirname "$0")/../../scripts/lib.sh"

lab_start
port left 1
port right 2
port third 3
ipr neigh add 198.18.2.22 lladdr 02:00:00:00:02:22 dev r2
ipr neigh add 192.0.2.99 lladdr 02:00:00:00:03:99 dev r3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add default via 198.18.3.2
routed

say "- types"
ipr route add blackhole 203.0.113.0/26
ipr route add unreachable 203.0.113.64/26
ipr route add prohibit 203.0.113.128/26
ipr route add local 203.0.113.192/26 dev lo table main
ipr route add broadcast 203.0.114.0/26 dev r2 table main
ipr route add nat 203.0.114.64/26 via 198.18.2.2 2>/dev/null || say "  no type nat here"
ipr route add multicast 203.0.114.128/26 dev r2 table main
ipr route add anycast 203.0.114.192/26 dev r2 table main 2>/dev/null || say "  no type anycast here"
settle
probe left <<'PROBES'
drop 203.0.113.1 n=3
unreachable 203.0.113.65 icmp=3/1
prohibit 203.0.113.129 icmp=3/13
local 203.0.113.193 icmp=3/3
broadcast 203.0.114.1 any=1
multicast 203.0.114.129 any=1
forward 203.0.115.1 third
PROBES
ipr route flush root 203.0.114.0/24
ipr route flush root 203.0.113.192/26
settle
verify
probe left <<'PROBES'
forward 203.0.113.193 third
forward 203.0.114.1 third
forward 203.0.114.129 third
PROBES

say "- MTU of a route, of a lone leg, of several, of one by an object; lock; other metrics say nothing"
ipr nexthop add id 1 via 198.18.2.2 dev r2
ipr route add 203.0.116.0/26 via 198.18.2.2 mtu 1300
ipr route add 203.0.116.64/26 via 198.18.2.2 mtu lock 1300
ipr route add 203.0.116.128/26 nhid 1 mtu 1200
ipr route add 203.0.116.192/26 via 198.18.2.2 advmss 500 hoplimit 3 window 1000
ipr route add 203.0.117.0/26 mtu 1280 nexthop via 198.18.2.2 nexthop via 198.18.2.22
ipr route add 203.0.117.64/26 via 198.18.2.2 mtu 9000
settle
probe left <<'PROBES'
forward 203.0.116.1 right len=1300 df=1
mtu 203.0.116.1 len=1301 df=1 icmp=3/4 mtu=1300
forward 203.0.116.65 right len=1300
mtu 203.0.116.65 len=1301 df=1 icmp=3/4 mtu=1300
forward 203.0.116.129 right len=1200 df=1
mtu 203.0.116.129 len=1201 df=1 icmp=3/4 mtu=1200
forward 203.0.116.193 right len=1500 df=1
forward 203.0.117.1 right len=1280 df=1 n=9 gw=02:00:00:00:02:02,02:00:00:00:02:22
mtu 203.0.117.1 len=1281 df=1 icmp=3/4 mtu=1280
forward 203.0.117.65 right len=1500 df=1
PROBES
change route replace 203.0.116.0/26 via 198.18.2.2 mtu 1400
change route replace 203.0.116.128/26 nhid 1 # by the same object: the kernel keeps the MTU that it had
probe left <<<"mtu 203.0.116.129 len=1201 df=1 icmp=3/4 mtu=1200"
ipr route del 203.0.116.128/26
change route add 203.0.116.128/26 nhid 1
probe left <<'PROBES'
forward 203.0.116.1 right len=1400 df=1
mtu 203.0.116.1 len=1401 df=1 icmp=3/4 mtu=1400
forward 203.0.116.129 right len=1500 df=1
PROBES

say "- onlink: a gateway in no connected net"
change route add 203.0.118.0/24 via 192.0.2.99 dev r3 onlink
probe left <<<"forward 203.0.118.1 third gw=02:00:00:00:03:99"
change nexthop add id 2 via 192.0.2.99 dev r3 onlink
change route add 203.0.119.0/24 nhid 2
probe left <<<"forward 203.0.119.1 third gw=02:00:00:00:03:99"

say "- encapsulation falls back, this prefix alone, a leg or an object of that kind too"
sysctl_set router net.ipv4.nexthop_compat_mode=0 # the object says so, not its routes
ipr nexthop add id 3 encap ip id 7 dst 192.0.2.1 via 198.18.2.2 dev r2
ipr route add 203.0.120.0/26 encap ip id 7 dst 192.0.2.1 via 198.18.2.2 dev r2
ipr route add 203.0.120.64/26 nhid 3
ipr route add 203.0.120.128/26 nexthop encap ip id 7 dst 192.0.2.1 via 198.18.2.2 dev r2 \
	nexthop via 198.18.2.2 dev r2
ipr nexthop add id 10 group 1/3
ipr nexthop add id 11 group 3
ipr route add 203.0.122.0/24 nhid 11
ipr route add 203.0.120.192/26 nhid 10
settle
probe left <<'PROBES'
unsupported_route 203.0.120.1 right
unsupported_route 203.0.120.65 right
unsupported_route 203.0.120.129 right n=5
forward|unsupported_route 203.0.120.193 right n=20
unsupported_route 203.0.122.1 right n=5
forward 203.0.116.129 right
PROBES

say "- learnt by the kernel, no routes: a path MTU bounds what it sends itself only, redirects are refused"
for prefix in 203.0.120.{0,64,128,192}/26 203.0.122.0/24; do
	ipr route del "$prefix"
done
sysctl_set router net.ipv4.nexthop_compat_mode=1
ipr route add 203.0.121.0/24 via 198.18.2.2
settle
learns() {
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from right --error "$1" --about "$2"
}
knows() {
	ipr route get "$1" | has "$2"
}
restart() {
	[ "$ENGINE" = kernel ] || stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	routed
}
learns redirect=198.18.2.22 203.0.121.3
learns pmtu=1000 203.0.121.1
wait_for 20 knows 203.0.121.1 'mtu 1000' || fail "no path MTU was learnt"
settle
verify
probe left <<'PROBES'
forward 203.0.121.1 right len=1500 df=1
forward 203.0.121.2 right len=1500 df=1
forward 203.0.121.3 right
PROBES

say "- told to believe them: then the kernel decides"
sysctl_set router net.ipv4.ip_forward_use_pmtu=1
settle
probe left <<'PROBES'
unsupported_route 203.0.121.1 right len=1000 df=1
unsupported_route 203.0.121.1 len=1500 df=1 icmp=3/4
PROBES
sysctl_set router net.ipv4.ip_forward_use_pmtu=0 net.ipv4.conf.all.accept_redirects=1 \
	net.ipv4.conf.r2.accept_redirects=1 net.ipv4.conf.r2.secure_redirects=0
settle
learns redirect=198.18.2.22 203.0.121.3
probe left <<'PROBES'
unsupported_route 203.0.121.3 right gw=02:00:00:00:02:22
unsupported_route 203.0.121.4 right
PROBES

say "- told to believe them no longer: what was learnt is used all the same, for the first time too"
learns redirect=198.18.2.22 203.0.121.5
sysctl_set router net.ipv4.conf.all.accept_redirects=0 net.ipv4.conf.r2.accept_redirects=0
settle
verify
probe left <<'PROBES'
unsupported_route 203.0.121.3 right gw=02:00:00:00:02:22
unsupported_route 203.0.121.5 right gw=02:00:00:00:02:22
unsupported_route 203.0.121.4 right
PROBES
verify

say "- learnt before the start"
restart
probe left <<'PROBES'
unsupported_route 203.0.121.3 right gw=02:00:00:00:02:22
unsupported_route 203.0.121.4 right
PROBES
[ "$ENGINE" = kernel ] || fast verify 203.0.121.3 || fail "verify: see above"
ipr route flush cache
redump
probe left <<'PROBES'
forward 203.0.121.3 right n=5
forward 203.0.121.5 right n=5
PROBES
verify

say "- believed by a device that the route does not leave by"
sysctl_set router net.ipv4.conf.all.accept_redirects=1 net.ipv4.conf.r3.accept_redirects=1 \
	net.ipv4.conf.r3.secure_redirects=0 net.ipv4.conf.all.secure_redirects=0
settle
"$PYTHON" "$TOP/tests/netns/frames.py" \
	--port "right=$LAB-third,h0,02:00:00:00:03:02,02:00:00:00:03:01,198.18.2.2,r3" \
	--from right --error redirect=198.18.2.22 --about 203.0.121.6
probe left <<<"unsupported_route 203.0.121.6 right gw=02:00:00:00:02:22"
verify
