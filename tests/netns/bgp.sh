# shellcheck shell=bash
# Body of 20-frr.sh and 30-bird.sh: a routing daemon on the router, unchanged, learns from two providers.
# Probes to a sample of the prefixes show that XDP forwards by what it learned, changed and withdrew.
#
#   [ left ] --- r1 [ router ] r2 --- [ isp2 ]  BIRD, AS 64502, announces everything
#                AS 64500      r3 --- [ isp3 ]  BIRD, AS 64503, later a shorter path to some, by 198.18.3.22
#
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"
. "$TOP/scripts/lib-bgp.sh"

N=3000

# expect VERDICT-AND-REST < PREFIXES: a probe to an address in each.
expect() {
	sed -E "s|^([0-9.]+)/.*|forward \1 $1|; s|^forward ([0-9.]+) no_route|no_route \1|"
}

# learned COUNT: the kernel has them, and the maps too.
learned() {
	wait_for 30 routes_are "$1" || fail "the router has $(route_count) routes instead of $1"
	settle
}

bgp_test() {
	local daemon=$1

	lab_start
	port left 1
	port isp2 2
	port isp3 3
	ipr neigh add 198.18.3.22 lladdr 02:00:00:00:03:22 dev r3
	resolve 198.18.1.2 198.18.2.2 198.18.3.2
	routed

	mkdir "$WORK/isp2.d" "$WORK/isp3.d"
	"$TOP/scripts/gen-table" "$N" >"$WORK/isp2.d/world"
	awk 'NR % 30 == 7' "$WORK/isp2.d/world" >"$WORK/sample"
	# prefixes that hold no longer ones, so that nothing else decides about them
	grep '/24$' "$WORK/isp2.d/world" | awk 'NR % 20 == 3' >"$WORK/isp3.d/moved"
	grep '/24$' "$WORK/isp2.d/world" | awk 'NR % 20 == 4' >"$WORK/stay"
	printf '203.0.113.0/24\n198.51.100.0/25\n' >"$WORK/isp3.d/extra"
	provider isp2 2
	provider isp3 3

	say "- $daemon learns $N routes"
	"router_$daemon" 2 3
	learned "$N"
	expect isp2 <"$WORK/sample" | probe left
	verify

	say "- a better path to $(wc -l <"$WORK/isp3.d/moved") prefixes, and two new ones"
	bgp_switch isp3 enable moved
	bgp_switch isp3 enable extra
	learned $((N + 2))
	wait_for 20 moved "$(wc -l <"$WORK/isp3.d/moved")" || fail "the better paths are not taken"
	settle
	expect "isp3 gw=02:00:00:00:03:22" <"$WORK/isp3.d/moved" | probe left
	expect isp2 <"$WORK/stay" | probe left
	expect isp3 <"$WORK/isp3.d/extra" | probe left
	verify

	say "- the first provider's session ends: its routes are withdrawn"
	bgp_switch isp2 disable customer
	learned $(($(wc -l <"$WORK/isp3.d/moved") + 2))
	expect "isp3 gw=02:00:00:00:03:22" <"$WORK/isp3.d/moved" | probe left
	expect "no_route icmp=3/0" <"$WORK/stay" | probe left
	verify

	say "- and comes back, as the second withdraws"
	bgp_switch isp2 enable customer
	bgp_switch isp3 disable moved
	bgp_switch isp3 disable extra
	learned "$N"
	wait_for 20 moved 0 || fail "the withdrawn paths are still there"
	settle
	expect isp2 <"$WORK/isp3.d/moved" | probe left
	expect isp2 <"$WORK/sample" | probe left
	verify
}

moved() {
	[ "$(ipr -4 route show table main | grep -c 'via 198.18.3.22')" -eq "$1" ]
}
