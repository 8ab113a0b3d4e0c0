#!/usr/bin/env bash
# TCP and UDP between two namespaces as containers have it: default offloads, through the kernel's path and through
# the tc hook, one after the other. Packets stay whole (GSO), their unfinished checksums arrive right.
# The rates are printed side by side and not judged: machines differ.
#
# check: dir24 alone
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]  iperf3 server
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

SECONDS_EACH=${SECONDS_EACH:-2}

# received NAME COUNTER: of the kernel's TCP in that namespace
received() {
	on "$1" nstat -asz "$2" | awk -v name="$2" '$1 == name { print $2 }'
}

listens() {
	on right ss -Hltn 'sport = :5201' | has .
}

# run ARGUMENTS...: an iperf3 from left to right; Gbit/s that arrived. Each has a server of its own: one that is
# still busy with the end of the last run would refuse the next.
run() {
	background iperf3 right iperf3 -s -1
	wait_for 20 listens || fail "iperf3: does not listen"
	on left iperf3 -c 198.18.2.2 -t "$SECONDS_EACH" -J "$@" >"$WORK/iperf3.json" ||
		fail "iperf3:" "$(jq -r .error "$WORK/iperf3.json")"
	wait_for 20 gone_or_zombie "$BACKGROUND_PID" || fail "iperf3: its server does not end"
	jq -r '.end.sum_received.bits_per_second / 1e7 | round / 100' "$WORK/iperf3.json"
}

# whole IFNAME: bytes in a forwarded frame, on average
whole() {
	fast -j stats | jq --arg ifname "$1" '.interfaces[] | select(.ifname == $ifname).forwarded
		| if .packets == 0 then 0 else .bytes / .packets | round end'
}

both_ways() {
	FORTH=$(run)
	BACK=$(run -R)
}

[ "$ENGINE" != kernel ] || skip "compares with the kernel by itself"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
on left ethtool -k h0 | has 'tx-checksumming: on' || fail "h0: not with default offloads"

both_ways
say "kernel's path:  $FORTH Gbit/s there, $BACK back"
kernel_forth=$FORTH kernel_back=$BACK
routed --lease 60 # whoever sends at full speed may leave little for the daemon
both_ways
say "tc hook:        $FORTH Gbit/s there, $BACK back"
awk -v a="$FORTH" -v b="$BACK" -v c="$kernel_forth" -v d="$kernel_back" \
	'BEGIN { printf "ratio:          %.2f there, %.2f back\n", a / c, b / d }'

say "UDP:            $(run -u -b 50M -l 1400) Gbit/s of 0.05"

say "- the fast path did it, and frames stayed whole"
for ifname in r1 r2; do
	size=$(whole "$ifname")
	rest=$(counter "$ifname" '.fallback.packets')
	taken=$(counter "$ifname" '.forwarded.packets')
	say "$ifname: $taken forwarded, $rest left to the kernel, $size bytes each"
	[ "$taken" -gt 1000 ] || fail "$ifname: only $taken packets forwarded"
	[ "$rest" -lt $((taken / 100 + 50)) ] || fail "$ifname: $rest left to the kernel:" "$(fast stats)"
done
[ "$(($(whole r1) + $(whole r2)))" -gt 6000 ] || fail "frames were cut up"

say "- every checksum arrived right"
for name in left right; do
	bad=$(($(received "$name" TcpInCsumErrors) + $(received "$name" UdpInCsumErrors)))
	errors=$(received "$name" TcpInErrs)
	[ $((bad + errors)) = 0 ] || fail "$name: $bad bad checksums, $errors TCP errors"
done

say "- segments longer than the MTU behind the router: the kernel says so, and TCP goes on"
ipr link set r2 mtu 1400
settle
before=$(counter r1 '.fallback.reasons.mtu.packets')
say "MTU 1400:       $(run) Gbit/s"
[ "$(counter r1 '.fallback.reasons.mtu.packets')" -gt "$before" ] || fail "r1: mtu was never counted"
[ "$(received left TcpInCsumErrors)$(received right TcpInCsumErrors)" = 00 ] || fail "bad TCP checksums"
verify_maps
