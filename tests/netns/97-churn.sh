#!/usr/bin/env bash
# After a long history the daemon keeps what a new one would: nothing leaks, and the maps are right.
# scripts/bench-control churn does the same at full size.
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]   .10 to .25 stand for more gateways
#                            r3 --- [ third ]     the same
#
. "$(dirname "$0")/../../scripts/lib.sh"
. "$TOP/scripts/lib-churn.sh"

ROUTES=20000 UPDATES=50000

[ "$ENGINE" != kernel ] || skip "this is about the daemon"
[ -x "$B/scale" ] || skip "$B/scale is not built"
lab_start
port left 1
port right 2
port third 3
"$TOP/scripts/gen-table" $ROUTES 3 >"$WORK/table"

say "- $ROUTES routes"
feed "$WORK/table" 0
routed
kept "$WORK/before"
verify_maps

say "- $UPDATES updates, among them two flaps of links, objects and devices that come and go"
feed "$WORK/table" $UPDATES
settle
verify_maps
kept "$WORK/after"
kept_by_fresh "$WORK/fresh"
verify_maps
kept_table "$WORK/before" "$WORK/after" "$WORK/fresh"
kept_equal "$WORK/after" "$WORK/fresh" || fail "a new daemon keeps something else"

# The history is worth its name only if it left something of each kind.
jq -e '.groups > 10 and .slots > .sets and .engine > 100 and .prefixes > 15000' "$WORK/fresh" >/dev/null || fail "too little happened: $(cat "$WORK/fresh")"
jq -es '(.[0].memory_mb - .[1].memory_mb) < 5' "$WORK/after" "$WORK/fresh" >/dev/null ||
	fail "memory: $(jq -s '.[].memory_mb' "$WORK/after" "$WORK/fresh")"
