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
# Connections end soon. A rule has the kernel load what knows that setting.
on router nft 'add table ip t; add chain ip t c; add rule ip t c ct state new; delete table ip t'
sysctl_set router net.netfilter.nf_conntrack_udp_timeout=2
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
# What becomes of a connection is decided once: the kernel goes on translating it without the rule.
cat >"$WORK/flow.py" <<'END'
"""flow.py PORTS SOURCE-PORT [keep]: of one UDP flow, the source addresses that come out in 0.2 s, and how many packets do not
within 5 s; keep: it goes on, slowly, and nothing is said."""
import os, socket, struct, sys, time
sys.path.insert(0, sys.argv[1])
from packet import Port, ipv4
home = open("/proc/self/ns/net", "rb")
left, right = map(Port, sys.argv[2:4])
for port in left, right:
    port.open(home.fileno())
mark = os.urandom(8)
frame = left.peer + left.mac + b"\x08\0" + ipv4(left.address, "203.0.113.1", 64, 1, 0, 17, b"",
                                                struct.pack("!HHHH", int(sys.argv[4]), 4000, 8 + 20, 0) + mark + bytes(12))
while sys.argv[5:]:
    left.send(frame)
    list(right.receive())
    time.sleep(0.05)
sources, sent, came = set(), 0, 0
begin = time.monotonic()
while time.monotonic() < begin + 0.2 or came < sent and time.monotonic() < begin + 5:
    if time.monotonic() < begin + 0.2:
        left.send(frame)
        sent += 1
    time.sleep(0.005)
    for seen in right.receive():
        if mark in seen:
            sources.add(socket.inet_ntoa(seen[26:30]))
            came += 1
print(" ".join(sorted(sources)), sent - came)
END
flow() {
	"$PYTHON" "$WORK/flow.py" "$TOP/tests/netns" "${PORTS[1]}" "${PORTS[3]}" "$@"
}
# comes_from ADDRESS SOURCE-PORT WHEN: every packet of that flow, also where the kernel alone forwards.
comes_from() {
	local seen kernel

	seen=$(flow "$2")
	fast add 203.0.113.0/24 pass >/dev/null 2>&1 || hold_is netfilter || fail "no user route"
	kernel=$(flow "$2")
	fast del 203.0.113.0/24 >/dev/null 2>&1 || hold_is netfilter || fail "the user route stays"
	[ "$kernel" = "$1 0" ] || fail "$3: by the kernel alone: $kernel"
	[ "$seen" = "$1 0" ] || fail "$3: $seen, by the kernel alone $kernel"
}
hold_is() {
	[ "$(fast -j status | jq -r .hold)" = "$1" ]
}
FLOW=4000
# leftover NAME SET-UP FLUSH END: NAT goes, its connections stay, until that end.
leftover() {
	say "- $1: connections outlive their rule"
	FLOW=$((FLOW + 2)) # the kernel remembers earlier ones
	eval "$2"
	wait_for 20 hold_is netfilter || fail "$1: not seen"
	# Or the kernel forgets it, where this machine is slow.
	"$PYTHON" "$WORK/flow.py" "$TOP/tests/netns" "${PORTS[1]}" "${PORTS[3]}" "$FLOW" keep &
	keeper=$!
	PIDS+=("$keeper")
	comes_from 198.18.2.1 "$FLOW" "$1"
	eval "$3"
	settle
	comes_from 198.18.2.1 "$FLOW" "$1: without its rule"
	comes_from 198.18.1.2 "$((FLOW + 1))" "$1: a new flow"
	hold_is netfilter || fail "$1: no hold"
	stop "$keeper" || true
	eval "$4"
	wait_for 20 hold_is null || fail "$1: not back"
	comes_from 198.18.1.2 "$FLOW" "$1: at the end"
}
NFT_NAT="nft 'table inet host { chain input { type filter hook input priority 0; ct state established,related accept; }; }
	table ip nat { chain post { type nat hook postrouting priority 100; oifname r2 masquerade; }; }'"
leftover nftables "on router $NFT_NAT" "on router nft flush chain ip nat post" "on router nft delete table ip nat"
on router nft delete table inet host
leftover "nftables, ended" "on router $NFT_NAT" "on router nft flush chain ip nat post" true
say "- an empty NAT chain, and connections of the router itself: no hold"
on left ping -c 1 -W 20 198.18.1.1 >/dev/null
on router grep -qv '^0$' /proc/sys/net/netfilter/nf_conntrack_count || fail "nothing is tracked"
on router nft add table ip t
settle
hold_is null || fail "held by connections that nobody translates"
on router nft flush ruleset
for ipt in iptables-nft iptables-legacy; do
	if on router "$ipt" -S >/dev/null 2>&1; then
		iptables_cases "$ipt" | judge
	else
		say "- not here: $ipt"
	fi
done
if on router iptables-legacy -S >/dev/null 2>&1; then
	leftover iptables-legacy "on router iptables-legacy -A INPUT -m conntrack --ctstate ESTABLISHED -j ACCEPT
		on router iptables-legacy -t nat -A POSTROUTING -o r2 -j SNAT --to 198.18.2.1" \
		"on router iptables-legacy -t nat -F" "on router iptables-legacy -F"
fi

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
	wait_for 20 holds netfilter || fail "a rule is not seen"
	on router nft delete table ip t
	wait_for 20 holds null || fail "its end is not seen"
done
on router nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; policy drop; }'
wait_for 20 holds netfilter || fail "a rule is not seen"
wait_for 30 last_word 'left to the kernel' || fail "the last word in the log is wrong"
grep -q 'similar lines left out' "$WORK/ebpf-routed.log" || fail "that lines were left out is not said"
on router nft delete table ip t
wait_for 30 last_word 'gone, forwarding again' || fail "the last word in the log is wrong"

say "- --ignore-netfilter: forwards beside a rule, and says so loudly"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
on router nft 'add table ip t; add chain ip t c { type filter hook forward priority 0; }; add rule ip t c drop'
routed --ignore-netfilter
grep -q 'IGNORED as --ignore-netfilter says' "$WORK/ebpf-routed.log" || fail "--ignore-netfilter: not said"
fast status | has -i 'ignored' || fail "--ignore-netfilter: not in status: $(fast status)"
probe left <<<"forward 203.0.113.1 right n=5"
