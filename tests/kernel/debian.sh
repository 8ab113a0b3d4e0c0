#!/usr/bin/env bash
# The daemon and the packet rows on Debian's own kernel (6.1 on Debian 12), booted in qemu without
# acceleration: its verifier is older than that of most machines this is built on. The same
# binaries, nothing but libraries beside them.
#
# The kernel package is fetched once into build/kernel/. Exit code 4 where that cannot be done.
set -euo pipefail

cd "$(dirname "$0")/../.."
B=$(realpath "${B:-build}")
dir=$B/kernel
root=$dir/root

fetch_kernel() {
	local package

	ls "$dir"/boot/vmlinuz-* >/dev/null 2>&1 && return
	mkdir -p "$dir"
	package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
		awk '/Depends: linux-image/ { print $2; exit }')
	if [ -z "$package" ] || ! (cd "$dir" && apt-get download -q "$package" >/dev/null 2>&1); then
		echo "Debian's kernel package is not to be had (architecture, or package lists)"
		exit 4
	fi
	dpkg -x "$dir/$package"*.deb "$dir"
}

# put FILE [AS]: into the initial file system, with the libraries it needs
put() {
	local file library

	file=$(command -v "$1")
	install -D "$file" "$root${2:-/bin/${1##*/}}"
	for library in $(ldd "$file" 2>/dev/null | grep -o '/[^ ]*'); do
		[ -e "$root$library" ] || install -D "$library" "$root$library"
	done
}

# with_needed MODULE...: their names, each behind those that it needs.
with_needed() {
	local module needed

	for module; do
		needed=$(tr '\0' '\n' <"$(find "$dir/lib/modules" -name "$module.ko")" | sed -n 's/^depends=//p')
		# shellcheck disable=SC2086 # one word each
		with_needed ${needed//,/ }
		echo "$module"
	done
}

# modules MODULE...: into the initial file system, with those that they need; their names in the order to load them
modules() {
	local module

	for module in $(with_needed "$@" | awk '!seen[$0]++'); do
		install "$(find "$dir/lib/modules" -name "$module.ko")" "$root/$module.ko"
		echo "$module"
	done
}

fetch_kernel
rm -rf "$root"
mkdir -p "$root"/{proc,sys,dev,run,tmp,bin,sbin}
put busybox
put dash /bin/sh
put ip
put ethtool
put tc
put "$B/ebpf-routed"
put "$B/ebpf-route"
put "$B/packets-test"
put nft
put iptables-legacy /bin/iptables
"${CC:-gcc}" -O2 -o "$dir/ipvs" tests/kernel/ipvs.c
put "$dir/ipvs"
for extension in standard MASQUERADE; do
	file=$(find /usr/lib -path "*/xtables/libxt_$extension.so")
	install -D "$file" "$root$file"
done
# Before the daemon is started, and under it: what it asks the kernel about, then the rest.
modules veth sch_ingress cls_bpf br_netfilter 8021q >"$root/modules.early"
modules nf_tables nf_flow_table_inet xfrm_user | grep -vxFf "$root/modules.early" >"$root/modules.asked"
modules iptable_filter iptable_mangle iptable_raw iptable_nat xt_MASQUERADE ip_vs |
	grep -vxF -f "$root/modules.early" -f "$root/modules.asked" >"$root/modules.late"
install tests/kernel/init tests/kernel/guards "$root/"
(cd "$root" && find . | cpio -o -H newc 2>/dev/null | gzip -1) >"$dir/initrd.gz"

# boot LOG CPUS ARGUMENT...: of init
boot() {
	local log=$1 cpus=$2

	shift 2
	# in this process group, so that it ends with the test
	timeout --foreground 500 qemu-system-x86_64 -m 1024 -smp "$cpus" -nographic -no-reboot -kernel "$dir"/boot/vmlinuz-* \
		-initrd "$dir/initrd.gz" -append "console=ttyS0 quiet panic=-1 $*" </dev/null >"$log" 2>&1 || true
	tr -d '\r' <"$log" | sed -n '/KERNEL/,$p' | grep -vE '^\[ (RUN|  *OK)' || true
}

# expect LOG LINE...: each is there
expect() {
	local log=$1 want

	shift
	for want; do
		grep -q "^$want" "$log" || { echo "missing in ${log##*/}: $want"; exit 1; }
	done
}

guards=("NFTABLES ok" "FLOWTABLE ok" "IPSEC ok" "IPTABLES filter ok" "IPTABLES mangle ok" "IPTABLES policy ok"
	"IPTABLES raw ok" "IPTABLES nat ok" "IPVS ok" "BRIDGE ok" "VLAN ok" "END")
boot "$dir/console.log" 2
expect "$dir/console.log" "PACKETS 0" "DIR24 ok" "LPM ok" "FILTERS 1 ok" "TC clean" "RESTARTS ok" "CRASHED 2 ok" "CRASHED clean" \
	"CPUS ok" "${guards[@]}"
# A change of legacy iptables is heard of in another way there.
boot "$dir/single.log" 1 guards
expect "$dir/single.log" "${guards[@]}"
