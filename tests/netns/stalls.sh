# shellcheck shell=bash
# Did this machine stand still meanwhile? Then who was late may try again; else late is wrong. Read after scripts/lib.sh.

# watch_stalls: from now on, until the end of the lab.
watch_stalls() {
	background watch_stalls router "$PYTHON" "$TOP/tests/netns/stalls.py" watch "$WORK/stalls"
	wait_for 20 test -e "$WORK/stalls" || fail "stalls.py: $(cat "$WORK/watch_stalls.log")"
}

# stalls: how often some CPU stood still for half a second, up to now.
stalls() {
	"$PYTHON" "$TOP/tests/netns/stalls.py" count "$WORK/stalls"
}

# in_time MILLISECONDS CHANGE COMMAND UNDO: the command succeeds when it begins so soon after the change. Where this
# machine stood still it is undone and tried again, twice at most.
in_time() {
	local ms=$1 change=$2 command=$3 undo=$4 before end

	for _ in 1 2 3; do
		before=$(stalls)
		"$change"
		end=$((${EPOCHREALTIME/[.,]/} + ms * 1000))
		while [ "${EPOCHREALTIME/[.,]/}" -lt "$end" ]; do
			! "$command" >/dev/null 2>&1 || return 0
			sleep 0.02
		done
		[ "$(stalls)" != "$before" ] || return 1
		say "  this machine stood still: again"
		"$undo"
	done
	return 1
}
