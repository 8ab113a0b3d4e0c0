#!/usr/bin/env bash
# SIGHUP: what can change while running does, the rest is named, a mistake changes nothing. The
# firewall is in charge again as soon as the word that ignored it is gone.
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

# reload LINE...: this is the configuration now.
reload() {
	printf '%s\n' "$@" >"$WORK/conf"
	kill -HUP "$ROUTED_PID"
	RELOADS=$((RELOADS + 1))
	wait_for 5 reloaded || fail "SIGHUP was not answered"
	settle
}

reloaded() {
	[ "$(grep -cE 'reload: (done|the configuration)' "$WORK/ebpf-routed.log")" = "$RELOADS" ]
}

logged() {
	grep -q "$1" "$WORK/ebpf-routed.log" || fail "not logged: $1"
}

RELOADS=0
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
reload 'lease = 9' 'max-groups = 7'
logged 'reload: lease, max-groups: changed, takes effect at the next start only'
probe left <<<"netfilter 203.0.113.1 right n=3"

say "- a mistake changes nothing"
reload 'ignore-netfilter = yes' 'leese = 9'
logged 'unknown key .leese.'
logged 'keeping the one in force'
probe left <<<"netfilter 203.0.113.1 right n=3"

say "- ignored again"
reload 'ignore-netfilter = yes'
probe left <<<"forward 203.0.113.1 right n=3"
verify
