#!/usr/bin/env bash
# RTBH: BIRD installs host routes with the community BLACKHOLE as blackholes, and
# the fast path drops; a user route of the same prefix goes before them.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ], AS 64502, which names the victims
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$(dirname "$0")/../../scripts/lib-bgp.sh"

lab_start
command -v bird >/dev/null || skip "bird is not installed"
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
routed
cat >"$WORK/right.conf" <<'END'
router id 198.18.2.2;
protocol device { }
protocol static victims { disabled yes; ipv4; route 203.0.113.9/32 blackhole; }
protocol static nets { ipv4; route 203.0.113.0/24 blackhole; }
protocol bgp up {
	local 198.18.2.2 as 64502;
	neighbor 198.18.2.1 as 64500;
	connect retry time 1;
	connect delay time 1;
	error wait time 1, 2;
	ipv4 {
		import none;
		export filter {
			if proto = "victims" then bgp_community.add((65535, 666));
			accept;
		};
	};
}
END
cat >"$WORK/router.conf" <<'END'
router id 198.18.1.1;
protocol device { }
protocol direct { ipv4; }
protocol kernel { ipv4 { import none; export where source = RTS_BGP; }; }
filter take_rtbh {
	if (65535, 666) ~ bgp_community && net.len = 32 then dest = RTD_BLACKHOLE;
	accept;
}
protocol bgp rtbh {
	local 198.18.2.1 as 64500;
	neighbor 198.18.2.2 as 64502;
	connect retry time 1;
	connect delay time 1;
	error wait time 1, 2;
	ipv4 { import filter take_rtbh; export none; };
}
END
bird_start right
bird_start router
wait_for 30 routes_are 1 || fail "the net is not announced"
settle
probe left <<<"forward 203.0.113.9 right n=5"

say "- the victim is named"
bgp_switch right enable victims
wait_for 30 routes_are 2 || fail "the victim is not announced"
settle
probe left <<'END'
drop 203.0.113.9 n=50
forward 203.0.113.10 right
END

say "- a user route goes before it"
fast add 203.0.113.9 pass
probe left <<<"user_pass 203.0.113.9"
fast del 203.0.113.9

say "- and it is over"
bgp_switch right disable victims
wait_for 30 routes_are 1 || fail "the victim is still there"
settle
probe left <<<"forward 203.0.113.9 right"
verify
