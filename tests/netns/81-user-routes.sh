#!/usr/bin/env bash
# Routes of the user: what each action does to whole frames, which route decides, what is counted.
#
# check: dir24 lpm tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]   r4 --- [ fourth ], which nobody has talked to
#
. "$(dirname "$0")/../../scripts/lib.sh"

# user ARGUMENTS...: of ebpf-route; what follows sees its effect, there is nothing to wait for.
user() {
	say "- $*"
	fast "$@" || fail "refused: $*"
}

# counts PREFIX PACKETS BYTES: what the user route has decided so far.
counts() {
	local got

	got=$(fast -j route proto user "$1" | jq -c '.[0] | [.packets, .bytes]')
	[ "$got" = "[$2,$3]" ] || fail "$1: counted $got, not [$2,$3]"
}

forwards() {
	fast -j route proto user "$1" | jq -e '.[0].fastpath.verdict == "forward"'
}

ASK=1 # `get` has to say the same
lab_start
port left 1
port right 2
port third 3
port fourth 4
sysctl_set router net.ipv4.fib_multipath_hash_policy=1
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.2.2
ipr route add 203.0.114.128/25 via 198.18.2.2
routed
probe left <<<"forward 203.0.113.1 right"

say "## before the kernel's route of the same prefix, and of shorter ones"
user add 203.0.113.0/24 drop comment "a test, and its comment"
probe left <<<"drop 203.0.113.1 n=7"
counts 203.0.113.0/24 7 420
user replace 203.0.113.0/24 via 198.18.3.2
probe left <<'END'
forward 203.0.113.1 third n=10
forward 203.0.113.2 third len=1500 df=1
ttl 203.0.113.1 ttl=1 icmp=11/0
END
user add 203.0.113.64/26 pass
user add 203.0.113.65 drop
probe left <<'END'
user_pass 203.0.113.64 right n=3
drop 203.0.113.65
forward 203.0.113.128 third
END
counts 203.0.113.64/26 3 180
user del 203.0.113.65
user del 203.0.113.64/26 pass
user del 203.0.113.0/24
probe left <<'END'
forward 203.0.113.1 right
forward 203.0.113.65 right
END

say "## a longer route of the kernel decides, but below an override"
user add 203.0.114.0/24 via 198.18.3.2
probe left <<'END'
forward 203.0.114.1 third
forward 203.0.114.129 right
END
user replace 203.0.114.0/24 via 198.18.3.2 override
probe left <<'END'
forward 203.0.114.1 third
forward 203.0.114.129 third
END
counts 203.0.114.0/24 3 180
change route add 203.0.114.192/26 via 198.18.2.2
probe left <<<"forward 203.0.114.193 third"
user add 203.0.114.64/26 drop # of the user's the longest
probe left <<<"drop 203.0.114.65"
user replace 203.0.114.0/24 via 198.18.3.2
probe left <<'END'
forward 203.0.114.1 third
forward 203.0.114.193 right
END
user add default drop override
probe left <<'END'
drop 198.51.100.1
drop 203.0.113.1
forward 203.0.114.1 third
local 198.18.1.1 any=1
local 198.18.3.1 any=1
END
user del default
probe left <<<"no_route 198.51.100.1 icmp=3/0"

say "## static MAC addresses, and devices"
user add 198.51.100.0/28 via 198.18.2.77 lladdr 02:00:00:00:02:77
user add 198.51.100.16/28 via 192.0.2.1 dev r3 lladdr 02:00:00:00:03:78
probe left <<'END'
forward 198.51.100.1 right gw=02:00:00:00:02:77
forward 198.51.100.17 third gw=02:00:00:00:03:78
END

say "## a gateway is resolved without any packet"
user add 198.51.100.32/28 via 198.18.4.2
wait_for 20 forwards 198.51.100.32/28 || fail "198.18.4.2 is not resolved"
probe left <<<"forward 198.51.100.33 fourth"

say "## on-link: neighbours are resolved when there are packets for them"
ipn third address add 198.51.100.49/32 dev h0
user add 198.51.100.48/28 dev r3
probe left <<<"no_neighbour 198.51.100.49 any=1 loss=1"
wait_for 20 has_neighbour 198.51.100.49 || fail "198.51.100.49 is not resolved"
ipn third address del 198.51.100.49/32 dev h0 # or its errors come back
settle
probe left <<<"forward 198.51.100.49 third n=3"

say "## several next hops by their weights"
user add 198.51.100.64/28 nexthop via 198.18.3.2 weight 3 nexthop via 198.18.2.2
probe left <<'END'
forward 198.51.100.65 third,right n=400 share=3:1
forward 198.51.100.65 third,right n=50 flow=same
END
counts 198.51.100.64/28 450 27000

say "## redirected: as it was"
user add 198.51.100.80/28 redirect r3
probe left <<'END'
forward 198.51.100.81 third raw=1 n=5
forward 198.51.100.81 third raw=1 ttl=1
forward 198.51.100.81 third raw=1 len=60 pad=20
END
counts 198.51.100.80/28 7 454

say "## to CPUs: the kernel's from there"
last=$(($(nproc) - 1))
if [ "$HOOK" = tc ]; then
	! fast add 203.0.113.0/24 cpu 0 2>"$WORK/said" || fail "cpu without XDP"
	grep -q 'no interface is attached by XDP' "$WORK/said" || fail "said: $(cat "$WORK/said")"
else
	user add 203.0.113.0/24 cpu "0-$last"
	probe left <<<"cpu 203.0.113.1 right n=20"
	counts 203.0.113.0/24 20 1200
	user replace 203.0.113.0/24 cpu "$last"
	probe left <<'END'
cpu 203.0.113.1 right n=20
cpu 203.0.113.1 ttl=1 icmp=11/0
END
	user del 203.0.113.0/24 cpu "$last"
fi
probe left <<<"forward 203.0.113.1 right"
verify
