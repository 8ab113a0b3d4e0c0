#!/usr/bin/env bash
# A rule that drops is obeyed whatever the daemon does meanwhile, a dump of many routes or a batch of user routes; if
# it was stopped until its lease ran out; and at every instant of a ruleset that is replaced all the time.
#
# check: dir24
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/guards.sh"

# routes COUNT FIRST-BYTE: that many /24s.
routes() {
	awk -v n="$1" -v first="$2" \
		'BEGIN { for (i = 0; i < n; i++) printf "%d.%d.%d.0/24\n", first + int(i / 65536), int(i / 256) % 256, i % 256 }'
}

RULE="nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'"
GONE="nft delete table ip t"

guards_lab

say "- while many routes are dumped, or given by the user"
routes 200000 20 | sed 's/.*/route add & via 198.18.2.2/' | ipr -batch -
routes 120000 40 | sed 's/.*/replace & via 198.18.2.2/' >"$WORK/user"
routed --max-lpm-routes 1000000
settle
judge --back 3 <<END
busy | a dump | kill -HUP $ROUTED_PID; sleep 0.05; $RULE | $GONE
busy | a batch | $B/ebpf-route --instance $LAB batch $WORK/user >/dev/null 2>&1 & sleep 0.3; $RULE | $GONE
END
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
ipr route flush root 20.0.0.0/5

say "- stopped until the lease ran out: in force before the lease is"
routed --lease 1
settle
{
	echo "table ip t {"
	# Looking at these takes long enough for packets to pass by.
	seq 1000 | sed 's/.*/chain i& { type filter hook input priority &; }/'
	echo "chain c { type filter hook forward priority 0; policy drop; }; }"
} >"$WORK/stopped"
judge --latest 0 <<END
busy | stopped | kill -STOP $ROUTED_PID; sleep 1.3; nft -f $WORK/stopped; (sleep 0.05; kill -CONT $ROUTED_PID) & | $GONE
END

say "- replaced all the time by one that drops as well"
for name in a b; do
	{
		printf '%s\n' "add table ip t" "delete table ip t" "table ip t {"
		echo "chain $name { type filter hook forward priority 0; ip daddr 203.0.113.0/24 drop; }"
		# Each of these is a question more, before the one about the chain that drops.
		seq 30 | sed 's/.*/chain e& { type filter hook forward priority &; }/'
		echo "}"
	} >"$WORK/$name"
done
cat >"$WORK/replace.py" <<'END'
"""replace.py FILE RULESET..: in turn, until the file goes, which comes with the first; says so by FILE.ended."""
import ctypes, os, sys
nft = ctypes.CDLL("libnftables.so.1")
nft.nft_ctx_new.restype = ctypes.c_void_p
context = ctypes.c_void_p(nft.nft_ctx_new(0))
rulesets = [open(name, "rb").read() for name in sys.argv[2:]]
open(sys.argv[1], "w").close()
while os.path.exists(sys.argv[1]):
    for ruleset in rulesets:
        if nft.nft_run_cmd_from_buffer(context, ruleset):
            sys.exit("refused")
open(sys.argv[1] + ".ended", "w").close()
END
cat >"$WORK/held" <<END
#!/bin/sh
until [ "\$($B/ebpf-route --instance $LAB -j status | jq -r .hold)" = netfilter ]; do sleep 0.02; done
END
chmod 755 "$WORK/held"
SAID=$(grep -c 'firewall: gone' "$WORK/ebpf-routed.log")
judge --latest 0 <<END
busy | replaced | nft -f $WORK/a; $WORK/held; $PYTHON $WORK/replace.py $WORK/on $WORK/a $WORK/b & until [ -e $WORK/on ]; do sleep 0.02; done | sleep 0.3; rm $WORK/on; until [ -e $WORK/on.ended ]; do sleep 0.02; done; $GONE
END
[ "$(grep -c 'firewall: gone' "$WORK/ebpf-routed.log")" = $((SAID + 1)) ] || fail "taken for gone meanwhile"
settle
verify
