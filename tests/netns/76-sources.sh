#!/usr/bin/env bash
# Which senders are accepted where: the reverse path filter, strict and loose, by the device's word and
# that of all; own addresses and accept_local; ports without an address.
# check: kernel dir24 tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  203.0.113.0/24, and where most packets go
#                            r3 --- [ third ]  203.0.114.0/24
#
# Sources: 203.0.113.0/24 by r2, .114 by r3, .115 by r1 and r2, .116 blackhole, .117 unreachable, .118 none
#
. "$(dirname "$0")/../../scripts/lib.sh"

# filter ALL DEVICE: rp_filter of all, and of r1 and r3
filter() {
	say "- rp_filter $1 of all, $2 of the devices"
	sysctl_set router "net.ipv4.conf.all.rp_filter=$1" "net.ipv4.conf.r1.rp_filter=$2" \
		"net.ipv4.conf.r3.rp_filter=$2"
	settle
}

lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
ipr route add 203.0.113.0/24 via 198.18.2.2
ipr route add 203.0.114.0/24 via 198.18.3.2
ipr route add 203.0.115.0/24 nexthop via 198.18.1.2 nexthop via 198.18.2.2
ipr route add blackhole 203.0.116.0/24
ipr route add unreachable 203.0.117.0/24
routed

none() {
	probe left <<'PROBES'
forward 203.0.113.1 right src=203.0.113.9
forward 203.0.113.1 right src=203.0.115.9
forward 203.0.113.1 right src=203.0.116.9
forward 203.0.113.1 right src=203.0.118.9
martian 203.0.113.1 src=198.18.1.1
martian 203.0.113.1 src=198.18.2.1
martian 203.0.113.1 src=127.0.0.1
PROBES
}
none

for mode in "0 1" "1 0" "1 1"; do
	# shellcheck disable=SC2086 # two words
	filter $mode
	probe left <<'PROBES'
forward 203.0.113.1 right n=3
forward 203.0.113.1 right src=198.19.17.1
forward 203.0.113.1 right src=203.0.115.9
rp_filter 203.0.113.1 src=203.0.113.9
rp_filter 203.0.113.1 src=203.0.114.9
rp_filter 203.0.113.1 src=203.0.116.9
rp_filter 203.0.113.1 src=203.0.117.9
rp_filter 203.0.113.1 src=203.0.118.9
martian 203.0.113.1 src=198.18.1.1
martian 203.0.113.1 src=198.18.2.1
martian|rp_filter 203.0.113.1 src=198.18.1.255
martian|rp_filter 203.0.113.1 src=198.18.2.255
PROBES
	probe third <<'PROBES'
forward 203.0.113.1 right src=203.0.114.9
rp_filter 203.0.113.1 src=203.0.115.9
PROBES
done

for mode in "0 2" "2 0" "1 2" "2 1"; do
	# shellcheck disable=SC2086
	filter $mode
	probe left <<'PROBES'
forward 203.0.113.1 right n=3
forward 203.0.113.1 right src=203.0.113.9
forward 203.0.113.1 right src=203.0.114.9
forward 203.0.113.1 right src=203.0.115.9
rp_filter 203.0.113.1 src=203.0.116.9
rp_filter 203.0.113.1 src=203.0.117.9
rp_filter 203.0.113.1 src=203.0.118.9
martian 203.0.113.1 src=198.18.1.1
martian 203.0.113.1 src=198.18.2.1
martian|rp_filter 203.0.113.1 src=198.18.2.255
PROBES
	probe third <<<"forward 203.0.113.1 right src=203.0.115.9"
done

say "- routes change: the same packets, other answers"
change route add default via 198.18.3.2
probe left <<'PROBES'
forward 203.0.113.1 right src=203.0.118.9
rp_filter 203.0.113.1 src=203.0.116.9
PROBES
filter 0 1
probe left <<<"rp_filter 203.0.113.1 src=203.0.118.9"
probe third <<<"forward 203.0.113.1 right src=203.0.118.9"
change route replace default via 198.18.1.2
probe left <<<"forward 203.0.113.1 right src=203.0.118.9"
probe third <<<"rp_filter 203.0.113.1 src=203.0.118.9"
change route replace 203.0.118.0/25 via 198.18.3.2
probe left <<'PROBES'
rp_filter 203.0.113.1 src=203.0.118.9
forward 203.0.113.1 right src=203.0.118.129
PROBES
change route replace 203.0.115.0/24 nexthop via 198.18.3.2 nexthop via 198.18.2.2
probe left <<<"rp_filter 203.0.113.1 src=203.0.115.9"
probe third <<<"forward 203.0.113.1 right src=203.0.115.9"
change nexthop add id 1 via 198.18.1.2 dev r1
change nexthop add id 2 via 198.18.2.2 dev r2
change nexthop add id 10 group 1/2
change route replace 203.0.115.0/24 nhid 10
probe left <<<"forward 203.0.113.1 right src=203.0.115.9"
change nexthop replace id 10 group 2
probe left <<<"rp_filter 203.0.113.1 src=203.0.115.9"

say "- a dead leg of the way back counts as well"
change route replace 203.0.119.0/24 nexthop via 198.18.3.2 nexthop via 198.18.2.2
probe third <<<"forward 203.0.113.1 right src=203.0.119.9"
change route replace 203.0.113.0/24 via 198.18.1.2
carrier right down
settle
probe third <<<"forward 203.0.113.1 left src=203.0.119.9"
carrier right up
resolve 198.18.2.2
settle
change route replace 203.0.113.0/24 via 198.18.2.2

say "- accept_local: own addresses are senders like others, where the filter finds them"
filter 0 0
sysctl_set router net.ipv4.conf.r1.accept_local=1
settle
probe left <<'PROBES'
forward 203.0.113.1 right src=198.18.1.1
forward 203.0.113.1 right src=198.18.2.1
martian 203.0.113.1 src=127.0.0.1
PROBES
probe third <<<"martian 203.0.113.1 src=198.18.2.1"
filter 0 1
probe left <<'PROBES'
forward|martian 203.0.113.1 right src=198.18.1.1
martian|rp_filter 203.0.113.1 src=198.18.2.1
PROBES
filter 2 0
probe left <<'PROBES'
forward|martian 203.0.113.1 right src=198.18.1.1
forward|martian 203.0.113.1 right src=198.18.2.1
rp_filter 203.0.113.1 src=203.0.116.9
PROBES
sysctl_set router net.ipv4.conf.r1.accept_local=0
filter 0 0

say "- a port without an address: the loose filter takes only who is routed back by it"
ipr address flush dev r3
ipr route add 203.0.114.0/24 dev r3
filter 2 0
probe third <<'PROBES'
forward 203.0.113.1 right src=203.0.114.9
rp_filter 203.0.113.1 src=198.18.1.2
rp_filter 203.0.113.1 src=203.0.116.9
PROBES
filter 0 0
probe third <<'PROBES'
forward 203.0.113.1 right src=203.0.114.9
forward 203.0.113.1 right src=198.18.1.2
PROBES
change address add 198.18.3.1/24 dev r3
filter 2 0
probe third <<<"forward 203.0.113.1 right src=198.18.1.2"
