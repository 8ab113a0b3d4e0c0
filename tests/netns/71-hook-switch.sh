#!/usr/bin/env bash
# Once a start with another hook is ready, or the daemon has ended, nothing of the run before sees packets any more: its
# maps are not followed from then on. The kernel alone would detach a link some time after its pin is gone.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# at WHAT WHICH: begins to wait for that moment, see hooks.py.
at() {
	: >"$WORK/at.log"
	background at router "$PYTHON" "$TOP/tests/netns/hooks.py" "$1" "$2" r1 r2
	wait_for 20 grep -q waiting "$WORK/at.log" || fail "hooks.py: $(<"$WORK/at.log")"
}

# seen HOOK WHEN: that was there at that moment, and nothing else; "": nothing.
seen() {
	local found

	wait_for 40 gone_or_zombie "$BACKGROUND_PID" || fail "hooks.py: does not end"
	found=$(sed 1d "$WORK/at.log" | xargs)
	[ "$found" = "r1${1:+ $1} r2${1:+ $1}" ] || fail "$2: not ${1:-none}, but: $found"
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
has_tcx || skip "no tcx here: filters go when they are told to"
port left 1
port right 2

# Several times: the kernel may be quick by chance.
for hooks in "xdp tc" "tc xdp" "xdp tc" "tc xdp"; do
	read -r from to <<<"$hooks"
	for keep in "" --keep; do
		say "- $from, killed, then $to $keep"
		HOOK=$from routed --keep --lease 60
		kill_routed
		: >"$WORK/ready"
		at ready "$WORK/ready"
		HOOK=$to routed $keep --lease 60
		seen "$to" "$from, then $to"
		if [ "$keep" ]; then
			kill_routed
			HOOK=$to routed --lease 60
		fi
		at ended "$ROUTED_PID"
		stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
		seen "" "$to, ended"
	done
done
