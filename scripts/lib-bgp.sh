# shellcheck shell=bash
# BGP for the labs, to be sourced after lib.sh: BIRD as the Internet, FRR or BIRD on the router.
#
# The router is AS 64500; a provider at port N is AS 6450N (N > 1) with the routes of three files in
# $WORK/NAME.d, each a static protocol of its own that `bgp_switch` switches on and off:
#   world    announced with the provider itself as next hop
#   moved   with 198.18.N.22 as next hop, preferred; switched off at the start
#   extra   switched off at the start
# Prepending makes the paths of `world` one longer than those of another provider's `moved`.

FRR_LIB=/usr/lib/frr

# provider NAME N: BIRD in the namespace of that port; lists may be empty or absent.
provider() {
	local name=$1 n=$2 list

	mkdir -p "$WORK/$name.d"
	for list in world moved extra; do
		[ -e "$WORK/$name.d/$list" ] || : >"$WORK/$name.d/$list"
		sed 's|.*|route & blackhole;|' "$WORK/$name.d/$list" >"$WORK/$name.d/$list.conf"
	done
	cat >"$WORK/$name.conf" <<-END
		router id 198.18.$n.2;
		protocol device { }
		protocol static world {
			ipv4;
			include "$WORK/$name.d/world.conf";
		}
		protocol static moved {
			disabled yes;
			ipv4 { preference 210; };
			include "$WORK/$name.d/moved.conf";
		}
		protocol static extra {
			disabled yes;
			ipv4;
			include "$WORK/$name.d/extra.conf";
		}
		protocol bgp customer {
			local 198.18.$n.2 as 6450$n;
			neighbor 198.18.$n.1 as 64500;
			connect retry time 1;
			connect delay time 1;
			error wait time 1, 2;
			ipv4 {
				import none;
				export filter {
					if proto = "world" then bgp_path.prepend(6450$n);
					if proto = "moved" then bgp_next_hop = 198.18.$n.22;
					accept;
				};
			};
		}
	END
	bird_start "$name"
}

# bird_start NAME: with $WORK/NAME.conf in the namespace of that name.
bird_start() {
	background "bird-$1" "$1" bird -f -c "$WORK/$1.conf" -s "$WORK/$1.ctl" -P "$WORK/$1.pid"
	wait_for 30 birdc_of "$1" show status || fail "bird in $1: does not start"
}

birdc_of() {
	local name=$1

	shift
	birdc -s "$WORK/$name.ctl" "$@"
}

# bgp_switch NAME enable|disable PROTOCOL
bgp_switch() {
	birdc_of "$1" "$2" "$3" >/dev/null || fail "bird in $1: cannot $2 $3"
}

# router_bird PEER-N...: BIRD on the router, with its kernel protocol.
router_bird() {
	local n

	{
		cat <<-END
			router id 198.18.1.1;
			protocol device { scan time 1; }
			protocol direct { ipv4; }
			protocol kernel {
				scan time 20;
				merge paths off;
				ipv4 { import none; export where source = RTS_BGP; };
			}
		END
		for n; do
			cat <<-END
				protocol bgp peer$n {
					local 198.18.$n.1 as 64500;
					neighbor 198.18.$n.2 as 6450$n;
					connect retry time 1;
					connect delay time 1;
					error wait time 1, 2;
					ipv4 { import all; export none; };
				}
			END
		done
	} >"$WORK/router.conf"
	bird_start router
}

# router_frr PEER-N...: zebra and bgpd on the router, as they are.
router_frr() {
	local n daemon dir=$WORK/frr

	mkdir -p "$dir"
	: >"$dir/zebra.conf"
	{
		echo "router bgp 64500"
		echo " bgp router-id 198.18.1.1"
		echo " no bgp ebgp-requires-policy"
		for n; do
			echo " neighbor 198.18.$n.2 remote-as 6450$n"
			echo " neighbor 198.18.$n.2 timers connect 1"
		done
	} >"$dir/bgpd.conf"
	chown -R frr:frr "$dir"
	for daemon in zebra bgpd; do
		background "$daemon" router "$FRR_LIB/$daemon" -f "$dir/$daemon.conf" \
			-z "$dir/zserv.sock" -i "$dir/$daemon.pid" --vty_socket "$dir" \
			-A 127.0.0.1 -P 0 --log stdout --log-level warnings
		wait_for 20 vtysh_router -d "$daemon" -c 'show version' ||
			fail "$daemon: does not start"
	done
}

vtysh_router() {
	vtysh --vty_socket "$WORK/frr" "$@"
}

# routes_are COUNT: so many routes of the routing daemon are in the router's main table.
routes_are() {
	[ "$(route_count)" -eq "$1" ]
}

route_count() {
	ipr -4 route show table main | grep -Ec 'proto (bgp|bird)' || true
}
