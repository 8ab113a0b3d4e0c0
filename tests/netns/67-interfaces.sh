#!/usr/bin/env bash
# What becomes of an interface, and what others attach to it or detach from it, case by case: exactly these lines in
# the log, this hook in status and in the kernel, the fast path or the kernel forwards, and no program of
# anyone else is touched.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]   comes, goes, and is called x3 where no one asked for it
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$(dirname "$0")/stalls.sh"

OTHER=          # process that holds someone else's program
OTHER_ID=       # and the program's number
LEASE=6         # seconds: at_once() stops the daemon for a while
STOPPED_US=0    # for how long at most

# ---- what is expected ----------------------------------------------------------------------------
# Of interfaces. That a lease ran out counts, but where this machine stood still, or at_once() took too long.
new_lines() {
	local others=' user routes: '

	! grep -q ' lease: ran out: ' "$WORK/ebpf-routed.log" || ! excused || others='\( user routes: \| lease: ran out: \)'
	sed "/$others/d; s/^ebpf-routed: //" "$WORK/ebpf-routed.log" | tail -n "+$((LINES_SEEN + 1))"
}

excused() {
	[ "$STOPPED_US" -gt $((LEASE * 500000)) ] || [ "$(stalls)" != 0 ]
}

enough_lines() {
	[ "$(new_lines | wc -l)" -ge "$1" ]
}

# log LINE...: since the last time the log has got these lines (shell patterns), no more and no less. One more that comes
# late is found by the next one.
log() {
	local line i=0 lines

	wait_for 20 enough_lines $# || true
	mapfile -t lines < <(new_lines)
	[ ${#lines[@]} = $# ] || fail "$CASE: ${#lines[@]} lines instead of $#:" "${lines[@]}"
	for line; do
		# shellcheck disable=SC2053 # a pattern is meant
		[[ ${lines[i]} == $line ]] || fail "$CASE: '${lines[i]}' instead of '$line'"
		i=$((i + 1))
	done
	LINES_SEEN=$((LINES_SEEN + ${#lines[@]}))
}

# ours xdp|tc: of the pinned program
ours() {
	bpftool -j prog show pinned "/sys/fs/bpf/ebpf-route/$LAB/router_$1" | jq .id
}

xdp_of() {
	ipr -j link show "$1" | jq '.[0].xdp.prog.id // 0'
}

tcx_of() {
	on router "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress "$1"
}

hook_of() {
	fast -j status | jq -r --arg ifname "$1" '.interfaces[] | select(.ifname == $ifname).hook'
}

# hook IFNAME xdp|xdp-generic|tc|none|"": status says so, and what the kernel has is ours, or not ours.
hook() {
	local ifname=$1 xdp=$OTHER_ID tcx=""

	[ "$(hook_of "$ifname")" = "$2" ] || fail "$CASE: $ifname: '$(hook_of "$ifname")' instead of '$2'"
	[[ $2 != xdp* ]] || xdp=$(ours xdp)
	[ "$2" != tc ] || [ -n "$FILTER" ] || tcx=$(ours tc)
	[ "$(xdp_of "$ifname")" = "${xdp:-0}" ] || fail "$CASE: $ifname: XDP program $(xdp_of "$ifname") instead of ${xdp:-0}"
	! has_tcx || [ "$(tcx_of "$ifname")" = "$tcx" ] ||
		fail "$CASE: $ifname: tcx programs $(tcx_of "$ifname") instead of '$tcx'"
}

# fast_path [KEY=VALUE]: of the probe
fast_path() {
	settle
	probe third <<<"forward 203.0.113.1 right n=3 $*"
}

# The probes count at this interface.
at() {
	PORTS[5]="third=$LAB-third,h0,02:00:00:00:03:02,02:00:00:00:03:01,198.18.3.2,$1"
}

# The kernel forwards what comes in by that interface, and it is not counted.
kernel_path() {
	local before

	settle
	before=$(counter "$1" .rx.packets)
	probe_only third --stats '' <<<"forward 203.0.113.1 right n=3" || fail "$CASE: the kernel does not forward"
	[ "$(counter "$1" .rx.packets)" = "$before" ] || fail "$CASE: $1: the program sees packets"
}

# ---- what happens --------------------------------------------------------------------------------
case_is() {
	CASE=$*
	say "- $CASE"
}

# cable NAME [ARGUMENTS of the peer]: r3 and its host; called NAME at first
cable() {
	ipr link add "$1" address 02:00:00:00:03:01 "${@:2}" type veth peer name h0 address 02:00:00:00:03:02 netns "$LAB-third"
	up "$1"
}

up() {
	ipn third address replace 198.18.3.2/24 dev h0
	ipr address replace 198.18.3.1/24 dev "$1"
	ipn third link set h0 up
	ipr link set "$1" up
	wait_for 20 has_carrier router "$1" || fail "$1: no carrier"
	on third ethtool -K h0 tx off >/dev/null
	ipn third route replace default via 198.18.3.1
}

uncable() {
	ipr link del "$1"
	wait_for 20 no_h0 || fail "h0: still there"
}

no_h0() {
	! ipn third link show h0
}

rename() {
	ipr link set "$1" down
	ipr link set "$1" name "$2"
	up "$2"
}

foreign() {
	on router "$PYTHON" "$TOP/tests/netns/foreign.py" "$@"
}

# another PLACE IFNAME: someone else's program, held by a process
another() {
	: >"$WORK/other.log"
	background other router "$PYTHON" "$TOP/tests/netns/foreign.py" attach "$@"
	OTHER=$BACKGROUND_PID
	wait_for 20 test -s "$WORK/other.log" || fail "$CASE: no program at $1"
	OTHER_ID=$(<"$WORK/other.log")
}

another_goes() {
	stop "$OTHER" || true
	OTHER_ID=
}

# at_once COMMAND...: the daemon hears of all of it in one go
at_once() {
	local began=${EPOCHREALTIME/[.,]/} took

	kill -STOP "$ROUTED_PID"
	"$@"
	kill -CONT "$ROUTED_PID"
	took=$((${EPOCHREALTIME/[.,]/} - began))
	STOPPED_US=$((took > STOPPED_US ? took : STOPPED_US))
}

# begin ARGUMENTS...: a daemon, and where its log begins
begin() {
	: >"$WORK/ebpf-routed.log"
	LINES_SEEN=0 CASE=start FILTER=
	HOOK=$1 routed --lease $LEASE
}

end() {
	CASE=end
	log
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	log "SIGTERM: ending"
}

# ---- the cases -----------------------------------------------------------------------------------
[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
watch_stalls
port left 1
port right 2
ns_add third
PORTS+=(--port)
at r3
resolve 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
begin xdp
log 'r1: attached (xdp)' 'r2: attached (xdp)'

case_is "it appears"
cable r3
log 'r3: attached (xdp)'
hook r3 xdp
fast_path

case_is "it gets another MAC address"
ipr link set r3 address 02:00:00:00:03:33
fast_path dmac=02:00:00:00:03:33
probe third <<<"not_our_mac 203.0.113.1 n=3"
ipr link set r3 address 02:00:00:00:03:01

case_is "it gets another MTU"
for mtu in 9000 1400; do
	ipr link set r3 mtu $mtu
	fast_path
done
hook r3 xdp
log

case_is "it is renamed: another name that is asked for, one that is not, and back"
rename r3 r33
log 'r3: renamed to r33, stays attached'
hook r33 xdp
at r33
fast_path
at r3
rename r33 x3
log 'r33: detached, as x3 not asked for'
hook x3 ''
kernel_path x3
rename x3 r3
log 'r3: attached (xdp)'
hook r3 xdp

case_is "it moves to another namespace, and back"
ipr link set r3 netns "$LAB-third"
log 'r3: gone, detached'
ipn third -j link show r3 | jq -e '.[0].xdp == null' >/dev/null || fail "$CASE: still attached there"
ipn third link set r3 netns "$LAB-router"
up r3
log 'r3: attached (xdp)'
hook r3 xdp
fast_path

case_is "it moves and is back before anyone has looked"
there_and_back() {
	ipr link set r3 netns "$LAB-third"
	ipn third link set r3 netns "$LAB-router"
	up r3
}
at_once there_and_back
log 'r3: gone and back: attached (xdp)'
hook r3 xdp
fast_path

case_is "another one of its name and number"
made_anew() {
	local number

	number=$(ipr -j link show r3 | jq '.[0].ifindex')
	uncable r3
	cable r3 index "$number"
}
at_once made_anew
log 'r3: gone and back: attached (xdp)'
hook r3 xdp
fast_path

case_is "someone wants to attach another program while ours is there"
for place in xdp xdp-generic; do
	! foreign attach $place r3 2>"$WORK/refused" || fail "$CASE: $place: not refused"
	grep -qE 'busy|exists' "$WORK/refused" || fail "$CASE: $place: $(tail -n 1 "$WORK/refused")"
done
hook r3 xdp
fast_path

case_is "someone detaches ours, and again"
foreign detach r3 "$(ours xdp)"
log 'r3: detached by someone else: attached (xdp)'
hook r3 xdp
fast_path
foreign detach r3 "$(ours xdp)"
log "r3: detached by someone else twice within a minute, left alone until SIGHUP, its packets take the kernel's path"
hook r3 none
kernel_path r3
kill -HUP "$ROUTED_PID"
log 'r3: attached (xdp)' 'reload: done'
hook r3 xdp
fast_path

case_is "someone puts another one in its place"
replaced() {
	foreign detach r3 "$(ours xdp)"
	another xdp r3
}
at_once replaced
log "r3: detached by someone else: not attached: another XDP program is attached, it is left alone, its packets take the kernel's path"
hook r3 none
kernel_path r3
another_goes
log 'r3: nothing in the way any more: attached (xdp)'
hook r3 xdp
fast_path

for place in xdp xdp-generic; do
	case_is "it comes with another one ($place), which goes later"
	rename r3 x3
	log 'r3: detached, as x3 not asked for'
	another $place x3
	rename x3 r3
	log "r3: not attached: another XDP program is attached, it is left alone, its packets take the kernel's path"
	hook r3 none
	kernel_path r3
	another_goes
	log 'r3: nothing in the way any more: attached (xdp)'
	hook r3 xdp
	fast_path
done

case_is "it comes with one that no link holds"
rename r3 x3
log 'r3: detached, as x3 not asked for'
OTHER_ID=$(foreign set x3)
rename x3 r3
log "r3: not attached: another XDP program is attached, it is left alone, its packets take the kernel's path"
hook r3 none
kernel_path r3
! foreign detach r3 "$(ours xdp)" 2>/dev/null || fail "$CASE: a link of ours is there"
ipr link set r3 xdp off
OTHER_ID=
log 'r3: nothing in the way any more: attached (xdp)'
hook r3 xdp

case_is "it goes"
uncable r3
log 'r3: gone, detached'

case_is "its driver refuses the program, until it has another MTU"
ipr link add x3 address 02:00:00:00:03:01 numrxqueues 1 type veth \
	peer name h0 address 02:00:00:00:03:02 numtxqueues 2 netns "$LAB-third"
on third ethtool -L h0 tx 2 # more than it can receive by
rename x3 r3
log "r3: not attached: its driver refused the program (*): MTU or queues may be too large, its packets take the kernel's path"
hook r3 none
kernel_path r3
on third ethtool -L h0 tx 1
ipr link set r3 mtu 1400
log 'r3: nothing in the way any more: attached (xdp)'
hook r3 xdp
fast_path
end
uncable r3

say "- by the tc hook"
cable r3
begin tc
log 'r1: attached (tc)' 'r2: attached (tc)' 'r3: attached (tc)'
hook r3 tc
fast_path

case_is "an XDP program of someone else comes and goes"
another xdp r3
fast_path
hook r3 tc
another_goes
fast_path

case_is "it moves to another namespace, and back"
ipr link set r3 netns "$LAB-third"
log 'r3: gone, detached'
! has_tcx || [ -z "$(on third "$PYTHON" "$TOP/tests/netns/foreign.py" ids tcx-ingress r3)" ] ||
	fail "$CASE: still attached there"
ipn third link set r3 netns "$LAB-router"
up r3
log 'r3: attached (tc)'
hook r3 tc
fast_path

if has_tcx; then
	case_is "someone detaches ours"
	foreign detach r3 "$(ours tc)"
	log 'r3: detached by someone else: attached (tc)'
	hook r3 tc
	fast_path
fi

case_is "a filter: someone removes it, then the qdisc"
kill -HUP "$ROUTED_PID" # so that it is the first time
log 'reload: done'
on router tc qdisc add dev r3 clsact
on router tc filter add dev r3 ingress pref 7 bpf da bytecode '1,6 0 0 4294967295'
FILTER=yes
if has_tcx; then
	log 'r3: others came to its tc ingress, going behind them: attached (tc)'
fi
hook r3 tc
on router tc filter del dev r3 ingress pref 65000
log 'r3: detached by someone else: attached (tc)'
hook r3 tc
fast_path
on router tc qdisc del dev r3 clsact
log "r3: detached by someone else twice within a minute, left alone until SIGHUP, its packets take the kernel's path"
FILTER=
hook r3 none
kernel_path r3
kill -HUP "$ROUTED_PID"
log 'r3: attached (tc)' 'reload: done'
hook r3 tc
fast_path
verify_maps
end

case_is "by generic XDP: one that comes with another program"
another xdp r3
begin xdp-generic
log 'r1: attached (xdp-generic)' 'r2: attached (xdp-generic)' "r3: not attached: another XDP program is attached, it is left alone, its packets take the kernel's path"
hook r3 none
kernel_path r3
another_goes
log 'r3: nothing in the way any more: attached (xdp-generic)'
hook r3 xdp-generic
fast_path

case_is "its name is no text"
rename r3 $'r3\377'
log 'r3: renamed to r3*, stays attached'
[ "$(hook_of 'r3?')" = xdp-generic ] || fail "$CASE: status: $(fast -j status | jq -c .interfaces)"
fast -j stats | jq -e '.interfaces[] | select(.ifname == "r3?")' >/dev/null || fail "$CASE: not in stats"
end
