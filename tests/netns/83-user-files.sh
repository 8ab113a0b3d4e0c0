#!/usr/bin/env bash
# Files of user routes: at start, on SIGHUP, saved; what is wrong in them is named and changes nothing. And a batch
# of 100,000.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# file NAME LINE...: in the directory of the routes.
file() {
	local name=$1

	shift
	printf '%s\n' "$@" >"$WORK/routes/$name"
}

logged() {
	grep -qF -- "$1" "$WORK/ebpf-routed.log" || fail "not logged: $1"
}

# routes LINE...: these are the user routes, as `save` would write them.
routes() {
	local got

	got=$(fast -j route proto user | jq -r '.[] | [.dst, .action, .dev // empty] | join(" ")')
	[ "$got" = "$(printf '%s\n' "$@")" ] || fail "user routes:" "$got"
}

error() {
	fast -j status | jq -r '.user_error // "none"'
}

lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
mkdir "$WORK/routes"
R=$WORK/routes

say "- a mistake at start: no user routes, said loudly, and the router works"
file 10.conf '# first' '203.0.113.0/24 drop' 'add 203.0.114.0/24 dop'
file 20.conf '203.0.115.0/24 drop' '203.0.120.0/24 drop'
file ignored.txt 'nonsense'
file .hidden.conf 'nonsense'
ipr route add 203.0.115.0/24 via 198.18.2.2
routed --routes-dir "$R"
logged "$R/10.conf:3: 203.0.114.0/24: 'dop' is not a word that belongs here, STARTING WITHOUT ANY USER ROUTES"
[ "$(error)" = "$R/10.conf:3: 203.0.114.0/24: 'dop' is not a word that belongs here" ] ||
	fail "status: $(error)"
fast status | has 'NOT AS THE FILES SAY' || fail "status does not say it"
[ "$(fast -j status | jq .user_routes)" = 0 ] || fail "some of the routes are there"
probe left <<<"forward 203.0.115.1 right"

say "- mended, and SIGHUP"
file 10.conf '# first' '203.0.113.0/24 drop' 'add 203.0.114.0/24 redirect r2 comment "two words"'
reload
[ "$(error)" = none ] || fail "status: $(error)"
routes '203.0.113.0/24 drop' '203.0.114.0/24 redirect r2' '203.0.115.0/24 drop' '203.0.120.0/24 drop'
probe left <<<"drop 203.0.115.1"

say "- a mistake on SIGHUP keeps what is in force; later files name earlier ones"
file 20.conf '203.0.115.0/24 drop' '203.0.113.0/24 pass'
reload
[ "$(error)" = "$R/20.conf:2: 203.0.113.0/24: is there already, from $R/10.conf:2, 'replace' changes it" ] ||
	fail "status: $(error)"
logged "keeping the user routes in force"
logged "reload: done, but for the user routes, which are as before"
file 20.conf '203.0.115.0/24 drop' '203.0.116.0/24 redirect r9'
reload
[ "$(error)" = "$R/20.conf:2: 203.0.116.0/24: no such device 'r9'" ] || fail "status: $(error)"
routes '203.0.113.0/24 drop' '203.0.114.0/24 redirect r2' '203.0.115.0/24 drop' '203.0.120.0/24 drop'

say "- what is in no file any more goes, what was set at run time stays"
fast add 203.0.117.0/24 drop
fast replace 203.0.115.0/24 pass
fast del 203.0.113.0/24
rm "$R/20.conf"
reload
routes '203.0.113.0/24 drop' '203.0.114.0/24 redirect r2' '203.0.115.0/24 pass' '203.0.117.0/24 drop'

say "- save: what no other file says; nothing else is touched"
fast replace 203.0.114.0/24 drop
fast save >"$WORK/out" 2>"$WORK/said"
[ "$(cat "$WORK/out")" = "$R/saved.conf: 3 user routes" ] || fail "printed: $(cat "$WORK/out")"
[ ! -s "$WORK/said" ] || fail "said: $(cat "$WORK/said")"
[ "$(stat -c %a "$R/saved.conf")" = 600 ] || fail "mode $(stat -c %a "$R/saved.conf")"
diff - <(tail -n +2 "$R/saved.conf") <<'END' || fail "saved something else"
replace 203.0.114.0/24 drop
203.0.115.0/24 pass
203.0.117.0/24 drop
END
[ "$(find "$R" -name '.saving*')" = "" ] || fail "a temporary file stays"
reload
routes '203.0.113.0/24 drop' '203.0.114.0/24 drop' '203.0.115.0/24 pass' '203.0.117.0/24 drop'
fast del 203.0.113.0/24
fast save >"$WORK/out" 2>"$WORK/said"
[ "$(cat "$WORK/said")" = "ebpf-route: 1 user routes, 203.0.113.0/24 among them: another file says something else, which is in force after the next start" ] ||
	fail "said: $(cat "$WORK/said")"
! fast save ../x.conf 2>"$WORK/said" || fail "saved outside"
fast add 203.0.113.0/24 pass
fast save 00.conf >"$WORK/out" 2>"$WORK/said" # 10.conf has the last word about 203.0.113.0/24
[ "$(cat "$WORK/out")" = "$R/00.conf: 0 user routes" ] || fail "printed: $(cat "$WORK/out")"
grep -q "1 user routes, 203.0.113.0/24 among them" "$WORK/said" || fail "said: $(cat "$WORK/said")"
fast del 203.0.113.0/24
rm "$R/00.conf"

say "- save, where a file that is read later says something else, or has come to say it"
file z.conf '203.0.121.0/24 drop'
reload
fast replace 203.0.121.0/24 pass
fast add 203.0.122.0/24 drop
fast add 203.0.123.0/24 drop
file z.conf '203.0.121.0/24 drop' '203.0.123.0/24 pass'
fast save >"$WORK/out" 2>"$WORK/said" || fail "save: $(cat "$WORK/said")"
grep -q "2 user routes, 203.0.121.0/24 among them" "$WORK/said" || fail "said: $(cat "$WORK/said")"
grep -qx '203.0.122.0/24 drop' "$R/saved.conf" || fail "203.0.122.0/24 is not saved"
! grep -E '203.0.12[13]' "$R/saved.conf" || fail "saved what z.conf has"
reload
[ "$(error)" = none ] || fail "what was saved does not load: $(error)"
rm "$R/z.conf"
fast del 203.0.122.0/24
fast save >"$WORK/out"
reload

say "- save, of what came from a file that was edited since: it stays the file's, and goes with the next reload"
file z.conf '203.0.124.0/24 drop' '203.0.125.0/24 drop'
reload
file z.conf '203.0.125.0/24 pass'
for _ in 1 2; do
	fast save >"$WORK/out" 2>"$WORK/said" || fail "save: $(cat "$WORK/said")"
	grep -q "2 user routes, 203.0.124.0/24 among them" "$WORK/said" || fail "said: $(cat "$WORK/said")"
	! grep -E '203.0.12[45]' "$R/saved.conf" || fail "saved what is of z.conf"
done
rm "$R/z.conf"
reload
! fast -j route proto user | grep -E '203.0.12[45]' || fail "routes of no file stay"

say "- save of another instance that reads the same directory: what the first one saved stays"
: >"$WORK/second-ready"
"$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB-b" --hook tc -i 'none*' --routes-dir "$R" \
	>"$WORK/second-ready" 2>"$WORK/second.log" </dev/null &
SECOND_PID=$!
PIDS+=("$SECOND_PID")
wait_for 30 test -s "$WORK/second-ready" || fail "the second instance: not ready:" "$(cat "$WORK/second.log")"
second() {
	"$B/ebpf-route" --instance "$LAB-b" "$@"
}
second flush all >"$WORK/out"
cp "$R/saved.conf" "$WORK/before"
! second save 2>"$WORK/said" || fail "the second instance wrote over saved.conf"
[ "$(cat "$WORK/said")" = "ebpf-route: $R/saved.conf: written by 'save' of the instance '$LAB', '--force' replaces it, nothing is saved" ] ||
	fail "said: $(cat "$WORK/said")"
cmp "$R/saved.conf" "$WORK/before" || fail "saved.conf has changed"
reload
routes '203.0.113.0/24 drop' '203.0.114.0/24 drop' '203.0.115.0/24 pass' '203.0.117.0/24 drop'
second add 203.0.126.0/24 drop
second save b.conf >"$WORK/out" 2>&1 || fail "b.conf: $(cat "$WORK/out")"
second save b.conf >"$WORK/out" 2>&1 || fail "b.conf, its own: $(cat "$WORK/out")"
! fast save b.conf 2>"$WORK/said" || fail "the first instance wrote over b.conf"
fast save --force b.conf >"$WORK/out" 2>&1 || fail "b.conf, by force: $(cat "$WORK/out")"
fast save b.conf >"$WORK/out" 2>&1 || fail "b.conf, once taken: $(cat "$WORK/out")"
# shellcheck disable=SC2016 # no command
echo '# Written by `ebpf-route save`, which will write it anew.' >"$R/b.conf"
fast save b.conf >"$WORK/out" 2>&1 || fail "b.conf, of an earlier version: $(cat "$WORK/out")"
stop "$SECOND_PID" || fail "the second instance: exit code $?"
rm "$R/b.conf"
reload

say "- what was saved is there after the next start, and so is what has not come yet"
file 30.conf '203.0.118.0/24 redirect r9' '203.0.119.0/24 via 192.0.2.1'
stop "$ROUTED_PID" || fail "exit code $?"
routed --routes-dir "$R"
[ "$(error)" = none ] || fail "status: $(error)"
logged "$R/30.conf:1: 203.0.118.0/24: no such device 'r9', not in the fast path until that changes"
logged "$R/30.conf:2: 203.0.119.0/24: gateway 192.0.2.1 is in no connected net, 'dev' is needed, not in"
routes '203.0.113.0/24 drop' '203.0.114.0/24 drop' '203.0.115.0/24 pass' '203.0.117.0/24 drop' \
	'203.0.118.0/24 redirect r9' '203.0.119.0/24 via'
probe left <<'END'
drop 203.0.114.1
egress_down 203.0.118.1 icmp=3/0
END
ipr link add r9 type veth peer name p9
ipr link set r9 up
ipr link set p9 up
on router ethtool -K p9 gro on >/dev/null # or r9 does not transmit for XDP
settle
leads_by_r9() {
	fast -j route proto user 203.0.118.0/24 | jq -e '.[0].fastpath.verdict == "forward"'
}
wait_for 20 leads_by_r9 || fail "r9 came, its route did not"

say "- a gateway stays by the device that was found for it"
by() {
	[ "$(fast -j route proto user "$1" | jq -r '.[0] | [.dev, .fastpath.reason // .fastpath.verdict] | join(" ")')" = "$2" ]
}
ipr link add r8 type veth peer name p8
ipr address add 198.51.100.1/24 dev r8
ipr address add 198.51.0.1/16 dev r2
ipr link set r8 up
ipr link set p8 up
on router ethtool -K p8 gro on >/dev/null
settle
fast_adds() {
	fast add "$@" 2>"$WORK/said"
}
wait_for 20 fast_adds 203.0.124.0/24 via 198.51.100.77 lladdr 02:00:00:00:08:77 || fail "said: $(cat "$WORK/said")"
by 203.0.124.0/24 "r8 forward" || fail "$(fast route 203.0.124.0/24)"
file 35.conf '203.0.125.0/24 via 198.51.100.78'
reload
[ "$(error)" = none ] || fail "status: $(error)"
ipr link del r8
settle
by 203.0.124.0/24 "r8 egress_down" || fail "r8 is gone: $(fast route 203.0.124.0/24)"
probe left <<<"egress_down 203.0.124.1 icmp=3/0"

say "- what is not possible any more is no obstacle to other changes"
ipr link del r9
settle
file 40.conf '203.0.126.0/24 drop'
reload
[ "$(error)" = none ] || fail "status: $(error)"
by 203.0.118.0/24 "r9 egress_down" || fail "$(fast route 203.0.118.0/24)"
by 203.0.125.0/24 "r8 egress_down" || fail "$(fast route 203.0.125.0/24)"
probe left <<<"drop 203.0.126.1"
fast replace 203.0.125.0/24 via 198.51.100.78 # once more, and found anew
[ "$(fast -j route proto user 203.0.125.0/24 | jq -r '.[0].dev')" = r2 ] || fail "$(fast route 203.0.125.0/24)"

say "- what is no file of routes"
mkdir "$R/x.conf"
reload
[ "$(error)" = "$R/x.conf: Is a directory" ] || fail "status: $(error)"
rmdir "$R/x.conf"
mkfifo "$R/x.conf"
reload
[ "$(error)" = "$R/x.conf: not a regular file" ] || fail "status: $(error)"
rm "$R/x.conf"
file 50.conf $'\xef\xbb\xbf203.0.127.0/24 drop'
reload
[ "$(error)" = "$R/50.conf:1: a byte order mark (BOM) is before the first word" ] || fail "status: $(error)"
rm "$R"/{35,40,50}.conf
reload

say "- files checked without a daemon"
check_config() {
	"$B/ebpf-routed" --netns "$LAB-router" --check-config --routes-dir "$R" 2>"$WORK/said"
}
file 60.conf '203.0.127.0/24 drop' '203.0.128.0/24 redirect r7' '203.0.129.0/24 via 198.18.2.2'
check_config || fail "not valid: $(cat "$WORK/said")"
grep -qF "$R/60.conf:2: 203.0.128.0/24: no such device 'r7'" "$WORK/said" || fail "said: $(cat "$WORK/said")"
! grep -F "60.conf:3" "$WORK/said" || fail "r2 is there"
file 60.conf '203.0.127.0/24 drop' '203.0.118.0/24 drop'
! check_config || fail "a conflict is valid"
grep -qF "$R/60.conf:2: 203.0.118.0/24: is there already, from $R/30.conf:1" "$WORK/said" ||
	fail "said: $(cat "$WORK/said")"
file 60.conf '203.0.127.0/24 drp'
code=0
check_config || code=$?
[ "$code" = 1 ] || fail "exit code $code"
grep -qF "$R/60.conf:1: 203.0.127.0/24: 'drp' is not" "$WORK/said" || fail "said: $(cat "$WORK/said")"
rm "$R/60.conf"

say "- a request in pieces, its end alone"
"$PYTHON" - "/run/ebpf-route/$LAB.sock" <<'END' || fail "a request in pieces is not answered"
import socket
import sys
import time

with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(30)
    s.connect(sys.argv[1])
    for piece in (b'{"command":"ba', b'tch","args":{"text":"","name":"x"}}', b'\n'):
        s.sendall(piece)
        time.sleep(0.1)  # so that it comes alone
    answer = b''
    while piece := s.recv(4096):
        answer += piece
    if not answer.endswith(b'{"end":true}\n'):
        sys.exit(f'answered by {answer}')
END

say "- a batch of 100,000 routes, taken back by another"
awk 'BEGIN {
	for (i = 0; i < 100000; i++) {
		printf "add 10.%d.%d.%d/30 ", i / 16384, i / 64 % 256, i % 64 * 4
		print i % 3 ? "via 198.18.2.2 comment \"number " i "\"" : "drop"
	}
}' >"$WORK/batch"
fast flush all >"$WORK/out"
began=${EPOCHREALTIME/[.,]/}
fast -b "$WORK/batch" >"$WORK/out"
say "  $(cat "$WORK/out") in $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
[ "$(cat "$WORK/out")" = "100000 added" ] || fail "printed: $(cat "$WORK/out")"
probe left <<'END'
drop 10.0.0.0 n=3
forward 10.0.0.5 right
forward 10.6.26.121 right
drop 10.6.26.124
END
[ "$(fast -j route proto user | jq length)" = 100000 ] || fail "not all of them are shown"
began=${EPOCHREALTIME/[.,]/}
fast save >"$WORK/out" 2>&1
say "  saved in $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
diff <(sed 's/^add //; s/comment "\(.*\)"/\1/' "$WORK/batch") \
	<(tail -n +2 "$R/saved.conf" | sed 's/ dev r2//; s/comment "\(.*\)"/\1/') >"$WORK/diff" ||
	fail "saved something else: $(head -5 "$WORK/diff")"
sed 's/^add \([^ ]*\).*/del \1/' "$WORK/batch" >"$WORK/undo"
echo 'del 203.0.113.0/24' >>"$WORK/undo"
! fast -b "$WORK/undo" >"$WORK/out" 2>&1 || fail "a batch with a wrong last line is taken"
[ "$(fast -j status | jq .user_routes)" = 100000 ] || fail "some of a refused batch went"
sed -i '$d' "$WORK/undo"
began=${EPOCHREALTIME/[.,]/}
fast -b "$WORK/undo" >"$WORK/out"
say "  $(cat "$WORK/out") in $(((${EPOCHREALTIME/[.,]/} - began) / 1000)) ms"
[ "$(fast -j status | jq .user_routes)" = 0 ] || fail "some are left"
probe left <<<"no_route 10.0.0.1 icmp=3/0"

say "- an end says how many go with it"
fast flush all >"$WORK/out"
rm "$R"/*.conf
fast add 203.0.113.0/24 drop
fast add 203.0.114.0/24 drop
stop "$ROUTED_PID" || fail "exit code $?"
logged "SIGTERM: ending, 2 user routes set at run time go with it; \`ebpf-route save\` keeps them"
