#!/usr/bin/env bash
# What the user is told of routes that are of no effect, or would be of none: devices that XDP cannot send by, a firewall
# that has everything but drops, destinations that no route is asked for; and files that are not written over.
#
# check: dir24 tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ], which takes no frames of XDP
#
. "$(dirname "$0")/../../scripts/lib.sh"

# said TEXT ARGUMENTS...: exit code 0, nothing on stdout, and on stderr that line or, for "", none.
said() {
	local text=$1

	shift
	fast "$@" >"$WORK/out" 2>"$WORK/said" || fail "refused: $*: $(cat "$WORK/said")"
	[ "$(cat "$WORK/said")" = "${text:+ebpf-route: $text}" ] || fail "$*: said: $(cat "$WORK/said")"
}

# refused TEXT ARGUMENTS...: exit code 2 and that line, and nothing changed.
refused() {
	local text=$1 before code=0

	shift
	before=$(fast route proto user)
	fast "$@" >"$WORK/out" 2>"$WORK/said" || code=$?
	[ "$code" = 2 ] || fail "$*: exit code $code instead of 2"
	[ "$(cat "$WORK/said")" = "ebpf-route: $text" ] || fail "$*: said: $(cat "$WORK/said")"
	[ "$(fast route proto user)" = "$before" ] || fail "$*: something changed"
}

# column PREFIX TEXT: what `route` says that the fast path does, of the user's route before the kernel's.
column() {
	local got

	got=$(fast -j route "$1" | jq -r '.[0].fastpath | .reason // .verdict')
	[ "$got" = "$2" ] || fail "$1: fastpath $got, not $2"
}

column_is() {
	[ "$(fast -j route "$1" | jq -r '.[0].fastpath | .reason // .verdict')" = "$2" ]
}

logged() {
	grep -qF -- "$1" "$WORK/ebpf-routed.log"
}

can_send() {
	[ "$(fast -j link | jq -r '.[] | select(.ifname == "r3") | .xmit | index("native") != null')" = "$1" ]
}

ASK=1 # `get` has to say the same
NOTHING=", nothing is changed"
lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.120.0/24 via 198.18.3.2
ipr route add blackhole 203.0.121.0/24
on third ethtool -K h0 gro off >/dev/null
mkdir "$WORK/routes"
R=$WORK/routes
echo '203.0.119.0/24 redirect r3' >"$R/10.conf"
routed --routes-dir "$R"

say "- a device that does not transmit for XDP, while all packets come in by XDP"
if [ "$HOOK" = xdp ]; then
	MUTE="r3 cannot transmit frames of XDP (egress_no_xdp), and nothing is attached by tc"
	logged "203.0.119.0/24: $MUTE, not in the fast path until that changes" || fail "not warned of at start"
	column 203.0.119.0/24 egress_no_xdp
	column 203.0.120.0/24 egress_no_xdp # the kernel's
	probe left <<<"egress_no_xdp 203.0.119.1 icmp=3/0"
	for action in "redirect r3" "via 198.18.3.2" "via 198.18.3.2 dev r3" "dev r3" \
		"nexthop via 198.18.2.2 nexthop via 198.18.3.2"; do
		# shellcheck disable=SC2086 # words
		refused "203.0.114.0/24: $MUTE$NOTHING" add 203.0.114.0/24 $action
	done
	on third ethtool -K h0 gro on >/dev/null
	wait_for 20 can_send true || fail "r3 does not transmit"
	said "" add 203.0.114.0/24 redirect r3
	said "" add 203.0.114.128/25 nexthop via 198.18.3.2 nexthop via 198.18.2.2
	column 203.0.114.0/24 forward
	on third ethtool -K h0 gro off >/dev/null
	wait_for 20 can_send false || fail "r3 still transmits"
	column 203.0.114.0/24 egress_no_xdp
	column 203.0.114.128/25 forward # some of it, by r2
	said "" del 203.0.114.128/25
	on third ethtool -K h0 gro on >/dev/null
	wait_for 20 can_send true || fail "r3 does not transmit"
else
	! logged "egress_no_xdp" || fail "warned of at start, while tc can send by all"
	said "" add 203.0.114.0/24 redirect r3
fi
column 203.0.114.0/24 forward
column 203.0.120.0/24 forward
probe left <<<"forward 203.0.114.1 third raw=1"

say "- destinations that no route is asked for"
LEFT="are always left to the kernel, no route is asked"
refused "224.0.0.0/4: multicast groups $LEFT$NOTHING" add 224.0.0.0/4 drop
refused "239.1.2.3: multicast groups $LEFT$NOTHING" add 239.1.2.3 drop
refused "127.0.0.0/8: the loopback net ${LEFT/are/is}$NOTHING" replace 127.0.0.0/8 drop
refused "255.255.255.255: the broadcast address ${LEFT/are/is}$NOTHING" add 255.255.255.255 drop
refused "0.0.0.0: the unspecified address ${LEFT/are/is}$NOTHING" add 0.0.0.0/32 drop
said "" add default drop
said "" add 240.1.0.0/16 drop
probe left <<'END'
drop 240.1.0.1
drop 203.0.122.1
END
said "" del default
said "" del 240.1.0.0/16

say "- a firewall has all but what the user drops"
said "" add 203.0.115.0/24 drop
said "" add 203.0.113.64/26 drop
on router nft 'add table ip lab; add chain ip lab through { type filter hook forward priority 0; };
	add rule ip lab through ip daddr 203.0.113.0/24 counter'
settle
HELD="while everything is left to the kernel (netfilter: the firewall has to see it): remove its rules for forwarded packets, or start ebpf-routed with --ignore-netfilter"
said "accepted, but 1 route is not in force $HELD" add 203.0.116.0/24 via 198.18.3.2
said "accepted, but 1 route is not in force $HELD" replace 203.0.116.0/24 via 198.18.2.2
said "" add 203.0.117.0/24 drop
said "" add 203.0.118.0/24 pass
said "" del 203.0.117.0/24
printf 'add %s\n' '203.0.117.0/24 drop' '203.0.122.0/24 redirect r2' '203.0.123.0/24 dev r2' >"$WORK/batch"
fast -b "$WORK/batch" >"$WORK/out" 2>"$WORK/said"
[ "$(cat "$WORK/out")" = "3 added" ] || fail "printed: $(cat "$WORK/out")"
[ "$(cat "$WORK/said")" = "ebpf-route: accepted, but 2 routes are not in force $HELD" ] ||
	fail "said: $(cat "$WORK/said")"
[ "$(fast -j replace 203.0.122.0/24 redirect r3 | jq -c '[.hold, .held]')" = '["netfilter",1]' ] ||
	fail "-j does not name the hold"
[ "$(fast -j replace 203.0.117.0/24 drop comment x | jq -c '[.hold, .held]')" = '[null,null]' ] ||
	fail "-j names a hold that does not concern the route"
for prefix in 203.0.113.0/24 203.0.116.0/24 203.0.118.0/24 203.0.121.0/24 203.0.122.0/24; do
	column $prefix netfilter
done
column 203.0.113.64/26 drop
column 203.0.115.0/24 drop
probe left <<'END'
drop 203.0.113.65 n=5
drop 203.0.115.1 n=3
drop 203.0.115.1 ttl=1
netfilter 203.0.113.1 right
netfilter 203.0.116.1 icmp=3/0
netfilter 203.0.121.1
END
[ "$(fast -j route proto user 203.0.113.64/26 | jq .[0].packets)" = 5 ] || fail "drops are not counted"
rules=$(on router nft list table ip lab)
[[ $rules = *"counter packets 1 "* ]] || fail "the firewall saw the drops: $rules"
echo '203.0.124.0/24 via 198.18.2.2' >"$R/20.conf"
reload
logged "not in force while everything is left to the kernel (netfilter)" || fail "not said at SIGHUP"
on router nft delete table ip lab
settle
said "" replace 203.0.116.0/24 via 198.18.2.2
column 203.0.116.0/24 forward
probe left <<'END'
drop 203.0.115.1
forward 203.0.116.1 right
forward 203.0.122.1 third raw=1
END

say "- files: nothing is deleted by them, and none is written over that save has not written"
echo 'del 203.0.115.0/24' >"$R/30.conf"
reload
[ "$(fast -j status | jq -r .user_error)" = \
	"$R/30.conf:1: del: not in a file, which says what there is: leave the route out" ] ||
	fail "status: $(fast -j status | jq -r .user_error)"
column 203.0.115.0/24 drop
rm "$R/30.conf"
refused "$R/20.conf: not written by 'save', '--force' replaces it, nothing is saved" save 20.conf
[ "$(cat "$R/20.conf")" = '203.0.124.0/24 via 198.18.2.2' ] || fail "20.conf is written over"
said "" save
said "" save # anew
rm "$R/saved.conf"
: >"$R/20.conf" # nothing is lost with it
reload
said "" save 20.conf
echo '# mine' >"$R/20.conf"
said "" save --force 20.conf
grep -q '^# Written by' "$R/20.conf" || fail "20.conf is not replaced by force"
COMMENT='a "b" \ c# '\''d'\'' \"'
said "" add 203.0.125.0/24 drop comment "$COMMENT"
printed=$(fast route 203.0.125.0/24)
[[ $printed = *'comment "a \"b\" \\ c# '\''d'\'' \\\"" packets'* ]] || fail "printed: $printed"
said "" save 20.conf
said "" del 203.0.125.0/24
reload
[ "$(fast -j route proto user 203.0.125.0/24 | jq -r '.[0].comment')" = "$COMMENT" ] ||
	fail "saved and read back: $(fast -j route proto user 203.0.125.0/24)"
verify
