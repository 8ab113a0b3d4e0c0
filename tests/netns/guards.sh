# shellcheck shell=bash
# A router of two ports under the eyes of guards.py: for 87-guards-busy.sh and 94-guards.sh.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "${BASH_SOURCE[0]}")/../../scripts/lib.sh"

guards_lab() {
	[ "$ENGINE" != kernel ] || skip "is about the daemon"
	lab_start
	port left 1
	port right 2
	resolve 198.18.1.2 198.18.2.2
	ipr route add 203.0.113.0/24 via 198.18.2.2
}

# judge ARGUMENTS... < CASES: of guards.py. The daemon goes before the tests beside this one: what is judged is how
# soon it acts, not how long it waits for a CPU.
judge() {
	renice -n -15 -p "$ROUTED_PID" >/dev/null || true
	"$PYTHON" "$TOP/tests/netns/guards.py" "${PORTS[@]}" --from left --to right --router "$LAB-router" \
		--command "$B/ebpf-route --instance $LAB" "$@" || fail "guards: see above"
}
