#!/usr/bin/env bash
# SIGHUP: what can change while running does, the rest is named, a mistake changes nothing. The
# firewall is in charge again as soon as the word that ignored it is gone. User routes that were set at run time
# are there after a kill, until a reload, and never in part.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# configured LINE...: this is the configuration now.
configured() {
	printf '%s\n' "$@" >"$WORK/conf"
	reload
	settle
}

logged() {
	grep -q "$1" "$WORK/ebpf-routed.log" || fail "not logged: $1"
}

lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
on router nft 'table ip guard { chain fw { type filter hook forward priority 0; ip saddr 192.0.2.1 drop; }; }'
echo 'ignore-netfilter = yes' >"$WORK/conf"
routed --config "$WORK/conf"
logged 'IGNORED as --ignore-netfilter says'
probe left <<<"forward 203.0.113.1 right n=3"

say "- the firewall counts again, and what cannot change is named"
configured 'lease = 9' 'max-groups = 7'
logged 'reload: lease, max-groups: changed, takes effect at the next start only'
probe left <<<"netfilter 203.0.113.1 right n=3"

say "- a mistake changes nothing"
configured 'ignore-netfilter = yes' 'leese = 9'
logged 'unknown key .leese.'
logged 'keeping the one in force'
probe left <<<"netfilter 203.0.113.1 right n=3"

say "- ignored again"
configured 'ignore-netfilter = yes'
probe left <<<"forward 203.0.113.1 right n=3"
verify

STATE=/run/ebpf-route/$LAB.routes
mkdir "$WORK/routes"

# routes LINE...: these are the user routes.
routes() {
	local got

	got=$(fast -j route proto user | jq -r '.[] | [.dst, .action, .dev // empty] | join(" ")')
	[ "$got" = "$(printf '%s\n' "$@")" ] || fail "user routes:" "$got"
}

# again ARGUMENTS...: killed, and started.
again() {
	kill_routed
	routed --config "$WORK/conf" --routes-dir "$WORK/routes" "$@"
}

say "- user routes set at run time are there after a kill"
printf '%s\n' '203.0.113.1 drop' '203.0.113.2 drop' >"$WORK/routes/10.conf"
again
[ ! -e "$STATE" ] || fail "a state without anything in it"
fast replace 203.0.113.1 pass
fast del 203.0.113.2
fast add 203.0.113.3 redirect r2
fast add 203.0.113.4 drop comment "ticket 4711; \"urgent\""
fast add 203.0.113.5 drop
fast del 203.0.113.5
[ "$(stat -c %a "$STATE")" = 600 ] || fail "$STATE is open to others"
set_there=("203.0.113.1 pass" "203.0.113.3 redirect r2" "203.0.113.4 drop")
routes "${set_there[@]}"
again
routes "${set_there[@]}"
[ "$(fast -j route 203.0.113.4 | jq -r '.[0].comment')" = 'ticket 4711; "urgent"' ] || fail "the comment differs"

say "- after a reload the files count again, and after a kill still do"
configured 'ignore-netfilter = yes'
set_there=("203.0.113.1 drop" "203.0.113.2 drop" "203.0.113.3 redirect r2" "203.0.113.4 drop")
routes "${set_there[@]}"
again
routes "${set_there[@]}"

say "- a change that was being written does not count, and the next one does"
printf 'replace 203.0.113.3 drop\ndel 203.0.1' >>"$STATE"
again
routes "${set_there[@]}"
fast add 203.0.113.6 drop
again
routes "${set_there[@]}" "203.0.113.6 drop"

say "- what is saved needs no state"
fast save >/dev/null
[ ! -e "$STATE" ] || fail "left: $(cat "$STATE")"
again
routes "${set_there[@]}" "203.0.113.6 drop"
fast add 203.0.113.7 drop

say "- of another namespace, or not to be read: said, and nothing of it"
sed -i '1s/[0-9]*$/1/' "$STATE"
again
logged 'or of another network namespace, ignoring'
routes "${set_there[@]}" "203.0.113.6 drop"
fast del 203.0.113.6
printf 'del 203.0.113.1\nreplace 203.0.113.1 nonsense\n# done\n' >>"$STATE"
again
logged "$STATE:[0-9]*: .*nonsense.*STARTING WITHOUT THE USER ROUTES"
rm "$STATE.refused"
routes "${set_there[@]}" "203.0.113.6 drop"
fast add 203.0.113.8 drop
again
routes "${set_there[@]}" "203.0.113.6 drop" "203.0.113.8 drop"

say "- the journal stays short while a file has a mistake, and loses nothing"
seq 0 9999 | awk '{ printf "10.%d.%d.0/24 drop\n", $1 / 256, $1 % 256 }' >"$WORK/block"
state_bytes() {
	stat -c %s "$STATE"
}
# turns: run-time routes that come and go, far more than the journal may grow by
turns() {
	local i

	for i in {1..4}; do
		sed 's/^/add /' "$WORK/block" | fast -b - >/dev/null
		sed 's/^/del /; s/ drop//' "$WORK/block" | fast -b - >/dev/null
	done
	fast replace 203.0.113.8 pass >/dev/null
}
cp "$WORK/routes/10.conf" "$WORK/good.conf"
for when in reload start; do
	echo '203.0.113.1 drp' >>"$WORK/routes/10.conf"
	if [ $when = reload ]; then
		configured 'ignore-netfilter = yes'
	else
		fast del 203.0.113.2
		again
		logged 'STARTING WITHOUT ANY USER ROUTES'
		# Of the files nothing is there; what was set at run time is.
		routes "203.0.113.8 pass"
	fi
	turns
	[ "$(state_bytes)" -lt 1500000 ] || fail "$when: the journal has $(state_bytes) bytes"
	cp "$WORK/good.conf" "$WORK/routes/10.conf"
	again
	if [ $when = reload ]; then
		routes "${set_there[@]}" "203.0.113.6 drop" "203.0.113.8 pass"
	else # also what was deleted
		routes "203.0.113.1 drop" "203.0.113.3 redirect r2" "203.0.113.4 drop" "203.0.113.6 drop" "203.0.113.8 pass"
	fi
done
fast replace 203.0.113.8 drop
set_there=("203.0.113.1 drop" "203.0.113.3 redirect r2" "203.0.113.4 drop")

say "- what has no room any more is left to the kernel, and said; the rest is in force"
more=()
for i in {0..9}; do
	fast add "203.0.$i.0/26" drop
	more+=("203.0.$i.0/26 drop")
done
again --max-extension-groups 8
routes "${more[@]}" "${set_there[@]}" "203.0.113.6 drop" "203.0.113.8 drop"
logged 'of the user routes set at run time have no room'
shown=$(fast -j route proto user | jq -r '.[] | select(.dst | endswith("/26")) | .fastpath | .reason // .verdict' | sort -u | tr '\n' ' ')
[ "$shown" = "drop table_full " ] || fail "shown: $shown"
again
[ "$(fast -j route proto user | jq -c '[.[] | select((.dst | endswith("/26")) and .fastpath.verdict == "drop")] | length')" = 10 ] || fail "not in force with room again"
fast flush all
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
[ ! -e "$STATE" ] || fail "left: $(cat "$STATE")"
