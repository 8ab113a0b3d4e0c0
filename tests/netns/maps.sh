# shellcheck shell=bash
# Entries of the router's maps read and written by hand, as bpftool would: for 90-verify.sh and 92-repair.sh.

# maps_open: one reader for all maps; a process for each of some hundred accesses takes too long.
maps_open() {
	mkfifo "$WORK/ask" "$WORK/answer"
	"$PYTHON" "$TOP/tests/netns/maps.py" "/sys/fs/bpf/ebpf-route/$LAB" serve \
		<"$WORK/ask" >"$WORK/answer" 2>>"$WORK/maps.log" &
	PIDS+=($!)
	exec {TO_MAPS}>"$WORK/ask" {FROM_MAPS}<"$WORK/answer"
}

# map NAME VERB KEY..: see maps.py; prints the number, or `none` where there is no such entry.
map() {
	local answer

	echo "$@" >&"$TO_MAPS"
	read -r answer <&"$FROM_MAPS"
	[[ $answer =~ ^(none|[0-9]*)$ ]] || fail "map $*: $answer"
	[ -z "$answer" ] || echo "$answer"
}

# number_of A.B.C.D: as the dir24 tables index it.
number_of() {
	local a b c d

	IFS=. read -r a b c d <<<"$1"
	echo $((a << 24 | b << 16 | c << 8 | d))
}

# hex_of A.B.C.D
hex_of() {
	printf '%08x' "$(number_of "$1")"
}

# le32 NUMBER: as hex, in host byte order.
le32() {
	local hex

	printf -v hex %08x "$1"
	[ "$(printf '\1\0' | od -An -tu2)" -ne 1 ] || hex=${hex:6:2}${hex:4:2}${hex:2:2}${hex:0:2}
	echo "$hex"
}

# leaf ADDRESS: what the engine has for it.
leaf() {
	local n row

	if [ "$ENGINE" = lpm ]; then
		map lpm get "x$(le32 32)$(hex_of "$1")" 0 4
		return
	fi
	n=$(number_of "$1")
	row=$(map dir24 get $((n >> 16)) $(((n >> 8 & 255) * 2)) 2)
	if [ $((row >> 15)) = 1 ]; then
		map dir24_groups get $((row & 0x7fff)) $(((n & 255) * 2)) 2
	else
		echo "$row"
	fi
}

# The ifindex of a device of the router, its port.
index_of() {
	on router cat "/sys/class/net/$1/ifindex"
}

port_of() {
	fast -j link | jq --arg ifname "$1" '.[] | select(.ifname == $ifname) | .port'
}

# filter_bit A.B.C.D: of the filter of own addresses.
filter_bit() {
	local a

	a=$((16#$(le32 "$(number_of "$1")")))
	echo $(((a ^ a >> 16) & 0xffff))
}
