# shellcheck shell=bash
# A long history and what it leaves in the daemon, to be sourced after lib.sh; ports 2 and 3 are r2 and r3.

# feed TABLE UPDATES: see build/scale; what it says is in $WORK/feed. Nearly everything must be accepted.
feed() {
	on router "$B/scale" feed "$1" "$2" 1 >"$WORK/feed" || fail "feed: exit code $?"
	jq -e '.refused < .sent / 50' "$WORK/feed" >/dev/null || fail "feed: $(cat "$WORK/feed")"
}

# Megabytes of memory of the daemon's own, maps not included.
own_memory() {
	awk '/^RssAnon/ { printf "%.1f", $2 / 1024 }' "/proc/$ROUTED_PID/status"
}

# kept FILE: what the daemon keeps now, as JSON, once numbers that wait for a grace period are free.
kept() {
	settle
	fast -j status | jq -c --argjson mb "$(own_memory)" \
		'.objects + {installed: .routes, fallback: .fallback_routes, full, connected: .neighbours,
			memory_mb: $mb}' >"$1"
}

# kept_by_fresh FILE: the same of a new daemon over the same kernel.
kept_by_fresh() {
	stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
	routed
	kept "$1"
}

# kept_table BEFORE AFTER FRESH: side by side.
kept_table() {
	jq -nr --slurpfile a "$1" --slurpfile b "$2" --slurpfile c "$3" \
		'$c[0] | keys_unsorted[] | [., $a[0][.], $b[0][.], $c[0][.]] | @tsv' |
		awk -F '\t' 'BEGIN { printf "    %-22s %12s %12s %12s\n", "kept", "before", "afterwards", "restarted" }
			{ printf "    %-22s %12s %12s %12s\n", $1, $2, $3, $4 }'
}

# kept_equal AFTER FRESH: but for memory.
kept_equal() {
	[ "$(jq -cS 'del(.memory_mb)' "$1")" = "$(jq -cS 'del(.memory_mb)' "$2")" ]
}
