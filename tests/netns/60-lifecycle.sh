#!/usr/bin/env bash
# Starts that must fail say why in one line and leave nothing; an end leaves nothing either; a killed
# daemon's program passes everything once the lease is over, and the next start takes its place, and that of its pins:
# but not of those that are not ours.
# (A kernel too old for it cannot be had here: the refusal is tested in the unit tests.)
#
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
. "$(dirname "$0")/../../scripts/lib.sh"

PIN_DIR=/sys/fs/bpf/ebpf-route/$LAB
SOCKET=/run/ebpf-route/$LAB.sock

nothing_left() {
	ipr -j link show | jq -e 'all(.[]; .xdp == null)' >/dev/null || fail "$1: program attached"
	[ ! -e "$PIN_DIR" ] || fail "$1: $PIN_DIR is left: $(ls "$PIN_DIR")"
	[ ! -e "$SOCKET" ] || fail "$1: $SOCKET is left"
	[ ! -e "${SOCKET%.sock}.lock" ] || fail "$1: ${SOCKET%.sock}.lock is left"
}

# refused TITLE CODE PATTERN COMMAND...: it ends with that code and one line on stderr.
refused() {
	local title=$1 code=$2 pattern=$3 got=0

	shift 3
	say "- refused: $title"
	timeout 60 "$@" >"$WORK/out" 2>"$WORK/refused.log" </dev/null || got=$?
	[ "$got" = "$code" ] || fail "$title: exit code $got instead of $code"
	[ ! -s "$WORK/out" ] || fail "$title: writes to stdout"
	grep -Eq -- "$pattern" "$WORK/refused.log" || fail "$title: the message lacks '$pattern'"
	[ "$(wc -l <"$WORK/refused.log")" = 1 ] || fail "$title: more than one line"
	rm "$WORK/refused.log"
}

[ "$ENGINE" != kernel ] || skip "is about the daemon"
lab_start
port left 1
port right 2
resolve 198.18.1.2 198.18.2.2
ipr route add 203.0.113.0/24 via 198.18.2.2
DAEMON=("$B/ebpf-routed" --netns "$LAB-router" --instance "$LAB" -i 'r*' --hook xdp --fib "$ENGINE")

refused "no such option" 1 'nonsense' "${DAEMON[@]}" --nonsense
refused "no such engine" 1 'trie' "${DAEMON[@]}" --fib trie
refused "not a number" 1 'lease' "${DAEMON[@]}" --lease soon
refused "left-over argument" 1 'r9' "${DAEMON[@]}" r9
refused "no such namespace" 2 "$LAB-nowhere" "${DAEMON[@]}" --netns "$LAB-nowhere"
refused "no such interface" 2 'nosuch0' "${DAEMON[@]}" -i nosuch0
refused "no such configuration" 1 "$WORK/none.conf" "${DAEMON[@]}" --config "$WORK/none.conf"
printf '# a comment\nlease = 5\nresync-intervall = 60\n' >"$WORK/typo.conf"
refused "a typo" 1 'typo\.conf:3.*resync-intervall' "${DAEMON[@]}" --config "$WORK/typo.conf"
printf 'interface = r1\nlease = never\n' >"$WORK/value.conf"
refused "a wrong value" 1 'value\.conf:2.*lease' "${DAEMON[@]}" --check-config --config "$WORK/value.conf"
cp "$B/ebpf-routed" "$WORK/ebpf-routed"
refused "no privileges" 2 'privileges|permitted' setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$WORK/ebpf-routed" --instance "$LAB" -i 'r*'
refused "no capabilities" 2 'privileges|permitted' setpriv --bounding-set -all --inh-caps -all \
	"${DAEMON[@]}"
refused "no daemon to talk to" 2 "$LAB" "$B/ebpf-route" --instance "$LAB" status
refused "no such command" 1 'dance' "$B/ebpf-route" dance
nothing_left "refused starts"

say "- runs, refuses a second one of its name, ends without a trace"
routed
probe left <<<"forward 203.0.113.1 right n=5"
refused "second of its name" 2 "'?$LAB'?.*running" "${DAEMON[@]}"
refused "no such argument" 1 'weekly' "$B/ebpf-route" --instance "$LAB" settle --timeout weekly
refused "no address" 1 '1\.2\.3' "$B/ebpf-route" --instance "$LAB" get 1.2.3
probe left <<<"forward 203.0.113.1 right n=5"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
nothing_left "SIGTERM"
probe_only left --stats '' <<<"forward 203.0.113.1 right n=5" || fail "without the daemon the kernel forwards"

say "- killed: forwards until the lease is over, then the kernel does; the next start takes over"
routed --lease 4
kill_routed
over=$((${EPOCHREALTIME/[.,]/} + (4 + 2) * 1000000)) # it is dead: it cannot have granted more than 4 s
probe_only left --stats '' <<<"forward 203.0.113.1 right n=5" || fail "right after the kill"
# The kernel's answer is another now. It sends no redirects, which would come out there, too.
sysctl_set router net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.r1.send_redirects=0
ipr route replace 203.0.113.0/24 via 198.18.1.2
followed() {
	probe_only left --stats '' --timeout 0.2 <<<"hairpin 203.0.113.1 left"
}
# What is sent by then may be late, or lost where the machine stands still: only one that comes out by the maps is wrong.
outlived() {
	[ "${EPOCHREALTIME/[.,]/}" -ge "$over" ] || return 1
	probe_only left --stats '' --timeout 0.2 <<<"forward 203.0.113.1 right" && : >"$WORK/outlived"
}
followed_or_outlived() {
	followed || outlived
}
wait_for 60 followed_or_outlived || fail "the kernel does not forward"
[ ! -e "$WORK/outlived" ] || fail "the maps outlive the lease"
ipr route replace 203.0.113.0/24 via 198.18.2.2
routed
probe left <<<"forward 203.0.113.1 right n=5"

say "- its name: waited for while a process ends, refused while it runs"
refused "a daemon of this name" 2 "'$LAB': a daemon of this name is running" "${DAEMON[@]}"
probe left <<<"forward 203.0.113.1 right n=5"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
nothing_left "SIGTERM after a takeover"
exec {lock}>"/run/ebpf-route/$LAB.lock"
flock "$lock"
sleep 0.7 & # holds it, as a process that was killed does
PIDS+=($!)
exec {lock}>&-
routed
for _ in 1 2 3; do
	kill -KILL "$ROUTED_PID"
	routed
done
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
nothing_left "SIGTERM after starts at once"

# occupied TITLE PATTERN: what is in the directory of pins stops the start, and stays as it is.
occupied() {
	local before

	before=$(ls -l "$PIN_DIR")
	refused "$1" 2 "$PIN_DIR/$2 is there, which is not ours, not started" "${DAEMON[@]}"
	[ "$(ls -l "$PIN_DIR")" = "$before" ] || fail "$1: the pins have changed"
	probe_only left --stats '' <<<"forward 203.0.113.1 right n=5" || fail "$1: left attached?"
}

# swapped A B: these two pins change places.
swapped() {
	mv "$PIN_DIR/$1" "$PIN_DIR/swapped"
	mv "$PIN_DIR/$2" "$PIN_DIR/$1"
	mv "$PIN_DIR/swapped" "$PIN_DIR/$2"
}

say "- kept pins: of others, or at other places"
routed --keep
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
link=xdp-$(ipr -j link show r1 | jq '.[0].ifindex')
[ -e "$PIN_DIR/$link" ] || fail "no pin of a link: $(ls "$PIN_DIR")"
swapped nexthops router_tc
occupied "a program for a map" "nexthops: a program 'router_tc' of type 3"
swapped nexthops router_tc
rm "$PIN_DIR/groups"
PATH=$PATH:/usr/sbin bpftool map create "$PIN_DIR/groups" type array key 4 value 4 entries 1 name theirs
occupied "another map" "groups: a map 'theirs' of type 2"
rm "$PIN_DIR/groups"
swapped "$link" ports
occupied "a link for a map, a map for a link" "(ports: a link of type 6, of a program 'router_xdp'|$link: a map 'ports' of type 2)"
swapped "$link" ports
mv "$PIN_DIR/ports" "$PIN_DIR/moved"
mkdir "$PIN_DIR/ports"
occupied "a directory" "ports: a directory"
rmdir "$PIN_DIR/ports"
mv "$PIN_DIR/dir24" "$PIN_DIR/former" # as if an earlier version had called it so
mv "$PIN_DIR/adjacencies" "$PIN_DIR/new-adjacencies" # as if a start had been killed there
chmod 644 "$PIN_DIR/nexthops"
chmod 755 "$PIN_DIR"
mkdir "$PIN_DIR/other" # in nobody's way
routed
[ "$(stat -c %a "$PIN_DIR")$(find "$PIN_DIR" -type f ! -perm 600)" = 700 ] || fail "open to others: $(ls -la "$PIN_DIR")"
for name in former moved new-adjacencies; do
	[ ! -e "$PIN_DIR/$name" ] || fail "left: $(ls "$PIN_DIR")"
done
probe left <<<"forward 203.0.113.1 right n=5"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
[ "$(ls "$PIN_DIR")" = other ] || fail "not only what is not ours is left: $(ls "$PIN_DIR")"
rmdir "$PIN_DIR/other" "$PIN_DIR"

say "- something else in the place of the directory"
routed --instance "$LAB-b"
mv "/sys/fs/bpf/ebpf-route/$LAB-b/ports" "$PIN_DIR"
refused "no directory" 2 "$PIN_DIR: not a directory" "${DAEMON[@]}"
rm "$PIN_DIR"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
nothing_left "the second instance"

say "- --keep in a mount namespace: that of a service is fine, one whose pins would vanish is not"
cat >"$WORK/in-namespace" <<'END'
set -e
mount -t proc proc /proc
mount --make-rshared / # as systemd does
mount -t bpf bpf /sys/fs/bpf -o mode=700
ip link add x0 type veth peer name y0
: >"$4/ready" # nothing of an earlier run
unshare -m --propagation "$1" "$2/ebpf-routed" --instance "$3" -i x0 --hook tc --keep >"$4/ready" 2>"$4/$1.log" &
until grep -q ready "$4/ready"; do
	kill -0 $!
	sleep 0.02
done
kill $!
wait $!
ls "/sys/fs/bpf/ebpf-route/$3" >"$4/kept" 2>/dev/null || true
END
in_namespace() {
	timeout -k 1 60 unshare -mnpf --mount-proc --kill-child bash "$WORK/in-namespace" "$1" "$B" "$LAB" "$WORK" || fail "$1: exit code $?"
}
in_namespace slave
grep -q router_tc "$WORK/kept" || fail "slave: nothing kept"
in_namespace private
grep -q 'pins would vanish' "$WORK/private.log" || fail "private: not said"

say "- a pattern that matches nothing yet is waited for"
routed -i 'x*'
ipr link add name x0 type veth peer name y0
ipr link set x0 up
wait_for 20 attached x0 || fail "x0: not attached"
stop "$ROUTED_PID" || fail "SIGTERM: exit code $?"
nothing_left "SIGTERM in the end"
