#!/usr/bin/env bash
# The page docs/USER-ROUTES.md: each of its commands is run, and prints what the page shows.
#
#   tests/netns/99-docs.sh [--write]   --write: puts into the page what the commands print
#
# check: dir24
#
#   [ left ] 198.51.100.2 --- eth0 .1 [ router ] eth1 192.0.2.1 --- 192.0.2.2 [ right ]   BGP, AS 64501
#                                                eth2 192.0.2.129 --- 192.0.2.130 [ third ]
#
. "$(dirname "$0")/../../scripts/lib-bgp.sh"
. "$(dirname "$0")/../../scripts/lib.sh"

PAGE=$TOP/docs/USER-ROUTES.md

# host NAME IFNAME N PREFIX HOST ROUTER/LEN
host() {
	ns_add "$1"
	veth_pair "$1" h0 "02:00:00:00:0$3:02" "$4$5" router "$2" "02:00:00:00:0$3:01" "$4$6"
	ipn "$1" route add default via "$4${6%/*}"
	ipn "$1" neigh add "$4${6%/*}" lladdr "02:00:00:00:0$3:01" nud permanent dev h0
}

# tool NAME: a command that the page's lab lines use, from stdin.
tool() {
	{
		printf '#!/bin/bash\nset -e\nLAB=%q WORK=%q FRR_LIB=%q\n' "$LAB" "$WORK" "$FRR_LIB"
		cat
	} >"$WORK/bin/$1"
	chmod 755 "$WORK/bin/$1"
}

# send ADDRESS N: so many UDP packets from left, frames of 60 bytes, which are counted when it returns; peer_bgp, router_bird,
# router_frr, stop_bgp; learnt PROTO N: the router has so many routes of it; wait_until COMMAND..: it succeeds, within a minute.
make_tools() {
	mkdir "$WORK/bin" "$WORK/routes.d"
	printf '#!/bin/bash\nexec %q --instance %q "$@"\n' "$B/ebpf-route" "$LAB" >"$WORK/bin/ebpf-route"
	chmod 755 "$WORK/bin/ebpf-route"
	tool send <<-'END'
		came_in() {
			ebpf-route -j stats | jq '.interfaces[] | select(.ifname == "eth0").rx.packets'
		}
		all=$(($(came_in) + $2))
		ip netns exec "$LAB-left" /usr/bin/python3 -c '
		import socket, sys, time
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		for i in range(int(sys.argv[2])):
		    s.sendto(bytes(18), (sys.argv[1], 9))
		    if i % 50 == 49:
		        time.sleep(0.01)  # a veth holds 256' "$@"
		for _ in {1..500}; do
			[ "$(came_in)" -lt "$all" ] || exit 0
			sleep 0.02
		done
		exit 1
	END
	tool wait_until <<-'END'
		for _ in {1..3000}; do
			! "$@" >/dev/null 2>&1 || exit 0
			sleep 0.02
		done
		echo "in vain: $*"
		exit 1
	END
	tool reload_daemon <<-END
		kill -HUP "\$(cat "\$WORK/routed.pid")"
	END
	tool router_bird <<-'END'
		ip netns exec "$LAB-router" bird -c "$WORK/bird.conf" -s "$WORK/router.ctl" -P "$WORK/router.pid"
	END
	tool router_frr <<-'END'
		mkdir -p "$WORK/frr"
		chown -R frr:frr "$WORK/frr"
		for name in zebra staticd bgpd; do
			: >"$WORK/frr/$name.conf"
			chown frr:frr "$WORK/frr/$name.conf"
			ip netns exec "$LAB-router" "$FRR_LIB/$name" -d -f "$WORK/frr/$name.conf" -z "$WORK/frr/zserv.sock" \
				-i "$WORK/frr/$name.pid" --vty_socket "$WORK/frr" -A 127.0.0.1 -P 0 --log file:"$WORK/$name.log" \
				>/dev/null 2>&1
			wait_until vtysh --vty_socket "$WORK/frr" -d "$name" -c 'show version'
		done
		vtysh --vty_socket "$WORK/frr" -f "$WORK/frr.conf"
	END
	tool learnt <<-'END'
		[ "$(ip -n "$LAB-router" route show proto "$1" | wc -l)" = "$2" ]
	END
	tool stop_bgp <<-'END'
		for file in "$WORK"/router.pid "$WORK"/frr/*.pid; do
			[ ! -s "$file" ] || kill "$(cat "$file")" || true
			rm -f "$file"
		done
	END
}

# The peer announces the /24, and one host of it with the community BLACKHOLE.
peer_bgp() {
	cat >"$WORK/right.conf" <<-END
		router id 192.0.2.2;
		protocol device { }
		protocol static { ipv4; route 203.0.113.0/24 via 192.0.2.2; }
		protocol static rtbh {
			ipv4;
			route 203.0.113.9/32 via 192.0.2.2 { bgp_community.add((65535, 666)); };
		}
		protocol bgp customer {
			local 192.0.2.2 as 64501;
			neighbor 192.0.2.1 as 64500;
			passive yes;
			connect delay time 1;
			error wait time 1, 2;
			ipv4 { import none; export all; };
		}
	END
	bird_start right
}

[ "$ENGINE" != kernel ] || skip "the page is about the daemon"
command -v bird >/dev/null || skip "BIRD is not installed"
[ -x "$FRR_LIB/bgpd" ] || skip "FRR is not installed"
[ "$(nproc)" -ge 2 ] || skip "the page has two CPUs"
lab_start
trap 'code=$?; "$WORK/bin/stop_bgp" 2>/dev/null || true; lab_stop "$code"' EXIT
host left eth0 1 198.51.100. 2/24 1/24
host right eth1 2 192.0.2. 2/25 1/25
host third eth2 3 192.0.2. 130/25 129/25
make_tools
peer_bgp
resolve 192.0.2.2 192.0.2.130
ipr neigh add 198.51.100.2 lladdr 02:00:00:00:01:02 nud permanent dev eth0 # no ARP among what is counted
INTERFACES='eth*' routed --routes-dir "$WORK/routes.d"
echo "$ROUTED_PID" >"$WORK/routed.pid"

# The page names the folder where it usually is.
export PATH=$WORK/bin:$PATH LAB WORK
"$PYTHON" "$TOP/tests/netns/page.py" "$@" "$PAGE" "$WORK" \
	ip netns exec "$LAB-router" bash -c "
		cd $WORK
		bash -c \"\${0//\/etc\/ebpf-route\/routes.d/$WORK/routes.d}\" 2>&1 | sed 's|$WORK/routes.d|/etc/ebpf-route/routes.d|g'" ||
	fail "$PAGE: see above"
