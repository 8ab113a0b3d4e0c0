# shellcheck shell=bash
# Shared by the tests in tests/netns and by scripts/demo: a router in namespaces, and probes through it.
#
# Namespaces, the instance and the work folder carry the shell's process id, so that several labs
# can run at once. What a lab started is ended by process id, and its namespaces go, at exit.
#
# All addresses are in 198.18.0.0/15 (benchmarking, RFC 2544) and exist only inside namespaces.
# Port number N (1 to 15) of the router:
#
#   [ NAME ] h0 198.18.N.2/24 02:00:00:00:0N:02 ------ rN 198.18.N.1/24 02:00:00:00:0N:01 [ router ]
#   198.19.(16 N).0/20 lies behind that host: senders whose ICMP errors the kernel counts one by one
#
# ENGINE is dir24, lpm, or kernel: the same lab and the same expected frames without the daemon.
set -Eeuo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
B=${B:-$TOP/build}
case $B in /*) ;; *) B=$TOP/$B ;; esac
ENGINE=${ENGINE:-dir24}
HOOK=${HOOK:-xdp} # of ebpf-routed; tc needs nothing of what veth_pair sets for XDP
PYTHON=/usr/bin/python3
export PYTHONDONTWRITEBYTECODE=1 # a run leaves nothing in the source tree
SHOW_LINES=${SHOW_LINES:-30} # of each log, after a failure

LAB=er$$
WORK=
ROUTED_PID=
NAMESPACES=()
PIDS=()
PORTS=()

# ---- messages and the end ------------------------------------------------------------------------
say() {
	printf '%s\n' "$*"
}

# Also from a subshell, whose parent's ERR trap ends up here too: the first one speaks.
fail() {
	trap - ERR
	[ ! -e "$WORK/failed" ] || exit 1
	printf 'FAIL: %s\n' "$*" >&2
	show_logs >&2
	[ -z "$WORK" ] || : >"$WORK/failed"
	exit 1
}

skip() {
	printf 'SKIP: %s\n' "$*"
	exit 4
}

show_logs() {
	local log

	[ -n "$WORK" ] || return 0
	for log in "$WORK"/*.log; do
		[ -s "$log" ] || continue
		printf -- '---- last lines of %s\n' "${log##*/}"
		tail -n "$SHOW_LINES" "$log"
	done
}

lab_start() {
	[ "$(id -u)" = 0 ] || skip "needs root for network namespaces"
	WORK=$(mktemp -d "${TMPDIR:-/tmp}/ebpf-route-lab.XXXXXX")
	chmod 711 "$WORK"
	forget_instances # of an earlier lab with this number
	trap lab_stop EXIT
	trap 'exit 1' INT TERM HUP
	trap 'fail "${BASH_SOURCE[0]##*/} line $LINENO: $BASH_COMMAND"' ERR
	if [ "$ENGINE" != kernel ] && ! built; then
		skip "$B/ebpf-routed or ebpf-route is not built"
	fi
	ns_add router
	sysctl_set router net.ipv4.ip_forward=1 net.ipv4.conf.all.rp_filter=0 \
		net.ipv4.conf.default.rp_filter=0 net.ipv4.conf.default.accept_redirects=0 \
		net.ipv4.icmp_ratemask=0
}

built() {
	[ -x "$B/ebpf-routed" ] && [ -x "$B/ebpf-route" ]
}

# lab_stop [CODE]: the end of every lab, with the exit code of what came before it, or that one.
lab_stop() {
	local code=${1:-$?} name pid

	trap - ERR EXIT
	set +e
	for pid in "${PIDS[@]}"; do
		stop "$pid"
	done
	for name in "${NAMESPACES[@]}"; do
		ip netns del "$LAB-$name" 2>/dev/null
	done
	[ -z "$WORK" ] || rm -rf "$WORK"
	forget_instances
	exit "$code"
}

# What daemons that were killed have left: of the instance $LAB, and of those called $LAB-SOMETHING.
forget_instances() {
	rm -rf "/run/ebpf-route/$LAB".* "/run/ebpf-route/$LAB"-* \
		"/sys/fs/bpf/ebpf-route/$LAB" "/sys/fs/bpf/ebpf-route/$LAB"-*
}

# has_tcx: or a filter is the only way to the tc hook (before Linux 6.6).
has_tcx() {
	case $(uname -r) in [1-5].* | 6.[0-5].*) return 1 ;; esac
}

# ---- polling and processes -----------------------------------------------------------------------
# wait_for SECONDS COMMAND...: until the command succeeds; 1 if it does not in time.
wait_for() {
	local end=$((${EPOCHREALTIME/[.,]/} + $1 * 1000000))

	shift
	until "$@" >/dev/null 2>&1; do
		[ "${EPOCHREALTIME/[.,]/}" -lt "$end" ] || return 1
		sleep 0.02
	done
}

# has ARGUMENTS...: of grep, which is in what comes on stdin. All of that is read: grep -q would end at the first match,
# what still writes to it by SIGPIPE, and the pipe would have failed.
has() {
	local text

	text=$(cat)
	grep -q "$@" <<<"$text"
}

# background LOG NAMESPACE COMMAND...: its process id in BACKGROUND_PID; ended at exit.
background() {
	local log=$1 name=$2

	shift 2
	ip netns exec "$LAB-$name" "$@" >>"$WORK/$log.log" 2>&1 </dev/null &
	BACKGROUND_PID=$!
	PIDS+=("$BACKGROUND_PID")
}

gone() {
	! kill -0 "$1" 2>/dev/null
}

# stop PID: a child of this shell, politely, then not; returns its exit code.
stop() {
	kill "$1" 2>/dev/null || true
	wait_for 30 gone_or_zombie "$1" || kill -KILL "$1" 2>/dev/null || true
	reap "$1"
}

# reap PID: a child of this shell that has ended, or is waited for; returns its exit code.
reap() {
	local pid code=0 left=()

	wait "$1" 2>/dev/null || code=$?
	for pid in "${PIDS[@]}"; do # its number may be given to another process from now on
		[ "$pid" = "$1" ] || left+=("$pid")
	done
	PIDS=("${left[@]}")
	return "$code"
}

gone_or_zombie() {
	gone "$1" || [ "$(awk '/^State:/ { print $2 }' "/proc/$1/status" 2>/dev/null)" = Z ]
}

# ---- namespaces and links ------------------------------------------------------------------------
on() {
	local name=$1

	shift
	ip netns exec "$LAB-$name" "$@"
}

# ipn NAMESPACE ARGUMENTS...: iproute2 inside a namespace.
ipn() {
	local name=$1

	shift
	ip -n "$LAB-$name" "$@"
}

# ipr ARGUMENTS...: iproute2 inside the router.
ipr() {
	ip -n "$LAB-router" "$@"
}

sysctl_set() {
	local name=$1

	shift
	on "$name" sysctl -qw "$@"
}

ns_add() {
	NAMESPACES+=("$1")
	ip netns add "$LAB-$1"
	sysctl_set "$1" net.ipv6.conf.all.disable_ipv6=1 net.ipv6.conf.default.disable_ipv6=1
	ipn "$1" link set lo up
}

# veth_pair HOST IF MAC ADDRESS/LEN  ROUTER IF MAC ADDRESS/LEN
#
# The host end switches GRO on while the link is up, as veth transmits redirected frames only with
# NAPI at its peer, and its transmit checksum offload off, as XDP would forward unfinished checksums.
# With HOOK=tc everything stays as the kernel makes it.
veth_pair() {
	ip -n "$LAB-$1" link add name "$2" address "$3" type veth \
		peer name "$6" address "$7" netns "$LAB-$5"
	ipn "$1" address add "$4" dev "$2"
	ipn "$5" address add "$8" dev "$6"
	ipn "$1" link set "$2" up
	ipn "$5" link set "$6" up
	wait_for 20 has_carrier "$1" "$2" || fail "$2 in $1: no carrier"
	wait_for 20 has_carrier "$5" "$6" || fail "$6 in $5: no carrier"
	[ "$HOOK" != tc ] || return 0
	on "$1" ethtool -K "$2" tx off >/dev/null
	on "$1" ethtool -K "$2" gro on >/dev/null
}

has_carrier() {
	ipn "$1" link show "$2" | has "LOWER_UP.* state UP"
}

# carrier HOST up|down: of the link at that host, as if the cable were pulled.
carrier() {
	local n

	n=$(ipn "$1" -4 -o address show dev h0 | sed -E 's/.* 198\.18\.([0-9]+)\..*/\1/')
	ipn "$1" link set h0 "$2"
	if [ "$2" = down ]; then
		wait_for 20 no_carrier router "r$n" || fail "r$n: carrier"
		return
	fi
	wait_for 20 has_carrier router "r$n" || fail "r$n: no carrier"
	on "$1" ethtool -K h0 gro off
	on "$1" ethtool -K h0 gro on
	ipn "$1" route replace default via "198.18.$n.1"
}

no_carrier() {
	ipn "$1" link show "$2" | has NO-CARRIER
}

# port NAME N: the router's port N and the host at it, as drawn at the top.
port() {
	local mac

	mac=$(printf '02:00:00:00:%02x' "$2")
	ns_add "$1"
	veth_pair "$1" h0 "$mac:02" "198.18.$2.2/24" router "r$2" "$mac:01" "198.18.$2.1/24"
	ipn "$1" route add default via "198.18.$2.1"
	# All namespaces share one table of neighbours: while it has many, the kernel forgets those not used for 60 s.
	sysctl_set router "net.ipv4.neigh.r$2.gc_stale_time=3600"
	ipr route add "198.19.$(($2 * 16)).0/20" via "198.18.$2.2"
	PORTS+=(--port "$1=$LAB-$1,h0,$mac:02,$mac:01,198.18.$2.2,r$2")
}

# ---- the daemon ----------------------------------------------------------------------------------
# routed ARGUMENTS...: starts it for the router's ports and waits until its first sync is done.
# shellcheck disable=SC2120 # arguments are optional
routed() {
	[ "$ENGINE" != kernel ] || return 0
	: >"$WORK/ready"
	"$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB" -i "${INTERFACES:-r*}" --hook "$HOOK" \
		--fib "$ENGINE" "$@" >"$WORK/ready" 2>>"$WORK/ebpf-routed.log" </dev/null &
	ROUTED_PID=$!
	PIDS+=("$ROUTED_PID")
	wait_for "${ROUTED_SECONDS:-60}" routed_ready_or_gone || fail "ebpf-routed: not ready in time"
	[ -s "$WORK/ready" ] || fail "ebpf-routed: ended at its start"
}

routed_ready_or_gone() {
	[ -s "$WORK/ready" ] || gone_or_zombie "$ROUTED_PID"
}

# use_mixed: from now on routed() starts the daemon that has ports of both hooks, see tests/twin/mixed.c.
use_mixed() {
	[ -x "$B/ebpf-routed-mixed" ] || skip "$B/ebpf-routed-mixed is not built"
	mkdir "$WORK/bin"
	ln -s "$B/ebpf-routed-mixed" "$WORK/bin/ebpf-routed"
	ln -s "$B/ebpf-route" "$WORK/bin/ebpf-route"
	B=$WORK/bin
}

# kill_routed: as a crash would end it.
kill_routed() {
	kill -KILL "$ROUTED_PID"
	reap "$ROUTED_PID" || true
}

# reload: SIGHUP, and everything that follows from it.
reload() {
	local before

	before=$(reloads)
	kill -HUP "$ROUTED_PID"
	wait_for 30 more_reloads "$before" || fail "SIGHUP was not answered"
}

# How often this lab's daemons have said that they had read their configuration again, or that it was wrong.
reloads() {
	grep -cE 'reload: (done|the configuration)' "$WORK/ebpf-routed.log" || true
}

more_reloads() {
	[ "$(reloads)" -gt "$1" ]
}

# metrics ADDRESS:PORT: the page, asked for in the router with nothing but the shell.
metrics() {
	# shellcheck disable=SC2016 # of the shell inside
	on router bash -c 'exec 3<>/dev/tcp/${1/://}; printf "GET /metrics HTTP/1.0\r\n\r\n" >&3; cat <&3' - "$1"
}

# fast ARGUMENTS...: the command, for this lab's daemon.
fast() {
	"$B/ebpf-route" --instance "$LAB" "$@"
}

# settle: everything that the kernel announced is in the maps.
settle() {
	[ "$ENGINE" = kernel ] || fast settle --timeout 30 || fail "settle: timed out or failed"
}

# change ARGUMENTS...: of ip, in the router; what follows sees its effect.
change() {
	say "- ip $*"
	ipr "$@"
	settle
}

# redump: the daemon compares everything with the kernel; a nexthop object that goes asks for it.
redump() {
	ipr nexthop add id 9 blackhole
	ipr nexthop del id 9
	settle
}

# route_lines: a line for each route, from the JSON of ip (which does not name protocol boot, and
# gives a lone leg or a blackhole object in other words) or of ebpf-route alike, without user routes.
route_lines() {
	jq -c '.[] | select(.protocol != "user") | (.nexthops // []) as $legs
		| (if ($legs | length) == 1 then $legs[0] else . end) as $one
		| [.type // "unicast", .dst, .protocol // "boot", .metric // 0, $one.gateway,
			if .type == "blackhole" then null else $one.dev end,
			if ($legs | length) > 1 then [$legs[] | [.gateway, .dev, .weight]] else [] end]' |
		sort
}

# verify: the mirror has the routes that the kernel has, no more and no less, and the maps say so.
verify() {
	local kernel mirror

	[ "$ENGINE" != kernel ] || return 0
	kernel=$(ipr -j route show | route_lines)
	mirror=$(fast -j route | route_lines)
	[ "$kernel" = "$mirror" ] ||
		fail "kernel and mirror differ:" "$(diff <(echo "$kernel") <(echo "$mirror") || true)"
	verify_maps --samples 2000 # of a few routes
}

# verify_maps [ARGUMENTS]: `ebpf-route verify` finds no difference. Lists no routes, of which there may be many.
verify_maps() {
	fast verify "$@" >"$WORK/verify.out" 2>&1 || fail "verify:" "$(cat "$WORK/verify.out")"
}

# attached IFNAME: the daemon's program is on that interface.
attached() {
	fast -j status |
		jq -e --arg ifname "$1" '.interfaces[] | select(.ifname == $ifname and .attached)'
}

# counter IFNAME JQ-PATH: one figure of the counters, e.g. counter r1 .fallback.reasons.ttl.packets
counter() {
	fast -j stats | jq --arg ifname "$1" "(.interfaces[] | select(.ifname == \$ifname) | $2) // 0"
}

# ---- probes --------------------------------------------------------------------------------------
# probe FROM < PROBES: sends them, compares whole frames and counters; see tests/netns/frames.py. With ASK=1
# `ebpf-route get` has to agree about every frame.
probe() {
	probe_only "$@" || fail "probes from $1: see above"
}

probe_only() {
	local from=$1 counters=()

	shift
	if [ "$ENGINE" != kernel ]; then
		counters=(--stats "$B/ebpf-route --instance $LAB -j stats")
		[ -z "${ASK:-}" ] || counters+=(--get "$B/ebpf-route --instance $LAB -j get")
	fi
	"$PYTHON" "$TOP/tests/netns/frames.py" "${PORTS[@]}" --from "$from" "${counters[@]}" "$@"
}

# probe_at_once FROM CHANGE UNDO < PROBES: as probe, but the change, a command of ip in the router, is
# made between the counters and the frames, which go as soon as the daemon has heard of it: before any
# dump. Where one came in between, it is undone and tried again.
probe_at_once() {
	local from=$1 change=$2 undo=$3 code probes control=()

	say "- ip $change, and frames at once"
	probes=$(cat)
	[ "$ENGINE" = kernel ] || control=(--control "/run/ebpf-route/$LAB.sock")
	for _ in {1..30}; do
		code=0
		probe_only "$from" --at-once "ip -n $LAB-router $change" "${control[@]}" <<<"$probes" ||
			code=$?
		[ "$code" = 75 ] || break
		say "  a dump came first"
		eval "$undo"
		settle
	done
	[ "$code" = 0 ] || fail "probes from $from at once: see above"
}

# resolve ADDRESS...: the router learns these neighbours, where it does not know them. Nothing goes there but ARP: a host
# that answers a packet asks for the router's address 5 s later, and the router would learn from that, in the middle of what
# follows.
resolve() {
	local address device

	for address; do
		device=$(ipr -j route get "$address" | jq -r '.[0].dev')
		for _ in {1..5}; do # the kernel asks for 3 s
			has_neighbour "$address" || ipr neigh replace "$address" dev "$device" use
			! wait_for 4 has_neighbour "$address" || continue 2
		done
		fail "neighbour $address: not resolved"
	done
}

has_neighbour() {
	ipr neigh show to "$1" | has -E 'PERMANENT|REACHABLE|STALE|DELAY'
}
