#!/usr/bin/env bash
# The priority by which qdiscs sort: ip_forward_update_priority, which is not announced, reaches the program at
# the tc hook. What it makes of that is a matter of tests/packets.
# check: once
#
#   [ left ] --- r1 [ router ] r2 --- [ right ]
#
HOOK=tc
. "$(dirname "$0")/../../scripts/lib.sh"

KEEP_PRIORITY=36 # offset of that word in struct control

# keeps 0|1: the program leaves priorities as they came
keeps() {
	[ "$("$PYTHON" "$TOP/tests/netns/maps.py" "/sys/fs/bpf/ebpf-route/$LAB/control" get 0 $KEEP_PRIORITY 4)" = "$1" ]
}

lab_start
port left 1
port right 2
routed # a third of the lease is the time between looks at the sysctls
keeps 0 || fail "the kernel's default: kept"
sysctl_set router net.ipv4.ip_forward_update_priority=0
settle
keeps 1 || fail "ip_forward_update_priority=0: not kept"
sysctl_set router net.ipv4.ip_forward_update_priority=1
wait_for 20 keeps 0 || fail "ip_forward_update_priority=1: not heard of"
