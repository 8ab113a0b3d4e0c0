#!/usr/bin/env bash
# One table, the kernel's own answers, both engines: each forwards as `ip route get` says.
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#                            r3 --- [ third ]    blackholes and unreachable ones between
#
. "$(dirname "$0")/../../scripts/lib.sh"

N=20000

# The table as `ip -batch` lines, ways in turn.
routes() {
	"$TOP/scripts/gen-table" "$N" 7 | awk '
		BEGIN { way[0] = way[1] = "via 198.18.2.2"; way[2] = way[3] = "via 198.18.3.2" }
		NR % 41 == 0 { print "route add blackhole " $1; next }
		NR % 43 == 0 { print "route add unreachable " $1; next }
		{ print "route add " $1 " " way[int(NR * 7 / 3) % 4] }'
}

# Addresses at the edges of some prefixes, where engines err, and what the kernel does with them.
expectations() {
	"$TOP/scripts/gen-table" "$N" 7 | awk -F '[./]' 'NR % 67 == 0 {
		first = $1 * 16777216 + $2 * 65536 + $3 * 256 + $4
		last = first + 2 ^ (32 - $5) - 1
		n = split(first " " last " " first - 1 " " last + 1, at, " ")
		for (i = 1; i <= n; i++)
			print int(at[i] / 16777216) "." int(at[i] / 65536) % 256 "." int(at[i] / 256) % 256 "." at[i] % 256
	}' | sort -u | awk -F . '$1 > 0 && $1 < 224 && $1 != 127 && !($1 == 198 && $2 >= 18 && $2 < 20)' >"$WORK/addresses"
	sed 's/^/route get /' "$WORK/addresses" >"$WORK/gets"
	{ ipr -force -batch "$WORK/gets" 2>&1 || true; } | awk '
		/ via 198.18.2.2 / { print "forward " $1 " right" }
		/ via 198.18.3.2 / { print "forward " $1 " third" }
		/^RTNETLINK answers: / { print $0 }' >"$WORK/answers"
	# ip names no address where the answer is an error, but they are in order
	paste -d ' ' "$WORK/addresses" "$WORK/answers" | awk '
		/ forward / { if ($1 != $3) exit 1; print "forward " $1 " " $4; next }
		/Invalid argument/ { print "drop " $1; next }
		/No route to host/ { print "unreachable " $1 " icmp=3/1"; next }
		/Network is unreachable/ { print "no_route " $1 " icmp=3/0"; next }
		{ exit 1 }'
}

lab_start
port left 1
port right 2
port third 3
resolve 198.18.1.2 198.18.2.2 198.18.3.2
routes >"$WORK/routes"
ipr -batch "$WORK/routes"
expectations >"$WORK/expected"
say "- $(wc -l <"$WORK/expected") addresses: $(cut -d ' ' -f 1 "$WORK/expected" | sort | uniq -c | xargs)"
[ "$(wc -l <"$WORK/expected")" -gt 500 ] || fail "too few expectations"

for ENGINE in kernel dir24 lpm; do
	say "- $ENGINE"
	routed
	probe left <"$WORK/expected"
	verify
	[ "$ENGINE" = kernel ] || stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
done
