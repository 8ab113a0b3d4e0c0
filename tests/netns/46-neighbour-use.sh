#!/usr/bin/env bash
# Who is kept alive: STALE neighbours that carry fast-path traffic are probed, an IPv6 next hop as well, and
# heal when they moved without a word; idle ones cause no packets at all.
# check: dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  IPv4 gateway 198.18.2.2; 32 idle neighbours beside it
#                            r3 --- [ third ]  IPv6 next hop fe80::3
#
. "$(dirname "$0")/../../scripts/lib.sh"

listen() {
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from left --listen "$1"
}

lab_start
port left 1
port right 2
port third 3
for where in "router r3" "third h0"; do
	# shellcheck disable=SC2086 # two words
	set -- $where
	sysctl_set "$1" "net.ipv6.conf.$2.accept_ra=0" "net.ipv6.conf.$2.router_solicitations=0" \
		"net.ipv6.conf.$2.accept_dad=0" "net.ipv6.conf.$2.dad_transmits=0" \
		"net.ipv6.conf.$2.addr_gen_mode=1" "net.ipv6.conf.$2.disable_ipv6=0"
done
ipr address add fe80::1/64 dev r3 nodad
ipn third address add fe80::3/64 dev h0 nodad
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via inet6 fe80::3 dev r3
for link in ipv4.neigh.r2 ipv6.neigh.r3; do
	sysctl_set router "net.$link.base_reachable_time_ms=1000" "net.$link.delay_first_probe_time=1" \
		"net.$link.retrans_time_ms=200"
done
for i in {100..131}; do
	echo "neigh replace 198.18.2.$i lladdr 02:00:00:00:02:02 dev r2 nud stale"
	echo "route add 203.0.115.$i/32 via 198.18.2.$i"
done >"$WORK/idle"
ipr -batch "$WORK/idle"
ipr neigh replace 198.18.1.2 lladdr 02:00:00:00:01:02 dev r1 # left asks for nothing
on left ip neigh replace 198.18.1.1 lladdr 02:00:00:00:01:01 dev h0
ipr neigh replace 198.18.2.2 lladdr 02:00:00:00:02:02 dev r2 nud stale
ipr neigh replace fe80::3 lladdr 02:00:00:00:03:02 dev r3 nud stale
routed
settle

say "- nobody uses them: not one frame, not with dumps and settling"
listen 6 >"$WORK/heard" &
LISTEN_PID=$!
PIDS+=("$LISTEN_PID")
for _ in 1 2 3; do
	sleep 1.7 # a fixed time: it is silent
	redump
done
reap "$LISTEN_PID" || fail "cannot listen"
say "  $(cat "$WORK/heard")"
[ "$(cat "$WORK/heard")" = "left=0 right=0 third=0" ] || fail "idle neighbours are asked for"
all_stale() {
	[ "$(ipr neigh show dev r2 nud stale | grep -c '198.18.2.1[0-3][0-9]')" = 32 ] ||
		fail "idle neighbours are not STALE any more: $(ipr neigh show dev r2)"
}
all_stale

say "- in use: told so, the kernel probes and confirms them, while every packet goes the fast way"
both_reachable() {
	[ "$(ipr neigh show nud reachable | grep -cE '^(198.18.2.2|fe80::3) ')" = 2 ]
}
tries=0
until both_reachable; do
	probe left <<'PROBES'
forward 203.0.113.1 right
forward 203.0.114.1 third
PROBES
	tries=$((tries + 1))
	[ $tries -lt 200 ] || fail "neighbours in use are not confirmed"
done

say "- in use, and moved without a word: both heal, the idle ones stay silent"
on right ip link set h0 address 02:00:00:00:02:cc
on third ip link set h0 address 02:00:00:00:03:cc
healed() {
	probe_only left <<'PROBES'
forward 203.0.113.1 right n=3 gw=02:00:00:00:02:cc
forward 203.0.114.1 third n=3 gw=02:00:00:00:03:cc
PROBES
}
wait_for 20 healed || fail "traffic still goes to the old MAC addresses"
all_stale
verify
