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

# ways FILE=GATEWAY...: a line for each prefix in these files, with the gateway of the first one that has it.
ways() {
	local way

	for way; do
		sed "s|$| ${way#*=}|" "$WORK/${way%=*}"
	done | awk '!seen[$1]++' | sed 's|/32 | |' | sort
}

# What the routing daemon has installed, in the same form.
installed() {
	ipr -4 route show table main | sed -nE '/ proto (bgp|bird) /s/^([^ ]+) .*via ([^ ]+) .*/\1 \2/p' | sort
}

as_expected() {
	cmp -s <(installed) "$WORK/expected"
}

# learned FILE=GATEWAY...: the kernel has exactly these routes, as in ways(), and the maps too. Nothing orders the two
# sessions' routes, nor those of one: all of them are waited for.
learned() {
	ways "$@" >"$WORK/expected"
	wait_for 60 as_expected ||
		fail "other routes than expected:" "$(diff <(installed) "$WORK/expected" | head -n 20)"
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
	learned isp2.d/world=198.18.2.2
	[ "$(wc -l <"$WORK/expected")" = "$N" ] || fail "not $N routes are expected"
	expect isp2 <"$WORK/sample" | probe left
	verify

	say "- a better path to $(wc -l <"$WORK/isp3.d/moved") prefixes, and two new ones"
	bgp_switch isp3 enable moved
	bgp_switch isp3 enable extra
	learned isp3.d/moved=198.18.3.22 isp3.d/extra=198.18.3.2 isp2.d/world=198.18.2.2
	expect "isp3 gw=02:00:00:00:03:22" <"$WORK/isp3.d/moved" | probe left
	expect isp2 <"$WORK/stay" | probe left
	expect isp3 <"$WORK/isp3.d/extra" | probe left
	verify

	say "- the first provider's session ends: its routes are withdrawn"
	bgp_switch isp2 disable customer
	learned isp3.d/moved=198.18.3.22 isp3.d/extra=198.18.3.2
	expect "isp3 gw=02:00:00:00:03:22" <"$WORK/isp3.d/moved" | probe left
	expect "no_route icmp=3/0" <"$WORK/stay" | probe left
	verify

	say "- and comes back, as the second withdraws"
	bgp_switch isp2 enable customer
	bgp_switch isp3 disable moved
	bgp_switch isp3 disable extra
	learned isp2.d/world=198.18.2.2
	expect isp2 <"$WORK/isp3.d/moved" | probe left
	expect isp2 <"$WORK/sample" | probe left
	verify
}
