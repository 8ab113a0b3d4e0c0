#!/usr/bin/env bash
# Whatever may drop or change a forwarded packet, and XDP would not ask: it appears under traffic, the fast
# path steps aside within 100 ms, no packet escapes a rule that drops, and it comes back when the rule goes.
# Rules that no forwarded packet passes change nothing. Flowtables, and more of legacy iptables: tests/kernel.
#
# check: dir24 tc
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/guards.sh"

guards_lab
on router ip link add br0 type bridge
routed -i 'r*'

cases() {
	local family hook

	for family in ip inet; do
		for hook in prerouting forward postrouting; do
			echo "drops | $family $hook rule | nft 'add table $family t; add chain $family t c { type filter hook $hook priority 0; }; add rule $family t c ip daddr 203.0.113.0/24 drop' | nft delete table $family t"
			echo "drops | $family $hook policy | nft 'add table $family t; add chain $family t c { type filter hook $hook priority 0; policy drop; }' | nft delete table $family t"
		done
	done
	cat <<'END'
drops | netdev ingress rule | nft 'add table netdev t; add chain netdev t c { type filter hook ingress device r1 priority 0; }; add rule netdev t c ip daddr 203.0.113.1 drop' | nft delete table netdev t
drops | netdev egress policy | nft 'add table netdev t; add chain netdev t c { type filter hook egress device r2 priority 0; policy drop; }' | nft delete table netdev t
drops | a rule behind a jump | nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }; add chain ip t d; add rule ip t d ip daddr 203.0.113.1 drop; add rule ip t c jump d' | nft delete table ip t
passes | bridge rule | nft 'add table bridge t; add chain bridge t c { type filter hook forward priority 0; }; add rule bridge t c drop' | nft delete table bridge t
passes | NAT | nft 'add table ip t; add chain ip t c { type nat hook postrouting priority srcnat; }; add rule ip t c oifname r2 masquerade' | nft delete table ip t
passes | a rule that counts | nft 'add table inet t; add chain inet t c { type filter hook forward priority 0; }; add rule inet t c counter' | nft delete table inet t
passes | marks before routing | nft 'add table ip t; add chain ip t c { type filter hook prerouting priority mangle; }; add rule ip t c meta mark set 7' | nft delete table ip t
drops | IPsec policy, forward | ip xfrm policy add dir fwd src 0.0.0.0/0 dst 203.0.113.0/24 action block | ip xfrm policy flush
drops | IPsec policy, out | ip xfrm policy add dir out src 0.0.0.0/0 dst 203.0.113.0/24 action block | ip xfrm policy flush
nothing | input rule | nft 'add table ip t; add chain ip t c { type filter hook input priority 0; policy drop; }; add rule ip t c drop' | nft delete table ip t
nothing | an empty chain | nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }' | nft delete table ip t
nothing | IPv6 alone | nft 'add table ip6 t; add chain ip6 t c { type filter hook forward priority 0; policy drop; }' | nft delete table ip6 t
END
}

# A link of type netfilter goes with the last descriptor of it.
bpf_cases() {
	local hook what run="$PYTHON $TOP/tests/netns/nfhook.py"

	for hook in prerouting:0 forward:2 postrouting:4 input:1; do
		what=drops
		[ "$hook" != input:1 ] || what=nothing
		echo "$what | BPF on ${hook%:*} | $run ${hook#*:} $WORK/hook.pid | kill \$(cat $WORK/hook.pid)"
	done
}

# iptables-nft is nftables again, legacy iptables announces nothing: bpf/xtables.bpf.c sees what it changes.
iptables_cases() {
	local ipt=$1 table

	echo "passes | $ipt NAT | $ipt -t nat -A POSTROUTING -o r2 -j MASQUERADE | $ipt -t nat -F"
	echo "nothing | $ipt INPUT | $ipt -A INPUT -j DROP; $ipt -P INPUT DROP | $ipt -F; $ipt -P INPUT ACCEPT"
	echo "drops | $ipt FORWARD rule | $ipt -A FORWARD -d 203.0.113.0/24 -j DROP | $ipt -F FORWARD"
	[ "$ipt" = iptables-legacy ] || return 0
	echo "drops | $ipt FORWARD policy | $ipt -P FORWARD DROP | $ipt -P FORWARD ACCEPT"
	for table in mangle raw; do
		echo "drops | $ipt $table PREROUTING | $ipt -t $table -A PREROUTING -d 203.0.113.1 -j DROP | $ipt -t $table -F"
	done
	echo "drops | $ipt mangle POSTROUTING policy | $ipt -t mangle -P POSTROUTING DROP | $ipt -t mangle -P POSTROUTING ACCEPT"
	printf '%s\n' '*filter' ':FORWARD ACCEPT' '-A FORWARD -m mark --mark 7 -j DROP' COMMIT >"$WORK/rules"
	echo "passes | $ipt restored | $ipt-restore $WORK/rules | $ipt -F"
}

cases | judge
if on router "$PYTHON" "$TOP/tests/netns/nfhook.py" 1 "$WORK/hook.pid"; then
	kill "$(cat "$WORK/hook.pid")"
	bpf_cases | judge --latest 1.2 --back 3 # nothing announces them: they are looked for every second
else
	say "- not here: BPF programs on netfilter hooks"
fi
for ipt in iptables-nft iptables-legacy; do
	if on router "$ipt" -S >/dev/null 2>&1; then
		iptables_cases "$ipt" | judge
	else
		say "- not here: $ipt"
	fi
done
say "- and each was said: what holds it back, and that it is over"
grep -q 'firewall: nftables: .* everything is left to the kernel' "$WORK/ebpf-routed.log" || fail "not said"
grep -q 'firewall: gone, forwarding again' "$WORK/ebpf-routed.log" || fail "its end was not said"
settle
verify

# More changes than the log tells of: the last word is what is, within a few seconds.
say "- rules that come and go: what is said last is true"
last_word() {
	grep firewall: "$WORK/ebpf-routed.log" | tail -n 1 | has "$1"
}
holds() {
	[ "$(fast -j status | jq -r .hold)" = "$1" ]
}
for _ in 1 2 3 4 5; do
	on router nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'
	wait_for 5 holds netfilter || fail "a rule is not seen"
	on router nft delete table ip t
	wait_for 5 holds null || fail "its end is not seen"
done
on router nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'
wait_for 5 holds netfilter || fail "a rule is not seen"
wait_for 15 last_word 'left to the kernel' || fail "the last word in the log is wrong"
grep -q 'similar lines left out' "$WORK/ebpf-routed.log" || fail "that lines were left out is not said"
on router nft delete table ip t
wait_for 15 last_word 'gone, forwarding again' || fail "the last word in the log is wrong"

say "- --ignore-netfilter: forwards beside a rule, and says so loudly"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
on router nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c drop'
routed --ignore-netfilter
grep -q 'IGNORED as --ignore-netfilter says' "$WORK/ebpf-routed.log" || fail "--ignore-netfilter: not said"
fast status | has -i 'ignored' || fail "--ignore-netfilter: not in status: $(fast status)"
probe left <<<"forward 203.0.113.1 right n=5"
