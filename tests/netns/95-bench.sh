#!/usr/bin/env bash
# The benchmark itself: every row is measured and proven, nothing is lost, and a daemon that leaves the
# work to the kernel is found out. Its times are not looked at.
# check: once alone
set -euo pipefail

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
B=${B:-$TOP/build}
case $B in /*) ;; *) B=$TOP/$B ;; esac
export B
WORK=$(mktemp -d "${TMPDIR:-/tmp}/ebpf-route-bench.XXXXXX")
trap 'wait; rm -rf "$WORK"' EXIT # what it runs cleans up
trap 'exit 1' INT TERM HUP

[ "$(id -u)" = 0 ] || { echo "SKIP: needs root for network namespaces" && exit 4; }

fail() {
	echo "FAIL: $*" >&2
	tail -n 40 "$WORK"/*.out >&2
	exit 1
}

# bench EXPECTED-CODE ARGUMENTS...: a short run, its JSON in run.json.
bench() {
	local expected=$1 code=0

	shift
	"$TOP/scripts/bench" --quick --routes 1000 --rounds 1 --packets 20000 --destinations 5000 \
		--json "$WORK/run.json" "$@" >"$WORK/bench.out" 2>&1 &
	echo $! >>"$WORK/pids" # its namespaces are named after it
	wait $! || code=$?
	[ "$code" = "$expected" ] || fail "$*: exit code $code, expected $expected"
}

# holds JQ-FILTER
holds() {
	jq -e "$1" "$WORK/run.json" >/dev/null || fail "not so: $1"
}

echo "- every kind of traffic, both sizes, all rows"
bench 0 --traffic single,hot,mid,uniform,neighbours,hot-on,uniform-on --size 64,1500
holds '[.tables[].cells[] | select(.measured and .proven and .lost == 0 | not)] == []'
holds '[.tables[].cells[] | select(.ns <= 0 or .sent < 20000 or (.rounds | length) != 1)] == []'
# shellcheck disable=SC2016 # jq's variables
holds 'def cross($method; $sizes; $kinds; $rows):
		$sizes[] as $size | $kinds[] as $kind | $rows[] | [$method, $size, $kind, .];
	["single", "hot", "mid", "uniform", "neighbours"] as $plain | ["hot-on", "uniform-on"] as $on |
	["fib_direct", "fib_full", "dir24", "lpm", "bare"] as $programs |
	[cross("end-to-end"; [64, 1500]; $plain; $programs + ["generator", "kernel", "floor"]),
		cross("end-to-end"; [64, 1500]; $on; ["generator", "kernel", "dir24", "lpm"]),
		cross("alone"; [64]; $plain; $programs + ["base"]),
		cross("alone"; [64]; $on; ["dir24", "lpm", "base"])] as $expected |
	[.tables[].cells[] | [.method, .size, .traffic, .row]] | sort == ($expected | sort)'
holds '[.tables[] | .dump_seconds, .sync_seconds_dir24, .sync_seconds_lpm | length] == [1, 1, 1]'

echo "- shown as tables and, where gnuplot is at hand, as pictures"
printf '%s\n' before '<!-- bench: begin -->' old '<!-- bench: end -->' after >"$WORK/page.md"
command -v gnuplot >/dev/null && plot=(--plot "$WORK") || plot=()
"$TOP/tests/bench/present.py" "$WORK/run.json" --fill "$WORK/page.md" "${plot[@]}" >"$WORK/present.out" 2>&1 ||
	fail "present.py"
grep -qE '^\| ebpf-routed dir24 \| [0-9]+ \([0-9.]+x\) \|$' "$WORK/page.md" || fail "no row of dir24 in the tables"
[ "$(grep -cE '^(before|old|after)$' "$WORK/page.md")" = 2 ] || fail "the page around the tables"
for picture in ${plot:+bench.svg bench-sync.svg}; do
	grep -q 'ebpf-routed lpm' "$WORK/$picture" || fail "$picture: no curve of lpm"
done

echo "- only what was asked for"
bench 0 --rows kernel,bare --traffic hot --end-to-end
holds '[.tables[].cells[].row] == ["generator", "kernel", "bare"]'

echo "- a daemon that passes everything is not taken for one that forwards"
mkdir "$WORK/bin"
printf '#!/bin/sh\nexec %s/ebpf-routed --observe "$@"\n' "$B" >"$WORK/bin/ebpf-routed"
chmod 755 "$WORK/bin/ebpf-routed"
ln -s "$B/ebpf-route" "$WORK/bin/ebpf-route"
bench 2 --bin "$WORK/bin" --rows dir24,floor --traffic hot
holds '[.tables[].cells[] | select(.proven | not) | [.method, .row]] | sort ==
	[["alone", "dir24"], ["end-to-end", "dir24"]]'
grep -q 'ebpf-routed --fib dir24 .*BROKEN' "$WORK/bench.out" || fail "the table does not say BROKEN"

echo "- what is not understood"
for wrong in '--rows nobody' '--traffic x' '--size 65' '--rounds 0' '--packets many' '--frobnicate' '--routes none'; do
	# shellcheck disable=SC2086 # two words
	bench 1 $wrong
	[ "$(grep -vc '^bench: building$' "$WORK/bench.out")" = 1 ] || fail "$wrong: not one line"
done

echo "- nothing is left behind"
left=$(ip netns list | grep -E "^bench($(tr '\n' '|' <"$WORK/pids")0)-" || true)
[ -z "$left" ] || fail "namespaces: $left"
