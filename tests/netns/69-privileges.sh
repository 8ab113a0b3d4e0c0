#!/usr/bin/env bash
# What the running daemon may do, and who may talk to it.
#
# - It keeps two capabilities of all and can gain none; with these it goes on doing everything.
# - Socket, lock and pins are root's alone: another user gets nothing from it, by any way.
# - The control socket survives whoever is rude to it; the fast path does not notice.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

PIN_DIR=/sys/fs/bpf/ebpf-route/$LAB
SOCKET=/run/ebpf-route/$LAB.sock
CAPABILITIES=0000008000001000 # CAP_NET_ADMIN (12) and CAP_BPF (39)

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
mkdir "$WORK/routes.d"
METRICS=127.0.0.1:9500
routed --routes-dir "$WORK/routes.d" --metrics "$METRICS"

# ---- capabilities --------------------------------------------------------------------------------
field() {
	awk -v name="$2:" '$1 == name { print $2 }' "/proc/$1/status"
}

has_only() {
	local set

	for set in CapEff CapPrm CapBnd; do
		[ "$(field "$1" "$set")" = "$CAPABILITIES" ] || fail "$2: $set is $(field "$1" "$set")"
	done
	for set in CapInh CapAmb; do
		[ "$(field "$1" "$set")" = 0000000000000000 ] || fail "$2: $set is $(field "$1" "$set")"
	done
	[ "$(field "$1" NoNewPrivs)" = 1 ] || fail "$2: may gain privileges"
}

say "- keeps CAP_NET_ADMIN and CAP_BPF, and nothing else"
has_only "$ROUTED_PID" "ebpf-routed"

say "- and does everything with these: a new interface, the tc hook, a firewall, user routes, files, a reload, verify"
probe left <<<"forward 203.0.113.1 right n=5"
port third 3
wait_for 20 attached r3 || fail "r3: not attached"
fast add 192.0.2.0/24 drop
probe left <<<"drop 192.0.2.1"
fast save >"$WORK/saved" || fail "save"
reload
on router nft 'add table ip t; add chain ip t f { type filter hook forward priority 0; }; add rule ip t f counter'
held() {
	[ "$(fast -j status | jq -r .hold)" = netfilter ]
}
wait_for 20 held || fail "the firewall is not seen: $(fast -j status)"
probe left <<<"netfilter 203.0.113.1 right n=5"
on router nft delete table ip t
settle
verify
probe left <<<"forward 203.0.113.1 right n=5"

# ---- other users ---------------------------------------------------------------------------------
mode() {
	stat -c '%a %U' "$1"
}

say "- socket, lock and pins belong to root alone"
[ "$(mode "$SOCKET")" = "600 root" ] || fail "$SOCKET: $(mode "$SOCKET")"
[ "$(mode "/run/ebpf-route/$LAB.lock")" = "600 root" ] || fail "lock: $(mode "/run/ebpf-route/$LAB.lock")"
[ "$(mode "$PIN_DIR")" = "700 root" ] || fail "$PIN_DIR: $(mode "$PIN_DIR")"
for pin in "$PIN_DIR"/*; do
	[ "$(mode "$pin")" = "600 root" ] || fail "$pin: $(mode "$pin")"
done

# nobody TITLE COMMAND...: refused to a user without privileges.
nobody() {
	local title=$1

	shift
	say "- refused to others: $title"
	if setpriv --reuid 65534 --regid 65534 --clear-groups "$@" >"$WORK/nobody.log" 2>&1 </dev/null; then
		fail "$title: possible for nobody"
	fi
	[ -s "$WORK/nobody.log" ] || fail "$title: refused without a word"
	rm "$WORK/nobody.log"
}

cp "$B/ebpf-route" "$B/ebpf-routed" "$WORK"
chmod 755 "$WORK/ebpf-route" "$WORK/ebpf-routed"
nobody "status" "$WORK/ebpf-route" --instance "$LAB" status
nobody "a route" "$WORK/ebpf-route" --instance "$LAB" add 192.0.2.0/25 drop
nobody "verify" "$WORK/ebpf-route" --instance "$LAB" verify
nobody "connecting" "$PYTHON" "$TOP/tests/netns/rude.py" "$SOCKET" garbage
nobody "removing the socket" rm "$SOCKET"
nobody "the pins" ls "$PIN_DIR"
nobody "a pin by its name" cat "$PIN_DIR/nexthops"
nobody "ending it" kill "$ROUTED_PID"
nobody "its memory" cat "/proc/$ROUTED_PID/environ"
nobody "another daemon" "$WORK/ebpf-routed" --instance "$LAB-other" -i 'r*'
nobody "another daemon in its place" "$WORK/ebpf-routed" --instance "$LAB" -i 'r*'
probe left <<<"forward 203.0.113.1 right n=5"

# ---- rude clients --------------------------------------------------------------------------------
say "- clients that are rude: with a route list of 20,000 to ask for"
"$PYTHON" -c 'print("\n".join(f"route add 100.{i >> 8}.{i & 255}.0/24 via 198.18.2.2" for i in range(20000)))' |
	ipr -batch -
settle
for case in garbage values oversized many silent deaf stalled leaving; do
	say "- $case"
	"$PYTHON" "$TOP/tests/netns/rude.py" "$SOCKET" "$case" >"$WORK/rude.log" 2>&1 || fail "$case: see above"
	gone "$ROUTED_PID" && fail "$case: the daemon has ended"
	probe left <<<"forward 203.0.113.1 right n=5"
done
say "- metrics"
on router "$PYTHON" "$TOP/tests/netns/rude.py" "$METRICS" metrics >"$WORK/rude.log" 2>&1 || fail "metrics: see above"

# A build with sanitizers keeps what is freed for a while.
sanitized() {
	ldd "$B/ebpf-routed" | has asan
}

rss=$(field "$ROUTED_PID" VmRSS)
sanitized || [ "$rss" -lt 400000 ] || fail "the daemon holds $rss KiB after all"
if grep -q 'ran out' "$WORK/ebpf-routed.log"; then
	fail "the lease ran out meanwhile"
fi
verify
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
say "as it should be"
