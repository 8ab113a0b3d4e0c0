#!/usr/bin/env bash
# The measurement of user routes: every row is measured and proven, and a user route that does not do what it says is
# found out. Its times are not looked at.
# check: once alone
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
B=${B:-$TOP/build}
case $B in /*) ;; *) B=$TOP/$B ;; esac
export B
WORK=$(mktemp -d "${TMPDIR:-/tmp}/ebpf-route-actions.XXXXXX")
trap 'wait; rm -rf "$WORK"' EXIT # what it runs cleans up
trap 'exit 1' INT TERM HUP

[ "$(id -u)" = 0 ] || { echo "SKIP: needs root for network namespaces" && exit 4; }

fail() {
	echo "FAIL: $*" >&2
	tail -n 60 "$WORK"/*.out >&2
	exit 1
}

# actions EXPECTED-CODE ARGUMENTS...: a short run, its JSON in run.json. 3, packets lost, counts as 0 here.
actions() {
	local expected=$1 code=0

	shift
	"$TOP/scripts/bench-actions" --quick --rounds 1 --packets 8192 --routes 1000 --user-routes 2000 \
		--json "$WORK/run.json" "$@" >"$WORK/actions.out" 2>&1 &
	echo $! >>"$WORK/pids" # its namespaces are named after it
	wait $! || code=$?
	[ "$code" != 3 ] || code=0
	[ "$code" = "$expected" ] || fail "$*: exit code $code, expected $expected"
}

# holds JQ-FILTER
holds() {
	jq -e "$1" "$WORK/run.json" >/dev/null || fail "not so: $1"
}

echo "- every row is measured and proven, but what this kernel does not have"
actions 0
holds '[.rows[] | select(.missing == "" and (.proven and .ns > 0 and .sent >= 8192 | not))] == []'
holds '[.rows[] | select(.missing != "" and (.title | test("^(tc|nftables|RPS)") | not))] == []'
holds '[.rows[] | [.section, .row] | join(" ")] | contains(["drop xdp_user", "drop tc_user", "forward xdp_user",
	"redirect xdp_user", "redirect tc_user", "cpu xdp_user", "socket tc_user"])'
holds '.tcp.tc.gbps[0] > 0 and .tcp.kernel.gbps[0] > 0 and .tcp.tc.wrong + .tcp.kernel.wrong == []'
holds '.batch.routes == 2000 and .batch.wrong == [] and (.batch.seconds | length) == 1 and .batch.add_us.median > 0'

echo "- a daemon that passes everything is not taken for one that drops, forwards or redirects"
mkdir "$WORK/bin"
printf '#!/bin/sh\nexec %s/ebpf-routed --observe "$@"\n' "$B" >"$WORK/bin/ebpf-routed"
chmod 755 "$WORK/bin/ebpf-routed"
ln -s "$B/ebpf-route" "$B/actions" "$WORK/bin"
actions 2 --bin "$WORK/bin" --user-routes 100
holds '[.rows[] | select(.row | test("^(xdp|tc)_")) | .proven] | all(not)'
holds '[.rows[] | select(.missing == "" and (.row | test("^(xdp|tc)_") | not)) | .proven] | all'
holds '.tcp.tc.wrong != []'
grep -q 'XDP: user route drop .*BROKEN' "$WORK/actions.out" || fail "the table does not say BROKEN"

echo "- what is not understood"
for wrong in '--rounds 0' '--packets many' '--frobnicate' '--routes 1'; do
	# shellcheck disable=SC2086 # two words
	actions 1 $wrong
done

echo "- nothing is left behind"
left=$(ip netns list | grep -E "^act($(tr '\n' '|' <"$WORK/pids")0)-" || true)
[ -z "$left" ] || fail "namespaces: $left"
