# shellcheck shell=bash
# Entries of the router's maps read and written by hand, as bpftool would: for 90-verify.sh and 92-repair.sh.

# map NAME ARGUMENTS...: see maps.py.
map() {
	local name=$1

	shift
	"$PYTHON" "$TOP/tests/netns/maps.py" "/sys/fs/bpf/ebpf-route/$LAB/$name" "$@"
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
	"$PYTHON" -c 'import sys; print(int(sys.argv[1]).to_bytes(4, sys.byteorder).hex())' "$1"
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
	"$PYTHON" -c 'import sys
a = int.from_bytes(bytes(map(int, sys.argv[1].split("."))), sys.byteorder)
print((a ^ a >> 16) & 0xffff)' "$1"
}
